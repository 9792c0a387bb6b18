#!/usr/bin/env python3
"""Writes cross_entropy.json: losses and gradients of torch.nn.CrossEntropyLoss on a few batches."""

import json
import pathlib

import torch

torch.manual_seed(1)
cases = []
for rows, classes, scale, smoothing in [(1, 2, 1, 0), (5, 3, 4, 0), (4, 10, 1, 0.1), (7, 5, 30, 0.2), (3, 4, 1, 1.0), (6, 10, 100, 0)]:
    logits = (torch.randn(rows, classes) * scale).requires_grad_()
    labels = torch.randint(0, classes, (rows,))
    # Computed in float64 from the float32 logits, so that the fixture has no rounding error in float32.
    exact = logits.detach().double().requires_grad_()
    loss = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)(exact, labels)
    loss.backward()
    cases.append(
        {
            "classCount": classes,
            "smoothing": smoothing,
            "logits": logits.detach().flatten().tolist(),
            "labels": labels.tolist(),
            "loss": loss.item(),
            "correct": int((logits.argmax(1) == labels).sum()),
            "gradient": exact.grad.flatten().tolist(),
        }
    )
pathlib.Path(__file__).with_name("cross_entropy.json").write_text(json.dumps(cases) + "\n")
