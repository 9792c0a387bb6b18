#!/usr/bin/env python3
"""Accuracy and memory of float16 and int8 weights, against PyTorch in float32.

Two networks: `weights/fashion-mnist` on the first Fashion-MNIST test images, and torchvision's AlexNet with random weights
(logits up to 5) on sixteen photographs and synthesised images. Limits of |difference of a probability|:

    float32   1e-4 on the trained network, 1e-5 on the random one; PyTorch's top-1 on every image
    float16   1e-3; PyTorch's top-1 on every image
    int8      2e-3 on the trained network, 1e-3 on the random one; top-1 may differ where two classes are nearly equal
    memory    after the first answer, for torchvision's 244 MB checkpoint: at most 1.3, 1.05 and 0.8 times its size
"""

import json
import os
import tempfile
from pathlib import Path

import numpy
import torch

from acceptance import ROOT, Server, Verdict, exchange, make_parser, parse
from fashion_mnist import CLASSES, MODEL, expected_probabilities, png, read_idx
from forms import random_network, run_predict
from images import sixteen_images, synthesise
from preprocessing import DEFAULT_PRESETS, preprocess

TRAINED = {"float32": 1e-4, "float16": 1e-3, "int8-weights": 2e-3}
RANDOM = {"float32": 1e-5, "float16": 1e-3, "int8-weights": 1e-3}
MAY_DIFFER_IN_CLASS = {"int8-weights"}
MOST_MEMORY = {"float32": 1.3, "float16": 1.05, "int8-weights": 0.8}


def compare(verdict, options, precision, limit, checkpoint, classes, preset, count, files, expected):
    flags = ["--precision", precision]
    lines, reason, _ = run_predict(options.binary, checkpoint, classes, preset, count, files, flags)
    if not verdict.check(lines is not None, f"{precision}: alexnet predict answers {len(files)} images", reason):
        return
    got = numpy.zeros_like(expected)
    for row, line in zip(got, lines):
        for entry in line["top"]:
            row[entry["index"]] = entry["probability"]
    differences = abs(got - expected).max(1)
    same = int((got.argmax(1) == expected.argmax(1)).sum())
    verdict.check(
        differences.max() <= limit,
        f"{precision}: |difference of a probability| largest {differences.max():.1e} (limit {limit:.0e}), "
        f"median {numpy.median(differences):.1e}",
    )
    verdict.check(
        same == len(files) or precision in MAY_DIFFER_IN_CLASS,
        f"{precision}: the most probable class is PyTorch's on {same} of {len(files)} images",
    )


def write(folder, images):
    folder.mkdir()
    files = []
    for name, content in images:
        files.append(folder / name)
        files[-1].write_bytes(content)
    return files


def fashion(verdict, options, folder):
    verdict.section("weights/fashion-mnist")
    images = [png(pixels) for pixels in read_idx(options.data / "t10k-images-idx3-ubyte.gz")[: options.images]]
    model = ROOT / "weights" / MODEL
    checkpoint = model / json.loads((model / "model.json").read_text())["checkpoint"]
    expected = expected_probabilities(checkpoint, images, options.cache)
    files = write(folder / "fashion", ((f"{index:05}.png", image) for index, image in enumerate(images)))
    classes = model / "class_indices.json"
    for precision, limit in TRAINED.items():
        compare(verdict, options, precision, limit, checkpoint, classes, "stretch", CLASSES, files, expected)


def photographs(verdict, options, folder):
    verdict.section("torchvision's AlexNet, random weights")
    images = list(sixteen_images().items())
    for number in range(options.images - len(images)):
        path = folder / "synthesised.png"
        synthesise(number).save(path)
        images.append((f"synthesised-{number:03}.png", path.read_bytes()))
    files = write(folder / "photographs", images)
    preset = DEFAULT_PRESETS["torchvision"]
    inputs = torch.stack([preprocess(content, preset) for _, content in images])
    with torch.no_grad():
        network = random_network("torchvision", 1000, inputs[:16].clone(), 7)
        logits = torch.cat([network(inputs[first : first + 50]) for first in range(0, len(inputs), 50)])
    expected = torch.softmax(logits.double(), 1).numpy()
    checkpoint, classes = folder / "torchvision.pth", folder / "classes.json"
    torch.save(network.state_dict(), checkpoint)
    classes.write_text(json.dumps([f"class {index}" for index in range(1000)]))
    verdict.note(f"probabilities of the most probable class {expected.max(1).min():.4f} … {expected.max():.4f}")
    for precision, limit in RANDOM.items():
        compare(verdict, options, precision, limit, checkpoint, classes, preset, 1000, files, expected)

    verdict.section("memory")
    size = os.stat(checkpoint).st_size
    for precision, most in MOST_MEMORY.items():
        server = Server(options.binary, "--checkpoint", checkpoint, "--classes", classes, "--precision", precision)
        connection = server.connect()
        status, _, _ = exchange(connection, "POST", "/predict", images[0][1], {"Content-Type": "image/png"})
        now, highest = server.resident_bytes()
        verdict.check(
            status == 200 and now <= most * size,
            f"{precision}: {now / 1e6:.0f} MB resident after the first answer, {now / size:.2f} times the checkpoint "
            f"(limit {most}); {highest / 1e6:.0f} MB at its highest; ready after {server.seconds_until_ready:.2f} s",
        )
        connection.close()
        server.kill()


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "alexnet-acceptance")
    options = parse(parser)
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-precision-") as folder:
        fashion(verdict, options, Path(folder))
        photographs(verdict, options, Path(folder))
    verdict.finish()


if __name__ == "__main__":
    main()
