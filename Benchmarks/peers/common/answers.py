"""The JSON answer, the same for every peer: the top five classes."""

import json
from pathlib import Path

import numpy


def read_classes(path):
    """Labels by index, from a `class_indices.json`."""
    labels = json.loads(Path(path).read_text())
    return [labels[str(index)] for index in range(len(labels))]


def answer(probabilities, classes, count=5):
    """The top classes of one image. Shape: `probabilities` [classes]."""
    best = numpy.argpartition(probabilities, -count)[-count:]
    best = best[numpy.argsort(probabilities[best])[::-1]]
    top = [
        {"class": classes[index], "probability": float(probabilities[index]), "index": int(index)} for index in best
    ]
    return {**top[0], "top": top}
