#!/usr/bin/env python3
"""Writes the .npz files beside this script that a reader must refuse, one for each defect of an array.

Defects of the archive are in ../Checkpoints. Needs only Python.
"""

import io
import os
import pathlib
import zipfile

os.chdir(pathlib.Path(__file__).parent)

EIGHT = bytes(8)


def archive(name, *arrays, **options):
    with zipfile.ZipFile(name, "w", **options) as file:
        for record, data in arrays:
            file.writestr(zipfile.ZipInfo(record), data, options.get("compression"))


def array(literal, data=EIGHT, version=(1, 0), magic=b"\x93NUMPY", length=None):
    text = literal if isinstance(literal, bytes) else literal.encode()
    size = len(text) if length is None else length
    return magic + bytes(version) + size.to_bytes(2 if version[0] == 1 else 4, "little") + text + data


def header(descr="'<f4'", order="False", shape="(2,)", end=", }\n"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}{end}"


def hostile(name, literal, *args, **options):
    archive(f"{name}.npz", ("w.npy", array(literal, *args, **options)))


# The magic bytes and the version.
archive("empty.npz", ("w.npy", b""))
hostile("magic", header(), magic=b"\x93NUMPX")
hostile("version-0", header(), version=(0, 0))
hostile("version-4", header(), version=(4, 0))
hostile("version-minor", header(), version=(1, 1))
archive("cut-in-version.npz", ("w.npy", b"\x93NUMPY\1"))
archive("cut-in-length.npz", ("w.npy", b"\x93NUMPY\2\0\1\0\0"))
hostile("header-outside", header(), length=1000)
hostile("header-too-long", header().ljust(10_001), version=(2, 0))
hostile("header-length-huge", header(), version=(3, 0), length=0xFFFFFFFF)

# The dictionary.
hostile("no-dictionary", "['descr', '<f4']")
hostile("no-header", "")
hostile("unknown-key", header(end=", 'strides': (1,), }"))
hostile("repeated-key", header(end=", 'descr': '<f8', }"))
hostile("missing-key", "{'descr': '<f4', 'shape': (2,), }")
hostile("not-closed", header(end=","))
hostile("trailing-text", header() + "x")
hostile("trailing-code", header(end=", } or __import__('os')"))
hostile("no-colon", "{'descr' '<f4'}")
hostile("no-comma", "{'descr': '<f4' 'fortran_order': False}")
hostile("key-unquoted", "{descr: '<f4'}")
hostile("string-open", "{'descr': '<f4")
hostile("string-escape", header(descr="'\\x3cf4'"))
hostile("string-not-ascii", header(descr="'<ƒ4'"))
hostile("string-control", header(descr="'<f\t4'"))

# The order.
hostile("order-number", header(order="0"))
hostile("order-name", header(order="None"))

# The shape.
hostile("shape-list", header(shape="[2]"))
hostile("shape-number", header(shape="2"))
hostile("shape-parentheses", header(shape="(2)"))
hostile("shape-negative", header(shape="(-2,)"))
hostile("shape-fraction", header(shape="(2.0,)"))
hostile("shape-leading-zero", header(shape="(02,)"))
hostile("shape-suffix", header(shape="(2L,)"))
hostile("shape-expression", header(shape="(1+1,)"))
hostile("shape-two-commas", header(shape="(2,,)"))
hostile("shape-comma-alone", header(shape="(,)"))
hostile("shape-no-comma", header(shape="(1 2)"))
hostile("shape-open", header(shape="(2,", end=""))
hostile("shape-63-bits", header(shape="(9223372036854775808,)"))
hostile("shape-rank", header(shape=f"({'1, ' * 17})"))
hostile("shape-overflow", header(shape="(4294967296, 4294967296)"))
hostile("shape-bytes-overflow", header(shape="(4611686018427387904,)"))
hostile("shape-empty-overflow", header(shape="(0, 4294967296, 4294967296)"), b"")

# The numbers.
hostile("data-short", header(shape="(3,)"))
hostile("data-long", header(shape="(1,)"))
hostile("data-of-empty", header(shape="(0,)"))
hostile("skipped-short", header(descr="'<i8'"))
hostile("type-object", header(descr="'|O'"), b"\x80\2cos\nsystem\n(S'true'\ntR.")
hostile("type-structured", header(descr="[('a', '<f4')]"))
hostile("type-big-endian", header(descr="'>f4'"))
hostile("type-native", header(descr="'f4'"))
hostile("type-text", header(descr="'<U1'"))
hostile("type-quad", header(descr="'<f16'", shape="()"))
hostile("type-void", header(descr="'|V2'", shape="(4,)"))

# The archive.
archive("duplicate-name.npz", ("w.npy", array(header())), ("module.w.npy", array(header())))
archive("bomb.npz", ("w.npy", array(header(shape="(25000000,)"), bytes(100_000_000))),
        compression=zipfile.ZIP_DEFLATED)
