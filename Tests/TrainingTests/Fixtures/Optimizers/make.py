#!/usr/bin/env python3
"""Writes optimizers.json: parameters after steps of torch.optim with gradients from a formula.

Values and gradients are those of OptimizerFixture.swift: a linear congruential sequence, scaled by powers of two, so that
both sides have the same floats.
"""

import json
import pathlib

import numpy
import torch

COUNT = 131
STEPS = 20


class Sequence:
    """The same numbers as in OptimizerFixture.swift."""

    def __init__(self):
        self.state = 1

    def next(self):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return (self.state >> 8) * 2.0**-23 - 1


def floats(tensor):
    """Nine significant digits identify every float32."""
    return [float(f"{value:.9g}") for value in tensor.detach().flatten().tolist()]


def run(optimizer_class, arguments, rates=None):
    sequence = Sequence()
    values = torch.nn.Parameter(torch.tensor([sequence.next() for _ in range(COUNT)], dtype=torch.float32))
    optimizer = optimizer_class([values], foreach=False, **arguments)
    after = {}
    for step in range(STEPS):
        gradients = [sequence.next() * 2.0 ** -(index % 13) for index in range(COUNT)]
        values.grad = torch.tensor(gradients, dtype=torch.float32)
        for group in optimizer.param_groups:
            group["lr"] = arguments["lr"] * (1 if step < 10 else 0.1)
        optimizer.step()
        if step + 1 in (1, 2, STEPS):
            after[str(step + 1)] = floats(values)
    state = {
        name: floats(value)
        for name, value in optimizer.state[values].items()
        if isinstance(value, torch.Tensor) and value.numel() == COUNT
    }
    return after, state


cases = []
for kind, torch_class, settings, torch_arguments in [
    ("sgd", torch.optim.SGD, {}, {"lr": 0.1}),
    ("sgd", torch.optim.SGD, {"weightDecay": 0.05}, {"lr": 0.1, "weight_decay": 0.05}),
    ("momentum", torch.optim.SGD, {}, {"lr": 0.01, "momentum": 0.9}),
    ("momentum", torch.optim.SGD, {"momentum": 0.5, "weightDecay": 5e-4}, {"lr": 0.1, "momentum": 0.5, "weight_decay": 5e-4}),
    ("nesterov", torch.optim.SGD, {}, {"lr": 0.01, "momentum": 0.9, "nesterov": True}),
    ("nesterov", torch.optim.SGD, {"weightDecay": 0.05}, {"lr": 0.01, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}),
    ("adagrad", torch.optim.Adagrad, {}, {"lr": 0.01}),
    ("adagrad", torch.optim.Adagrad, {"weightDecay": 0.05, "rateDecay": 0.1}, {"lr": 0.1, "weight_decay": 0.05, "lr_decay": 0.1}),
    ("adam", torch.optim.Adam, {}, {"lr": 1e-3}),
    ("adam", torch.optim.Adam, {"weightDecay": 0.05, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-4}, {"lr": 0.01, "weight_decay": 0.05, "betas": (0.8, 0.99), "eps": 1e-4}),
    ("adamw", torch.optim.AdamW, {}, {"lr": 1e-3}),
    ("adamw", torch.optim.AdamW, {"weightDecay": 0.1}, {"lr": 0.05, "weight_decay": 0.1}),
]:
    after, state = run(torch_class, torch_arguments)
    cases.append({"kind": kind, "learningRate": torch_arguments["lr"], "settings": settings, "values": after, "state": state})
pathlib.Path(__file__).with_name("optimizers.json").write_text(
    "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"
)
