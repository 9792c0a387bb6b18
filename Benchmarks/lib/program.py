"""The `alexnet` binary under test."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from .peers import ROOT, clean_environment


class Program:
    """A release build of `alexnet`. The default one is built if it is missing."""

    DEFAULT = ROOT / ".build/release/alexnet"

    def __init__(self, binary):
        self._quantized = {}
        self.binary = Path(binary).resolve()
        if not self.binary.exists():
            if self.binary != self.DEFAULT:
                raise SystemExit(f"{binary} does not exist")
            subprocess.run(["make", "build"], cwd=ROOT, check=True)

    @property
    def version(self):
        """Its own version and the commit of its working tree, with `+` if Sources/ has uncommitted changes."""
        def git(*arguments):
            done = subprocess.run(["git", *arguments], cwd=self.binary.parent, text=True, capture_output=True)
            return done.stdout.strip()
        revision = git("rev-parse", "--short", "HEAD") or "?"
        changed = "+" if git("status", "--porcelain", "--", ":/Sources") else ""
        told = subprocess.run([str(self.binary), "--version"], env=clean_environment(), text=True, capture_output=True)
        return f"{told.stdout.strip() or '?'} ({revision}{changed})"

    def lines(self, *arguments, **settings):
        """Run a subcommand; the JSON lines that it prints. If it fails, exit with its standard error."""
        done = subprocess.run([str(self.binary), *map(str, arguments)], env=clean_environment(**settings), text=True,
                              capture_output=True)
        if done.returncode != 0:
            raise SystemExit(f"alexnet {' '.join(map(str, arguments))} failed:\n{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def model_arguments(self, materials, precision="float32"):
        if precision == "int8":
            return ["--model", self.quantized(materials)]
        chosen = ["--checkpoint", materials.checkpoint, "--classes", materials.classes, "--preprocessing", "imagenet"]
        return chosen if precision == "float32" else [*chosen, "--precision", precision]

    def quantized(self, materials):
        """The model folder in int8, calibrated on the images whose answers are compared, as the peers' are."""
        if materials.checkpoint not in self._quantized:
            folder = tempfile.TemporaryDirectory(prefix="alexnet-int8-")
            images = Path(folder.name) / "images"
            images.mkdir()
            for image in materials.images.check:
                shutil.copy(image, images)
            self.lines("quantize", *self.model_arguments(materials), "--data", images, "--agreement", "0",
                       "--output", Path(folder.name) / "int8")
            self._quantized[materials.checkpoint] = folder
        return Path(self._quantized[materials.checkpoint].name) / "int8"

    def network_milliseconds(self, materials, threads, batch, seconds, precision="float32", **settings):
        """The median time of one batch through the network."""
        arguments = ["bench", "--json", *self.model_arguments(materials, precision), "--batch", batch,
                     "--threads", threads, "--seconds", seconds]
        return self.lines(*arguments, **settings)[0]["milliseconds"]

    def training_milliseconds(self, materials, threads, batch, seconds):
        """The median time of a training step: forward, backward and Adam."""
        return self.lines("bench", "--training", "--json", "--checkpoint", materials.checkpoint, "--classes",
                          materials.classes, "--batch", batch, "--threads", threads, "--seconds", seconds)[0]["milliseconds"]

    def image_milliseconds(self, image, seconds, decode="exact", **settings):
        """The median time in which one thread turns an image's bytes into the network's input."""
        arguments = ["bench", "--json", "--picture", image, "--preprocessing", "imagenet", "--seconds", seconds]
        if decode != "exact":
            arguments += ["--decode", decode]
        return self.lines(*arguments, **settings)[0]["milliseconds"]

    def probabilities(self, materials, images, class_count, threads, precision="float32", decode="exact",
                      **settings):
        """Probabilities [images][classes] from `alexnet predict`."""
        arguments = ["predict", "--json", "--top", class_count, "--threads", threads,
                     *self.model_arguments(materials, precision)]
        if decode != "exact":
            arguments += ["--decode", decode]
        answers = []
        for answer in self.lines(*arguments, *images, **settings):
            values = {entry["index"]: entry["probability"] for entry in answer["top"]}
            answers.append([values[index] for index in range(class_count)])
        return answers
