#!/usr/bin/env python3
"""Writes the checkpoints beside this script, and expected.json with their expected contents.

Needs torch, numpy and safetensors. In expected.json each file refers to one of the tensor sets, since many hold the
same; values are the bit patterns of `tensor.float()`, in row-major order.
"""

import io
import json
import os
import pathlib
import struct
import sys
import zipfile
import zlib
from collections import OrderedDict

import numpy
import safetensors.torch
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import expectations
from expectations import expect

os.chdir(pathlib.Path(__file__).parent)
torch.manual_seed(0)


def save(file, value, tensors, **options):
    torch.save(value, file, **options)
    expect(file, tensors)


def odd_halves():
    """Every kind of float16: zeros, subnormals, the least and greatest normal numbers, infinities, a NaN."""
    bits = [0, 0x8000, 1, 2, 0x3FF, 0x83FF, 0x400, 0x8401, 0x3C00, 0xC000, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00]
    return torch.tensor(bits, dtype=torch.int32).to(torch.uint16).view(torch.float16)


# A plain state_dict, as nearly every user saves it, with PyTorch's _metadata.
network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(12, 2))
state = network.state_dict()
save("state-dict.pth", state, state)
save("state-dict-protocol-1.pth", state, state, pickle_protocol=1)
save("state-dict-protocol-3.pth", state, state, pickle_protocol=3)
save("state-dict-protocol-4.pth", state, state, pickle_protocol=4)
save("state-dict-protocol-5.pth", state, state, pickle_protocol=5)

# Every type: floating-point ones are weights, the others are skipped.
types = {
    "float32": torch.tensor([0.0, -0.0, 1.5, -1e-40, 3.4e38, float("inf")]),
    "float16": odd_halves(),
    "bfloat16": torch.tensor([0.0, 1.0, -2.5, 3e38, 1e-40, float("-inf")], dtype=torch.bfloat16),
    "float64": torch.tensor(
        [0.0, 0.1, -1 / 3, 1 + 2**-24, 1 + 3 * 2**-24, 1e-46, 1e300, 2**-130], dtype=torch.float64),
    "int64": torch.tensor(7),
    "int32": torch.tensor([1], dtype=torch.int32),
    "int16": torch.tensor([1], dtype=torch.int16),
    "int8": torch.tensor([1], dtype=torch.int8),
    "uint8": torch.tensor([1, 2], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "complex64": torch.tensor([1j]),
}
save("types.pth", types, types)

# Views: storages shared, parts of storages, transposed, expanded, empty and of rank 0.
base = torch.arange(24.0)
grid = base.reshape(4, 6)
layouts = OrderedDict(
    whole=base, again=grid, rows=grid[1:3], columns=grid[:, 2:5], every_second=base[1::2], transposed=grid.T,
    expanded=base[5].expand(2, 3), scalar=base[7], empty=base[24:], empty_axes=torch.empty(2, 0, 3),
    permuted=torch.arange(2.0 * 3 * 4 * 5).reshape(2, 3, 4, 5).permute(3, 2, 0, 1),
    channels_last=torch.arange(2.0 * 3 * 4 * 4).reshape(2, 3, 4, 4).contiguous(memory_format=torch.channels_last),
    one_row=torch.arange(8.0)[::2].reshape(1, 4)[:, :1],
    half_transposed=torch.arange(40 * 35).reshape(40, 35).half().T,
    double_slice=torch.arange(20, dtype=torch.float64).reshape(4, 5)[1:, 1:4],
    brain_steps=torch.arange(12).bfloat16()[::3],
)
save("layouts.pth", layouts, layouts)

parameters = OrderedDict(
    weight=torch.nn.Parameter(torch.randn(2, 3)), frozen=torch.nn.Parameter(torch.randn(3), requires_grad=False))
save("parameters.pth", parameters, parameters)

# Wrapped in the dictionaries of training scripts.
plain = OrderedDict([("features.0.weight", torch.randn(2, 1, 3, 3)), ("features.0.bias", torch.randn(2))])
for key in ("state_dict", "model_state_dict", "model", "net"):
    save(f"wrapped-{key}.pth", {"epoch": 3, key: plain, "arch": "alexnet", "lr": 1e-3}, plain)
save("wrapped-twice.pth", {"state_dict": {"model": plain}}, plain)
save("wrapper-without-tensors.pth", {**plain, "model": {"depth": 5}}, plain)

optimiser = torch.optim.Adam(network.parameters())
network(torch.randn(2, 2, 4, 4)).sum().backward()
optimiser.step()
trained = {name: tensor.clone() for name, tensor in network.state_dict().items()}
save(
    "training-script.pth",
    {
        "epoch": 12, "state_dict": trained, "optimizer": optimiser.state_dict(), "best": numpy.float64(0.91),
        "device": torch.device("cpu"), "dtype": torch.float32, "done": {1, 2}, "rng": torch.get_rng_state()[:4].clone(),
        "big": 2**80, "negative": -(2**40), "bytes": b"abc", "nothing": None, "shape": torch.Size([1, 2]),
    },
    trained)

# Prefixes of DataParallel (whole, or of one part as in the ImageNet example), torch.compile and averaged weights.
save("data-parallel.pth", {f"module.{name}": tensor for name, tensor in plain.items()}, plain)
save("data-parallel-features.pth", {name.replace("features.", "features.module."): t for name, t in plain.items()}, plain)
save("compiled.pth", {f"_orig_mod.module.{name}": tensor for name, tensor in plain.items()}, plain)
averaged = torch.optim.swa_utils.AveragedModel(torch.nn.Linear(2, 2)).state_dict()
save("averaged.pth", averaged, {name.removeprefix("module."): tensor for name, tensor in averaged.items()})

deep = []
for _ in range(400):
    deep = [deep]
save("deep.pth", {"deep": deep, **plain}, plain)

# The same archive as other writers produce it.
records = [(i.filename, zipfile.ZipFile("layouts.pth").read(i)) for i in zipfile.ZipFile("layouts.pth").infolist()]


def rezip(file, compression, zip64=False, comment=b"", keep=lambda name: True):
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.comment = comment
        archive.writestr(zipfile.ZipInfo("layouts/"), b"")
        for name, data in records:
            if keep(name):
                with archive.open(zipfile.ZipInfo(name), "w", force_zip64=zip64) as record:
                    record._compress_type = compression
                    record.write(data)
    expect(file, layouts)


class Stream(io.RawIOBase):
    """A stream that cannot seek, so that the archive stores sizes after the data (data descriptors)."""

    def __init__(self, path):
        self.file = open(path, "wb")

    def writable(self):
        return True

    def write(self, data):
        return self.file.write(data)


rezip("stored-again.pth", zipfile.ZIP_STORED)
rezip("comment.pth", zipfile.ZIP_STORED, comment=b"PK\x05\x06 is no end of a directory" + bytes(20))
rezip("records-zip64.pth", zipfile.ZIP_STORED, zip64=True)
rezip("no-byteorder.pth", zipfile.ZIP_STORED, keep=lambda name: name.endswith("data.pkl") or "/data/" in name)
with zipfile.ZipFile("deflated.pth", "w", zipfile.ZIP_DEFLATED) as archive:
    for name, data in records:
        archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
expect("deflated.pth", layouts)
stream = Stream("streamed.pth")
with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
    for name, data in records:
        archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
stream.file.close()
expect("streamed.pth", layouts)



def write_zip64(file, records):
    """An archive whose headers store every number in zip64 fields, as archives beyond 4 GiB do."""
    body, directory, unknown = b"", b"", 0xFFFFFFFF
    for name, data in records:
        name, crc, extra = name.encode(), zlib.crc32(data), struct.pack("<HHQQ", 1, 16, len(data), len(data))
        central_extra = struct.pack("<HHI", 0x4642, 4, 0) + struct.pack("<HHQQQ", 1, 24, len(data), len(data), len(body))
        directory += struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 0, 0, 0x21, crc, unknown, unknown, len(name), len(central_extra),
            0, 0, 0, 0, unknown) + name + central_extra
        body += struct.pack(
            "<IHHHHHIIIHH", 0x04034B50, 45, 0, 0, 0, 0x21, crc, unknown, unknown, len(name), len(extra)) + name + extra + data
    end = struct.pack(
        "<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, len(records), len(records), len(directory), len(body))
    locator = struct.pack("<IIQI", 0x07064B50, 0, len(body) + len(directory), 1)
    last = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0xFFFF, 0xFFFF, unknown, unknown, 0)
    with open(file, "wb") as f:
        f.write(body + directory + end + locator + last)


six = {"w": torch.arange(6.0).reshape(2, 3)}
memory = io.BytesIO()
torch.save(six, memory)
saved = zipfile.ZipFile(memory)
write_zip64("zip64.pth", [("a/data.pkl", saved.read("archive/data.pkl")), ("a/data/0", saved.read("archive/data/0"))])
expect("zip64.pth", six)

torch.serialization.set_crc32_options(False)
save("without-checksums.pth", plain, plain)
torch.serialization.set_crc32_options(True)


# Safetensors.
def save_safe(file, tensors, metadata=None):
    safetensors.torch.save_file(tensors, file, metadata=metadata)
    with open(file, "rb") as f:
        header = json.loads(f.read(struct.unpack("<Q", f.read(8))[0]))
    order = sorted((n for n in header if n != "__metadata__"), key=lambda n: header[n]["data_offsets"])
    expect(
        file, {name: tensors[name] for name in order}, "safetensors",
        [[n, header[n]["dtype"]] for n in order if not tensors[n].dtype.is_floating_point], metadata)


save_safe("types.safetensors", types)
save_safe("state-dict.safetensors", {n: t.clone() for n, t in state.items()}, {"format": "pt", "Größe": "\"klein\"\n"})
save_safe("shapes.safetensors", {"scalar": torch.tensor(2.5), "empty": torch.empty(0, 3), "cube": torch.randn(2, 3, 4)})


def write_safe(file, header, data):
    text = header.encode()
    with open(file, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


# Unaligned data, in a different order from the header, and every JSON escape.
values = torch.tensor([1.0, -2.0])
write_safe(
    "unaligned.safetensors",
    '{ "b\\u00e9\\ud83d\\ude00\\/\\"\\\\": {"shape" : [2],\t"data_offsets":[2,10], "dtype":"F32"},\n'
    '"module.a":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}  ',
    struct.pack("<e", 0.5) + values.numpy().tobytes())
expect(
    "unaligned.safetensors", {"a": torch.tensor(0.5, dtype=torch.float16), 'bé😀/"\\': values}, "safetensors")
write_safe("none.safetensors", "{}", b"")
expect("none.safetensors", {}, "safetensors")
write_safe(
    "float8.safetensors",
    '{"scale":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"w":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[4,7]}}',
    struct.pack("<f", 2) + bytes(3))
expect("float8.safetensors", {"scale": torch.tensor([2.0])}, "safetensors", [["w", "F8_E4M3"]])

expectations.write()
