#!/usr/bin/env python3
"""A large checkpoint loads fast and is held in memory once.

PyTorch saves torchvision's AlexNet with 1000 classes (244 MB). With the file in the page cache,

    from exec to the first answer    at most 1 s, median of five starts
    resident memory                  at most 1.3 times the checkpoint, after the first answers
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from acceptance import Server, Verdict, exchange, make_parser, parse, problem
from networks import make_network
from images import sixteen_images

LONGEST_START = 1.0
MOST_MEMORY = 1.3


def start_once(options, checkpoint, classes, image):
    """Seconds until ready, seconds until the first answer, resident memory and its peak in bytes."""
    with Server(options.binary, "--checkpoint", checkpoint, "--classes", classes) as server:
        connection = server.connect()
        status, fields, content = exchange(connection, "POST", "/predict", image, {"Content-Type": "image/jpeg"})
        answered = time.monotonic() - server.started
        if status != 200:
            raise SystemExit(f"FAILED the first request: {status}, {problem(fields, content) or content[:300]}")
        for _ in range(options.requests):
            exchange(connection, "POST", "/predict", image, {"Content-Type": "image/jpeg"})
        return server.seconds_until_ready, answered, *server.resident_bytes()


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--requests", type=int, default=20, help="requests before memory is measured")
    options = parse(parser)
    verdict = Verdict()
    image = sixteen_images()["chelsea-mirrored.jpg"]
    with tempfile.TemporaryDirectory(prefix="alexnet-startup-") as folder:
        classes = Path(folder) / "class_indices.json"
        classes.write_text(json.dumps({str(index): f"class {index}" for index in range(1000)}))
        torch.manual_seed(0)
        state = make_network("torchvision", 1000).state_dict()
        for suffix in ("pth", "safetensors"):
            checkpoint = Path(folder) / f"alexnet.{suffix}"
            torch.save(state, checkpoint) if suffix == "pth" else save_file(state, checkpoint)
            size = len(checkpoint.read_bytes())  # reading puts it into the page cache
            runs = [start_once(options, checkpoint, classes, image) for _ in range(options.starts)]
            for ready, answered, resident, highest in runs:
                verdict.note(
                    f"ready {ready:.3f} s, first answer {answered:.3f} s, resident {resident / 1e6:.0f} MB, "
                    f"highest {highest / 1e6:.0f} MB"
                )
            median = statistics.median(answered for _, answered, _, _ in runs)
            verdict.check(median <= LONGEST_START, f".{suffix}: first answer {median:.3f} s after exec", f"at most {LONGEST_START} s")
            resident, highest = max(run[2] for run in runs), max(run[3] for run in runs)
            verdict.check(
                resident <= MOST_MEMORY * size,
                f".{suffix}: resident {resident / size:.2f} times the checkpoint of {size / 1e6:.0f} MB "
                f"(highest {highest / size:.2f})", f"at most {MOST_MEMORY}",
            )
    verdict.finish()


if __name__ == "__main__":
    main()
