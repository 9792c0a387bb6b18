#!/usr/bin/env python3
"""Write losses.json: PyTorch's loss at each of twenty steps, for each variant of AlexNet and two optimisers.

Weights and images come from a formula instead of a file: number i of parameter p is uniform noise of a hash of both, scaled by
its fan-in; biases are a tenth of that noise. Dropout is off. Scales and learning rates are so small that the loss falls at every
step: with larger ones a ReLU soon flips, and PyTorch's own float32 losses are 1e-3 from its float64 losses. Needs PyTorch and NumPy.
"""

import json
from pathlib import Path

import numpy
import torch
from torch import nn

STEPS, BATCH, CLASSES = 20, 4, 10
RATES = {"adam": 2e-6, "momentum": 4e-5}


def mix(values):
    """Wellons' lowbias32, on unsigned 32-bit numbers."""
    values = values ^ (values >> numpy.uint32(16))
    values = values * numpy.uint32(0x7FEB352D)
    values = values ^ (values >> numpy.uint32(15))
    values = values * numpy.uint32(0x846CA68B)
    return values ^ (values >> numpy.uint32(16))


def noise(count, stream):
    """`count` numbers in -1 ... 1; different streams are independent."""
    hashes = mix(mix(numpy.arange(count, dtype=numpy.uint32)) + numpy.uint32(stream))
    return (hashes >> numpy.uint32(8)).astype(numpy.float32) / numpy.float32(1 << 23) - numpy.float32(1)


def convolutions(widths, inputs, groups, first_padding, normalizes):
    """The layers up to the last pooling."""
    layers, channels = [], inputs
    for index, (width, kernel) in enumerate(zip(widths, [11, 5, 3, 3, 3])):
        padding = first_padding if index == 0 else kernel // 2
        layers.append(nn.Conv2d(channels, width, kernel, 4 if index == 0 else 1, padding, groups=groups[index]))
        layers.append(nn.ReLU())
        if normalizes and index < 2:
            layers.append(nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0))
        if index in (0, 1, 4):
            layers.append(nn.MaxPool2d(3, 2))
        channels = width
    return layers


def network(form):
    """The network and its input shape."""
    ones = [1] * 5
    forms = {
        "alexnet_half_width": ([48, 128, 192, 192, 128], 3, ones, 2, False, 2048, 6, 224),
        "alexnet": ([64, 192, 384, 256, 256], 3, ones, 2, False, 4096, 6, 224),
        "alexnet_2012": ([96, 256, 384, 384, 256], 3, [1, 2, 1, 2, 2], 0, True, 4096, 6, 227),
        "alexnet_one_channel": ([96, 256, 384, 384, 256], 1, ones, 0, False, 4096, 5, 224),
    }
    widths, inputs, groups, padding, normalizes, hidden, grid, side = forms[form]
    layers = convolutions(widths, inputs, groups, padding, normalizes)
    layers += [nn.Flatten(), nn.Linear(widths[4] * grid * grid, hidden), nn.ReLU()]
    layers += [nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, CLASSES)]
    return nn.Sequential(*layers), (inputs, side, side)


def losses(form, optimizer_name):
    model, shape = network(form)
    with torch.no_grad():
        for index, parameter in enumerate(model.parameters()):
            fan_in = parameter[0].numel() if parameter.dim() > 1 else 0
            scale = (3 / fan_in) ** 0.5 if fan_in else 0.1
            values = noise(parameter.numel(), index + 1) * numpy.float32(scale)
            parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))
    if optimizer_name == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=RATES["adam"])
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=RATES["momentum"], momentum=0.9)
    result = []
    for step in range(STEPS):
        count = BATCH * shape[0] * shape[1] * shape[2]
        images = torch.from_numpy(noise(count, 1000 + step % 3)).reshape(BATCH, *shape)
        labels = torch.tensor([(step % 3 + 3 * row) % CLASSES for row in range(BATCH)])
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        result.append(loss.item())
    return result


def main():
    forms = ["alexnet_half_width", "alexnet", "alexnet_2012", "alexnet_one_channel"]
    found = {form: {name: losses(form, name) for name in RATES} for form in forms}
    path = Path(__file__).resolve().parent / "losses.json"
    path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
