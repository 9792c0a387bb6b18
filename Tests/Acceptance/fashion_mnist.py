#!/usr/bin/env python3
"""All 10,000 Fashion-MNIST test images over HTTP: the answers match PyTorch's.

The images are sent as PNG over several keep-alive connections: raw, in forms with one and four files, and in JSON with one and
four images in base64. PyTorch classifies the same bytes with the same checkpoint.

    accuracy                        at least 92 %
    top-1 class                     PyTorch's on every image
    |difference of a probability|   at most 1e-4, over all ten classes
"""

import base64
import gzip
import hashlib
import io
import json
import queue
import tempfile
import time
from pathlib import Path

import numpy
import torch
from PIL import Image

from acceptance import ROOT, Server, Verdict, exchange, make_parser, multipart, parse, probabilities, problem, run_threads
from networks import make_network
from preprocessing import preprocess

LEAST_ACCURACY = 0.92
LARGEST_PROBABILITY_DIFFERENCE = 1e-4
CLASSES = 10
MODEL = "fashion-mnist"


def read_idx(path):
    """The uint8 array in a gzipped IDX file."""
    content = gzip.decompress(path.read_bytes())
    axes = content[3]
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * axes).reshape(numpy.frombuffer(content, ">u4", axes, 4))


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def expected_probabilities(checkpoint, images, cache):
    """PyTorch's probabilities [N, 10], cached in `cache` by the digest of checkpoint and images."""
    digest = hashlib.sha256(checkpoint.read_bytes() + b"".join(images)).hexdigest()[:16]
    kept = cache / f"fashion-mnist-{digest}.npy"
    if kept.exists():
        return numpy.load(kept)
    network = make_network("half_width", CLASSES)
    state = torch.load(checkpoint, weights_only=True)
    network.load_state_dict({name: value.float() for name, value in state.items()})
    batches = []
    with torch.inference_mode():
        for start in range(0, len(images), 50):
            inputs = torch.stack([preprocess(image, "stretch") for image in images[start : start + 50]])
            batches.append(torch.softmax(network(inputs).double(), 1).numpy())
    expected = numpy.concatenate(batches)
    cache.mkdir(parents=True, exist_ok=True)
    numpy.save(kept, expected)
    return expected


def make_requests(count):
    """Yields each request: its encoding (raw, form or json) and the indices of its images."""
    ways = [("raw", 1), ("form", 1), ("json", 1), ("form", 4), ("json", 4)]
    start = 0
    while start < count:
        way, size = ways[start // 11 % len(ways)]
        indices = list(range(start, min(start + size, count)))
        yield way, indices
        start += len(indices)


def send(connection, way, images):
    """Send one request. Returns the predictions in the order of the images, or None and the reason."""
    if way == "raw":
        body, fields = images[0], {"Content-Type": "image/png"}
    elif way == "form":
        body, kind = multipart(images)
        fields = {"Content-Type": kind}
    else:
        encoded = [base64.b64encode(image).decode() for image in images]
        body = json.dumps({"image": encoded[0]} if len(images) == 1 else {"images": encoded}).encode()
        fields = {"Content-Type": "application/json"}
    status, answered, content = exchange(connection, "POST", f"/predict?top={CLASSES}", body, fields)
    if status != 200:
        return None, f"{way} of {len(images)}: {status}, {problem(answered, content) or content[:300]}"
    answer = json.loads(content)
    return ([answer] if len(images) == 1 else answer["predictions"]), ""


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--models", type=Path, default=ROOT / "weights")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--images", type=int, default=10000)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "alexnet-acceptance")
    options = parse(parser)
    verdict = Verdict()

    labels = read_idx(options.data / "t10k-labels-idx1-ubyte.gz")[: options.images]
    images = [png(pixels) for pixels in read_idx(options.data / "t10k-images-idx3-ubyte.gz")[: options.images]]
    description = json.loads((options.models / MODEL / "model.json").read_text())
    expected = expected_probabilities(options.models / MODEL / description["checkpoint"], images, options.cache)
    names = json.loads((options.models / MODEL / "class_indices.json").read_text())

    work = queue.SimpleQueue()
    for request in make_requests(len(images)):
        work.put(request)
    requests = work.qsize()
    answers = [None] * len(images)
    failures = []

    with Server(options.binary, "--models", options.models) as server:
        def one_connection(_):
            connection = server.connect()
            while True:
                try:
                    way, indices = work.get_nowait()
                except queue.Empty:
                    return
                try:
                    predictions, reason = send(connection, way, [images[index] for index in indices])
                    if predictions is None:
                        failures.append(reason)
                    elif len(predictions) != len(indices):
                        failures.append(f"{way}: {len(predictions)} predictions for {len(indices)} images")
                    else:
                        for index, prediction in zip(indices, predictions):
                            answers[index] = prediction
                except Exception as error:
                    failures.append(f"{way} of {len(indices)}: {type(error).__name__}: {error}")
                    connection.close()

        start = time.monotonic()
        run_threads(options.connections, one_connection)
        seconds = time.monotonic() - start
        metrics = server.metrics()
        log = server.log()

    verdict.note(
        f"{len(images)} images in {requests} requests over {options.connections} connections: {seconds:.1f} s, "
        f"{len(images) / seconds:.0f} a second"
    )
    if not verdict.check(not failures, "every request is answered", "\n".join(failures[:10] + ["log:", log[-1500:]])):
        verdict.finish()

    got, odd = numpy.zeros_like(expected), []
    for index, answer in enumerate(answers):
        try:
            got[index] = probabilities(answer, CLASSES)
            if answer["class"] != names[str(answer["index"])] or answer["index"] != got[index].argmax():
                raise ValueError(f"class {answer['class']!r}, index {answer['index']}, but `top` says {got[index].argmax()}")
        except (KeyError, TypeError, ValueError) as error:
            odd.append(f"image {index}: {type(error).__name__}: {error}; the answer begins {str(answer)[:300]}")
    if not verdict.check(not odd, "every answer holds a class, its index and all ten probabilities", "\n".join(odd[:10])):
        verdict.finish()

    share, reference = (got.argmax(1) == labels).mean(), (expected.argmax(1) == labels).mean()
    verdict.check(share >= LEAST_ACCURACY, f"accuracy {share:.4f}, PyTorch's {reference:.4f}")
    others = numpy.flatnonzero(got.argmax(1) != expected.argmax(1))
    verdict.check(
        len(others) == 0, f"the class is PyTorch's on {len(labels) - len(others)} of {len(labels)} images",
        "\n".join(
            f"image {index}: {got[index].argmax()} instead of {expected[index].argmax()}, PyTorch's first two are "
            f"{numpy.sort(expected[index])[-1]:.6f} and {numpy.sort(expected[index])[-2]:.6f}" for index in others[:10]
        ),
    )
    differences = abs(got - expected).max(1)
    worst = int(differences.argmax())
    verdict.check(
        differences[worst] <= LARGEST_PROBABILITY_DIFFERENCE, f"largest |difference of a probability| {differences[worst]:.2e}",
        f"image {worst}: {got[worst].round(5)} instead of {expected[worst].round(5)}",
    )
    verdict.note(f"median |difference of a probability| {numpy.median(differences):.2e}")
    counted = metrics.total("alexnet_predictions_total", model=MODEL)
    verdict.check(counted == len(images), f"alexnet_predictions_total counts {counted:.0f}", f"expected {len(images)}")
    verdict.finish()


if __name__ == "__main__":
    main()
