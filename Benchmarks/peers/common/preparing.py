"""The main function of every `inputs.py`: time its preprocessing, or write the inputs of some images."""

import argparse
import json
import time
from pathlib import Path

import numpy

WARM_UP_COUNT = 3
MIN_RUN_COUNT = 10


def main(preprocess):
    """`preprocess(content)` turns a file's bytes into an input [3, 224, 224], on one thread."""
    parser = argparse.ArgumentParser(description="One line of JSON: the median time per image.")
    parser.add_argument("images", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--output", help="write the inputs [N, 3, 224, 224] here (.npy) instead of measuring")
    options = parser.parse_args()
    contents = [image.read_bytes() for image in options.images]
    if options.output:
        numpy.save(options.output, numpy.stack([preprocess(content) for content in contents]))
    else:
        measure(preprocess, contents[0], options.seconds)


def measure(preprocess, content, seconds):
    for _ in range(WARM_UP_COUNT):
        preprocess(content)
    durations = []
    end = time.perf_counter() + seconds
    while len(durations) < MIN_RUN_COUNT or time.perf_counter() < end:
        start = time.perf_counter()
        preprocess(content)
        durations.append(time.perf_counter() - start)
    print(json.dumps({"milliseconds": float(numpy.median(durations)) * 1000}))
