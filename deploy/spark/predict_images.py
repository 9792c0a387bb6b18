#!/usr/bin/env python3
"""Classify an archive of images with Spark: each image once, also after the driver was killed and started again.

    spark-submit deploy/spark/predict_images.py --images /archive --model /models/flowers --output /results

The list of images is cut into chunks of the same size and order in every run. A task gives one chunk to `alexnet predict --json`,
and puts the answers into `OUTPUT/part-NUMBER.jsonl` in one step when the chunk is done, those that could not be read into
`OUTPUT/dead/part-NUMBER.jsonl`, with the reason. A chunk whose file is there is not done again. So a run that was killed is
continued by starting it again, and only chunks that were under way are repeated, unseen by readers of the results.

Images, model and output lie on storage that all executors see; so does the program, or it is installed on each of them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def list_images(source):
    """The paths of all images below a folder, or those in a file with one a line; always in the same order."""
    if os.path.isfile(source):
        return [line.rstrip("\n") for line in open(source) if line.strip()]
    found = []
    for folder, folders, names in os.walk(source):
        folders.sort()
        found += [os.path.join(folder, name) for name in sorted(names) if name.lower().endswith(SUFFIXES)]
    return found


def put(path, lines):
    """Write a file so that nobody ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "w") as file:
        file.writelines(line + "\n" for line in lines)
    os.replace(name, path)


def run_chunk(number, paths, options):
    """Classify one chunk. An exception lets Spark try it again, elsewhere."""
    command = [options.binary, "predict", "--json", "--model", options.model, "--threads", "1", "--top", str(options.top), "--", *paths]
    process = subprocess.run(command, capture_output=True, text=True)
    # 1 says that some images could not be read: they are named among the answers.
    if process.returncode not in (0, 1):
        raise RuntimeError(f"alexnet predict ended with {process.returncode}: {process.stderr[-2000:]}")
    lines = process.stdout.splitlines()
    if len(lines) != len(paths):
        raise RuntimeError(f"{len(lines)} answers to {len(paths)} images: {process.stderr[-2000:]}")
    good, dead = [], []
    for line in lines:
        (dead if "error" in json.loads(line) else good).append(line)
    output = Path(options.output)
    if dead:
        put(output / "dead" / f"part-{number:06}.jsonl", dead)
    # The last step: from now on the chunk is done.
    put(output / f"part-{number:06}.jsonl", good)
    return len(good), len(dead)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True, help="a folder of images, or a file with one path a line")
    parser.add_argument("--model", required=True, help="a model folder")
    parser.add_argument("--output", required=True, help="a folder for the results")
    parser.add_argument("--binary", default="alexnet", help="the program")
    parser.add_argument("--chunk", type=int, default=1000, help="images in one task")
    parser.add_argument("--top", type=int, default=5, help="how many classes an answer lists")
    options = parser.parse_args()

    from pyspark.sql import SparkSession
    spark = SparkSession.builder.appName("alexnet").getOrCreate()
    images = list_images(options.images)
    chunks = [(number, images[start:start + options.chunk]) for number, start in enumerate(range(0, len(images), options.chunk))]
    output = Path(options.output)
    todo = [(number, paths) for number, paths in chunks if not (output / f"part-{number:06}.jsonl").exists()]
    print(f"{len(images)} images in {len(chunks)} chunks, {len(chunks) - len(todo)} of them done", file=sys.stderr, flush=True)
    counts = (0, 0)
    if todo:
        counts = (
            spark.sparkContext.parallelize(todo, len(todo)).map(lambda chunk: run_chunk(*chunk, options))
            .reduce(lambda one, other: (one[0] + other[0], one[1] + other[1])))
    print(json.dumps({"answered": counts[0], "dead": counts[1]}), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
