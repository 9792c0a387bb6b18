"""Images, and models in each contender's format, generated once and cached."""

import hashlib
import json
import shutil

from .peers import CACHE, PEERS, Peer


def _made(name, sources, make):
    """The cached folder `name`. It is made again when `sources`, the scripts that make it, have changed."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    folder = CACHE / "materials" / f"{name}-{digest}"
    if not folder.exists():
        print(f"making {name} …", flush=True)
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        make(unfinished)
        for old in folder.parent.glob(f"{name}-????????????"):
            shutil.rmtree(old)
        unfinished.rename(folder)
    return folder


class Images:
    """Two images for load, `640x427.jpg` and `3000x2000.jpg`, and those on which answers are compared (`check`)."""

    def __init__(self):
        self.folder = _made("images", [PEERS / "pillow/images.py"], lambda output: Peer("pillow").run(
            "images.py", "--output", output))
        self.check = sorted((self.folder / "check").glob("*.jpg"))

    def path(self, size):
        return self.folder / f"{size}.jpg"


def preprocess(images, output, peer="pillow"):
    """Preprocess the images with Pillow or another peer into inputs [N, 3, 224, 224] (.npy)."""
    Peer(peer).run("inputs.py", "--output", output, *images)


class Materials:
    """The images, and one architecture's `model.pth`, `model.onnx`, `model.pt` and `class_indices.json`."""

    _SOURCES = [PEERS / name for name in (
        "pytorch/export.py", "pytorch/architecture.py", "pillow/images.py", "common/preprocessing.py")]

    def __init__(self, architecture):
        self.architecture = architecture
        self.images = Images()
        self.model = _made(architecture, self._SOURCES, self._export)
        self.checkpoint = self.model / "model.pth"
        self.classes = self.model / "class_indices.json"

    def _export(self, output):
        output.mkdir()
        preprocess(self.images.check, output / "inputs.npy")
        Peer("pytorch").run(
            "export.py", "--architecture", self.architecture, "--inputs", output / "inputs.npy", "--output", output)

    def quantized(self, peer):
        """The folder of the network in int8, calibrated by the peer's own tool on the images whose answers are compared."""
        return _made(f"{self.architecture}-{peer.name}-int8", [*self._SOURCES, peer.folder / "quantize.py"],
                     lambda output: peer.run("quantize.py", "--model", self.model, "--output", output))

    @property
    def class_count(self):
        return len(json.loads(self.classes.read_text()))


class TrainingMaterials:
    """The half-width AlexNet with random weights: `model.pth` and `class_indices.json`."""

    def __init__(self):
        self.model = _made("half-width", [PEERS / "pytorch/training.py"], lambda output: Peer("pytorch").run(
            "training.py", "--output", output))
        self.checkpoint = self.model / "model.pth"
        self.classes = self.model / "class_indices.json"
