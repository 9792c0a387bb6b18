#!/usr/bin/env python3
"""Every classic network matches PyTorch end to end, from the file's bytes to the probabilities.

torchvision (or a tutorial's class) makes the initial weights of each network. Running statistics and parameters of batch
normalisation are random, so that folding them is tested. The last layer is scaled so that the top-1 class differs between
images. `alexnet predict --json` and PyTorch then classify the same sixteen images. PyTorch decodes them with Pillow and
computes in float32 with the same weights.

    |difference of a probability|      at most 1e-4
    top-1 class                        the same
    architecture                       inferred, except where names and shapes are ambiguous
"""

import copy
import io
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageOps
from safetensors.torch import save_file
from torchvision import transforms

from acceptance import Verdict, make_parser, parse
from classics import LeNet, torchvision_network
from images import write_images

LARGEST_PROBABILITY_DIFFERENCE = 1e-4
# Largest accepted float32 rounding error of PyTorch's own logits.
OWN_ERROR = 2e-5
IMAGENET = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def imagenet():
    return transforms.Compose([
        transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor(), IMAGENET,
    ])


def stretch(extent, *others):
    return transforms.Compose([transforms.Resize((extent, extent)), transforms.ToTensor(), *others])


# By name: architecture, function that makes the network, preprocessing, channels, model.json, file format, key of the wrapper.
CASES = {}


def case(name, architecture, make, transform=imagenet(), channels=3, description=None, suffix="pth", wrapper=None):
    CASES[name] = (architecture, make, transform, channels, description or {}, suffix, wrapper)


def lenet(name, architecture, transform, description=None, suffix="pth", **options):
    channels = options.get("channels", 1)
    case(name, architecture, lambda: LeNet(10, **options), transform, channels, description, suffix)


lenet("lenet5", "lenet5", stretch(32), suffix="stacked", keys="tutorial", activation="none")
lenet("lenet5_colour", "lenet5_colour", stretch(32, HALF), channels=3)
lenet(
    "lenet5_28", "lenet5_28", stretch(28), {"architecture": "lenet5_28", "activation": "tanh", "pooling": "average"},
    extent=28, padding=2, activation="tanh", pooling="average",
)
lenet(
    "lenet5_28_unpadded", "lenet5_28_unpadded", stretch(28), {"activation": "sigmoid"},
    extent=28, activation="sigmoid", keys="rooms",
)
for network, wrapper, suffix in [
    ("vgg11", None, "pth"), ("vgg11_bn", "state_dict", "pth"), ("vgg13", None, "npz"),
    ("vgg13_bn", None, "safetensors"), ("vgg16", None, "pth"), ("vgg16_bn", None, "pth"), ("vgg19", None, "shards"),
    ("vgg19_bn", None, "pth"), ("resnet18", "model", "pth"), ("resnet34", None, "stacked"),
    ("resnet50", "model_state_dict", "pth"), ("resnet101", None, "shards"), ("resnet152", None, "pth"),
    ("resnext50_32x4d", None, "pth"), ("resnext101_32x8d", None, "pth"), ("resnext101_64x4d", None, "pth"),
    ("wide_resnet50_2", None, "pth"), ("wide_resnet101_2", None, "pth"),
]:
    case(network, network, lambda network=network: torchvision_network(network), suffix=suffix, wrapper=wrapper)
case("googlenet", "googlenet", lambda: torchvision_network("googlenet", aux_logits=True, init_weights=True), suffix="stacked")
case(
    "googlenet-transformed", "googlenet", lambda: torchvision_network("googlenet", transform_input=True, init_weights=True),
    description={"transform_input": True}, suffix="safetensors",
)
USUAL = ["lenet5", "lenet5_colour", "lenet5_28", "lenet5_28_unpadded", "vgg11", "vgg11_bn", "googlenet",
         "googlenet-transformed", "resnet18", "resnet50", "resnext50_32x4d"]


def randomize(network, inputs):
    """Randomise batch normalisation around the images' own statistics, and scale the logits to about -5 … 5.

    Returns PyTorch's own float32 error of a logit.
    """
    normalizations = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for module in normalizations:
        torch.nn.init.uniform_(module.weight, 0.5, 1.5)
        torch.nn.init.normal_(module.bias, 0, 0.2)
        module.momentum = None
    if normalizations:
        network.train()(inputs)
        network.eval()
    for module in normalizations:
        module.running_mean.add_(torch.randn_like(module.running_mean) * 0.2 * module.running_var.sqrt())
        module.running_var.mul_(torch.empty_like(module.running_var).uniform_(0.5, 2))
    last = [module for module in network.modules() if isinstance(module, torch.nn.Linear)][-1]
    last = network.fc if isinstance(getattr(network, "fc", None), torch.nn.Linear) else last
    logits = network(inputs)
    # Centre the logits over the images, so that the images differ in class.
    spread = (logits - logits.mean(0)).abs().max()
    last.bias.sub_(logits.mean(0))
    exact = copy.deepcopy(network).double()(inputs[:2].double())
    own = (network(inputs[:2]) - exact).abs().max()
    # Limit the scale, or PyTorch's own rounding errors would dominate the comparison.
    scale = min(5 / spread, OWN_ERROR / own)
    last.weight.mul_(scale)
    last.bias.mul_(scale)
    return float(own * scale)


def save(state, folder, form):
    """Save the weights in one of the file formats. Returns their size in bytes."""
    if form == "pth":
        torch.save(state, folder / "model.pth")
    elif form == "stacked":
        torch.save(state, folder / "model.pth.tar", _use_new_zipfile_serialization=False)
    elif form == "npz":
        numpy.savez(folder / "model.npz", **{key: value.numpy() for key, value in state.items()})
    elif form == "safetensors":
        save_file(state, folder / "model.safetensors")
    elif form == "shards":
        keys = list(state)
        shards = {"model-00001-of-00002.safetensors": keys[::2], "model-00002-of-00002.safetensors": keys[1::2]}
        for name, its in shards.items():
            save_file({key: state[key] for key in its}, folder / name)
        index = {"metadata": {}, "weight_map": {key: name for name, its in shards.items() for key in its}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return sum(path.stat().st_size for path in folder.iterdir())


def run_predict(binary, folder, count, files):
    command = [binary, "predict", "--model", folder, "--top", count, "--json"]
    start = time.monotonic()
    done = subprocess.run([*map(str, command), *map(str, files)], capture_output=True, text=True)
    seconds = time.monotonic() - start
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode != 0 or len(lines) != len(files):
        return None, f"exit code {done.returncode}: {done.stderr[-2000:]}", seconds
    return lines, "", seconds


def inspect(binary, folder):
    done = subprocess.run([str(binary), "inspect", str(folder), "--json"], capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else {"error": done.stderr}


def run_case(verdict, options, folder, files, name, seed):
    architecture, make, transform, channels, description, suffix, wrapper = CASES[name]
    verdict.section(name)
    inputs = torch.stack([
        transform(ImageOps.exif_transpose(Image.open(io.BytesIO(file.read_bytes()))).convert("RGB" if channels == 3 else "L"))
        for file in files
    ])
    torch.manual_seed(seed)
    with torch.no_grad():
        network = make().eval()
        own = randomize(network, inputs)
        logits = network(inputs)
    state = network.state_dict()
    model = folder / name
    model.mkdir()
    size = save({wrapper: state, "epoch": 3} if wrapper else state, model, suffix)
    count = logits.shape[1]
    (model / "class_indices.json").write_text(json.dumps({str(index): f"class {index}" for index in range(count)}))
    if description:
        (model / "model.json").write_text(json.dumps(description))
    expected = torch.softmax(logits.double(), 1).numpy()
    verdict.note(
        f"checkpoint {size / 1e6:.0f} MB, {suffix}; logits {logits.min():.2f} … {logits.max():.2f}; "
        f"largest probability {expected.max():.3f}; {len(set(expected.argmax(1)))} classes on {len(files)} images; "
        f"PyTorch's own float32 error {own:.1e}"
    )
    del network
    known = inspect(options.binary, model)
    verdict.check(known.get("architecture") == architecture, f"the architecture is {architecture}", known.get("error", known.get("architecture")))
    learned = sum(
        value.numel() for key, value in state.items() if "running_" not in key and "num_batches" not in key and not key.startswith("aux")
    )
    verdict.check(known.get("parameters") == learned, f"{learned} parameters", known.get("parameters"))
    lines, reason, seconds = run_predict(options.binary, model, count, files)
    shutil.rmtree(model)
    if not verdict.check(lines is not None, f"alexnet predict answers {len(files)} images in {seconds:.2f} s", reason):
        return
    worst, others = (0.0, ""), []
    for line, file, truth in zip(lines, files, expected):
        answered = {entry["index"]: entry["probability"] for entry in line["top"]}
        got = numpy.array([answered.get(index, numpy.nan) for index in range(count)])
        worst = max(worst, (float(numpy.nan_to_num(abs(got - truth), nan=1).max()), file.name))
        if line["index"] != int(truth.argmax()):
            others.append(f"{file.name}: {line['index']} instead of {truth.argmax()}")
    verdict.check(not others, "the most probable class is PyTorch's on every image", "\n".join(others))
    verdict.check(
        worst[0] <= LARGEST_PROBABILITY_DIFFERENCE, f"largest |difference of a probability| {worst[0]:.2e}", f"on {worst[1]}"
    )


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--only", help="names of cases with commas between, or `all`; else one or two of each family")
    options = parse(parser)
    names = list(CASES) if options.only == "all" else options.only.split(",") if options.only else USUAL
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-networks-") as folder:
        folder = Path(folder)
        files = write_images(folder / "images")
        for seed, name in enumerate(names):
            run_case(verdict, options, folder, files, name, seed)
    verdict.finish()


if __name__ == "__main__":
    main()
