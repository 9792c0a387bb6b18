#!/usr/bin/env python3
"""Twenty models of four architectures at once: adding, removing, replacing and breaking one affects no other.

LeNet-5, half-width AlexNet, ResNet-18 and GoogLeNet, five of each with different weights, are served from one directory. Each
is under load from its own connection, in a closed loop. Meanwhile a folder is added, one is removed, one checkpoint is replaced
and one is truncated. Then one ResNet-18 is flooded while one connection queries a LeNet-5.

    every model is served under its name, with PyTorch's probabilities (1e-4)
    no request fails except those for the removed model, which get 404
    the broken model keeps its old version and reports why; it serves the new one once repaired
    fairness: the lone client waits for at most one batch of the flooded model, not in its queue
    models.memory_limit refuses only the models that do not fit
"""

import collections
import io
import json
import shutil
import tempfile
import threading
import time
from pathlib import Path

import numpy
import torch
from PIL import Image

import architectures
from acceptance import Server, Verdict, exchange, make_parser, parse, probabilities, problem
from networks import make_network
from images import sixteen_images

CLASSES = 10
LARGEST_PROBABILITY_DIFFERENCE = 1e-4
ARCHITECTURES = ["lenet5", "alexnet", "resnet18", "googlenet"]
IMAGE_COUNT = 4
CASES = {name: architectures.CASES[name] for name in ("lenet5", "resnet18", "googlenet")}
CASES["alexnet"] = (
    "alexnet_half_width", lambda: make_network("half_width", CLASSES), architectures.stretch(224, architectures.HALF), 3, {},
    "pth", None,
)


def small_jpegs():
    files = []
    for content in list(sixteen_images().values())[:IMAGE_COUNT]:
        image = Image.open(io.BytesIO(content)).convert("RGB")
        image.thumbnail((256, 256))
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=90)
        files.append(buffer.getvalue())
    return files


def make(architecture, seed, images):
    """Weights, and PyTorch's probabilities for the images."""
    torch.manual_seed(seed)
    _, create, transform, channels, _, _, _ = CASES[architecture]
    inputs = torch.stack([
        transform(Image.open(io.BytesIO(image)).convert("RGB" if channels == 3 else "L")) for image in images
    ])
    with torch.no_grad():
        network = create().eval()
        architectures.randomize(network, inputs)
        truth = torch.softmax(network(inputs).double(), 1).numpy()
    return network.state_dict(), truth


def write(folder, state, count):
    """Write a model folder, or replace the checkpoint in it."""
    folder.mkdir(exist_ok=True)
    (folder / "class_indices.json").write_text(json.dumps({str(index): f"class {index}" for index in range(count)}))
    temporary = folder.parent.parent / "new.pth"
    torch.save(state, temporary)
    temporary.rename(folder / "model.pth")


class Load:
    """Closed-loop load, one connection per model unless more are added."""

    def __init__(self, server, names, images):
        self.server, self.images = server, images
        self.stop = threading.Event()
        self.answers = collections.defaultdict(list)
        self.failures = collections.defaultdict(list)
        self.threads = []
        for name in names:
            self.add(name)

    def add(self, name, connections=1):
        for index in range(connections):
            thread = threading.Thread(target=self.ask, args=(name, index), daemon=True)
            thread.start()
            self.threads.append(thread)

    def ask(self, name, number):
        connection = self.server.connect()
        while not self.stop.is_set():
            index, number = number % len(self.images), number + 1
            start = time.monotonic()
            try:
                status, fields, content = exchange(
                    connection, "POST", f"/v1/models/{name}/predict?top=1000", self.images[index], {"Content-Type": "image/jpeg"}
                )
                if status == 200:
                    self.answers[name].append((time.monotonic() - start, index, json.loads(content)))
                else:
                    self.failures[name].append((status, problem(fields, content)))
                    self.stop.wait(0.1)
            except Exception as error:
                self.failures[name].append((0, f"{type(error).__name__}: {error}"))
                connection.close()
                self.stop.wait(0.1)

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def check_answers(verdict, load, truths):
    """Each answer must match one of its model's versions."""
    worst, wrong = 0.0, []
    for name, answers in sorted(load.answers.items()):
        for _, index, answer in answers:
            given = numpy.array(probabilities(answer, len(truths[name][0][index])))
            difference = min(abs(given - truth[index]).max() for truth in truths[name])
            worst = max(worst, difference)
            if difference > LARGEST_PROBABILITY_DIFFERENCE or answer["model"] != name:
                wrong.append(f"{name}: {difference:.1e}, answered by {answer['model']}")
    count = sum(map(len, load.answers.values()))
    verdict.check(not wrong, f"{count} answers are PyTorch's for their model; largest difference {worst:.1e}", "\n".join(wrong))


def come_and_go(verdict, options, folder, images):
    models, truths = folder / "models", {}
    models.mkdir()
    for index in range(20):
        architecture = ARCHITECTURES[index % 4]
        name = f"{architecture}-{index // 4}"
        state, truth = make(architecture, index, images)
        truths[name] = [truth]
        write(models / name, state, truth.shape[1])
    others = {name: make(name.split("-")[0], seed, images) for name, seed in [("resnet18-1", 50), ("alexnet-3", 51), ("lenet5-9", 52)]}
    with Server(options.binary, "--models", models, "--default-model", "alexnet-0", ready_within=300) as server:
        verdict.section("twenty models of four architectures")
        listing = json.loads(server.get("/v1/models")[2])
        ready = [model["name"] for model in listing["models"] if model["ready"]]
        verdict.check(sorted(ready) == sorted(truths), f"{len(ready)} models are ready", listing)
        verdict.note(
            f"ready after {server.seconds_until_ready:.1f} s; memory by the server's account "
            f"{sum(model['memory_bytes'] for model in listing['models']) / 1e6:.0f} MB, resident {server.resident_bytes()[0] / 1e6:.0f} MB"
        )
        load = Load(server, sorted(truths), images)
        time.sleep(options.seconds / 4)

        state, truth = others["lenet5-9"]
        truths["lenet5-9"] = [truth]
        write(models / "lenet5-9", state, truth.shape[1])
        verdict.check(wait_for(lambda: server.get("/v1/models/lenet5-9")[0] == 200 and json.loads(server.get("/v1/models/lenet5-9")[2])["ready"]), "a folder that comes is served")
        load.add("lenet5-9")

        state, truth = others["resnet18-1"]
        version = json.loads(server.get("/v1/models/resnet18-1")[2])["version"]
        truths["resnet18-1"].append(truth)
        write(models / "resnet18-1", state, truth.shape[1])
        verdict.check(
            wait_for(lambda: json.loads(server.get("/v1/models/resnet18-1")[2])["version"] != version), "a checkpoint that is replaced is loaded"
        )

        target = models / "alexnet-3" / "model.pth"
        target.write_bytes(target.read_bytes()[:100_000])
        verdict.check(
            wait_for(lambda: json.loads(server.get("/v1/models/alexnet-3")[2]).get("reason")), "one that breaks says why"
        )
        verdict.note(json.loads(server.get("/v1/models/alexnet-3")[2])["reason"])

        shutil.rmtree(models / "googlenet-2")
        verdict.check(wait_for(lambda: server.get("/v1/models/googlenet-2")[0] == 404), "a folder that goes is served no more")
        time.sleep(options.seconds / 4)
        state, truth = others["alexnet-3"]
        truths["alexnet-3"].append(truth)
        write(models / "alexnet-3", state, truth.shape[1])
        verdict.check(
            wait_for(lambda: "reason" not in json.loads(server.get("/v1/models/alexnet-3")[2])), "the one that broke is mended"
        )
        time.sleep(options.seconds / 4)
        load.finish()
        removed = load.failures.pop("googlenet-2", [])
        verdict.check(
            removed and all(status == 404 for status, _ in removed), f"{len(removed)} requests for the removed model are answered 404", removed[:5]
        )
        verdict.check(not load.failures, "no other request failed", dict(load.failures))
        check_answers(verdict, load, truths)
        verdict.check(server.get("/readyz")[0] == 200, "the server is ready")
        metrics = server.metrics()
        verdict.check(metrics.total("alexnet_model_info", model="googlenet-2") == 0, "the removed model has left the metrics")

        verdict.section("fairness")
        alone = Load(server, ["lenet5-0"], images)
        time.sleep(options.seconds / 4)
        alone.finish()
        quiet = numpy.array([seconds for seconds, _, _ in alone.answers["lenet5-0"]])
        both = Load(server, ["lenet5-0"], images)
        both.add("resnet18-0", connections=32)
        time.sleep(options.seconds / 2)
        both.finish()
        crowded = numpy.array([seconds for seconds, _, _ in both.answers["lenet5-0"]])
        flood = numpy.array([seconds for seconds, _, _ in both.answers["resnet18-0"]])
        verdict.note(f"LeNet-5 alone: median {numpy.median(quiet) * 1000:.1f} ms")
        verdict.note(
            f"beside 32 connections to a ResNet-18 ({len(flood) / (options.seconds / 2):.0f} answers a second, median "
            f"{numpy.median(flood) * 1000:.0f} ms): median {numpy.median(crowded) * 1000:.0f} ms, 99 of 100 within {numpy.quantile(crowded, 0.99) * 1000:.0f} ms"
        )
        verdict.check(not both.failures, "no request failed", dict(both.failures))
        verdict.check(
            numpy.median(crowded) < numpy.median(flood) / 2, "the lone client waits less than half of what each of the flood does"
        )
    return models


def check_memory(verdict, options, models):
    verdict.section("memory")
    with Server(options.binary, "--models", models, environment={"ALEXNET_MODELS_MEMORY_LIMIT": "300MiB"}, ready_within=300) as server:
        listing = json.loads(server.get("/v1/models")[2])["models"]
        held = sum(model.get("memory_bytes", 0) for model in listing)
        refused = [model for model in listing if not model["ready"]]
        verdict.note(f"{len(listing) - len(refused)} models hold {held / 2**20:.0f} MiB, {len(refused)} were refused; resident {server.resident_bytes()[0] / 2**20:.0f} MiB")
        verdict.check(0 < held <= 300 << 20, "the models that are served keep within models.memory_limit")
        verdict.check(
            refused and all("models.memory_limit" in model["reason"] for model in refused), "the others are refused with its name", refused[:2]
        )


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=40)
    options = parse(parser)
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-models-") as folder:
        models = come_and_go(verdict, options, Path(folder), small_jpegs())
        check_memory(verdict, options, models)
    verdict.finish()


if __name__ == "__main__":
    main()
