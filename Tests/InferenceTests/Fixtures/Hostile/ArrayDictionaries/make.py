#!/usr/bin/env python3
"""Writes the pickled arrays beside this script that a reader must refuse, one for each defect.

Needs only Python: the pickles are assembled byte by byte. They are harmless when read as bytes; do not load them with
allow_pickle.
"""

import os
import pathlib
import pickle
import struct

os.chdir(pathlib.Path(__file__).parent)


def text(string):
    data = string.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def raw(data):
    return b"T" + struct.pack("<I", len(data)) + data


def number(value):
    return b"\x8a\x08" + value.to_bytes(8, "little", signed=True)


def dtype(name="f4", order="<", rest=b"NNN"):
    return b"cnumpy\ndtype\n(" + text(name) + b"\x89\x88tR(K\x03" + text(order) + rest + b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"


EMPTY = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0t" + raw(b"b") + b"tR"


def array(shape, data, kind=None, order=b"\x89"):
    return EMPTY + b"(K\x01(" + b"".join(number(n) for n in shape) + b"t" + (kind or dtype()) + order + data + b"tb"


def floats(*shape):
    count = 1
    for n in shape:
        count *= n
    return array(shape, raw(bytes(4 * count)))


def dictionary(*entries):
    return b"}(" + b"".join(text(name) + value for name, value in entries) + b"u"


def objects(value, shape=()):
    return array(shape, b"](" + value + b"e", dtype("O8", "|"))


def layer(weights, *biases):
    return b"](" + weights + b"".join(biases) + b"e"


def write(name, pickled, shape="()", descr="|O", after=b""):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n"
    with open(name + ".npy", "wb") as f:
        f.write(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + b"\x80\x02" + pickled + b"." + after)


def network(name, value):
    write(name, objects(dictionary(("conv1", value))))


SOUND = layer(floats(3, 3, 1, 2), floats(2))

# --- Pickles that want more than arrays --------------------------------------------------------------------------------

class System:
    def __reduce__(self):
        return os.system, ("echo harm",)


write("code-reduce", objects(dictionary(("conv1", SOUND), ("x", pickle.dumps(System(), 2)[2:-1]))))
write("code-instead", b"cos\nsystem\n" + text("echo harm") + b"\x85R")
write("code-stack-global", text("os") + text("system") + b"\x93" + text("echo harm") + b"\x85R")
write("code-inst", b"(" + text("echo harm") + b"ios\nsystem\n")
write("code-as-class", b"cnumpy.core.multiarray\n_reconstruct\n(c__main__\nHarm\n(K\0t" + raw(b"b") + b"tR")
write("code-as-type", b"cnumpy\ndtype\n(cos\nsystem\n\x89\x88tR")
write("code-in-state", EMPTY + b"(K\x01)" + dtype() + b"\x89cos\nsystem\n" + text("echo harm") + b"\x85Rtb")
write("code-in-numpy", b"cnumpy.testing._private.utils\nrunstring\n(" + text("import os") + b"}tR")
write("code-load", b"cnumpy\nload\n(" + text("/etc/passwd") + b"tR")
write("code-encode", b"c_codecs\ndecode\n(" + raw(b"x") + text("zlib") + b"tR")
write("code-extension", b"\x82\x01")

# --- Not a dictionary of layers ----------------------------------------------------------------------------------------

write("no-objects", b"N", descr="<f4")
write("two-objects", objects(b"}}", shape=(2,)), shape="(2,)")
write("root-number", b"K\x01")
write("root-empty-array", EMPTY)
write("root-numbers", floats(1))
write("no-object", array((), b"]", dtype("O8", "|")))
write("object-list", objects(b"]"))
write("object-cycle", EMPTY + b"q\x01(K\x01)" + dtype("O8", "|") + b"\x89](h\x01etb")
write("no-layers", objects(b"}"))
write("no-arrays", objects(dictionary(("epoch", b"K\x03"))))
write("trailing", objects(dictionary(("conv1", SOUND))), after=b"\0")
network("layer-empty", b"]")
network("layer-of-three", layer(floats(3, 3, 1, 2), floats(2), floats(2)))
network("layer-of-text", layer(text("w"), text("b")))
network("layer-of-unfilled", layer(EMPTY, EMPTY))
network("layer-in-layer", layer(SOUND, floats(2)))
network("layer-of-three-axes", layer(floats(3, 3, 2)))
network("layer-biases", layer(floats(3, 3, 1, 2), floats(2, 1)))
network("layer-keys", dictionary(("scale", floats(2)), ("offset", floats(2))))
network("layer-key-twice", dictionary(("weights", floats(1, 2)), ("weight", floats(1, 2))))
network("layer-many-keys", dictionary(*((f"k{i}", b"K\1") for i in range(9))))
network("layer-integers", layer(array((1, 2), raw(bytes(2)), dtype("i1", "|"))))
write("layer-twice", objects(dictionary(("fc", layer(floats(1, 2))), ("fc", layer(floats(1, 2))))))
write("grid", objects(dictionary(("conv1", SOUND), ("fc6", layer(floats(6, 4), floats(4))))))
write("grid-boundless", objects(dictionary(("conv1", SOUND), ("fc6", layer(array(((1 << 63) - 1, 0), raw(b"")))))))
write("layer-without-numbers", objects(dictionary(("fc", layer(array((2, 0), raw(b"")))))))
matrix = layer(floats(2, 4), floats(4))
write("layer-often", objects(dictionary(
    ("conv1", SOUND), ("fc6", matrix + b"q\x01"), *(("fc6", b"h\x01") for _ in range(1000)))))
write("grid-odd", objects(dictionary(("conv1", SOUND), ("fc6", layer(floats(9, 4), floats(4))))))

# --- Arrays that do not fit their bytes ----------------------------------------------------------------------------------

network("array-short", layer(array((3, 3, 1, 2), raw(bytes(71)))))
network("array-long", layer(array((3, 3, 1, 2), raw(bytes(73)))))
network("array-negative", layer(array((-3, -3, 1, 2), raw(bytes(72)))))
network("array-huge", layer(array((2**40, 2**40), raw(bytes(8)))))
network("array-rank", layer(array((1,) * 17, raw(bytes(4)))))
network("array-big-endian", layer(array((1, 2), raw(bytes(8)), dtype(order=">"))))
network("array-structured", layer(array((1, 2), raw(bytes(16)), dtype("V8", "|", b"N(" + text("a") + b"t}"))))
network("array-text", layer(array((1, 2), raw(bytes(8)), dtype("S4", "|"))))
network("array-bytes-for-objects", layer(array((1,), raw(bytes(8)), dtype("O8", "|"))))
network("array-objects-for-bytes", layer(array((1,), b"]")))
network("array-order", layer(array((1, 2), raw(bytes(8)), order=b"K\x02")))
network("array-state", layer(EMPTY + b"(K\x01K\x02tb"))
network("type-state", layer(array((1, 2), raw(bytes(8)), b"cnumpy\ndtype\n(" + text("f4") + b"tR)b")))
network("type-byte-order", layer(array((1, 2), raw(bytes(8)), dtype(order="?"))))
network("buffer-order", layer(
    b"cnumpy._core.numeric\n_frombuffer\n(" + raw(bytes(8)) + dtype() + b"(K\1K\2t" + text("Z") + b"tR"))

# --- Encoded text ----------------------------------------------------------------------------------------------------------

ENCODE = b"c_codecs\nencode\n"
network("encoded-beyond", layer(array((1, 2), ENCODE + b"(" + text("\u0100" * 8) + text("latin1") + b"tR")))
network("encoded-utf8", layer(array((1, 2), ENCODE + b"(" + text("a" * 8) + text("utf-8") + b"tR")))
network("encoded-number", layer(array((1, 2), ENCODE + b"(K\1" + text("latin1") + b"tR")))
network("encoded-cut", layer(array((1, 2), ENCODE + b"(X" + struct.pack("<I", 70_000) + b"a" * 69_999 + b"\xc3"
                                   + text("latin1") + b"tR")))
write("encoded-often", text("a" * 60_000) + b"q\x01" + ENCODE + b"q\x02" + text("latin1") + b"q\x03"
      + b"h\x02h\x01h\x03\x86R0" * 100)

# --- Bombs -----------------------------------------------------------------------------------------------------------------

write("deep", b"]" * 3000 + b"a" * 2999)
write("many-arrays", EMPTY + b"q\x01" + objects(
    b"}(" + b"".join(text(f"w{i}") + b"q\x02h\x01" for i in range(3)) + b"u"))
shared = layer(floats(1, 2))
write("shared-layer", objects(dictionary(("a", shared + b"q\x01"), *((f"a{i}", b"h\x01") for i in range(3)), ("b", b"]h\x01a"))))
write("huge-string", b"T\xff\xff\xff\x7f")
write("huge-bytes", b"\x8e" + b"\xff" * 8)
write("long-line", b"I" + b"1" * 70_000 + b"\n")
