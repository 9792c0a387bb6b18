#!/usr/bin/env python3
"""Writes the pickled dictionaries beside this script, as numpy.save writes them, and expected.json with the expected tensors.
Needs numpy and torch.

The network is the AlexNet of 2012 with few channels. It is computed here in float64 from the arrays in TensorFlow's layout:
kernels H W I O, matrices in x out, feature maps flattened H W C, and local response normalisation with TensorFlow's parameters
(radius 2, alpha 2e-5, beta 0.75, bias 1). So it is independent of the reader's conversion to PyTorch's layout.
"""

import io
import json
import os
import pathlib
import pickle

import numpy
import torch
import torch.nn.functional as F

os.chdir(pathlib.Path(__file__).parent)
random = numpy.random.default_rng(0)


class Python2(pickle._Pickler):
    """Pickles as Python 2 does: byte strings where Python 3 has text or bytes, and NumPy's modules under their old names."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_string(self, value):
        data = value.encode("latin1") if isinstance(value, str) else bytes(value)
        if len(data) < 256:
            self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) + data)
        else:
            self.write(pickle.BINSTRING + len(data).to_bytes(4, "little") + data)
        self.memoize(value)

    dispatch[str] = dispatch[bytes] = save_string

    def save_global(self, value, name=None):
        module = value.__module__.replace("numpy._core", "numpy.core")
        self.write(b"c" + module.encode() + b"\n" + (name or value.__qualname__).encode() + b"\n")
        self.memoize(value)

    dispatch[type] = dispatch[type(numpy.array)] = dispatch[type(lambda: 0)] = save_global


def dump(value, protocol, python2=False):
    file = io.BytesIO()
    (Python2 if python2 else pickle._Pickler)(file, protocol).dump(value)
    return file.getvalue()


def write(name, dictionary, protocol, python2=False, descr="|O", old_modules=False):
    array = numpy.empty((), dtype=object)
    array[()] = dictionary
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': (), }}"
    header += " " * (-(len(header) + 11) % 16) + "\n"
    pickled = dump(array, protocol, python2)
    if old_modules:
        pickled = pickled.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    with open(name, "wb") as f:
        f.write(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header.encode() + pickled)


# --- A network -------------------------------------------------------------------------------------------------------

CLASSES = 5


def layer(*shape):
    scale = (2 / numpy.prod(shape[:-1])) ** 0.5
    return [
        (random.standard_normal(shape) * scale).astype(numpy.float32),
        (random.standard_normal(shape[-1]) * 0.1).astype(numpy.float32),
    ]


network = {
    "fc6": layer(6 * 6 * 6, 10), "fc7": layer(10, 10), "fc8": layer(10, CLASSES), "conv1": layer(11, 11, 3, 4),
    "conv2": layer(5, 5, 2, 6), "conv3": layer(3, 3, 6, 8), "conv4": layer(3, 3, 4, 8), "conv5": layer(3, 3, 4, 6),
}
# Its first layer sees pixels within 150 of the mean.
network["conv1"][0] /= 100


def make_image():
    c, y, x = numpy.meshgrid(numpy.arange(3), numpy.arange(227), numpy.arange(227), indexing="ij")
    return ((c * 71 + y * 13 + x * 29 + y * x) % 256 - 117).astype(numpy.float64)


def convolve(maps, name, stride=1, padding=0, groups=1):
    """Convolution with kernels H W I O; each group computes a share of O."""
    kernels, biases = (torch.tensor(a, dtype=torch.float64) for a in network[name])
    height, width, inputs, outputs = kernels.shape
    parts = []
    for group in range(groups):
        patches = F.unfold(maps[:, group * inputs:(group + 1) * inputs], (height, width), padding=padding, stride=stride)
        patches = patches.reshape(inputs, height, width, -1).permute(1, 2, 0, 3).reshape(height * width * inputs, -1)
        share = kernels.reshape(-1, outputs)[:, group * outputs // groups:(group + 1) * outputs // groups]
        parts.append(share.T @ patches)
    size = (maps.shape[2] + 2 * padding - height) // stride + 1
    return F.relu(torch.cat(parts).reshape(1, outputs, size, size) + biases[None, :, None, None])


def normalize(maps):
    squares = F.pad(maps ** 2, (0, 0, 0, 0, 2, 2))
    sums = sum(squares[:, i:i + maps.shape[1]] for i in range(5))
    return maps / (1 + 2e-5 * sums) ** 0.75


def probabilities(image):
    maps = torch.tensor(image)[None]
    maps = F.max_pool2d(normalize(convolve(maps, "conv1", stride=4)), 3, 2)
    maps = F.max_pool2d(normalize(convolve(maps, "conv2", padding=2, groups=2)), 3, 2)
    maps = convolve(maps, "conv3", padding=1)
    maps = convolve(maps, "conv4", padding=1, groups=2)
    maps = F.max_pool2d(convolve(maps, "conv5", padding=1, groups=2), 3, 2)
    vector = maps[0].permute(1, 2, 0).reshape(1, -1).numpy()
    for name in ("fc6", "fc7", "fc8"):
        weights, biases = network[name]
        vector = vector @ weights.astype(numpy.float64) + biases
        if name != "fc8":
            vector = numpy.maximum(vector, 0)
    return torch.softmax(torch.tensor(vector), 1)[0].tolist()


expected = {"probabilities": probabilities(make_image()), "tensors": [], "files": []}
print(expected["probabilities"])

# Each tensor in PyTorch's layout, permuted by hand, element by element.
for name in sorted(network):
    weights, biases = network[name]
    if weights.ndim == 4:
        h, w, i, o = weights.shape
        values = [weights[y, x, c, n] for n in range(o) for c in range(i) for y in range(h) for x in range(w)]
        shape = [o, i, h, w]
    elif name == "fc6":
        o, shape = weights.shape[1], list(weights.shape[::-1])
        values = [weights[(y * 6 + x) * 6 + c, n] for n in range(o) for c in range(6) for y in range(6) for x in range(6)]
    else:
        shape = list(weights.shape[::-1])
        values = [weights[i, o] for o in range(shape[0]) for i in range(shape[1])]
    for suffix, numbers, extents in ((".weight", values, shape), (".bias", biases, list(biases.shape))):
        bits = numpy.array(numbers, numpy.float32).view(numpy.int32)
        expected["tensors"].append({
            "name": name + suffix, "shape": extents, "sum": int(bits.astype(numpy.int64).sum()),
            "weighted": int((bits.astype(numpy.int64) * (numpy.arange(bits.size) % 1009)).sum())})


def network_file(name, *args, values=list, key=str, order=numpy.ascontiguousarray, **options):
    dictionary = {key(n): values([order(a) for a in arrays]) for n, arrays in network.items()}
    write(name, dictionary, *args, **options)
    found = numpy.load(name, allow_pickle=True, encoding="bytes").item()
    assert len(found) == 8
    for n, arrays in found.items():
        arrays = arrays if isinstance(arrays, (list, tuple, numpy.ndarray)) else [arrays["weights"], arrays["biases"]] if (
            "weights" in arrays) else [arrays[b"weights"], arrays[b"biases"]]
        for a, b in zip(arrays, network[n.decode() if isinstance(n, bytes) else n], strict=True):
            assert (a == b).all()
    expected["files"].append(name)


def objects(arrays):
    array = numpy.empty(2, dtype=object)
    array[0], array[1] = arrays
    return array


network_file("python2.npy", 2, python2=True, descr="|O8")
network_file("protocol-2.npy", 2, old_modules=True)
network_file("protocol-3-bytes-keys.npy", 3, key=str.encode, old_modules=True)
network_file("protocol-4-named.npy", 4, values=lambda a: {"weights": a[0], "biases": a[1]})
network_file("protocol-5-columns.npy", 5, order=numpy.asfortranarray, values=tuple)
network_file("objects.npy", 4, values=objects, order=numpy.asfortranarray)

# A dictionary of single arrays is taken as it is.
plain = {
    "fc.weight": numpy.arange(6, dtype=numpy.float32).reshape(2, 3), "fc.bias": numpy.array([1.5, -2], numpy.float16),
    "steps": numpy.array(7), "double": numpy.array([[0.5]]), "empty": numpy.zeros((0, 2), numpy.float32),
}
for protocol in (2, 3, 4, 5):
    write(f"arrays-{protocol}.npy", plain, protocol)
write("arrays-python2.npy", plain, 2, python2=True)
numpy.save("arrays-saved.npy", plain)

with open("expected.json", "w") as f:
    json.dump(expected, f, indent=1)
    f.write("\n")
