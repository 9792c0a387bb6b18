#!/usr/bin/env python3
"""Every variant of AlexNet matches PyTorch end to end, from the file's bytes to the probabilities.

For each variant PyTorch saves a checkpoint with random weights (in both file formats, with 10 or 1000 classes, in every
precision for one variant, in both key namings). `alexnet predict --json` and PyTorch then classify the same sixteen images.
PyTorch decodes them with Pillow and computes in float32 from the same checkpoint file.

    |difference of a probability|      at most 1e-5
    |difference of a logit|            at most 1e-4 of the image's largest logit
    top-1 class                        the same

Answers hold no logits. Up to a constant per image, logits are the logarithms of the probabilities, so both sides are centred
before they are compared.
"""

import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import torch
from safetensors.torch import load_file, save_file

from acceptance import Verdict, make_parser, parse
from networks import INPUT_SHAPES, make_network, named_block_key
from images import write_images
from preprocessing import DEFAULT_PRESETS, preprocess

LARGEST_PROBABILITY_DIFFERENCE = 1e-5
LARGEST_LOGIT_DIFFERENCE = 1e-4

# variant, classes, file format, precision, key layout, whether --preprocessing is passed, format of the class map
CASES = [
    ("half_width", 10, "pth", "float32", "as they are", False, "index to name"),
    ("half_width", 10, "safetensors", "float32", "as they are", True, "name to index"),
    ("half_width", 1000, "pth", "float32", "named blocks", False, "array"),
    ("half_width", 10, "pth", "float32", "checkpoint of a parallel run", False, "lines"),
    ("half_width", 10, "pth", "float16", "as they are", False, "index to name"),
    ("half_width", 10, "safetensors", "float16", "as they are", False, "index to name"),
    ("half_width", 10, "pth", "bfloat16", "as they are", False, "index to name"),
    ("half_width", 10, "safetensors", "bfloat16", "named blocks", False, "index to name"),
    ("half_width", 10, "pth", "float64", "as they are", False, "index to name"),
    ("half_width", 10, "safetensors", "float64", "as they are", False, "index to name"),
    ("torchvision", 1000, "pth", "float32", "as they are", False, "array"),
    ("torchvision", 10, "safetensors", "float32", "as they are", True, "index to name"),
    ("paper", 1000, "pth", "float32", "as they are", False, "lines"),
    ("paper", 10, "safetensors", "float32", "as they are", True, "index to name"),
    ("one_channel", 10, "pth", "float32", "as they are", False, "index to name"),
    ("one_channel", 1000, "safetensors", "float32", "as they are", True, "array"),
]


def random_network(form, classes, inputs, seed):
    """A network with Kaiming-initialised weights, scaled to logits of about -5 … 5."""
    torch.manual_seed(seed)
    network = make_network(form, classes)
    for parameter in network.parameters():
        if parameter.dim() > 1:
            torch.nn.init.kaiming_normal_(parameter, nonlinearity="relu")
    last = list(network.modules())[-1] if form != "paper" else network.fc8
    with torch.no_grad():
        last.bias.zero_()
        last.weight.mul_(5 / network(inputs).abs().max())
    return network


def arrange(state, arrangement):
    """The same tensors in another layout of the checkpoint."""
    if arrangement == "named blocks":
        return {named_block_key(key): value for key, value in state.items()}
    if arrangement == "checkpoint of a parallel run":
        return {"epoch": 3, "state_dict": {"module." + key: value for key, value in state.items()}}
    return state


def write_classes(path, names, form):
    contents = {
        "index to name": lambda: json.dumps({str(index): name for index, name in enumerate(names)}),
        "name to index": lambda: json.dumps({name: index for index, name in enumerate(names)}),
        "array": lambda: json.dumps(names),
        "lines": lambda: "".join(name + "\n" for name in names),
    }
    path = path.with_suffix(".txt" if form == "lines" else ".json")
    path.write_text(contents[form]())
    return path


def reload_into(network, checkpoint):
    """Load the file's weights into the network, as float32."""
    saved = load_file(checkpoint) if checkpoint.suffix == ".safetensors" else torch.load(checkpoint, weights_only=True)
    saved = saved.get("state_dict", saved)
    state = {}
    for key in network.state_dict():
        spellings = [key, "module." + key, named_block_key(key)] if key.startswith("features") else [key, "module." + key]
        state[key] = next(saved[spelling] for spelling in spellings if spelling in saved).float()
    network.load_state_dict(state)


def run_predict(binary, checkpoint, classes, preset, count, files, flags=()):
    """Run `alexnet predict`. Returns its JSON lines, one per image, or None and the reason; and the seconds it took."""
    command = [binary, "predict", "--checkpoint", checkpoint, "--classes", classes, "--top", count, "--json"]
    command += ["--preprocessing", preset] if preset else []
    command += flags
    start = time.monotonic()
    done = subprocess.run([*map(str, command), *map(str, files)], capture_output=True, text=True)
    seconds = time.monotonic() - start
    told = f"command: {' '.join(map(str, command))} …\nexit code: {done.returncode}\nstandard error: {done.stderr[-2000:]}"
    try:
        lines = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
    except ValueError as error:
        return None, f"{told}\na line of standard output is not JSON ({error}): {done.stdout[:500]}", seconds
    if done.returncode != 0 or len(lines) != len(files):
        return None, f"{told}\n{len(lines)} lines for {len(files)} images: {done.stdout[:500]}", seconds
    return lines, "", seconds


def compare(verdict, lines, logits, names, files):
    """Check the claims for one case."""
    count = len(names)
    expected = torch.softmax(logits.double(), 1).numpy()
    logits = logits.double().numpy()
    worst = {"probability": (0.0, ""), "logit": (0.0, "")}
    other_class, malformed = [], []
    for line, file, truth, scores in zip(lines, files, expected, logits):
        top = line.get("top", [])
        answered = {entry["index"]: entry["probability"] for entry in top}
        if sorted(answered) != list(range(count)):
            malformed.append(f"{file.name}: `top` holds {len(answered)} of {count} classes; the answer begins {str(line)[:300]}")
            continue
        if any(entry["class"] != names[entry["index"]] for entry in top):
            malformed.append(f"{file.name}: a class name does not belong to its index")
        if line.get("filename") and Path(line["filename"]).name != file.name:
            malformed.append(f"{file.name}: the answer in its place is about {line['filename']}")
        got = numpy.array([answered[index] for index in range(count)])
        difference = abs(got - truth).max()
        worst["probability"] = max(worst["probability"], (difference, file.name))
        if line["index"] != int(truth.argmax()):
            margin = truth.max() - truth[line["index"]]
            other_class.append(f"{file.name}: {line['index']} instead of {truth.argmax()}, which leads by {margin:.2e}")
        with numpy.errstate(divide="ignore"):
            recovered = numpy.log(got)
        difference = abs((recovered - recovered.mean()) - (scores - scores.mean())).max() / abs(scores).max()
        worst["logit"] = max(worst["logit"], (difference, file.name))
    verdict.check(not malformed, "every answer is whole and in its place", "\n".join(malformed))
    verdict.check(not other_class, "the most probable class is PyTorch's on every image", "\n".join(other_class))
    value, name = worst["probability"]
    verdict.check(value <= LARGEST_PROBABILITY_DIFFERENCE, f"largest |difference of a probability| {value:.2e}", f"on {name}")
    value, name = worst["logit"]
    verdict.check(value <= LARGEST_LOGIT_DIFFERENCE, f"largest |difference of a logit| {value:.2e} of the largest", f"on {name}")


def run_case(verdict, options, folder, files, case, seed):
    form, count, suffix, precision, arrangement, says_preset, class_form = case
    verdict.section(f"{form}, {count} classes, .{suffix}, {precision}, keys {arrangement}, class map {class_form}")
    preset = DEFAULT_PRESETS[form]
    channels = INPUT_SHAPES[form][0]
    inputs = torch.stack([preprocess(file.read_bytes(), preset, channels) for file in files])
    with torch.no_grad():
        network = random_network(form, count, inputs, seed)
        state = {key: value.to(getattr(torch, precision)) for key, value in network.state_dict().items()}
        checkpoint = folder / f"{form}-{count}-{precision}.{suffix}"
        saved = arrange(state, arrangement)
        save_file(saved, checkpoint) if suffix == "safetensors" else torch.save(saved, checkpoint)
        names = [f"class {index}" for index in range(count)]
        classes = write_classes(folder / "classes", names, class_form)
        reload_into(network, checkpoint)
        logits = network(inputs)
        exact = network.double()(inputs.double())
    spread = logits.std(0).mean()
    own = (logits.double() - exact).abs().max() / exact.abs().max()
    size = checkpoint.stat().st_size / 1e6
    verdict.note(
        f"checkpoint {size:.0f} MB; logits {logits.min():.2f} … {logits.max():.2f}, a class's deviation across "
        f"images {spread:.2f}; PyTorch's own float32 error {own:.1e}"
    )
    lines, reason, seconds = run_predict(options.binary, checkpoint, classes, preset if says_preset else None, count, files)
    checkpoint.unlink()
    if verdict.check(lines is not None, f"alexnet predict answers {len(files)} images in {seconds:.2f} s", reason):
        compare(verdict, lines, logits, names, files)


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--only", help="run the cases of one variant")
    options = parse(parser)
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-forms-") as folder:
        folder = Path(folder)
        files = write_images(folder / "images")
        for seed, case in enumerate(CASES):
            if options.only in (None, case[0]):
                run_case(verdict, options, folder, files, case, seed)
    verdict.finish()


if __name__ == "__main__":
    main()
