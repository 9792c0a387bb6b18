#!/usr/bin/env python3
"""Writes the checkpoints beside this script in PyTorch's legacy format (before version 1.6), and expected.json with their
expected contents, as ../Checkpoints/make.py does for the zip format.

Needs torch. Data that PyTorch no longer writes (views of storages, strings of Python 2, tensors of versions 0.1 to 0.3) are
assembled here opcode by opcode, and checked with torch.load.
"""

import collections
import io
import os
import pathlib
import pickle
import struct
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import expectations
from expectations import expect, expected, tensor_sets

os.chdir(pathlib.Path(__file__).parent)
torch.manual_seed(0)


def save(file, value, tensors, **options):
    torch.save(value, file, _use_new_zipfile_serialization=False, **options)
    expect(file, tensors)


network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(12, 2))
state = network.state_dict()
save("state-dict.pth", state, state)
for protocol in (1, 3, 4, 5):
    save(f"protocol-{protocol}.pth", state, state, pickle_protocol=protocol)
save("best.pth.tar", {"epoch": 3, "state_dict": {f"module.{n}": t for n, t in state.items()}, "arch": "alexnet"}, state)
save("model.bin", {"model": state, "lr": 0.1}, state)
save("last.ckpt", {"model_state_dict": state, "optimizer_state_dict": torch.optim.SGD(network.parameters(), 0.1).state_dict()}, state)
parameters = collections.OrderedDict(weight=torch.nn.Parameter(torch.randn(2, 3)))
save("parameters.pth", parameters, parameters)
types = {
    "float32": torch.tensor([0.0, -0.0, 1.5]),
    "float16": torch.tensor([0.5, -2.0]).half(),
    "bfloat16": torch.tensor([1.0, -2.5]).bfloat16(),
    "float64": torch.tensor([0.1], dtype=torch.float64),
    "int64": torch.tensor(7),
    "uint8": torch.tensor([1, 2], dtype=torch.uint8),
    "bool": torch.tensor([True]),
    "complex64": torch.tensor([1j]),
}
save("types.pth", types, types)
base = torch.arange(24.0)
grid = base.reshape(4, 6)
layouts = collections.OrderedDict(
    whole=base, again=grid, columns=grid[:, 2:5], every_second=base[1::2], transposed=grid.T,
    expanded=base[5].expand(2, 3), scalar=base[7], empty=base[24:],
    channels_last=torch.arange(96.0).reshape(2, 3, 4, 4).contiguous(memory_format=torch.channels_last),
)
save("layouts.pth", layouts, layouts)


# --- What older versions wrote ---------------------------------------------------------------------------------------

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
SYSTEM = pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2)


def text(string):
    """A Python 2 string, which is bytes."""
    return b"U" + bytes([len(string)]) + string.encode()


def number(value):
    return b"J" + struct.pack("<i", value)


def numbers(values):
    return b"(" + b"".join(number(v) for v in values) + b"t"


def storage(key, count, view=b"N"):
    return b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu") + number(count) + view + b"tQ"


def stacked(file, entries, storages):
    body = b"\x80\x02ccollections\nOrderedDict\n]" + b"".join(
        b"](" + text(name) + value + b"ea" for name, value in entries) + b"\x85R."
    keys = b"\x80\x02](" + b"".join(text(key) for key in storages) + b"e."
    with open(file, "wb") as f:
        f.write(MAGIC + SYSTEM + body + keys)
        for values in storages.values():
            f.write(struct.pack(f"<q{len(values)}f", len(values), *values))


# A storage that is a view into the middle of another, as in version 0.2.
view = b"(" + text("9") + number(2) + number(3) + b"t"
plain = b"ctorch._utils\n_rebuild_tensor\n("
stacked(
    "views.pth",
    [
        ("whole", plain + storage("7", 6) + number(0) + numbers([2, 3]) + numbers([3, 1]) + b"tR"),
        ("middle", plain + storage("7", 6, view) + number(1) + numbers([2]) + numbers([1]) + b"tR"),
    ],
    {"7": [1, 2, 3, 4, 5, 6]})
six = torch.arange(1.0, 7.0)
expect("views.pth", {"whole": six.reshape(2, 3), "middle": six[3:5]})
# A parameter as in version 0.3, and a tensor as in version 0.1.
stacked(
    "first-versions.pth",
    [
        ("parameter", b"ctorch.nn.parameter\nParameter\n" + plain + storage("a", 2) + number(0) + numbers([2])
         + numbers([1]) + b"tR\x89\x86R"),
        ("tensor", b"ctorch\nFloatTensor\n)R(" + storage("b", 4) + number(0) + numbers([2, 2]) + numbers([1, 2]) + b"tb"),
    ],
    {"b": [1, 2, 3, 4], "a": [-1, 0.5]})
expect("first-versions.pth", {
    "parameter": torch.tensor([-1, 0.5]), "tensor": torch.tensor([[1.0, 3.0], [2.0, 4.0]]).T.contiguous().T})

for file in expected:
    found = torch.load(file, weights_only=False)
    for wrapper in ("state_dict", "model", "model_state_dict"):
        found = found.get(wrapper, found)
    wanted = {entry["name"]: entry for entry in tensor_sets[expected[file]["tensorSet"]]}
    found = {name.removeprefix("module."): t for name, t in found.items() if t.dtype.is_floating_point}
    assert set(found) == set(wanted), file
    for name, tensor in found.items():
        assert tensor.detach().float().contiguous().flatten().view(torch.int32).tolist() == wanted[name]["bits"], (file, name)

expectations.write()
