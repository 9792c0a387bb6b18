#!/usr/bin/env python3
"""The checkpoint is replaced ten times under load, four times by an invalid one, and no request fails.

32 connections send requests in a closed loop for a minute. Meanwhile the checkpoint in the model's folder is replaced: by three
valid ones in turn (renamed into place, copied over the old file, or written over it slowly), twice by a truncated file, once by
one with another number of classes, and once by one with a NaN.

    no request fails
    every answer names a version, and its probabilities are that version's
    alexnet_model_reloads_total counts six successes and four failures, and the log gives a reason for each failure
    under load alexnet_batch_size shows batches above 1
    with one connection the mean of alexnet_queue_wait_seconds is below 1 ms
"""

import collections
import io
import json
import os
import re
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy
import torch
from PIL import Image

from acceptance import Server, Verdict, exchange, make_parser, parse, probabilities, problem, run_threads
from networks import make_network
from images import sixteen_images
from preprocessing import preprocess

CLASSES = 10
MODEL = "replaced"
CHECKPOINT = "weights.pth"
LARGEST_PROBABILITY_DIFFERENCE = 1e-4
LONGEST_QUEUE_WAIT = 0.001

# The replacement, how it is written, and a pattern for the reason in the log.
TRUNCATED = "truncat|central directory|ends|short|damaged|corrupt"
REPLACEMENTS = [
    ("B", "rename", None),
    ("truncated", "copy", TRUNCATED),
    ("C", "copy", None),
    ("seven classes", "rename", "class|label|output"),
    ("A", "slow", None),
    ("NaN", "rename", "nan|finite|not a number"),
    ("B", "copy", None),
    ("truncated", "rename", TRUNCATED),
    ("C", "rename", None),
    ("A", "slow", None),
]
GOOD = ("A", "B", "C")


def random_state(seed, inputs, classes=CLASSES):
    """The weights, in float16, of a half-width network whose answers differ between images."""
    torch.manual_seed(seed)
    network = make_network("half_width", classes)
    for parameter in network.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
    with torch.no_grad():
        network.classifier[6].weight.mul_(4 / network(inputs).abs().max())
    return {key: value.half() for key, value in network.state_dict().items()}


def write_checkpoints(folder, inputs):
    """Write every checkpoint. Returns their paths, and PyTorch's probabilities [images, classes] for the valid ones."""
    files, expected = {}, {}
    for seed, name in enumerate(GOOD):
        state = random_state(seed, inputs)
        files[name] = folder / f"{name}.pth"
        torch.save(state, files[name])
        network = make_network("half_width", CLASSES)
        network.load_state_dict({key: value.float() for key, value in state.items()})
        with torch.inference_mode():
            expected[name] = torch.softmax(network(inputs).double(), 1).numpy()
    content = files["A"].read_bytes()
    files["truncated"] = folder / "truncated.pth"
    files["truncated"].write_bytes(content[: len(content) * 2 // 3])
    files["seven classes"] = folder / "seven.pth"
    torch.save(random_state(7, inputs, 7), files["seven classes"])
    state = random_state(8, inputs)
    state["features.8.weight"].view(-1)[12345] = float("nan")
    files["NaN"] = folder / "nan.pth"
    torch.save(state, files["NaN"])
    return files, expected


def replace(target, source, way):
    """Replace `target` by a copy of `source`: by an atomic rename, by copying over it, or by a slow upload."""
    if way == "rename":
        temporary = target.with_name(".new-" + target.name)
        shutil.copyfile(source, temporary)
        os.rename(temporary, target)
    elif way == "copy":
        shutil.copyfile(source, target)
    else:
        content = source.read_bytes()
        with open(target, "wb", buffering=0) as file:
            for start in range(0, len(content), len(content) // 15 + 1):
                file.write(content[start : start + len(content) // 15 + 1])
                time.sleep(0.1)


def small_jpegs():
    """Images that decode quickly, so that the network is the bottleneck."""
    files = []
    for content in list(sixteen_images().values())[:8]:
        image = Image.open(io.BytesIO(content)).convert("RGB")
        image.thumbnail((256, 256))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())
    return files


class Reloads:
    """Counts reloads since it was created."""

    def __init__(self, server):
        self.server = server
        self.start = self.read()

    def read(self):
        metrics = self.server.metrics()
        return {
            outcome: int(metrics.total("alexnet_model_reloads_total", model=MODEL, outcome=outcome))
            for outcome in ("success", "failure")
        }

    def since(self):
        return {outcome: count - self.start[outcome] for outcome, count in self.read().items()}


def ask(connection, image):
    status, fields, content = exchange(
        connection, "POST", f"/predict?top={CLASSES}", image, {"Content-Type": "image/jpeg"}
    )
    if status != 200:
        raise ValueError(f"{status}, {problem(fields, content) or content[:300]}")
    answer = json.loads(content)
    return answer["version"], probabilities(answer, CLASSES)


def check_versions(verdict, answers, expected):
    """Each version's answers must all match one valid checkpoint, a different one for each version."""
    wrong, owners = [], {}
    for version, its in sorted(answers.items()):
        given = numpy.array([values for _, values in its])
        indices = [index for index, _ in its]
        distances = {name: abs(given - truth[indices]).max(1) for name, truth in expected.items()}
        name = min(distances, key=lambda name: numpy.median(distances[name]))
        astray = int((distances[name] > LARGEST_PROBABILITY_DIFFERENCE).sum())
        verdict.note(f"version {version}: {len(its)} answers, checkpoint {name}, largest difference {distances[name].max():.1e}")
        if astray:
            wrong.append(f"version {version}: {astray} of {len(its)} answers are not those of checkpoint {name}")
        if name in owners:
            wrong.append(f"versions {owners[name]} and {version} both answer as checkpoint {name}")
        owners[name] = version
    verdict.check(not wrong, "every answer is what the version that it names gives", "\n".join(wrong))
    verdict.check(
        set(owners) == set(expected), f"the versions are those of the {len(expected)} good checkpoints",
        f"seen: {', '.join(sorted(owners))}",
    )


def check_one_connection(verdict, server, image):
    """A single client's requests do not wait for a batch to fill."""
    connection = server.connect()
    for _ in range(20):
        ask(connection, image)
    before = server.metrics()
    times = []
    for _ in range(200):
        start = time.monotonic()
        ask(connection, image)
        times.append(time.monotonic() - start)
    after = server.metrics()
    name = "alexnet_queue_wait_seconds"
    count = after.total(name + "_count") - before.total(name + "_count")
    mean = (after.total(name + "_sum") - before.total(name + "_sum")) / max(count, 1)
    verdict.note(f"one connection: median {numpy.median(times) * 1000:.1f} ms a request")
    if after.below(name, LONGEST_QUEUE_WAIT) is not None:
        share = (after.below(name, LONGEST_QUEUE_WAIT) - before.below(name, LONGEST_QUEUE_WAIT)) / max(count, 1)
        verdict.note(f"queue waits within 1 ms: {share:.1%}")
    verdict.check(count == 200, f"one connection: {count:.0f} queue waits are counted", "expected one for each of 200 requests")
    verdict.check(mean < LONGEST_QUEUE_WAIT, f"one connection: the mean queue wait is {mean * 1000:.3f} ms", "1 ms is too long")


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=32)
    options = parse(parser)
    verdict = Verdict()

    with tempfile.TemporaryDirectory(prefix="alexnet-reload-") as folder:
        folder = Path(folder)
        images = small_jpegs()
        files, expected = write_checkpoints(folder, torch.stack([preprocess(image, "stretch") for image in images]))
        model = folder / "models" / MODEL
        model.mkdir(parents=True)
        (model / "model.json").write_text(
            json.dumps({"architecture": "alexnet_half_width", "checkpoint": CHECKPOINT, "classes": "class_indices.json",
                        "preprocessing": "stretch"})
        )
        (model / "class_indices.json").write_text(json.dumps({str(index): f"class {index}" for index in range(CLASSES)}))
        shutil.copyfile(files["A"], model / CHECKPOINT)

        with Server(options.binary, "--models", model.parent) as server:
            check_one_connection(verdict, server, images[0])
            run(verdict, options, server, model / CHECKPOINT, files, expected, images)
    verdict.finish()


def run(verdict, options, server, target, files, expected, images):
    answers, failures = collections.defaultdict(list), []
    stop = threading.Event()
    guard = threading.Lock()
    reloads, before = Reloads(server), server.metrics()
    start = time.monotonic()

    def one_connection(number):
        connection = server.connect()
        while not stop.is_set():
            index = number % len(images)
            number += 1
            try:
                version, values = ask(connection, images[index])
                with guard:
                    answers[version].append((index, values))
            except Exception as error:
                with guard:
                    failures.append(f"after {time.monotonic() - start:.1f} s: {type(error).__name__}: {error}")
                connection.close()
                stop.wait(0.1)

    unanswered = []

    def replace_and_stop():
        try:
            replace_ten_times()
        except Exception as error:
            unanswered.append(f"the replacements broke off: {type(error).__name__}: {error}")
        finally:
            stop.set()

    def replace_ten_times():
        slot = options.seconds / (len(REPLACEMENTS) + 0.5)
        wanted = {"success": 0, "failure": 0}
        for number, (name, way, words) in enumerate(REPLACEMENTS):
            time.sleep(max(0, start + (number + 0.5) * slot - time.monotonic()))
            outcome = "success" if name in GOOD else "failure"
            wanted[outcome] += 1
            told = len(server.log())
            replace(target, files[name], way)
            placed = time.monotonic()
            while time.monotonic() - placed < max(slot, 10):
                seen = reloads.since()
                if seen == wanted:
                    break
                time.sleep(0.1)
            line = f"{name} ({way}): {outcome} after {time.monotonic() - placed:.1f} s"
            if seen == wanted:
                verdict.note(line)
            else:
                unanswered.append(f"{line} was awaited; the counter says {seen} where {wanted} is right")
                verdict.note(unanswered[-1])
                wanted = dict(seen)
            if outcome == "failure":
                time.sleep(0.2)
                news = server.log()[told:]
                reasons = [line for line in news.splitlines() if re.search(words, line, re.IGNORECASE)]
                if reasons:
                    verdict.note("    " + reasons[0][:400])
                else:
                    unanswered.append(f"{name}: no line of the log matches {words!r}; it ends:\n{news[-600:]}")
        time.sleep(max(0, start + options.seconds - time.monotonic()))
        ready.append(server.get("/readyz")[0])

    ready = []
    replacer = threading.Thread(target=replace_and_stop, daemon=True)
    replacer.start()
    run_threads(options.connections, one_connection)
    replacer.join()
    seconds = time.monotonic() - start
    if server.process.poll() is not None:
        verdict.check(False, f"the server died with {server.process.returncode}", server.log()[-3000:])
        return
    after = server.metrics()

    total = sum(map(len, answers.values()))
    verdict.note(f"{total} answers over {options.connections} connections in {seconds:.0f} s, {total / seconds:.0f} a second")
    verdict.check(not failures, f"{len(failures)} requests failed", "\n".join(failures[:10] + ["log:", server.log()[-1500:]]))
    check_versions(verdict, answers, expected)
    verdict.check(not unanswered, "each replacement has its outcome, each refusal its reason in the log", "\n".join(unanswered))
    counted = reloads.since()
    right = {"success": sum(name in GOOD for name, _, _ in REPLACEMENTS)}
    right["failure"] = len(REPLACEMENTS) - right["success"]
    verdict.check(counted == right, f"alexnet_model_reloads_total grew by {counted}", f"expected {right}")
    verdict.check(ready == [200], "the server is ready at the end", f"/readyz answers {ready}")

    name = "alexnet_batch_size"
    count = after.total(name + "_count") - before.total(name + "_count")
    mean = (after.total(name + "_sum") - before.total(name + "_sum")) / max(count, 1)
    verdict.check(mean > 1, f"under load a batch holds {mean:.1f} images on average", f"{count:.0f} batches")


if __name__ == "__main__":
    main()
