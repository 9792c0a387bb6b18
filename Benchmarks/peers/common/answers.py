"""The JSON that every server here answers: the same five classes in the same form."""

import json
from pathlib import Path

import numpy


def read_classes(path):
    """The labels in the order of their indices, from a `class_indices.json`."""
    labels = json.loads(Path(path).read_text())
    return [labels[str(index)] for index in range(len(labels))]


def answer(probabilities, classes, count=5):
    """The most likely classes of one image, whose probabilities are [classes]."""
    best = numpy.argpartition(probabilities, -count)[-count:]
    best = best[numpy.argsort(probabilities[best])[::-1]]
    top = [
        {"class": classes[index], "probability": float(probabilities[index]), "index": int(index)} for index in best
    ]
    return {**top[0], "top": top}
