#!/usr/bin/env python3
"""Writes schedules.json: the learning rate of every step from torch.optim.lr_scheduler."""

import json
import pathlib
import warnings

import torch
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, ReduceLROnPlateau, SequentialLR, StepLR

warnings.simplefilter("ignore")
LOSSES = [2.0, 1.5, 1.49999, 1.6, 1.2, 1.3, 1.2, 1.19999, 1.1999, 1.19, 1.19, 1.3, 1.18999, 1.5, 1.1]


def rates(base, count, make, losses=None, steps_per_epoch=1):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = make(optimizer)
    found = []
    for step in range(count):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if losses is None:
            scheduler.step()
        elif (step + 1) % steps_per_epoch == 0:
            scheduler.step(losses[step // steps_per_epoch])
    return found


def warm(steps, then):
    """Linear warm-up from base / steps at the first step to base at the last."""
    return lambda optimizer: SequentialLR(
        optimizer,
        [LinearLR(optimizer, start_factor=1 / steps, total_iters=steps - 1), then(optimizer)],
        milestones=[steps],
    )


cases = []


def add(form, base, warmup, epochs, steps, make, losses=None):
    cases.append(
        {"form": form, "base": base, "warmupStepCount": warmup, "epochCount": epochs, "stepsPerEpoch": steps,
         "losses": losses or [], "rates": rates(base, epochs * steps, make, losses, steps)}
    )


add({"step": {"epochCount": 3, "factor": 0.1}}, 0.01, 0, 10, 4, lambda o: StepLR(o, 12, 0.1))
add({"step": {"epochCount": 1, "factor": 0.5}}, 1.0, 0, 5, 3, lambda o: StepLR(o, 3, 0.5))
add({"plateau": {"patience": 2, "factor": 0.1}}, 0.01, 0, 15, 2, lambda o: ReduceLROnPlateau(o, patience=2, factor=0.1), LOSSES)
add({"plateau": {"patience": 0, "factor": 0.5}}, 0.1, 0, 15, 1, lambda o: ReduceLROnPlateau(o, patience=0, factor=0.5), LOSSES)
add({"cosine": {"minimum": 0}}, 0.1, 0, 5, 7, lambda o: CosineAnnealingLR(o, 35))
add({"cosine": {"minimum": 1e-5}}, 1e-3, 0, 3, 5, lambda o: CosineAnnealingLR(o, 15, 1e-5))
add({"cosine": {"minimum": 1e-4}}, 1e-3, 6, 4, 5, warm(6, lambda o: CosineAnnealingLR(o, 14, 1e-4)))
add({"constant": {}}, 0.05, 5, 2, 6, warm(5, lambda o: ConstantLR(o, factor=1)))
pathlib.Path(__file__).with_name("schedules.json").write_text(
    "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"
)
