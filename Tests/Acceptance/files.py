#!/usr/bin/env python3
"""Real-world files: checkpoints of training scripts, text encodings of Windows and macOS, broken downloads.

A ResNet-18 with five classes is saved in the layouts of torchvision, timm, Lightning and other training scripts, with everything
that they store beside the weights. `alexnet predict --json` must match PyTorch on each. `predict` and reload must identify files
that are not checkpoints, and the server must keep serving.

    |difference of a probability|          at most 1e-5
    decompression bombs of some kilobytes  read in at most 4 GiB of address space; a server grows by at most 300 MiB
"""

import argparse
import collections
import functools
import gzip
import io
import json
import os
import pathlib
import resource
import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy
import torch
import torchvision
from PIL import Image

from acceptance import Server, Verdict, exchange, make_parser, parse
from preprocessing import preprocess

LARGEST_PROBABILITY_DIFFERENCE = 1e-5
MOST_RESIDENT = 300 << 20
MOST_ADDRESS_SPACE = 4 << 30
NAMES = ["雏菊", "蒲公英", "玫瑰", "向日葵", "郁金香"]


def layouts(network):
    """Yields the name and content of each file that training scripts save."""
    state = network.state_dict()
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 30)
    average = torch.optim.swa_utils.AveragedModel(network, use_buffers=True)
    arguments = argparse.Namespace(
        model="resnet18", lr=0.1, output_dir=pathlib.PosixPath("runs"), device=torch.device("cpu"), layout=torch.strided,
        init=functools.partial(torch.nn.init.normal_, std=0.01), milestones=collections.Counter([3]))
    beside = {"optimizer": optimizer.state_dict(), "epoch": 7, "args": arguments}
    yield "plain.pth", state
    yield "torchvision.pth", {
        "model": state, "lr_scheduler": schedule.state_dict(), "model_ema": average.state_dict(), **beside}
    yield "timm.pth.tar", {"state_dict": state, "arch": "resnet18", "metric": numpy.float64(81.2), "version": 2, **beside}
    yield "imagenet.pth.tar", {
        "state_dict": {"module." + key: value for key, value in state.items()}, "best_acc1": torch.tensor(81.2), **beside}
    yield "lightning.ckpt", {
        "state_dict": state, "pytorch-lightning_version": "2.1.0", "hyper_parameters": collections.OrderedDict(lr=0.1),
        "loops": {"fit_loop": {"state_dict": {}}}, "optimizer_states": [optimizer.state_dict()], "callbacks": {
            "ModelCheckpoint": {"best_model_score": torch.tensor(0.3), "dirpath": pathlib.PosixPath(".")}}}
    yield "ema.pth", {"state_dict_ema": state, **beside}
    yield "own-key.pth", {"my_resnet": state, "criterion": torch.nn.CrossEntropyLoss(), **beside}
    yield "whole-objects.pth", {"model": state, "optim": optimizer, "schedule": schedule, "head": torch.nn.Linear(2, 2)}
    yield "arrays.pth", {key: value.numpy() for key, value in state.items()}


def predict(options, checkpoint, classes, image, **limits):
    """The prediction (None on failure) and standard error. `limits` are names and values for setrlimit."""
    def limit():
        for kind, value in limits.items():
            resource.setrlimit(getattr(resource, kind), (value, value))

    process = subprocess.Popen(
        [str(options.binary), "predict", str(image), "--checkpoint", str(checkpoint), "--classes", str(classes),
         "--json", "--top", "5"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit)
    output, error = process.communicate(timeout=120)
    line = json.loads(output) if process.returncode == 0 else None
    return line, error.decode(errors="replace").strip()


def class_maps(folder):
    """Yields the same class map in every supported format and encoding."""
    index = {str(number): name for number, name in enumerate(NAMES)}
    pairs = {key: [f"n{number:08}", name] for number, (key, name) in enumerate(index.items())}
    lines = "\r\n".join(NAMES) + "\r\n"
    forms = {
        "plain.json": json.dumps(index).encode(), "bom.json": b"\xef\xbb\xbf" + json.dumps(index, ensure_ascii=False).encode(),
        "index_to_name.json": json.dumps(pairs).encode(), "bom.txt": ("\ufeff" + lines).encode(),
        "powershell.txt": lines.encode("utf-16"), "big-endian.txt": b"\xfe\xff" + lines.encode("utf-16-be"),
        "mac.txt": "\r".join(NAMES).encode(),
    }
    for name, content in forms.items():
        (folder / name).write_bytes(content)
        yield folder / name


def foreign_files():
    """Yields files that are not checkpoints: name, content, and a word that the message must contain."""
    yield "lfs.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935\nsize 12345\n", "git lfs pull"
    yield "page.pth", b"<!DOCTYPE html><html><title>Sign in</title></html>", "web page"
    yield "keras.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"
    yield "a.onnx", b"\x08\x08\x12\x07pytorch\x1a\x052.1.0:\x9c\x01", "ONNX"
    yield "a.pth.gz", gzip.compress(b"PK" + bytes(100)), "gunzip"
    yield "a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(30), "7z"
    yield "._a.pth", b"\0\x05\x16\x07" + bytes(30), "AppleDouble"
    script = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), script)
    yield "script.pt", script.getvalue(), "TorchScript"
    module = io.BytesIO()
    torch.save(torchvision.models.resnet18(num_classes=5), module)
    yield "module.pth", module.getvalue(), "state_dict()"
    instead = io.BytesIO()
    torch.save({**torchvision.models.resnet18(num_classes=5).state_dict(), "fc.weight": argparse.Namespace(lr=0.1)}, instead)
    yield "instead.pth", instead.getvalue(), "fc.weight"


def bombs():
    """Yields small files that would unpickle to huge objects: name and content."""
    pickles = {
        "tuples": b"(" * 500_000 + b"N" * 30_000 + b"t" * 500_000, "stack": b"N" * 4_000_000,
        "lists": b"](Ne" * 1_000_000, "memo": b"N" + b"\x94" * 1_000_000,
        "globals": b"X\xf4\1\0\0" + b"m" * 500 + b"\x940" + b"h\0h\0\x93" * 300_000,
    }
    for name, content in pickles.items():
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a/data.pkl", b"\x80\x04" + content + b".")
            archive.writestr("a/version", "3\n")
        yield f"{name}.pth", file.getvalue()


def main():
    options = parse(make_parser(__doc__))
    verdict = Verdict()
    torch.manual_seed(0)
    network = torchvision.models.resnet18(num_classes=5).eval()
    with tempfile.TemporaryDirectory(prefix="alexnet-files-") as folder:
        folder = Path(folder)
        image = folder / "image.png"
        Image.fromarray(numpy.random.default_rng(0).integers(0, 256, (300, 280, 3), dtype=numpy.uint8)).save(image)
        with torch.no_grad():
            expected = network(preprocess(image.read_bytes(), "imagenet", 3)[None]).softmax(1)[0].tolist()

        def check(line, text, error):
            if not verdict.check(line is not None, f"{text} is read", error):
                return
            found = {entry["class"]: entry["probability"] for entry in line["top"]}
            worst = max(abs(found.get(name, 9) - value) for name, value in zip(NAMES, expected))
            verdict.check(worst <= LARGEST_PROBABILITY_DIFFERENCE, f"{text}: largest |difference| {worst:.1e}", str(line))

        maps = list(class_maps(folder))
        verdict.section("what training scripts write")
        for name, content in layouts(network):
            for suffix, form in (("", True), (" before 1.6", False)):
                path = folder / name
                torch.save(content, path, _use_new_zipfile_serialization=form)
                line, error = predict(options, path, maps[0], image)
                check(line, name + suffix, error)
                if name == "torchvision.pth":
                    verdict.check("model_ema" in error, f"{name + suffix}: the choice is said", error)
        verdict.section("class maps")
        torch.save(network.state_dict(), folder / "plain.pth")
        for path in maps:
            line, error = predict(options, folder / "plain.pth", path, image)
            check(line, path.name, error)
        for name, content, word in (
                ("gbk.txt", "\n".join(NAMES).encode("gbk"), "GBK"), ("map.txt", (folder / "plain.pth").read_bytes()[:999], "zip"),
                ("lfs.json", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull")):
            (folder / name).write_bytes(content)
            line, error = predict(options, folder / "plain.pth", folder / name, image)
            verdict.check(line is None and word in error, f"{name} is named", error)
        verdict.section("files that are something else")
        foreign = list(foreign_files())
        for name, content, word in foreign:
            (folder / name).write_bytes(content)
            line, error = predict(options, folder / name, maps[0], image)
            verdict.check(line is None and word in error and "bytes 0" not in error, f"{name}: {word}", error)
        verdict.section("small files that ask for much memory")
        for name, content in bombs():
            (folder / name).write_bytes(content)
            line, error = predict(options, folder / name, maps[0], image, RLIMIT_AS=MOST_ADDRESS_SPACE)
            verdict.check(
                line is None and ("bytes of memory" in error or "dictionary of tensors" in error),
                f"{name} of {len(content)} bytes is refused", error)
        verdict.section("a server that is given them keeps serving")
        model = folder / "models" / "flowers"
        model.mkdir(parents=True)
        (model / "class_indices.json").write_bytes(maps[0].read_bytes())
        (model / "model.pth").write_bytes((folder / "plain.pth").read_bytes())
        (model / "._model.pth").write_bytes(b"\0\5\x16\7" + bytes(30))
        (model / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
        token = folder / "token"
        token.write_text("\ufeff0123456789abcdef\r\n")
        fields = {"Authorization": "Bearer 0123456789abcdef"}
        environment = {"ALEXNET_ADMIN_TOKEN_FILE": str(token)}
        with Server(options.binary, "--models", folder / "models", environment=environment) as server:
            idle = server.resident_bytes()[0]
            for name, content in [(name, content) for name, content, _ in foreign] + list(bombs()):
                (model / "next").write_bytes(content)
                os.replace(model / "next", model / "model.pth")
                status, _, body = exchange(server.connect(), "POST", "/v1/models/flowers/reload", b"", fields)
                answer, _, _ = exchange(server.connect(), "POST", "/predict", image.read_bytes(), {"Content-Type": "image/png"})
                verdict.check(status >= 400 and answer == 200, f"{name} is refused, the model stays", f"{status} {body!r} {answer}")
            now, highest = server.resident_bytes()
            verdict.check(
                highest - idle <= MOST_RESIDENT,
                f"highest resident {highest >> 20} MiB, {(highest - idle) >> 20} above the {idle >> 20} of rest (now {now >> 20})")
    verdict.finish()


if __name__ == "__main__":
    main()
