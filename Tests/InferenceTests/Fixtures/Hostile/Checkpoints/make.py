#!/usr/bin/env python3
"""Writes the checkpoints beside this script that a reader must refuse, one for each defect.

Needs only Python: the archives and pickles are assembled byte by byte. They are harmless when read as bytes; do not unpickle
them.
"""

import json
import os
import pathlib
import pickle
import struct
import zlib

os.chdir(pathlib.Path(__file__).parent)


# --- Zip archives ---------------------------------------------------------------------------------------------------

def zip64_extra(*numbers):
    return struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers)


class Record:
    """One record; any field of its two headers can be falsified."""

    def __init__(self, name, data, deflate=False, local=None, central=None, local_extra=b"", central_extra=b""):
        self.name, self.data = name.encode() if isinstance(name, str) else name, data
        self.stored = data
        if deflate:
            packer = zlib.compressobj(9, zlib.DEFLATED, -15)
            self.stored = packer.compress(data) + packer.flush()
        fields = dict(
            signature=None, flags=0, method=8 if deflate else 0, crc=zlib.crc32(data), compressed=len(self.stored),
            size=len(data), name=self.name, disk=0, offset=None)
        self.local, self.central = {**fields, **(local or {})}, {**fields, **(central or {})}
        self.local_extra, self.central_extra = local_extra, central_extra


def archive(records, end=None, end64=None, locator=None, before_directory=b"", after=b""):
    body = bytearray()
    directory = bytearray()
    for record in records:
        offset, l, c = len(body), record.local, record.central
        body += struct.pack(
            "<IHHHHHIIIHH", l["signature"] or 0x04034B50, 20, l["flags"], l["method"], 0, 0x21, l["crc"], l["compressed"],
            l["size"], len(l["name"]), len(record.local_extra)) + l["name"] + record.local_extra + record.stored
        directory += struct.pack(
            "<IHHHHHHIIIHHHHHII", c["signature"] or 0x02014B50, 20, 20, c["flags"], c["method"], 0, 0x21, c["crc"],
            c["compressed"], c["size"], len(c["name"]), len(record.central_extra), 0, c["disk"], 0, 0,
            offset if c["offset"] is None else c["offset"]) + c["name"] + record.central_extra
    body += before_directory
    fields = dict(
        disk=0, directory_disk=0, disk_count=len(records), count=len(records), size=len(directory), offset=len(body))
    tail = bytearray()
    if end64 is not None:
        f = {**fields, "signature": 0x06064B50, "length": 44, **end64}
        tail += struct.pack(
            "<IQHHIIQQQQ", f["signature"], f["length"], 45, 45, f["disk"], f["directory_disk"], f["disk_count"],
            f["count"], f["size"], f["offset"])
        f = {"disk": 0, "offset": len(body) + len(directory), "disks": 1, **(locator or {})}
        tail += struct.pack("<IIQI", 0x07064B50, f["disk"], f["offset"], f["disks"])
    f = {**fields, **(end or {})}
    tail += struct.pack(
        "<IHHHHIIH", 0x06054B50, f["disk"], f["directory_disk"], f["disk_count"], f["count"], f["size"], f["offset"], 0)
    return bytes(body + directory + tail) + after


def write(name, data):
    with open(name, "wb") as f:
        f.write(data)


# --- Pickles --------------------------------------------------------------------------------------------------------

def text(string):
    data = string.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    data = value.to_bytes(9 if not -2**63 <= value < 2**63 else 8, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def numbers(values):
    return b"(" + b"".join(number(v) for v in values) + b"t"


def storage(key="0", count=6, kind=b"ctorch\nFloatStorage\n"):
    return b"(" + text("storage") + kind + text(key) + text("cpu") + number(count) + b"tQ"


def tensor(stored=None, offset=0, sizes=(2, 3), strides=(3, 1)):
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n(" + (stored or storage()) + number(offset) + numbers(sizes)
        + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR")


def state(*entries):
    return b"\x80\x02}(" + b"".join(text(name) + value for name, value in entries) + b"u."


SIX = struct.pack("<6f", 1, 2, 3, 4, 5, 6)
SOUND = state(("w", tensor()))


def records(pickled=SOUND, data=SIX, **options):
    return [Record("a/data.pkl", pickled, **options), Record("a/data/0", data)]


def checkpoint(name, pickled, data=SIX):
    write(name, archive(records(pickled, data)))


# --- Archives that lie ----------------------------------------------------------------------------------------------

write("zip-empty.pth", archive([]))
write("zip-no-end.pth", archive(records())[:-22])
write("zip-trailing-byte.pth", archive(records(), after=b"\0"))
write("zip-directory-gap.pth", archive(records(), end={"size": 50}))
write("zip-directory-outside.pth", archive(records(), end={"offset": 0xFFFFFFF0}))
write("zip-directory-size.pth", archive(records(), end={"count": 1, "disk_count": 1}))
write("zip-too-many-counted.pth", archive(records(), end={"count": 3, "disk_count": 3}))
write("zip-disks.pth", archive(records(), end={"disk": 1}))
write("zip-record-disk.pth", archive([Record("a/data.pkl", SOUND, central={"disk": 1})]))
write("zip-end64-signature.pth", archive(records(), end64={"signature": 0x12345678}))
write("zip-end64-length.pth", archive(records(), end64={"length": 45}))
write("zip-end64-disks.pth", archive(records(), end64={"disk": 1}))
write("zip-end64-count.pth", archive(records(), end64={"count": 3, "disk_count": 3}))
write("zip-end64-huge-count.pth", archive(
    records(), end64={"count": 2**63, "disk_count": 2**63}, end={"count": 0xFFFF, "disk_count": 0xFFFF}))
write("zip-end64-huge-offset.pth", archive(records(), end64={"offset": 2**64 - 1}, end={"offset": 0xFFFFFFFF}))
write("zip-end64-huge-size.pth", archive(
    records(), end64={"offset": 2**63 - 1, "size": 2**63 - 1}, end={"offset": 0xFFFFFFFF, "size": 0xFFFFFFFF}))
write("zip-locator-offset.pth", archive(records(), end64={}, locator={"offset": 2**64 - 1}))
write("zip-locator-disks.pth", archive(records(), end64={}, locator={"disks": 2}))
write("zip-central-signature.pth", archive(records(central={"signature": 0x02014B51})))
write("zip-local-signature.pth", archive(records(local={"signature": 0x04034B51}) [::-1]))
write("zip-local-outside.pth", archive(records(central={"offset": 0xFFFFFFF0})))
write("zip-name-not-text.pth", archive([Record(b"a/\xff", b"")]))
write("zip-name-mismatch.pth", archive(records(local={"name": b"b/data.pkl.."})))
write("zip-duplicate.pth", archive(records() + [Record("a/data/0", SIX)]))
write("zip-encrypted.pth", archive(records(local={"flags": 1}, central={"flags": 1})))
write("zip-flags-mismatch.pth", archive(records(local={"flags": 8})))
write("zip-method.pth", archive(records(local={"method": 12}, central={"method": 12})))
write("zip-crc-mismatch.pth", archive(records(local={"crc": 1})))
write("zip-size-mismatch.pth", archive(records(local={"size": 1})))
write("zip-compressed-size-mismatch.pth", archive(records(local={"compressed": 1})))
write("zip-stored-sizes.pth", archive(records(
    local={"size": 1000}, central={"size": 1000})))
write("zip-data-outside.pth", archive(records(
    local={"size": 10**6, "compressed": 10**6}, central={"size": 10**6, "compressed": 10**6})))
write("zip-data-in-directory.pth", archive([Record("a/data/0", SIX), Record(
    "a/data.pkl", SOUND, local={"size": len(SOUND) + 9, "compressed": len(SOUND) + 9},
    central={"size": len(SOUND) + 9, "compressed": len(SOUND) + 9})]))
write("zip-zip64-size.pth", archive([Record(
    "a/data.pkl", SOUND, local={"size": 0xFFFFFFFF, "compressed": 0xFFFFFFFF},
    central={"size": 0xFFFFFFFF, "compressed": 0xFFFFFFFF}, local_extra=zip64_extra(2**64 - 1, 2**64 - 1),
    central_extra=zip64_extra(2**64 - 1, 2**64 - 1))]))
write("zip-zip64-short.pth", archive([Record(
    "a/data.pkl", SOUND, central={"size": 0xFFFFFFFF, "compressed": 0xFFFFFFFF}, central_extra=zip64_extra(5))]))
size = {"size": len(SOUND) + 20, "compressed": len(SOUND) + 20}
write("zip-overlap.pth", archive([
    Record("a/data.pkl", SOUND, local=size, central=size), Record("a/data/0", SIX)]))
write("zip-same-record.pth", archive([
    Record("a/data.pkl", SOUND), Record("a/data.pkm", b"", local={"name": b"a/data.pkl"}, central={"offset": 0})]))
write("zip-corrupt-pickle.pth", archive(records(local={"crc": 7}, central={"crc": 7})))
write("zip-corrupt-storage.pth", archive([
    Record("a/data.pkl", SOUND), Record("a/data/0", SIX, local={"crc": 7}, central={"crc": 7})]))
write("zip-two-pickles.pth", archive(records() + [Record("b/data.pkl", SOUND)]))
write("zip-no-pickle.pth", archive([Record("weights.bin", SIX)]))
write("zip-no-storage.pth", archive(records()[:1]))
write("zip-big-endian.pth", archive(records() + [Record("a/byteorder", b"big")]))
write("zip-version.pth", archive(records() + [Record("a/version", b"11\n")]))
write("zip-version-text.pth", archive(records() + [Record("a/version", b"\xff")]))

write("zip-torchscript.pth", archive(records() + [Record("a/constants.pkl", b"\x80\x02)."), Record("a/code/m.py", b"")]))
write("zip-of-files.pth", archive([Record("__MACOSX/._a.pth", b""), Record("models/a.pth", b"")]))
write("zip-keras.pth", archive([Record("config.json", b"{}"), Record("model.weights.h5", b"")]))

bomb = bytes(3 << 20)
write("deflate-longer-than-declared.pth", archive([Record(
    "a/data.pkl", bomb, deflate=True, local={"size": 1000}, central={"size": 1000})]))
write("deflate-shorter-than-declared.pth", archive([Record(
    "a/data.pkl", bomb, deflate=True, local={"size": 3 << 20 | 9}, central={"size": 3 << 20 | 9})]))
write("deflate-impossible-ratio.pth", archive([Record(
    "a/data.pkl", bomb, deflate=True, local={"size": 0xF0000000}, central={"size": 0xF0000000})]))
write("deflate-bomb.pth", archive([
    Record("a/data.pkl", SOUND), Record("a/data/0", bytes(65 << 20), deflate=True)]))
write("deflate-pickle-too-long.pth", archive([Record("a/data.pkl", bytes(66 << 20), deflate=True)]))
broken = Record("a/data.pkl", SOUND, deflate=True)
broken.stored = b"\x07" + broken.stored[1:]
write("deflate-corrupt.pth", archive([broken]))
broken = Record("a/data.pkl", SOUND, deflate=True)
broken.stored += b"\0"
for header in (broken.local, broken.central):
    header["compressed"] += 1
write("deflate-trailing-byte.pth", archive([broken]))
broken = Record("a/data.pkl", SOUND, deflate=True)
broken.stored = broken.stored[:-3]
for header in (broken.local, broken.central):
    header["compressed"] -= 3
write("deflate-cut.pth", archive([broken]))


# --- Pickles that want more than tensors ----------------------------------------------------------------------------

class System:
    def __reduce__(self):
        return os.system, ("echo harm",)


class Evaluation:
    def __reduce__(self):
        return eval, ("1",)


checkpoint("pickle-reduce-system.pth", pickle.dumps({"w": System()}, 2))
checkpoint("pickle-stack-global-system.pth", pickle.dumps({"w": System()}, 4))
checkpoint("pickle-eval.pth", pickle.dumps(Evaluation(), 2))
checkpoint("pickle-inst-system.pth", b"(" + text("echo harm") + b"ios\nsystem\n.")
checkpoint("pickle-obj-system.pth", b"(cos\nsystem\n" + text("echo harm") + b"o.")
checkpoint("pickle-newobj.pth", b"\x80\x02cos\nsystem\n" + text("echo harm") + b"\x85\x81.")
checkpoint("pickle-newobj-ex.pth", b"\x80\x04" + text("subprocess") + text("Popen") + b"\x93)}\x92.")
checkpoint("pickle-named-only.pth", b"\x80\x02}(" + text("w") + tensor() + text("run") + b"cos\nsystem\nu.")
checkpoint("pickle-beside-tensors.pth", state(
    ("w", tensor()), ("run", b"cposix\nsystem\n" + text("echo harm") + b"\x85R")))
checkpoint("pickle-getattr.pth", b"\x80\x02cbuiltins\ngetattr\ncos\n" + b"path\n" + text("x") + b"\x86R.")
checkpoint("pickle-dotted-global.pth", b"\x80\x04" + text("collections") + text("OrderedDict.__class__") + b"\x93)R.")
checkpoint("pickle-load-from-bytes.pth", b"\x80\x02ctorch.storage\n_load_from_bytes\nC\x01.\x85R.")
checkpoint("pickle-untyped-storage.pth", state(("w", tensor(storage(kind=b"ctorch.storage\nUntypedStorage\n")))))
checkpoint("pickle-unknown-storage.pth", state(("w", tensor(storage(kind=b"ctorch\nFancyStorage\n")))))
checkpoint("pickle-system-as-storage.pth", state(("w", tensor(storage(kind=b"cos\nsystem\n")))))
checkpoint("pickle-odd-name.pth", b"\x80\x02cos\x1b[2J\n\xe2\x80\xae" + b"x" * 200 + b"\n)R.")
checkpoint("pickle-module.pth", b"\x80\x02c__main__\nAlexNet\nq\x00)\x81q\x01}b.")
checkpoint("pickle-torchscript.pth", b"\x80\x02c__torch__.torchvision.models.alexnet\nAlexNet\n)\x81.")


# --- Pickles that are broken ----------------------------------------------------------------------------------------

checkpoint("pickle-empty.pth", b"")
checkpoint("pickle-no-stop.pth", SOUND[:-1])
checkpoint("pickle-only-stop.pth", b".")
checkpoint("pickle-protocol.pth", b"\x80\x06}.")
checkpoint("pickle-opcode.pth", b"\x80\x02\xff.")
checkpoint("pickle-extension.pth", b"\x80\x02\x82\x01.")
checkpoint("pickle-buffer.pth", b"\x80\x05\x97.")
checkpoint("pickle-persid.pth", b"P0\n.")
checkpoint("pickle-underflow.pth", b"\x80\x02s.")
checkpoint("pickle-below-mark.pth", b"\x80\x02}(s.")
checkpoint("pickle-no-mark.pth", b"\x80\x02}u.")
checkpoint("pickle-short-tuple.pth", b"\x80\x02N\x86.")
checkpoint("pickle-odd-items.pth", b"\x80\x02}(NNNu.")
checkpoint("pickle-setitem-list.pth", b"\x80\x02]NNs.")
checkpoint("pickle-append-dict.pth", b"\x80\x02}Na.")
checkpoint("pickle-additems-list.pth", b"\x80\x04](\x90.")
checkpoint("pickle-memo.pth", b"\x80\x02h\x07.")
checkpoint("pickle-memo-text.pth", b"g-1\n.")
checkpoint("pickle-int-text.pth", b"Iseven\n.")
checkpoint("pickle-string-unquoted.pth", b"Sabc\n.")
checkpoint("pickle-not-utf8.pth", b"\x80\x02X\x02\0\0\0\xff\xfe.")
checkpoint("pickle-huge-string.pth", b"\x80\x04\x8d" + b"\xff" * 8 + b".")
checkpoint("pickle-negative-string.pth", b"\x80\x02T\xff\xff\xff\xff.")
checkpoint("pickle-negative-long.pth", b"\x80\x02\x8b\xff\xff\xff\xff.")
checkpoint("pickle-huge-bytes.pth", b"\x80\x02B\xff\xff\xff\xff.")
checkpoint("pickle-huge-frame.pth", b"\x80\x04\x95" + b"\xff" * 8 + b"}.")
checkpoint("pickle-line-without-end.pth", b"cos")
checkpoint("pickle-stack-global-numbers.pth", b"\x80\x04K\x01K\x02\x93.")
checkpoint("pickle-reduce-string.pth", b"\x80\x02" + text("os.system") + b")R.")
checkpoint("pickle-reduce-list.pth", b"\x80\x02ccollections\nOrderedDict\n]R.")
checkpoint("pickle-ordered-dict-number.pth", b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.")
checkpoint("pickle-ordered-dict-items.pth", b"\x80\x02ccollections\nOrderedDict\n]Na\x85R.")
checkpoint("pickle-ordered-dict-triple.pth", b"\x80\x02ccollections\nOrderedDict\n]NNN\x87a\x85R.")
checkpoint("pickle-build-list.pth", b"\x80\x02]}b.")
checkpoint("pickle-empty-obj.pth", b"(o.")
checkpoint("pickle-size-arguments.pth", b"\x80\x02ctorch\nSize\n)R.")
checkpoint("pickle-parameter-of-nothing.pth", b"\x80\x02ctorch._utils\n_rebuild_parameter\nN\x88N\x87R.")
checkpoint("pickle-storage-call.pth", b"\x80\x02ctorch\nFloatStorage\n)R.")
checkpoint("pickle-persistent-id.pth", b"\x80\x02N\x85Q.")
checkpoint("pickle-persistent-class.pth", state(("w", tensor(storage(kind=b"ccollections\nOrderedDict\n")))))
checkpoint("pickle-tensor-arguments.pth", b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.")
checkpoint("pickle-size-of-text.pth", state(
    ("w", b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage() + number(0) + text("2") + b"\x85)\x89NtR")))
checkpoint("pickle-rank.pth", state(("w", tensor(sizes=[1] * 17, strides=[1] * 17))))
checkpoint("pickle-many-steps.pth", b"")
write("pickle-many-steps.pth", archive(records(b"\x80\x02" + b"N0" * (1 << 21) + b"N.", deflate=True)))
# A list of 1000 pairs, made into a dictionary 5000 times.
write("pickle-copies.pth", archive(records(
    b"\x80\x02](" + b"NN\x86" * 1000 + b"e\x85q\x00ccollections\nOrderedDict\nq\x01" + b"h\x01h\x00R0" * 5000 + b".",
    deflate=True)))
# Nested lists, 200,000 deep; ten lists, each of which holds the previous one ten times; a list that holds itself.
write("pickle-deep.pth", archive(records(b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".", deflate=True)))
checkpoint("pickle-billion.pth", b"\x80\x02]q\x00" + b"".join(
    b"](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1]) for i in range(12)) + b".")
checkpoint("pickle-cycle.pth", b"\x80\x02}q\x00" + text("state_dict") + b"h\x00s.")
checkpoint("pickle-list.pth", b"\x80\x02].")
checkpoint("pickle-no-tensors.pth", state(("epoch", number(3)), ("weights", b"}")))
checkpoint("pickle-no-entries.pth", b"\x80\x02}.")


# --- Objects where weights should be ----------------------------------------------------------------------------------

NAMESPACE = b"cargparse\nNamespace\n)\x81}" + text("lr") + b"G?\xb9\x99\x99\x99\x99\x99\x9asb"


def weights(*entries):
    """A layer fc with its bias, and the given entries."""
    return state(("fc.bias", tensor(sizes=(2,), strides=(1,))), *entries)


checkpoint("object-namespace.pth", weights(("fc.weight", NAMESPACE)))
checkpoint("object-function.pth", weights(("fc.weight", b"cos\nsystem\n" + text("echo harm") + b"\x85R")))
checkpoint("object-global.pth", weights(("fc.weight", b"cos\nsystem\n")))
checkpoint("object-list.pth", weights(("fc.weight", b"]")))
checkpoint("object-number.pth", weights(("fc.weight", b"G" + bytes(8))))
checkpoint("object-text.pth", weights(("fc.weight", text("none"))))
checkpoint("object-sparse.pth", weights(("fc.weight", b"ctorch._utils\n_rebuild_sparse_tensor\n(NNtR")))
checkpoint("object-wrapped.pth", state(("model", b"}(" + text("module.fc.weight") + NAMESPACE + text("module.fc.bias")
                                        + tensor(sizes=(2,), strides=(1,)) + b"u")))
checkpoint("object-subclass.pth", weights((
    "fc.weight", b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_wrapper_subclass\n"
    b"ctorchao\nQuantized\n(ctorchao\nQuantized\nt}tR")))
checkpoint("object-extension.pth", weights(("fc.weight", b"\x82\x05)R")))
checkpoint("object-persistent.pth", weights(("fc.weight", b"P12\n")))
# A whole module, alone and under the keys of training scripts; only its settings; only an optimiser.
checkpoint("whole-module.pth", b"\x80\x02ctorchvision.models.alexnet\nAlexNet\n)\x81}b.")
checkpoint("whole-module-wrapped.pth", state(("epoch", number(3)), ("model", b"cmodels.yolo\nModel\n)\x81}b")))
checkpoint("whole-averaged.pth", state(("model", b"N"), ("ema", b"cmodels.yolo\nModel\n)\x81}b")))
checkpoint("whole-optimizer.pth", state(("optimizer", b"ctorch.optim.sgd\nSGD\n)\x81}b"), ("args", NAMESPACE)))
checkpoint("several-networks.pth", state(
    ("generator", b"}" + text("fc.weight") + tensor() + b"s"), ("discriminator", b"}" + text("fc.weight") + tensor() + b"s")))
checkpoint("object-subclass-of-itself.pth", state(("w", (
    b"ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._tensor\n_rebuild_from_type_v2\nN)}tR"))))
checkpoint("object-parameter-of-object.pth", weights((
    "fc.weight", b"ctorch._utils\n_rebuild_parameter\n(" + NAMESPACE + b"\x88NtR")))


# --- Pickle and decompression bombs -------------------------------------------------------------------------------------

def bomb(name, pickled):
    write(f"bomb-{name}.pth", archive(records(b"\x80\x04" + pickled + b".", deflate=True)))


long_text = text("m" * 500)
# Nested tuples, wide tuples, and tuples that repeat the same items.
bomb("tuples", b"(" * 500_000 + b"N" * 30_000 + b"t" * 500_000)
bomb("wide-tuples", b"(" * 2_000_000 + b"t" * 2_000_000)
bomb("pairs", b"N\x94" + b"h\0h\0\x86" * 1_000_000)
bomb("stack", b"N" * 4_000_000)
bomb("marks", b"(" * 4_000_000)
bomb("lists", b"]" * 3_000_000)
bomb("lists-of-one", b"N\x94" + b"](h\0e" * 800_000)
bomb("dictionaries", b"}(NNu" * 800_000)
bomb("sets", b"\x8f" * 4_000_000)
bomb("appended", b"]" + b"(" + b"N" * 2_500_000 + b"e")
bomb("appended-often", b"]" + (b"(" + b"N" * 1000 + b"e") * 4000)
bomb("memo", b"N" + b"\x94" * 1_000_000)
bomb("globals", long_text + b"\x940" + b"h\0h\0\x93" * 300_000)
bomb("objects", b"cos\nsystem\n\x940)\x940" + b"h\0h\1R" * 900_000)
bomb("bytes", b"C\x01x" * 1_300_000)
bomb("encoded", text("a" * 60_000) + b"\x940c_codecs\nencode\n\x940" + text("latin1") + b"\x940" + b"h\1h\0h\2\x86R" * 1000)
bomb("tensors", b"ctorch\nFloatTensor\n\x940" + b"h\0)R" * 1_300_000)
bomb("arrays", b"cnumpy.core.multiarray\n_reconstruct\n\x940cnumpy\nndarray\n\x940" + b"h\0(h\1)NtR" * 450_000)
bomb("storages", b"ctorch\nFloatStorage\n\x940" + text("storage") + b"\x940" + text("0") + b"\x940"
     + b"(h\1h\0h\2h\2K\1tQ" * 350_000)
bomb("extensions", b"\x82\1" * 1_500_000)
# Seventy storages of zeros, none of them too large by itself.
write("bomb-storages-of-zeros.pth", archive(
    [Record("a/data.pkl", state(*(
        (f"w{i}", tensor(storage(key=str(i), count=1 << 18), sizes=(1 << 18,), strides=(1,))) for i in range(70))), deflate=True)]
    + [Record(f"a/data/{i}", bytes(1 << 20), deflate=True) for i in range(70)]))


# --- Tensors that do not fit their storages -------------------------------------------------------------------------

checkpoint("tensor-offset-outside.pth", state(("w", tensor(offset=1))))
checkpoint("tensor-size-outside.pth", state(("w", tensor(sizes=(3, 3)))))
checkpoint("tensor-stride-outside.pth", state(("w", tensor(strides=(4, 1)))))
checkpoint("tensor-overflow.pth", state(("w", tensor(strides=(2**63 - 1, 2**63 - 1)))))
checkpoint("tensor-element-overflow.pth", state(("w", tensor(sizes=(2**62, 4), strides=(0, 0)))))
checkpoint("tensor-empty-overflow.pth", state(("w", tensor(sizes=(0, 2**62, 4), strides=(1, 1, 1)))))
checkpoint("tensor-empty-outside.pth", state(("w", tensor(offset=7, sizes=(0,), strides=(1,)))))
checkpoint("tensor-negative-offset.pth", state(("w", tensor(offset=-1))))
checkpoint("tensor-negative-size.pth", state(("w", tensor(sizes=(-2, 3)))))
checkpoint("tensor-negative-stride.pth", state(("w", tensor(offset=5, sizes=(6,), strides=(-1,)))))
checkpoint("tensor-strides-missing.pth", state(("w", tensor(strides=(1,)))))
checkpoint("tensor-huge-number.pth", state(("w", tensor(sizes=(2**64, 3)))))
checkpoint("tensor-expanded.pth", state(("w", tensor(sizes=(2**40,), strides=(0,)))))
checkpoint("tensor-expanded-often.pth", state(
    *((f"w{i}", tensor(sizes=(2**23,), strides=(0,))) for i in range(3))))
checkpoint("tensor-storage-short.pth", SOUND, SIX[:-4])
checkpoint("tensor-storage-long.pth", SOUND, SIX + SIX)
checkpoint("tensor-storage-numel.pth", state(("w", tensor(storage(count=2**62)))))
checkpoint("tensor-storage-negative.pth", state(("w", tensor(storage(count=-1)))))
checkpoint("tensor-storage-missing.pth", state(("w", tensor(storage(key="../data.pkl")))))
checkpoint("tensor-duplicate.pth", state(("w", tensor()), ("module.w", tensor())))


# --- Safetensors ----------------------------------------------------------------------------------------------------

def safe(name, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else header.encode()
    write(name, struct.pack("<Q", len(text) if length is None else length) + text + data)


def entry(start=0, end=8, shape="[2]", dtype="F32", name="w"):
    return f'"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[{start},{end}]}}'


EIGHT = struct.pack("<2f", 1, 2)
safe("header-too-long.safetensors", "{" + entry() + "}", EIGHT, length=100_000_001)
safe("header-length-huge.safetensors", "{" + entry() + "}", EIGHT, length=2**64 - 1)
safe("header-outside.safetensors", "{" + entry() + "}", EIGHT, length=1000)
safe("header-not-utf8.safetensors", b'{"\xff":1}')
safe("header-not-closed.safetensors", "{" + entry(), EIGHT)
safe("header-trailing-comma.safetensors", "{" + entry() + ",}", EIGHT)
safe("header-trailing-text.safetensors", "{" + entry() + "} x", EIGHT)
safe("header-array-value.safetensors", '{"w":[]}')
safe("header-deep.safetensors", '{"w":' + '{"dtype":' * 3000)
safe("header-nested-metadata.safetensors", '{"__metadata__":{"a":{}}}')
safe("header-control-character.safetensors", '{"a\n":{}}')
safe("header-escape.safetensors", '{"\\x":{}}')
safe("header-escape-short.safetensors", '{"\\u12":{}}')
safe("header-lone-surrogate.safetensors", '{"\\udc00":{}}')
safe("header-half-surrogate.safetensors", '{"\\ud800x":{}}')
safe("header-wrong-surrogate.safetensors", '{"\\ud800\\u0041":{}}')
safe("header-unclosed-string.safetensors", '{"w')
safe("header-unknown-key.safetensors", '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"stride":[1]}}', EIGHT)
safe("header-missing-key.safetensors", '{"w":{"dtype":"F32","shape":[2]}}', EIGHT)
safe("header-one-offset.safetensors", '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}}', EIGHT)
safe("header-three-offsets.safetensors", '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}', EIGHT)
safe("header-negative-number.safetensors", "{" + entry(shape="[-2]") + "}", EIGHT)
safe("header-fraction.safetensors", "{" + entry(shape="[2.0]") + "}", EIGHT)
safe("header-leading-zero.safetensors", "{" + entry(shape="[02]") + "}", EIGHT)
safe("header-number-overflow.safetensors", "{" + entry(shape="[9223372036854775808]") + "}", EIGHT)
safe("header-rank.safetensors", "{" + entry(shape=json.dumps([1] * 17)) + "}", EIGHT)
safe("duplicate-name.safetensors", "{" + entry() + "," + entry(8, 16) + "}", EIGHT * 2)
safe("duplicate-escaped-name.safetensors", "{" + entry() + "," + entry(8, 16, name="\\u0077") + "}", EIGHT * 2)
safe("duplicate-plain-name.safetensors", "{" + entry() + "," + entry(8, 16, name="module.w") + "}", EIGHT * 2)
safe("duplicate-key.safetensors", '{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', EIGHT)
safe("duplicate-metadata.safetensors", '{"__metadata__":{"a":"1","a":"2"}}')
safe("gap.safetensors", "{" + entry() + "," + entry(12, 20, name="v") + "}", bytes(20))
safe("gap-at-start.safetensors", "{" + entry(4, 12) + "}", bytes(12))
safe("overlap.safetensors", "{" + entry() + "," + entry(4, 12, name="v") + "}", bytes(12))
safe("same-data.safetensors", "{" + entry() + "," + entry(name="v") + "}", EIGHT)
safe("offsets-reversed.safetensors", "{" + entry(0, 8) + "," + entry(8, 4, name="v") + "}", bytes(8))
safe("data-outside.safetensors", "{" + entry(0, 8) + "}", bytes(7))
safe("data-offset-huge.safetensors", "{" + entry(0, 2**63 - 1) + "}", bytes(7))
safe("trailing-bytes.safetensors", "{" + entry() + "}", EIGHT + b"\0")
safe("byte-count.safetensors", "{" + entry(shape="[3]") + "}", EIGHT)
safe("byte-count-overflow.safetensors", "{" + entry(shape="[2305843009213693952]") + "}", EIGHT)
safe("shape-overflow.safetensors", "{" + entry(0, 0, shape="[0,4611686018427387904,4]") + "}")
safe("half-bytes.safetensors", "{" + entry(0, 1, shape="[3]", dtype="F4") + "}", b"\0")
safe("unknown-type.safetensors", "{" + entry(dtype="F31") + "}", EIGHT)
