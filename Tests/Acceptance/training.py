#!/usr/bin/env python3
"""Training on a folder of JPEGs, with interruptions, crashes and invalid input, up to a served model.

`alexnet train` runs on two hundred Fashion-MNIST images, exported as JPEGs into a folder per class:

    stopped by Ctrl-C and resumed, on 1, 2 or 3 threads     checkpoint, state and history are bit-identical
    killed 60 times, mostly in the middle of a write        the files always load and resume; the result is bit-identical
    a server on the folder                                  reloads each new best checkpoint; no request fails
    PyTorch                                                 loads the checkpoint and agrees with predict and evaluate
    fine-tuned on other classes                             frozen layers are bit-identical, the last layer has its new shape
    evaluated on the data it was trained on                 only the held-out images are measured, with a notice
    three classes of sixty images, default options          the loss falls below that of guessing, whatever the seed
    invalid input                                           one sentence, and exit code 1 (runtime) or 2 (usage)
"""

import ctypes
import io
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy
import torch
import torchvision
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from acceptance import ROOT, Server, Verdict, exchange, make_parser, parse, probabilities
from fashion_mnist import read_idx
from networks import make_network
from preprocessing import preprocess

DATA = Path("/usr/share/datasets/fashion-mnist")
NAMES = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
LARGEST_PROBABILITY_DIFFERENCE = 1e-4
FEATURES = ["features.0", "features.3", "features.6", "features.8", "features.10"]
STATE = "training.resume"
HISTORY_TIMES = ("images_per_second", "seconds")


# The data


def export(folder, images, labels, count, classes=range(10), first=0, suffix="JPEG"):
    """Write `count` images of each class into a folder per class."""
    for label in classes:
        (folder / NAMES[label]).mkdir(parents=True)
        for number, index in enumerate(numpy.flatnonzero(labels == label)[first : first + count]):
            name = f"{number:04}.{'jpg' if suffix == 'JPEG' else 'png'}"
            Image.fromarray(images[index]).save(folder / NAMES[label] / name, suffix, quality=95)
    return folder


def make_small_checkpoint(path, classes=10):
    """A half-width network with few channels. It is saved quickly, which keeps the many kills short."""
    torch.manual_seed(2012)
    shapes = {
        "features.0": (16, 3, 11, 11), "features.3": (24, 16, 5, 5), "features.6": (32, 24, 3, 3),
        "features.8": (32, 32, 3, 3), "features.10": (24, 32, 3, 3), "classifier.1": (512, 864),
        "classifier.4": (512, 512), "classifier.6": (classes, 512),
    }
    state = {}
    for name, shape in shapes.items():
        state[name + ".weight"] = torch.nn.init.kaiming_normal_(torch.empty(shape), nonlinearity="relu")
        state[name + ".bias"] = torch.zeros(shape[0])
    torch.save(state, path)
    return path


def shipped_checkpoint():
    """Options to start from the repository's weights. Their classes are ordered differently from the folder's."""
    model = ROOT / "weights/fashion-mnist"
    name = json.loads((model / "model.json").read_text())["checkpoint"]
    return ["--init-from", model / name, "--from-scratch", "classifier.6"]


# The program


class Trial:
    """Runs subcommands of `alexnet`."""

    def __init__(self, binary):
        self.binary = binary
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("ALEXNET_")}

    def start(self, command, *arguments, limit=None, **options):
        """Start a subcommand with the signal handling of a foreground process. `limit` is its largest file size."""

        def prepare():
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        return subprocess.Popen(
            [str(self.binary), command, *map(str, arguments)], env=self.environment, preexec_fn=prepare, **options)

    def run(self, command, *arguments, **options):
        """Run a subcommand: exit code, standard output, standard error."""
        process = self.start(command, *arguments, **options)
        output, error = process.communicate(timeout=600)
        return process.returncode, output, error

    def train(self, *arguments, **options):
        """Run a training that must succeed; its standard output."""
        code, output, error = self.run("train", *arguments, **options)
        if code != 0:
            raise SystemExit(f"FAILED alexnet train {' '.join(map(str, arguments))}: exit code {code}\n{output}{error}")
        return output

    def loads(self, folder):
        """True if the model in the folder loads, None if there is none yet, else the error."""
        if not (folder / f"{folder.name}.pth").exists():
            return None
        torch.load(folder / f"{folder.name}.pth", weights_only=True)
        code, _, error = self.run("inspect", folder)
        return code == 0 or error


def without_times(value):
    """JSON without timings."""
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in HISTORY_TIMES}
    if isinstance(value, list):
        return [without_times(inner) for inner in value]
    return value


def outcome(folder):
    """Everything that a training writes and that must be reproducible, as a dictionary to compare."""
    found = {"checkpoint": (folder / f"{folder.name}.pth").read_bytes()}
    rows = [line.split(",") for line in (folder / "history.csv").read_text().splitlines()]
    kept = [index for index, name in enumerate(rows[0]) if name not in HISTORY_TIMES]
    found["history.csv"] = [[row[index] for index in kept] for row in rows]
    for name, tensor in load_file(folder / STATE).items():
        found[f"state {name}"] = tensor.tobytes()
    with safe_open(folder / STATE, "numpy") as file:
        for key, text in file.metadata().items():
            found[f"state's {key}"] = without_times(json.loads(text))
    found["model.json"] = without_times(json.loads((folder / "model.json").read_text()))
    found["class_indices.json"] = (folder / "class_indices.json").read_text()
    return found


def differences(ours, theirs):
    return [name for name in sorted(ours.keys() | theirs.keys()) if ours.get(name) != theirs.get(name)]


def epochs_over(folder):
    history = folder / "history.csv"
    return len(history.read_text().splitlines()) - 1 if history.exists() else 0


def wait_for(process, condition, seconds=300):
    """Wait until the condition holds; false if the process ended first, or after a timeout."""
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


# The claims


def check_interruption(verdict, trial, data, folder):
    verdict.section("Ctrl-C and --resume")
    options = ["--data", data, "--epochs", 3, "--batch-size", 12, "--lr", 5e-4, "--seed", 7, "--validation-split", 0.2]
    whole = folder / "whole" / "fashion"
    start = time.monotonic()
    text = trial.train(*options, "--output", whole, "--threads", 2)
    duration = time.monotonic() - start
    verdict.note(f"three epochs of 160 images in {duration:.0f} s: {text.splitlines()[-2].strip()}")
    expected = outcome(whole)

    stopped = folder / "stopped" / "fashion"
    arguments = [*options, "--output", stopped, "--threads", 2]
    for number, threads in enumerate([1, 3, None]):
        process = trial.start("train", *arguments)
        if threads is None:
            output, error = process.communicate(timeout=600)
            verdict.check(process.returncode == 0, "resumed to the end", output + error)
            break
        # In the middle of the first epoch, then in the middle of the second.
        wait_for(process, lambda: (stopped / STATE).exists() and epochs_over(stopped) >= number)
        time.sleep(duration / 8)
        process.send_signal(signal.SIGINT)
        output, error = process.communicate(timeout=60)
        verdict.check(process.returncode == 130, f"Ctrl-C in epoch {number + 1} ends with 130", (process.returncode, output, error))
        verdict.check(
            "Stopping after this step" in error and f"--resume --output {stopped}" in output,
            "it says that it stops, and how to go on", output + error)
        arguments = ["--resume", "--output", stopped, "--threads", threads]
    unlike = differences(outcome(stopped), expected)
    verdict.check(not unlike, "checkpoint, state and history equal the uninterrupted ones, bit for bit", "\n".join(unlike))

    single = folder / "single" / "fashion"
    trial.train(*options, "--output", single, "--threads", 1)
    unlike = differences(outcome(single), expected)
    verdict.check(not unlike, "and so on one thread", "\n".join(unlike))

    before = outcome(whole)
    process = trial.start("train", "--resume", "--output", whole, stdout=subprocess.DEVNULL)
    _, error = process.communicate(timeout=60)
    verdict.check(
        process.returncode == 0 and outcome(whole) == before, "resuming what is over changes nothing", error)


def check_second_interruption(verdict, trial, data, small, folder):
    process = trial.start("train", "--data", data, *small, "--epochs", 500, "--output", folder / "twice")
    wait_for(process, lambda: epochs_over(folder / "twice") > 0)
    process.send_signal(signal.SIGINT)
    time.sleep(0.005)  # or the two signals would be merged into one
    process.send_signal(signal.SIGINT)
    output, error = process.communicate(timeout=60)
    verdict.check(process.returncode == 130, "Ctrl-C twice ends with 130", (process.returncode, output, error))
    process = trial.start("train", "--resume", "--output", folder / "twice")
    process.stdout.close()  # as with `| head`, or a `tee` that Ctrl-C ends too
    epochs = epochs_over(folder / "twice")
    verdict.check(
        wait_for(process, lambda: epochs_over(folder / "twice") > epochs), "a reader that has gone does not end it",
        process.returncode)
    process.terminate()
    process.wait(60)
    verdict.check(process.returncode == 143, "SIGTERM ends it with 143", process.returncode)


def check_kills(verdict, trial, data, small, folder, count, seed):
    verdict.section(f"{count} × kill -9")
    options = ["--data", data, *small, "--epochs", 3, "--batch-size", 20, "--ema", 0.9, "--save-every", 1e-6]
    trial.train(*options, "--output", folder / "whole" / "killed", "--threads", 2)
    expected = outcome(folder / "whole" / "killed")
    chance = random.Random(seed)
    kills, in_state, in_model, other, ends, chain = 0, 0, 0, 0, 0, 0
    broken = []

    while kills < count:
        chain += 1
        target = folder / f"chain{chain}" / "killed"
        partials = {"state": target / f".{STATE}.partial", "model": target / ".killed.pth.partial"}
        arguments = [*options, "--output", target]
        while True:
            # What is being written when the process is killed: mostly a state, sometimes a checkpoint, sometimes a random time.
            aim = chance.choices(["state", "model", "time"], [5, 3, 2])[0] if kills < count else None
            process = trial.start("train", *arguments, "--threads", chance.choice([1, 2]), stdout=subprocess.DEVNULL)
            if aim in partials:
                for _ in range(chance.randint(1, 3) if aim == "state" else 1):
                    if wait_for(process, lambda: not partials[aim].exists()):
                        wait_for(process, partials[aim].exists)
                time.sleep(chance.random() * 0.01)
            elif aim:
                time.sleep(chance.random() * 2)
            if aim and process.poll() is None:
                process.kill()
            _, error = process.communicate(timeout=600)
            if process.returncode == -signal.SIGKILL:
                kills += 1
                left = {name for name, partial in partials.items() if partial.exists()}
                in_state += "state" in left
                in_model += "model" in left
                other += not left
            elif process.returncode == 0:
                ends += 1
                unlike = differences(outcome(target), expected)
                if unlike:
                    broken.append(f"chain {chain}: the end differs in {', '.join(unlike)}")
                break
            else:
                broken.append(f"chain {chain}, after {kills} kills: exit code {process.returncode}: {error}")
                break
            sound = trial.loads(target)
            if sound not in (True, None):
                broken.append(f"chain {chain}, after {kills} kills: {sound}")
            # Before the first state there is nothing to resume, and nothing that prevents a new start.
            arguments = ["--resume", "--output", target] if (target / STATE).exists() else arguments
        if broken:
            break
        shutil.rmtree(target.parent)
    verdict.note(f"seed {seed}: {in_state} while the state was written, {in_model} while the checkpoint was, {other} at other times")
    verdict.check(kills >= count and in_state + in_model > kills / 2, f"{kills} kills, most of them in the middle of a write")
    verdict.check(not broken, f"every time the model loaded or was not there yet, and {ends} resumed ends are the same bit for bit",
                  "\n".join(broken))


def post(connection, image):
    status, _, content = exchange(connection, "POST", "/predict?top=10", image, {"Content-Type": "image/jpeg"})
    if status != 200:
        raise ValueError(f"{status}: {content[:300]!r}")
    return json.loads(content)


def check_serving(verdict, trial, data, trained, small, folder):
    verdict.section("Served while it learns")
    models = folder / "models"
    shutil.copytree(trained, models / "fashion", ignore=shutil.ignore_patterns(STATE))
    image = next((data / "Sneaker").iterdir()).read_bytes()
    answers, failures, stop = [], [], threading.Event()
    # Poll often enough to see each best checkpoint: epochs take about a second.
    settings = {"ALEXNET_MODELS_RELOAD_INTERVAL": "100ms"}
    with Server(trial.binary, "--models", models, "--threads", 1, environment=settings) as server:
        first = post(server.connect(), image)
        verdict.check(first["model"] == "fashion", "the trained folder is served", first)

        def ask():
            connection = server.connect()
            while not stop.is_set():
                try:
                    answers.append(post(connection, image))
                except Exception as error:
                    failures.append(f"{type(error).__name__}: {error}")
                    connection = server.connect()
                stop.wait(0.01)

        def reloads(outcome):
            return int(server.metrics().total("alexnet_model_reloads_total", model="fashion", outcome=outcome))

        before = reloads("success"), reloads("failure")
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        # The last layer starts from scratch.
        text = trial.train(
            "--force", "--data", data, *shipped_checkpoint(), "--from-scratch", "classifier.6", "--lr", 2e-5, "--epochs", 4,
            "--batch-size", 16, "--augmentation", "none", "--validation-split", 0.4, "--output", models / "fashion", "--threads", 1)
        bests = text.count("best so far")
        end = time.monotonic() + 30
        while time.monotonic() < end and reloads("success") - before[0] < bests:
            time.sleep(0.2)
        stop.set()
        thread.join()
        last = post(server.connect(), image)
        counted = reloads("success") - before[0], reloads("failure") - before[1]
    versions = list(dict.fromkeys(answer["version"] for answer in [first, *answers, last]))
    verdict.note(f"{len(answers)} answers by versions {', '.join(versions)}; {bests} epochs were the best so far")
    verdict.check(not failures, "no request failed", "\n".join(failures[:5]))
    verdict.check(bests >= 2 and counted == (bests, 0), f"{counted[0]} reloads, one for each best, and none failed", counted)
    ours = predict(trial, models / "fashion", [next((data / "Sneaker").iterdir())])[0]
    largest = max(abs(a - b) for a, b in zip(probabilities(last, 10), ours))
    verdict.check(largest < 1e-5, f"the last answer is the best checkpoint's: |Δp| {largest:.1e}")


def predict(trial, folder, files, classes=10):
    code, output, error = trial.run("predict", "--json", "--top", classes, "--model", folder, *files)
    if code != 0:
        raise SystemExit(f"FAILED alexnet predict: {error}")
    return [probabilities(json.loads(line), classes) for line in output.splitlines()]


def check_pytorch(verdict, trial, trained, data):
    verdict.section("PyTorch")
    state = torch.load(trained / "fashion.pth", weights_only=True)
    network = make_network("half_width", 10)
    network.load_state_dict(state, strict=True)
    verdict.check(True, "loads the checkpoint with weights_only=True, strict")
    names = [value for _, value in sorted(json.loads((trained / "class_indices.json").read_text()).items(), key=lambda item: int(item[0]))]
    verdict.check(names == sorted(NAMES), "class_indices.json has the folders' names in their order", names)
    files = sorted(data.glob("*/*"))
    labels = [names.index(file.parent.name) for file in files]
    with torch.inference_mode():
        logits = network(torch.stack([preprocess(file.read_bytes(), "stretch") for file in files])).double()
    expected = torch.softmax(logits, 1).numpy()
    ours = numpy.array(predict(trial, trained, files))
    same = int((ours.argmax(1) == expected.argmax(1)).sum())
    largest = abs(ours - expected).max()
    verdict.check(same == len(files), f"the same class on {same} of {len(files)} images")
    verdict.check(largest <= LARGEST_PROBABILITY_DIFFERENCE, f"largest |Δ probability| {largest:.1e}")
    report = trained.parent / "evaluation.json"
    code, _, error = trial.run("evaluate", "--data", data, "--model", trained, "--json", report)
    if not verdict.check(code == 0, "evaluate ends with 0", error):
        return
    found = json.loads(report.read_text())
    accuracy = float((expected.argmax(1) == labels).mean())
    loss = float(torch.nn.functional.cross_entropy(logits, torch.tensor(labels)))
    verdict.check(
        abs(found["top1"] - accuracy) < 1e-9 and abs(found["loss"] - loss) < 1e-4,
        f"accuracy {accuracy:.4f} and loss {loss:.4f} are those of evaluate", {key: found[key] for key in ("top1", "loss")})


def check_fine_tuning(verdict, trial, trained, data, folder):
    verdict.section("Fine-tuning")
    output = folder / "tuned"
    text = trial.train(
        "--data", data, "--init-from", trained / "fashion.pth", "--from-scratch", "classifier.4", "--freeze", ",".join(FEATURES),
        "--epochs", 1, "--batch-size", 16, "--output", output)
    verdict.note(text.splitlines()[1])
    before = torch.load(trained / "fashion.pth", weights_only=True)
    after = torch.load(output / "tuned.pth", weights_only=True)
    moved = [key for key in before if key.rsplit(".", 1)[0] in FEATURES and before[key].numpy().tobytes() != after[key].numpy().tobytes()]
    verdict.check(not moved, "frozen layers are equal bit for bit", moved)
    verdict.check(after["classifier.6.weight"].shape == (4, 2048) and after["classifier.6.bias"].shape == (4,),
                  "the last layer has four outputs", after["classifier.6.weight"].shape)

    def likeness(key):
        return float(torch.nn.functional.cosine_similarity(before[key].flatten(), after[key].flatten(), 0))

    verdict.check(likeness("classifier.1.weight") > 0.8, f"classifier.1 began with the checkpoint: likeness {likeness('classifier.1.weight'):.2f}")
    verdict.check(abs(likeness("classifier.4.weight")) < 0.2, f"classifier.4 began anew: likeness {likeness('classifier.4.weight'):.2f}")
    settings = json.loads((output / "model.json").read_text())["training"]["settings"]
    verdict.check(
        settings["frozen"] == FEATURES and settings["from_scratch"] == ["classifier.4", "classifier.6"],
        "model.json tells both", settings)
    network = make_network("half_width", 4)
    network.load_state_dict(after, strict=True)


def check_prefix(verdict, trial, trained, data, folder):
    verdict.section("A wrapper's prefix")
    state = torch.load(trained / "fashion.pth", weights_only=True)
    torch.save({f"module.model.{key}": value for key, value in state.items()}, folder / "wrapped.pth")
    output = folder / "unwrapped"
    trial.train("--data", data, "--init-from", folder / "wrapped.pth", "--freeze", "features", "--epochs", 1, "--batch-size", 16, "--output", output)
    after = torch.load(output / "unwrapped.pth", weights_only=True)
    verdict.check(list(after) == list(state), "the checkpoint has the network's own keys", list(after))
    same = all(torch.equal(after[f"{name}.weight"], state[f"{name}.weight"]) for name in FEATURES)
    verdict.check(same, "and began with the wrapped weights")


def check_measuring(verdict, trial, trained, data, folder):
    verdict.section("Evaluated on the data it was trained on")

    def measure(*arguments):
        code, output, error = trial.run("evaluate", "--data", data, "--model", trained, "--json", "-", *arguments)
        return (json.loads(output), error) if code == 0 else ({}, error)

    found, error = measure()
    best = json.loads((trained / "model.json").read_text())["training"]["best"]
    verdict.check(
        found.get("pictures") == 20 and found["subject"]["origin"] == "held_out" and "held out" in error,
        f"the 20 images that were held out are measured: {error.strip()}", found.get("subject"))
    verdict.check(
        abs(found.get("top1", -1) - best["val_accuracy"]) < 1e-9 and abs(found.get("loss", -1) - best["val_loss"]) < 1e-4,
        f"accuracy {best['val_accuracy']:.4f} and loss {best['val_loss']:.4f} are those of the best epoch", found.get("top1"))
    found, error = measure("--all")
    verdict.check(
        found.get("pictures") == 200 and found["subject"]["trained_on"] == 180 and "180 of these 200" in error,
        f"--all measures the others too: {error.strip()}", found.get("subject"))


def check_defaults(verdict, trial, images, labels, folder, seeds):
    verdict.section("Three classes of sixty images")
    data = export(folder / "sixty", images, labels, 60, classes=[1, 3, 8], first=300)
    for seed in seeds:
        output = folder / f"sixty-{seed}"
        trial.train("--data", data, "--output", output, "--epochs", 5, "--seed", seed)
        loss = float((output / "history.csv").read_text().splitlines()[-1].split(",")[1])
        verdict.check(loss < 0.9 * numpy.log(3), f"seed {seed}: the train loss is {loss:.3f} after five epochs, and guessing has 1.099")
        shutil.rmtree(output)
    output = folder / "stuck"
    _, _, error = trial.run("train", "--data", data, "--output", output, "--epochs", 3, "--lr", 1e-9)
    verdict.check("Nothing is learnt so far" in error and "--lr" in error, f"where nothing is learnt it says so: {error.strip()}")


def check_refusals(verdict, trial, data, small, trained, folder):
    verdict.section("What cannot be")
    number = 0

    def output():
        nonlocal number
        number += 1
        return folder / f"refused{number}"

    def refused(title, code, pattern, *arguments, target=None, leaves=False, **options):
        target = target or output()
        found, text, error = trial.run("train", *arguments, "--output", target, **options)
        sentences = [line for line in error.splitlines() if line.startswith(("alexnet: ", "Error: ")) and "left out" not in line]
        verdict.check(
            found == code and len(sentences) == 1 and re.search(pattern, error), f"{title}: {sentences[0] if sentences else repr(error)}",
            f"exit code {found}, expected {code} and {pattern!r}\n{text}{error}")
        if not leaves:
            verdict.check(not target.exists(), "    and leaves nothing behind") if target.exists() else None

    def copy(name):
        return Path(shutil.copytree(data, folder / name))

    empty = copy("empty")
    (empty / "Gloves").mkdir()
    refused("an empty class folder", 1, "Gloves", "--data", empty)
    one = folder / "one"
    shutil.copytree(data / "Bag", one / "Bag")
    refused("one class", 1, "only one class", "--data", one)
    refused("no such folder", 1, "no folder", "--data", folder / "nowhere")
    refused("a batch larger than the data", 1, "180", "--data", data, "--batch-size", 181)
    refused("an unknown layer to freeze", 1, r"features\.1\b.*features\.0", "--data", data, *small, "--freeze", "features.1")
    refused("an unknown layer from scratch", 1, "fc8.*classifier.6", "--data", data, *small, "--from-scratch", "fc8")
    refused("every layer frozen", 1, "every layer is frozen", "--data", data, *small, "--freeze",
            ",".join([*FEATURES, "classifier.1", "classifier.4", "classifier.6"]))
    refused("an unknown architecture", 2, "alexnet_half_width", "--data", data, "--model", "alexnot")
    refused("a checkpoint of something else", 1, r"\.JPEG|\.jpg", "--data", data, "--init-from", next((data / "Bag").iterdir()))
    torch.save(torchvision.models.resnet18().state_dict(), folder / "resnet.pth")
    refused("a network that cannot be trained", 1, "resnet18.*not trained.*alexnet_half_width", "--data", data, "--init-from", folder / "resnet.pth")
    refused("another network than was asked for", 1, "alexnet_half_width, but alexnet is asked for.*48.*64", "--data", data,
            "--model", "alexnet", "--init-from", trained / "fashion.pth")
    refused("another number of classes", 1, "10 classes", "--data", data, "--classes", 5)
    refused("no epochs", 2, "--epochs", "--data", data, "--epochs", 0)
    refused("a learning rate below zero", 2, "learning rate", "--data", data, "--lr=-1")
    refused("no data", 2, "--data")
    refused("nothing to resume", 1, "nothing to resume", "--resume")
    refused("--resume with another learning rate", 2, "--lr", "--resume", "--lr", 0.1)
    refused("--resume with another augmentation", 2, "--augmentation", "--resume", "--augmentation", "none")
    refused("an output that is a file", 1, "small.pth", "--data", data, *small, target=small[1], leaves=True)

    # A folder that already holds a model, which must not be damaged.
    kept = Path(shutil.copytree(trained, folder / "kept" / "fashion"))
    before = outcome(kept)
    refused("an output that holds a model", 1, "--force", "--data", data, target=kept, leaves=True)
    checkpoint = (kept / "fashion.pth").read_bytes()
    refused("a loss that is no number", 1, r"step \d+ of epoch 1", "--force", "--data", data, *small, "--optimizer", "sgd",
            "--lr", 1000, target=kept, leaves=True)
    verdict.check((kept / "fashion.pth").read_bytes() == checkpoint and trial.loads(kept) is True, "    and the model that was there stays")
    verdict.check(before == outcome(trained), "    and the first one is as it was")

    # Resuming from an invalid state, or with changed data.
    arguments = ["--data", data, *small, "--epochs", 2, "--batch-size", 20]
    state = folder / "state" / "fashion"
    changed = copy("changed")
    trial.train("--data", changed, *arguments[2:], "--type", "bfloat16", "--output", state)
    (changed / "Bag" / "another.jpg").write_bytes(next((data / "Coat").iterdir()).read_bytes())
    refused("data that changed", 1, "data have changed", "--resume", "--epochs", 3, target=state, leaves=True)
    (changed / "Bag" / "another.jpg").unlink()
    whole = (state / STATE).read_bytes()
    for title, content in [("a state that is cut off", whole[: len(whole) // 2]), ("a state that is text", b"hello"), ("an empty state", b"")]:
        (state / STATE).write_bytes(content)
        refused(title, 1, STATE, "--resume", target=state, leaves=True)
    save_file({"a": numpy.zeros(3, numpy.float32)}, state / STATE)
    refused("a checkpoint that is no state", 1, "not the state of a training", "--resume", target=state, leaves=True)
    for found, put in [('"batch_size":20', '"batch_size":-7'), ("alexnet_half_width", "alexnet_half_wide_"),
                       ('"type":"bfloat16"', '"type":"bfloat61"')]:
        found, put = (json.dumps(text)[1:-1].encode() for text in (found, put))
        assert found in whole
        (state / STATE).write_bytes(whole.replace(found, put))
        refused(f"a state with {put.decode().replace(chr(92), '')}", 1, "", "--resume", target=state, leaves=True)


def check_corrupt_images(verdict, trial, data, small, folder):
    corrupt = Path(shutil.copytree(data, folder / "corrupt"))
    bad = [corrupt / "Bag" / "0003.jpg", corrupt / "Coat" / "0004.jpg"]
    bad[0].write_bytes(bad[0].read_bytes()[:300])
    bad[1].write_bytes(b"not an image")
    code, output, error = trial.run(
        "train", "--data", corrupt, *small, "--epochs", 2, "--batch-size", 20, "--output", folder / "despite")
    verdict.check(
        code == 0 and all(error.count(str(file)) == 1 for file in bad) and output.count("epoch ") == 2,
        "corrupt images are named once and left out", output + error)


def check_full_disk(verdict, trial, data, small, folder):
    arguments = ["--data", data, *small, "--epochs", 2, "--batch-size", 20]
    trial.train(*arguments, "--output", folder / "roomy" / "full")
    expected = outcome(folder / "roomy" / "full")
    state_size = (folder / "roomy" / "full" / STATE).stat().st_size

    target = folder / "limited" / "full"
    code, _, error = trial.run("train", *arguments, "--output", target, limit=state_size // 2)
    verdict.check(code == 1 and "alexnet: " in error and len(error.splitlines()) == 1, f"a file that may not grow: {error.strip()}", code)

    # A file system with room for one state and one model, but not for a second state beside the first.
    disk = folder / "disk"
    disk.mkdir()
    size = int(state_size * 1.7)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", str(disk).encode(), b"tmpfs", 0, f"size={size}".encode()) != 0:
        verdict.note(f"no file system may be mounted here ({os.strerror(ctypes.get_errno())}): a full disk was not tried")
        return
    try:
        target = disk / "full"
        code, _, error = trial.run("train", *arguments, "--output", target)
        verdict.check(code == 1 and "alexnet: " in error and len(error.splitlines()) == 1, f"a full disk: {error.strip()}", code)
        verdict.check(trial.loads(target) is True, "    and the best model so far is whole")
        libc.mount(b"tmpfs", str(disk).encode(), b"tmpfs", 32, f"size={size * 4}".encode())  # MS_REMOUNT
        code, output, error = trial.run("train", "--resume", "--output", target)
        unlike = differences(outcome(target), expected)
        verdict.check(code == 0 and not unlike, "    and with more room it goes on to the same end", f"{output}{error}{unlike}")
    finally:
        libc.umount2(str(disk).encode(), 2)


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 20), help="seed of the kills' timing (default: random)")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds for three classes of sixty images")
    parser.add_argument(
        "--only", default="",
        help="sections to run, separated by commas: interruption, kills, serving, pytorch, fine-tuning, measuring, defaults, refusals")
    options = parse(parser)
    verdict = Verdict()
    trial = Trial(options.binary)
    torch.set_num_threads(2)
    wanted = set(filter(None, options.only.split(",")))

    def wants(section):
        return not wanted or section in wanted

    with tempfile.TemporaryDirectory(prefix="alexnet-training-") as folder:
        folder = Path(folder)
        images, labels = (read_idx(DATA / f"train-{name}-ubyte.gz") for name in ("images-idx3", "labels-idx1"))
        data = export(folder / "data", images, labels, 20)
        small = ["--init-from", make_small_checkpoint(folder / "small.pth"), "--model", "alexnet_half_width"]
        trained = folder / "trained" / "fashion"
        trial.train("--data", data, *shipped_checkpoint(), "--epochs", 2, "--batch-size", 12, "--lr", 2e-4, "--augmentation",
                    "none", "--output", trained)
        if wants("interruption"):
            check_interruption(verdict, trial, data, folder)
            check_second_interruption(verdict, trial, data, small, folder)
        if wants("kills"):
            check_kills(verdict, trial, data, small, folder, options.kills, options.seed)
        if wants("serving"):
            check_serving(verdict, trial, data, trained, small, folder)
        if wants("pytorch"):
            check_pytorch(verdict, trial, trained, export(folder / "images", images, labels, 10, first=100, suffix="PNG"))
        if wants("fine-tuning"):
            check_fine_tuning(
                verdict, trial, trained, export(folder / "four", images, labels, 20, classes=[1, 5, 7, 8], first=200), folder)
            check_prefix(verdict, trial, trained, data, folder)
        if wants("measuring"):
            check_measuring(verdict, trial, trained, data, folder)
        if wants("defaults"):
            check_defaults(verdict, trial, images, labels, folder, range(options.seeds))
        if wants("refusals"):
            check_refusals(verdict, trial, data, small, trained, folder)
            check_corrupt_images(verdict, trial, data, small, folder)
            check_full_disk(verdict, trial, data, small, folder)
    verdict.finish()


if __name__ == "__main__":
    main()
