#!/usr/bin/env python3
"""Checks that PyTorch, safetensors and NumPy load the checkpoints beside this script with the intended contents.

The files are what CheckpointWriterTests.swift writes, byte for byte. Needs torch, numpy and safetensors.
"""

import os
import pathlib
import zipfile

import numpy
import safetensors
import safetensors.torch
import torch

os.chdir(pathlib.Path(__file__).parent)

weight = torch.tensor([0.1 * i - 0.5 for i in range(12)], dtype=torch.float64).float().reshape(2, 1, 3, 2)
expected = {
    "features.10.weight": weight,
    "features.10.bias": torch.tensor([1e-8, -65504.0]),
    "empty": torch.zeros(0, 3),
    "scalar": torch.tensor(2.5),
    'ü"/\\': torch.tensor([-0.0]),
}
types = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def check(file, found, scalar_type, names=None):
    assert list(found) == (names or list(expected)), (file, list(found))
    for name, tensor in expected.items():
        tensor = tensor.to(scalar_type)
        assert found[name].dtype == scalar_type and found[name].shape == tensor.shape, (file, name)
        assert torch.equal(
            found[name].contiguous().flatten().view(torch.uint8), tensor.flatten().view(torch.uint8)), (file, name)
    print(file, "is as it should be")


def check_alignment(file):
    with zipfile.ZipFile(file) as archive, open(file, "rb") as raw:
        assert archive.testzip() is None
        for record in archive.infolist():
            raw.seek(record.header_offset + 26)
            lengths = raw.read(4)
            start = record.header_offset + 30 + sum(int.from_bytes(lengths[i:i + 2], "little") for i in (0, 2))
            assert start % 64 == 0, (file, record.filename, start)


for name, scalar_type in types.items():
    for file in [f"{name}.pth"] + (["zip64.pth"] if name == "float32" else []):
        if not os.path.exists(file):
            continue
        for options in [{}, {"mmap": True}]:
            check(file, torch.load(file, weights_only=True, **options), scalar_type)
        check_alignment(file)

    file = f"{name}.safetensors"
    check(file, safetensors.torch.load_file(file), scalar_type, sorted(expected, key=lambda key: key.encode()))
    with safetensors.safe_open(file, "pt") as opened:
        assert opened.metadata() == {"epoch": "3", "quote": '"\n'}, opened.metadata()

    if name != "bfloat16":
        file = f"{name}.npz"
        with numpy.load(file, allow_pickle=False) as opened:
            check(file, {key: torch.from_numpy(opened[key]) for key in opened.files}, scalar_type)
        check_alignment(file)

network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.Linear(4, 5))
network.load_state_dict(torch.load("network.pth", weights_only=True), strict=True)
assert network[1].bias.tolist() == [0, 1, 2, 3, 4]
print("network.pth fits strictly")
