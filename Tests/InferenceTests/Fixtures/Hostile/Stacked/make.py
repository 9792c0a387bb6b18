#!/usr/bin/env python3
"""Writes the checkpoints beside this script that a reader of stacked pickles must refuse, one for each defect.

Needs only Python: the pickles are assembled byte by byte. They are harmless when read as bytes; do not unpickle them.
"""

import os
import pathlib
import pickle
import struct

os.chdir(pathlib.Path(__file__).parent)

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
VERSION = pickle.dumps(1001, 2)
SYSTEM = pickle.dumps({"protocol_version": 1001, "little_endian": True}, 2)
SIX = struct.pack("<q6f", 6, 1, 2, 3, 4, 5, 6)


def text(string):
    data = string.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    return b"\x8a\x08" + value.to_bytes(8, "little", signed=True)


def numbers(values):
    return b"(" + b"".join(number(v) for v in values) + b"t"


def storage(key="0", count=6, kind=b"ctorch\nFloatStorage\n", view=b"N"):
    return b"(" + text("storage") + kind + text(key) + text("cpu") + number(count) + view + b"tQ"


def tensor(stored=None, offset=0, sizes=(2, 3), strides=(3, 1)):
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + (stored or storage()) + number(offset) + numbers(sizes)
        + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR")


def state(*entries):
    return b"\x80\x02}(" + b"".join(text(name) + value for name, value in entries) + b"u."


def write(name, *, version=VERSION, system=SYSTEM, body=None, keys=b"\x80\x02]" + text("0") + b"a.", data=SIX):
    with open(name + ".pth", "wb") as f:
        f.write(MAGIC + version + system + (state(("w", tensor())) if body is None else body) + keys + data)


# --- Pickles that want more than tensors ------------------------------------------------------------------------------

class System:
    def __reduce__(self):
        return os.system, ("echo harm",)


write("code-reduce", body=pickle.dumps({"w": System()}, 2))
write("code-stack-global", body=pickle.dumps({"w": System()}, 4))
write("code-inst", body=b"(" + text("echo harm") + b"ios\nsystem\n.")
write("code-obj", body=b"(cos\nsystem\n" + text("echo harm") + b"o.")
write("code-newobj", body=b"\x80\x02csubprocess\nPopen\n" + text("echo harm") + b"\x85\x81.")
write("code-build", body=b"\x80\x02c__main__\nHarm\n}" + text("__setstate__") + b"cos\nsystem\nsb.")
write("code-in-version", version=b"cos\nsystem\n(" + text("echo harm") + b"tR.")
write("code-in-system", system=b"cos\nsystem\n(" + text("echo harm") + b"tR.")
write("code-in-keys", keys=b"\x80\x02](cos\nsystem\n" + text("echo harm") + b"\x85Re.")
write("code-in-persistent-id", body=b"\x80\x02(cos\nsystem\n" + text("echo harm") + b"\x85RtQ.")
write("code-as-storage", body=state(("w", tensor(storage(kind=b"cos\nsystem\n")))))
write("code-then-broken", body=b"\x80\x02cos\nsystem\n\xff")
write("code-extension", body=b"\x80\x02\x84\x01\0\0\0)R.")
write("module", body=b"\x80\x02(" + text("module") + b"ctorchvision.models.alexnet\nAlexNet\n" + text("alexnet.py")
      + text("class AlexNet: ...") + b"tQ)\x81}b.")
write("module-protocol-1", body=b"ccopy_reg\n_reconstructor\n(c__main__\nAlexNet\nc__builtin__\nobject\nNtR.")

# --- Invalid headers --------------------------------------------------------------------------------------------------

write("version", version=pickle.dumps(1002, 2))
write("version-none", version=b"N.")
write("version-long", version=b"\x80\x02B" + struct.pack("<I", 5000) + bytes(5000) + b"0N.")
write("system-none", system=b"N.")
write("big-endian", system=pickle.dumps({"little_endian": False}, 2))
with open("only-magic.pth", "wb") as f:
    f.write(MAGIC)

# --- Keys and storages ------------------------------------------------------------------------------------------------

write("keys-none", keys=b"N.")
write("keys-number", keys=b"\x80\x02]K\x01a.")
write("keys-repeated", keys=b"\x80\x02](" + text("0") * 2 + b"e.", data=SIX * 2)
write("keys-unknown", keys=b"\x80\x02](" + text("0") + text("1") + b"e.", data=SIX * 2)
write("keys-missing", keys=b"\x80\x02].", data=b"")
write("storage-negative", data=struct.pack("<q", -1))
write("storage-huge", data=struct.pack("<q", 2**62))
write("storage-outside", data=struct.pack("<q", 10**12) + SIX[8:])
write("storage-short", data=struct.pack("<q5f", 5, 1, 2, 3, 4, 5))
write("storage-long", data=struct.pack("<q7f", 7, 1, 2, 3, 4, 5, 6, 7))
write("storage-other-type", body=state(
    ("w", tensor()), ("v", tensor(storage(kind=b"ctorch\nDoubleStorage\n")))))
write("trailing", data=SIX + b"\0")
for name, view in (
        ("outside", (4, 3)), ("negative-offset", (-1, 3)), ("negative-size", (1, -1)), ("overflow", (1, 2**63 - 1))):
    body = state(("w", tensor(storage(view=b"(" + text("v") + number(view[0]) + number(view[1]) + b"t"))))
    write("view-" + name, body=body)
write("view-small", body=state(("w", tensor(storage(view=b"(" + text("v") + number(1) + number(5) + b"t")))))
write("view-text", body=state(("w", tensor(storage(view=text("all"))))))
write("tensor-unfilled", body=state(("w", b"ctorch\nFloatTensor\n)R")))
write("tensor-state", body=state(("w", b"ctorch\nFloatTensor\n)R)b")))
write("tensor-outside", body=state(("w", tensor(offset=1))))
write("persistent-id-nested", body=b"\x80\x02" + storage() + b"\x85Q.")

# --- Bombs ------------------------------------------------------------------------------------------------------------

write("deep", body=b"\x80\x02" + b"]" * 3000 + b"a" * 2999 + b".")
write("cycle", body=b"\x80\x02}q\x00" + text("state_dict") + b"h\x00s.")
write("billion", body=b"\x80\x02]q\x00" + b"".join(
    b"](" + (b"h" + bytes([i])) * 10 + b"eq" + bytes([i + 1]) for i in range(12)) + b".")
write("huge-string", body=b"\x80\x04\x8d" + b"\xff" * 8 + b".")
write("huge-memo", body=b"\x80\x02}r\xff\xff\xff\xff.")
