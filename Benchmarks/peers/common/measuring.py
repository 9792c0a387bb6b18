"""The main function of every `network.py`: time the network, or compute probabilities with it."""

import argparse
import json
import time

import numpy

WARM_UP_COUNT = 3
MIN_RUN_COUNT = 5


def main(load):
    """Parse the options, then compute or measure.

    `load(options)` returns a function from inputs [N, 3, 224, 224] to probabilities [N, classes], and a dictionary that
    is merged into the printed JSON.
    """
    parser = argparse.ArgumentParser(description="One line of JSON: the median time of a batch.")
    parser.add_argument("--model", required=True, help="folder that export.py made")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--inputs", help="classify these inputs [N, 3, 224, 224] (.npy) instead of measuring")
    parser.add_argument("--outputs", help="file for the probabilities: raw float32 [N, classes]")
    options = parser.parse_args()
    if options.inputs:
        compute(load, options)
    else:
        measure(load, options)


def compute(load, options):
    inputs = numpy.load(options.inputs)
    network, _ = load(options)
    parts = []
    for start in range(0, len(inputs), options.batch):
        part = inputs[start:start + options.batch]
        missing = options.batch - len(part)
        filled = numpy.concatenate([part, numpy.zeros((missing, *part.shape[1:]), part.dtype)]) if missing else part
        parts.append(numpy.array(network(filled))[:len(part)])
    numpy.concatenate(parts).astype(numpy.float32).tofile(options.outputs)


def measure(load, options):
    network, remarks = load(options)
    inputs = numpy.random.default_rng(0).standard_normal((options.batch, 3, 224, 224), dtype=numpy.float32)
    for _ in range(WARM_UP_COUNT):
        network(inputs)
    durations = []
    end = time.perf_counter() + options.seconds
    while len(durations) < MIN_RUN_COUNT or time.perf_counter() < end:
        start = time.perf_counter()
        network(inputs)
        durations.append(time.perf_counter() - start)
    print(json.dumps({"milliseconds": float(numpy.median(durations)) * 1000, **remarks}))
