#!/usr/bin/env python3
"""Write gradients.json: PyTorch's gradients, in float64, of the small networks in GradientTests.swift.

Parameters and images are the same noise as there. Dropout is off, since its random masks cannot be reproduced. Needs PyTorch
and NumPy.
"""

import json
from pathlib import Path

import numpy
import torch
from torch import nn
from torch.nn import functional

LABELS = torch.tensor([0, 2, 1])


def noise(shape, seed, scale=1.0):
    count = int(numpy.prod(shape))
    numbers = (numpy.arange(count, dtype=numpy.uint64) + numpy.uint64(seed * 7919)) * numpy.uint64(2654435761)
    values = (numbers & numpy.uint64(0xFFFF)).astype(numpy.float32) / numpy.float32(32768) - numpy.float32(1)
    return torch.from_numpy((numpy.float32(scale) * values).reshape(shape)).double()


class Same(nn.Module):
    """TensorFlow's local response normalisation: alpha is not divided by the window's size, and even windows extend further down."""

    def __init__(self, size, alpha, beta, k):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x):
        before = self.size // 2
        squares = functional.pad(x * x, (0, 0, 0, 0, before, self.size - 1 - before))
        sums = sum(squares[:, i : i + x.shape[1]] for i in range(self.size))
        return x / (self.k + self.alpha * sums) ** self.beta


def conv(inputs, outputs, kernel, seed=1, scale=0.5, **options):
    layer = nn.Conv2d(inputs, outputs, kernel, **options).double()
    with torch.no_grad():
        layer.weight.copy_(noise(layer.weight.shape, seed, scale))
        if layer.bias is not None:
            layer.bias.copy_(noise(layer.bias.shape, seed + 1, 0.1))
    return layer


def linear(inputs, outputs, seed=5):
    layer = nn.Linear(inputs, outputs).double()
    with torch.no_grad():
        layer.weight.copy_(noise(layer.weight.shape, seed, 0.5))
        layer.bias.copy_(noise(layer.bias.shape, seed + 1, 0.1))
    return layer


def networks():
    flat = nn.Flatten()
    return {
        "linear": ((7,), [linear(7, 5)]),
        "two linear layers with a ReLU": ((7,), [linear(7, 9), nn.ReLU(), linear(9, 4, seed=8)]),
        "convolutions of stride 1": (
            (3, 7, 6), [conv(3, 4, 3, padding=1), nn.ReLU(), conv(4, 5, 3, seed=3, padding=1), flat, linear(210, 3)]),
        "kernels of 5 and of 2 by 4, unpadded": (
            (2, 9, 8), [conv(2, 3, 1), conv(3, 4, 5, padding=2), conv(4, 3, (2, 4), seed=3), flat, linear(120, 3)]),
        "strided convolutions": (
            (2, 11, 9),
            [conv(2, 3, 3, padding=1), conv(3, 4, 3, seed=3, stride=2, padding=1),
             conv(4, 3, 4, seed=4, stride=(3, 2), padding=1), flat, linear(12, 3)]),
        "convolutions without biases, by windows and by tiles": (
            (2, 8, 8),
            [conv(2, 40, 3, bias=False), conv(40, 40, 3, seed=3, scale=0.02, padding=1, bias=False),
             nn.AdaptiveAvgPool2d(3), flat, linear(360, 3)]),
        "groups": (
            (4, 6, 6),
            [conv(4, 6, 3, padding=1, groups=2), conv(6, 4, 3, seed=3, stride=2, groups=2), flat, linear(16, 3)]),
        "a pooling behind a ReLU": (
            (2, 8, 7), [conv(2, 20, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2), flat, linear(180, 3)]),
        "a padded pooling by itself, and averages": (
            (2, 8, 7),
            [conv(2, 3, 3, padding=1), nn.MaxPool2d(3, 2, padding=1), nn.AdaptiveAvgPool2d(3), flat, linear(27, 3)]),
        "local response normalisation": (
            (2, 4, 5),
            [conv(2, 7, 3, padding=1), nn.ReLU(), nn.LocalResponseNorm(5, alpha=0.5, beta=0.75, k=1.0),
             nn.MaxPool2d(2, 1), Same(4, 0.3, 0.6, 2.0), flat, linear(84, 3)]),
    }


def main():
    found = {}
    for name, (shape, layers) in networks().items():
        network = nn.Sequential(*layers)
        images = noise((3, int(numpy.prod(shape))), 77)
        if len(shape) == 3:
            # The noise is in channels-last order there.
            images = images.reshape(3, shape[1], shape[2], shape[0]).permute(0, 3, 1, 2)
        loss = functional.cross_entropy(network(images), LABELS)
        loss.backward()
        gradients = [number for parameter in network.parameters() for number in parameter.grad.flatten().tolist()]
        found[name] = {"loss": loss.item(), "gradients": [float(f"{number:.7g}") for number in gradients]}
    path = Path(__file__).resolve().parent / "gradients.json"
    path.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
