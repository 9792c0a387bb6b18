#!/usr/bin/env python3
"""Write networks.json and layers.json: PyTorch's outputs, as references for the Swift tests.

Needs torch, torchvision and numpy. Run it in this folder: ./make.py

networks.json  Full-size networks are too large to commit, so weights and inputs come from a formula that the tests reproduce
               exactly. For tensor number t, in the order of `tensors`, and flat element index i (row-major):

                   x = t * 2^40 + i + 0x9E3779B97F4A7C15          (64-bit, wrapping)
                   z = (x ^ x >> 30) * 0xBF58476D1CE4E5B9
                   z = (z ^ z >> 27) * 0x94D049BB133111EB
                   z = z ^ z >> 31                                (splitmix64)
                   value = ((z >> 40) * 2^-24 - 0.5) * scale      (exact in float32: scale is a power of two)

               Image n of the batch is tensor 1000 + n with the scale `inputScale`. Logits are computed in float64.
layers.json    Single layers on tiny arrays; every input, weight and output is in the file. Outputs are computed in float64.
"""

import json
import math
from pathlib import Path

import numpy
import torch
from torch.nn import functional

from networks import FORMS, INPUT_SHAPES, Paper, make_network, named_block_key

HERE = Path(__file__).resolve().parent
CLASSES = 10
BATCH = 2
FIRST_INPUT = 1000
INPUT_SCALE = 2.0
BIAS_SCALE = 2.0**-4


def formula(number, shape, scale):
    """The values of tensor `number` as float64, every one exact in float32."""
    with numpy.errstate(over="ignore"):
        z = numpy.arange(math.prod(shape), dtype=numpy.uint64) + numpy.uint64(number << 40)
        z += numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z ^= z >> numpy.uint64(31)
    values = ((z >> numpy.uint64(40)).astype(numpy.float64) * 2.0**-24 - 0.5) * scale
    assert (values.astype(numpy.float32) == values).all()
    return torch.from_numpy(values.reshape(shape))


def scale_of(name, shape):
    """Scale of a tensor: Kaiming's uniform width 2 · sqrt(6 / fan_in) rounded to a power of two; 1/16 for biases."""
    if name.endswith("bias"):
        return BIAS_SCALE
    return 2.0 ** round(math.log2(2 * math.sqrt(6 / math.prod(shape[1:]))))


def network_fixture(name, form, network, norm=None):
    """The tensors of a network, in order, and the logits of the batch of two inputs."""
    network = network.double()
    tensors, state = [], {}
    for number, (key, value) in enumerate(network.state_dict().items()):
        shape = list(value.shape)
        scale = scale_of(key, shape)
        state[key] = formula(number, shape, scale)
        tensor = {"name": key, "shape": shape, "scale": scale}
        if form == "half_width":
            tensor["otherName"] = named_block_key(key)
        tensors.append(tensor)
    network.load_state_dict(state)
    shape = INPUT_SHAPES[form]
    inputs = torch.stack([formula(FIRST_INPUT + n, shape, INPUT_SCALE) for n in range(BATCH)])
    with torch.inference_mode():
        logits = network(inputs)
    print(f"{name}: logits {logits.min():.3f} … {logits.max():.3f}, deviation {logits.std():.3f}")
    fixture = {"name": name, "form": form, "inputShape": [BATCH, *shape], "inputScale": INPUT_SCALE}
    if norm:
        fixture["localResponseNorm"] = norm
    return fixture | {"tensors": tensors, "logits": logits.tolist()}


def network_fixtures():
    fixtures = []
    for form in FORMS:
        if form != "paper":
            fixtures.append(network_fixture(form, form, make_network(form, CLASSES)))
            continue
        for convention, alpha in (("caffe", 1e-4), ("tensorflow", 5e-4)):
            norm = {
                "size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1, "alphaDividedBySize": convention == "caffe",
            }
            fixtures.append(network_fixture(f"paper_{convention}", form, Paper(CLASSES, alpha=alpha).eval(), norm))
    return fixtures


class Numbers:
    """Small multiples of 1/32, so that they are short in JSON and exact in float32."""

    def __init__(self):
        self.number = 0

    def __call__(self, *shape, scale=4.0):
        self.number += 1
        return (formula(self.number, shape, scale) * 32).round() / 32


def array(tensor):
    return {"shape": list(tensor.shape), "values": tensor.flatten().tolist()}


def layer_fixtures():
    numbers = Numbers()
    fixtures = []

    def add(operation, name, output, **fields):
        arrays = {key: array(value) if torch.is_tensor(value) else value for key, value in fields.items()}
        fixtures.append({"operation": operation, "name": name} | arrays | {"output": array(output)})

    # N, C, H, W, O, kernel, stride, padding, groups, bias
    for n, c, h, w, o, kernel, stride, padding, groups, biased in [
        (1, 1, 4, 4, 1, (3, 3), (1, 1), (0, 0), 1, True),
        (2, 3, 7, 6, 4, (3, 3), (1, 1), (1, 1), 1, True),
        (1, 2, 9, 8, 3, (5, 5), (1, 1), (2, 2), 1, False),
        (2, 3, 17, 15, 2, (11, 11), (4, 4), (2, 2), 1, True),
        (1, 3, 16, 19, 2, (11, 11), (4, 4), (0, 0), 1, True),
        (2, 4, 6, 5, 6, (3, 3), (1, 1), (1, 1), 2, True),
        (1, 6, 5, 5, 6, (3, 3), (2, 2), (1, 1), 6, True),
        (1, 5, 3, 4, 3, (1, 1), (1, 1), (0, 0), 1, True),
        (1, 2, 5, 7, 2, (3, 1), (1, 2), (1, 0), 1, True),
        (1, 2, 2, 2, 2, (3, 3), (2, 2), (1, 1), 1, True),
    ]:
        x, weight = numbers(n, c, h, w), numbers(o, c // groups, *kernel)
        bias = numbers(o) if biased else None
        output = functional.conv2d(x, weight, bias, stride, padding, groups=groups)
        name = (
            f"{c} to {o} channels, kernel {kernel[0]}x{kernel[1]}, stride {stride[0]}x{stride[1]}, "
            f"padding {padding[0]}x{padding[1]}, {groups} group{'s' if groups > 1 else ''}"
        )
        fields = {"weight": weight} | ({"bias": bias} if biased else {})
        add("conv2d", name, output, input=x, **fields, stride=stride, padding=padding, groups=groups)

    # N, C, H, W, kernel, stride, padding, rounds up
    for n, c, h, w, kernel, stride, padding, ceil in [
        (1, 2, 7, 7, 3, 2, 0, False),
        (2, 1, 8, 6, 3, 2, 0, False),
        (1, 2, 6, 8, 2, 2, 0, False),
        (1, 1, 7, 5, 3, 2, 1, False),
        (1, 2, 6, 6, 3, 2, 0, True),
        (1, 1, 5, 5, 3, 1, 1, False),
    ]:
        x = numbers(n, c, h, w)
        output = functional.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil)
        name = f"{h}x{w}, kernel {kernel}, stride {stride}, padding {padding}{', rounding up' if ceil else ''}"
        add("maxPool2d", name, output, input=x, kernelSize=kernel, stride=stride, padding=padding, roundsUp=ceil)
    x = -1 - numbers(1, 1, 4, 4).abs()
    add(
        "maxPool2d", "negative values, where padding must not win", functional.max_pool2d(x, 3, 2, 1),
        input=x, kernelSize=3, stride=2, padding=1, roundsUp=False,
    )

    for n, c, h, w, out in [
        (1, 2, 6, 6, (6, 6)), (2, 1, 13, 13, (6, 6)), (1, 2, 7, 5, (6, 6)), (1, 1, 3, 4, (6, 6)), (1, 3, 5, 7, (1, 1)),
        (1, 2, 10, 7, (3, 2)),
    ]:
        x = numbers(n, c, h, w)
        add(
            "adaptiveAveragePool2d", f"{h}x{w} to {out[0]}x{out[1]}", functional.adaptive_avg_pool2d(x, out),
            input=x, outputSize=out,
        )

    for channels, size, alpha, beta, k, divided in [
        (7, 5, 1e-4, 0.75, 1.0, True),
        (7, 5, 1e-4, 0.75, 1.0, False),
        (6, 5, 0.5, 0.75, 1.0, True),
        (6, 5, 0.5, 0.75, 1.0, False),
        (8, 5, 1e-4, 0.75, 2.0, False),
        (3, 5, 0.25, 0.75, 2.0, True),
        (5, 3, 0.25, 0.5, 1.0, True),
    ]:
        x = numbers(2, channels, 2, 3, scale=8.0)
        output = functional.local_response_norm(x, size, alpha if divided else alpha * size, beta, k)
        name = f"{channels} channels, size {size}, alpha {alpha}{' divided by the size' if divided else ' as it stands'}, k {k}"
        add("localResponseNorm", name, output, input=x, size=size, alpha=alpha, beta=beta, k=k, alphaDividedBySize=divided)

    for n, width, out, biased in [(1, 3, 2, True), (3, 7, 5, True), (2, 4, 3, False)]:
        x, weight = numbers(n, width), numbers(out, width)
        bias = numbers(out) if biased else None
        fields = {"weight": weight} | ({"bias": bias} if biased else {})
        add("linear", f"{n} row(s), {width} to {out}", functional.linear(x, weight, bias), input=x, **fields)

    for name, x in [
        ("two rows", numbers(2, 5)),
        ("one class", numbers(3, 1)),
        ("logits past the range of exp in float32", torch.tensor([[1000.0, 999.0, -1000.0], [-5000.0, -5000.0, -4999.5]]).double()),
        ("a wide row", numbers(1, 37, scale=16.0)),
    ]:
        add("softmax", name, functional.softmax(x, 1), input=x)

    # N, C, H, W, kernel, stride, padding, rounds up, counts padding
    for n, c, h, w, kernel, stride, padding, ceil, counts in [
        (2, 3, 6, 8, 2, 2, 0, False, True),
        (1, 2, 5, 7, 3, 1, 1, False, True),
        (1, 2, 5, 7, 3, 1, 1, False, False),
        (1, 2, 6, 6, 3, 2, 0, True, True),
        (1, 17, 6, 7, 3, 2, 1, True, True),
        (1, 2, 6, 7, 3, 2, 1, True, False),
        (1, 1, 7, 6, (2, 3), (3, 2), (1, 1), True, True),
    ]:
        x = numbers(n, c, h, w)
        name = (
            f"{h}x{w}, kernel {kernel}, stride {stride}, padding {padding}{', rounding up' if ceil else ''}"
            f"{', padding counts' if counts else ''}"
        )
        add(
            "averagePool2d", name, functional.avg_pool2d(x, kernel, stride, padding, ceil, counts), input=x,
            kernelSize=kernel, stride=stride, padding=padding, roundsUp=ceil, countsPadding=counts,
        )

    for n, c, h, w, epsilon in [(2, 3, 3, 4, 1e-5), (1, 18, 2, 3, 1e-3), (1, 2, 1, 1, 0.5)]:
        x, mean, variance, weight, bias = numbers(n, c, h, w), numbers(c), numbers(c).abs(), numbers(c), numbers(c)
        variance = variance + 1 / 32
        add(
            "batchNorm2d", f"{c} channels, {h}x{w}, epsilon {epsilon}",
            functional.batch_norm(x, mean, variance, weight, bias, eps=epsilon),
            input=x, runningMean=mean, runningVariance=variance, weight=weight, bias=bias, epsilon=epsilon,
        )

    def join(operation, name, function, *inputs):
        add(operation, name, function(inputs), input=inputs[0], otherInputs=[array(other) for other in inputs[1:]])

    join("add", "two inputs", sum, numbers(2, 3, 3, 5), numbers(2, 3, 3, 5))
    join("add", "three inputs", sum, numbers(1, 2, 4, 4), numbers(1, 2, 4, 4), numbers(1, 2, 4, 4))
    join("concat", "3, 1 and 4 channels", lambda x: torch.cat(x, 1), *(numbers(2, c, 2, 3) for c in (3, 1, 4)))
    join("concat", "16 and 2 channels", lambda x: torch.cat(x, 1), *(numbers(1, c, 3, 3) for c in (16, 2)))
    for name, function in (("tanh", torch.tanh), ("sigmoid", torch.sigmoid)):
        for x in (numbers(1, 2, 3, 4, scale=8.0), numbers(2, 5, scale=64.0)):
            add(name, f"{list(x.shape)} within {x.abs().max():.1f}", function(x), input=x)
    return fixtures


def write(name, fixtures):
    """One fixture per line, so that a change to one is one line of a diff."""
    lines = ",\n".join(json.dumps(fixture) for fixture in fixtures)
    (HERE / name).write_text(f"[\n{lines}\n]\n")
    print(f"{name}: {len(fixtures)} fixtures, {(HERE / name).stat().st_size} bytes")


def main():
    write("layers.json", layer_fixtures())
    write("networks.json", network_fixtures())


if __name__ == "__main__":
    main()
