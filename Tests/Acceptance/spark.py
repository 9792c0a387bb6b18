#!/usr/bin/env python3
"""The Spark job in `deploy/spark` on this computer: 20,000 small images, 50 of them corrupt, the driver killed on the way.

Each corrupt image is named once, with its reason; each other one is answered once; the answers are those of a run of
`alexnet predict`. Wants PyPI's `pyspark` and a Java runtime.
"""

import json
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from pathlib import Path

from acceptance import ROOT, Verdict, make_parser, parse

JOB = ROOT / "deploy" / "spark" / "predict_images.py"
MODEL = ROOT / "weights" / "fashion-mnist"


def png(generator):
    """A grey image of 28 by 28 pixels."""
    rows = b"".join(b"\0" + generator.randbytes(28) for _ in range(28))

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def make_images(folder, count, corrupt):
    """Images in folders of a thousand; the paths of the corrupt ones."""
    generator = random.Random(7)
    bad = set(generator.sample(range(count), corrupt))
    paths = set()
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        content = png(generator)
        if number in bad:
            content = content[:len(content) // 2] if number % 2 else generator.randbytes(200)
            paths.add(str(path))
        path.write_bytes(content)
    return paths


def start(options, images, output, log):
    return subprocess.Popen(
        [sys.executable, str(JOB), "--images", str(images), "--model", str(MODEL), "--output", str(output), "--binary", str(options.binary)],
        stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable, "PYSPARK_SUBMIT_ARGS": "--master local[2,4] --conf spark.ui.enabled=false pyspark-shell"},
    )


def lines(folder):
    return [json.loads(line) for path in sorted(folder.glob("part-*.jsonl")) for line in path.read_text().splitlines()]


def main():
    parser = make_parser(__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=20_000, help="how many")
    parser.add_argument("--corrupt", type=int, default=50, help="how many of them are corrupt")
    options = parse(parser)
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-spark-") as folder:
        folder = Path(folder)
        images, output = folder / "images", folder / "output"
        bad = make_images(images, options.images, options.corrupt)
        with open(folder / "log", "w+") as log:
            began = time.monotonic()
            job = start(options, images, output, log)
            while job.poll() is None and len(list(output.glob("part-*.jsonl"))) < 5:
                time.sleep(0.1)
            verdict.check(job.poll() is None, "the driver is killed on the way", (folder / "log").read_text()[-2000:])
            os.killpg(job.pid, signal.SIGKILL)
            job.wait()
            done = len(list(output.glob("part-*.jsonl")))
            job = start(options, images, output, log)
            told, _ = job.communicate(timeout=1800)
            seconds = time.monotonic() - began
        verdict.check(job.returncode == 0, f"started again after {done} chunks, it ends, {seconds:.0f} s in all", (folder / "log").read_text()[-2000:])
        verdict.check(f"{done} of them done" in (folder / "log").read_text(), "and does only what is missing", told)
        answers, dead = lines(output), lines(output / "dead")
        answered = Counter(answer["filename"] for answer in answers)
        named = Counter(answer["filename"] for answer in dead)
        verdict.check(set(named) == bad and set(named.values()) == {1}, f"each of {len(bad)} corrupt images is named once", named.most_common(3))
        verdict.check(all(answer["error"]["detail"] for answer in dead), "with the reason")
        expected = {str(path) for path in images.glob("*/*.png")} - bad
        verdict.check(
            set(answered) == expected and set(answered.values()) == {1}, f"each of {len(expected)} other images is answered once",
            answered.most_common(3))
        some = sorted(expected)[:: len(expected) // 50]
        alone = subprocess.run(
            [str(options.binary), "predict", "--json", "--model", str(MODEL), *some], capture_output=True, text=True, timeout=300)
        by_name = {answer["filename"]: answer for answer in answers}
        differences = [
            name for name, line in zip(some, alone.stdout.splitlines())
            if (by_name[name]["class"], by_name[name]["version"]) != (json.loads(line)["class"], json.loads(line)["version"])]
        verdict.check(not differences, f"{len(some)} answers are those of alexnet predict", differences)
        leftovers = [path.name for path in output.rglob(".*")]
        verdict.note(f"{len(leftovers)} unfinished files of the killed run are left, whose names begin with a dot")
    verdict.finish()


if __name__ == "__main__":
    main()
