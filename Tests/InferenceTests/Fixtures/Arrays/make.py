#!/usr/bin/env python3
"""Writes the .npz files beside this script, and expected.json with their expected contents. Needs numpy.

Values are the bit patterns of the arrays in float32, in row-major order.
"""

import io
import json
import os
import pathlib
import zipfile

import numpy

os.chdir(pathlib.Path(__file__).parent)
random = numpy.random.default_rng(0)
expected = {}


def expect(file, arrays):
    expected[file] = {
        "tensors": [
            {
                "name": name,
                "type": str(array.dtype),
                "shape": list(array.shape),
                "bits": numpy.ascontiguousarray(array, numpy.float32).view(numpy.int32).flatten().tolist(),
            }
            for name, array in arrays.items() if array.dtype.kind == "f"
        ],
        "skipped": [[name, array.dtype.str] for name, array in arrays.items() if array.dtype.kind != "f"],
    }


def values(*shape, type=numpy.float32):
    return random.standard_normal(shape).astype(type)


state = {
    "features.0.weight": values(2, 3, 2, 2),
    "features.0.bias": values(2),
    "half": values(3, 4, type=numpy.float16),
    "double": values(2, 2, type=numpy.float64),
    "columns": numpy.asfortranarray(values(3, 4)),
    "columns of three axes": numpy.asfortranarray(values(2, 3, 4, type=numpy.float16)),
    "scalar": numpy.float32(2.5),
    "empty": values(0, 3),
    "odd": numpy.array([0.0, -0.0, numpy.inf, -numpy.inf, 1e-45, 3.4028235e38], numpy.float32),
    "steps": numpy.array(7, numpy.int64),
    "mask": numpy.array([True, False]),
    "bytes": numpy.arange(3, dtype=numpy.uint8),
    "phase": numpy.array([1j], numpy.complex64),
}
state = {name: numpy.asarray(array) for name, array in state.items()}
numpy.savez("saved.npz", **state)
expect("saved.npz", state)
numpy.savez_compressed("compressed.npz", **state)
expect("compressed.npz", state)

# The three versions of the format, and one array in each that was sliced before it was saved.
sliced = {f"version{major}": values(4, 6)[::2, 1:5] for major in (1, 2, 3)}
with zipfile.ZipFile("versions.npz", "w") as archive:
    for major, (name, array) in enumerate(sliced.items(), 1):
        file = io.BytesIO()
        numpy.lib.format.write_array(file, array, version=(major, 0), allow_pickle=False)
        archive.writestr(zipfile.ZipInfo(f"{name}.npy"), file.getvalue())
expect("versions.npz", sliced)

# Headers of other writers: other quotes, other spaces, keys in another order, no padding, no trailing comma.
literals = {
    "quotes": '{"descr": "<f4", "fortran_order": False, "shape": (2,)}',
    "order": "{'shape': (2,), 'descr': '<f4', 'fortran_order': False}",
    "tight": "{'descr':'<f4','fortran_order':False,'shape':(1,2,),}\n",
    "spaces": "  { 'descr' : '<f4' , 'fortran_order' : True , 'shape' : ( 1 , 2 ) , }   ",
}
numbers = numpy.array([1.5, -2], "<f4")
with zipfile.ZipFile("literals.npz", "w") as archive:
    for name, literal in literals.items():
        header = literal.encode()
        archive.writestr(
            zipfile.ZipInfo(f"{name}.npy"),
            b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + numbers.tobytes())
expect("literals.npz", {
    name: numbers.reshape((1, 2) if name in ("tight", "spaces") else (2,)) for name in literals})

# Names with the prefix of data-parallel training.
wrapped = {"module.features.0.weight": values(2, 2)}
numpy.savez("wrapped.npz", **wrapped)
expect("wrapped.npz", {"features.0.weight": wrapped["module.features.0.weight"]})

json.dump(expected, open("expected.json", "w"), indent=1)
