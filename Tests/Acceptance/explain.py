#!/usr/bin/env python3
"""Grad-CAM of the server against PyTorch's, hooked with autograd.

torchvision's networks with random weights and normalisations, as in `architectures.py`, and eight images. PyTorch hooks the last feature map: in
AlexNet and VGG the ReLU after the last convolution, in ResNet the last block, in GoogLeNet the last inception. Its map is
relu(sum over channels of mean gradient times activation), divided by its largest value.

    |difference of a heat map|     at most 1e-3, for the most probable class and for another one
    what the network saw           Pillow's and torchvision's bytes
    Accept: image/png              a PNG of the input's size
"""

import base64
import io
import json
import tempfile
from pathlib import Path

import numpy
import torch
from PIL import Image
from torchvision import transforms

from acceptance import Server, Verdict, exchange, make_parser, parse
from architectures import randomize
from classics import torchvision_network
from images import write_images

LARGEST_DIFFERENCE = 1e-3
CLASSES = 1000
RESIZED = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
NORMALISED = transforms.Compose([
    transforms.ToTensor(), transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
])
FEATURE_MAPS = {
    "alexnet": lambda network: network.features[11],
    "vgg16": lambda network: network.features[29],
    "resnet18": lambda network: network.layer4,
    "googlenet": lambda network: network.inception5b,
}


def heat_map(network, layer, tensor, index):
    """Grad-CAM by hooks on the output of a layer."""
    kept = {}

    def keep(module, inputs, output):
        kept["map"] = output
        output.retain_grad()

    handle = layer.register_forward_hook(keep)
    try:
        logits = network(tensor[None])
        index = int(logits.argmax()) if index is None else index
        network.zero_grad()
        logits[0, index].backward()
    finally:
        handle.remove()
    weights = kept["map"].grad.mean(dim=(2, 3), keepdim=True)
    values = torch.relu((weights * kept["map"]).sum(dim=1))[0]
    return index, (values / values.max() if values.max() > 0 else values).detach().numpy()


def compare(verdict, server, name, network, images):
    layer = FEATURE_MAPS[name](network)
    worst, count = 0.0, 0
    connection = server.connect()
    for path in images:
        content = path.read_bytes()
        image = RESIZED(Image.open(io.BytesIO(content)).convert("RGB"))
        for wanted in (None, 7):
            index, expected = heat_map(network, layer, NORMALISED(image), wanted)
            query = "" if wanted is None else f"?class={wanted}"
            status, _, body = exchange(
                connection, "POST", f"/v1/models/{name}/explain{query}", content,
                {"Content-Type": "application/octet-stream"},
            )
            if not verdict.check(status == 200, f"{name}: {path.name} is explained", body[:300]):
                return
            answer = json.loads(body)
            found = numpy.array(answer["heatmap"]["values"])
            if found.shape != expected.shape or answer["index"] != index:
                verdict.check(False, f"{name}: {path.name}", f"{found.shape}, class {answer['index']}, not {index}")
                return
            worst = max(worst, float(numpy.abs(found - expected).max()))
            count += 1
        seen = Image.open(io.BytesIO(base64.b64decode(answer["input"]["image"].split(",")[1])))
        if not numpy.array_equal(numpy.asarray(seen), numpy.asarray(image)):
            verdict.check(False, f"{name}: what the network saw of {path.name}", "differs from torchvision's")
            return
    status, fields, body = exchange(
        connection, "POST", f"/v1/models/{name}/explain", images[0].read_bytes(), {"Accept": "image/png"})
    picture = Image.open(io.BytesIO(body)) if status == 200 else None
    verdict.check(
        picture is not None and picture.size == (224, 224) and fields["content-type"] == "image/png",
        f"{name}: with Accept: image/png a PNG of 224 by 224", f"{status} {body[:200]!r}",
    )
    verdict.check(
        worst <= LARGEST_DIFFERENCE,
        f"{name}: {count} heat maps of {expected.shape[0]}x{expected.shape[1]} from {answer['heatmap']['layer']} differ by at most "
        f"{worst:.1e}",
        f"more than {LARGEST_DIFFERENCE}",
    )


def main():
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(FEATURE_MAPS), help="networks, with commas between them")
    options = parse(parser)
    verdict = Verdict()
    names = options.only.split(",")
    with tempfile.TemporaryDirectory(prefix="alexnet-explain-") as folder:
        folder = Path(folder)
        images = [
            path for path in write_images(folder / "images")
            if Image.open(path).mode == "RGB" and Image.open(path).getexif().get(274, 1) == 1
        ][:8]
        networks = {}
        for name in names:
            torch.manual_seed(len(name))
            networks[name] = torchvision_network(name, CLASSES).eval()
            inputs = [NORMALISED(RESIZED(Image.open(path).convert("RGB"))) for path in images]
            with torch.no_grad():
                randomize(networks[name], torch.stack(inputs))
            model = folder / "models" / name
            model.mkdir(parents=True)
            torch.save(networks[name].state_dict(), model / "model.pth")
            if name == "googlenet":
                # Without auxiliary heads in the file it would be taken for torchvision's pretrained network.
                (model / "model.json").write_text(json.dumps({"architecture": name, "transform_input": False}))
            (model / "class_indices.json").write_text(json.dumps({str(i): f"class {i}" for i in range(CLASSES)}))
        with Server(options.binary, "--models", folder / "models", ready_within=120) as server:
            for name in names:
                compare(verdict, server, name, networks[name], images)
    verdict.finish()


if __name__ == "__main__":
    main()
