#!/usr/bin/env python3
"""Networks whose tensors fit several architectures or settings, with the wrappers and key names of real files.

For each case PyTorch makes the network, `alexnet predict --json` and PyTorch classify the same images, and

    without model.json           the probabilities are PyTorch's within 1e-4, or standard error names the assumptions
    with the settings in it      the probabilities are PyTorch's within 1e-4, and there is no warning

The networks of timm and Hugging Face are included if `timm` and `transformers` are installed.
"""

import copy
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy
import torch
from PIL import Image, ImageOps
from torch import nn
from torchvision import models, transforms

from acceptance import Verdict, make_parser, parse
from images import write_images

LARGEST_PROBABILITY_DIFFERENCE = 1e-4
IMAGENET = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CLASSES = 6
# Largest accepted float32 rounding error of PyTorch's own logits.
OWN_ERROR = 2e-5
UNIT, STRETCH = "unit", "stretch"


def stretch(extent, *others):
    return transforms.Compose([transforms.Resize((extent, extent)), transforms.ToTensor(), *others])


def imagenet(extent=224):
    side = (extent * 8 + 3) // 7
    return transforms.Compose(
        [transforms.Resize(side), transforms.CenterCrop(extent), transforms.ToTensor(), IMAGENET])


def convolutions(channels, widths, stem, sizes=(11, 5, 3, 3, 3), lrn=None, normalized=False, pool=3, stride=4):
    """The five convolutions of an AlexNet as a list of modules."""
    modules, before = [], channels
    for index, (width, size) in enumerate(zip(widths, sizes)):
        padding = stem if index == 0 else size // 2
        modules.append(nn.Conv2d(before, width, size, stride=stride if index == 0 else 1, padding=padding))
        if normalized:
            modules.append(nn.BatchNorm2d(width))
        modules.append(nn.ReLU())
        if lrn and index < 2:
            modules.append(lrn())
        if index in (0, 1, 4):
            modules.append(nn.MaxPool2d(pool, 2))
        before = width
    return modules


WIDE = (96, 256, 384, 384, 256)
NARROW = (64, 192, 384, 256, 256)


def head(features, hidden=64, first_dropout=True):
    dropouts = [nn.Dropout()] if first_dropout else []
    return [*dropouts, nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Linear(hidden, CLASSES)]


def d2l_head(features, hidden=64):
    return [nn.Flatten(), nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Dropout(), nn.Linear(hidden, CLASSES)]


class Parts(nn.Module):
    """Submodules that run in order; the input of `classifier` or `fc` is flattened."""

    def __init__(self, **parts):
        super().__init__()
        self.names = list(parts)
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x):
        for name in self.names:
            if name in ("classifier", "fc"):
                x = x.flatten(1)
            x = getattr(self, name)(x)
        return x


class BatchNormTutorial(nn.Module):
    def __init__(self):
        super().__init__()
        blocks = convolutions(3, WIDE, 0, normalized=True)
        cuts, start = [], 0
        for index, module in enumerate(blocks):
            if isinstance(module, nn.Conv2d) and index:
                cuts.append((start, index))
                start = index
        cuts.append((start, len(blocks)))
        for number, (first, last) in enumerate(cuts):
            self.add_module(f"layer{number + 1}", nn.Sequential(*blocks[first:last]))
        self.fc = nn.Sequential(nn.Dropout(), nn.Linear(9216, 64), nn.ReLU())
        self.fc1 = nn.Sequential(nn.Dropout(), nn.Linear(64, 64), nn.ReLU())
        self.fc2 = nn.Sequential(nn.Linear(64, CLASSES))

    def forward(self, x):
        for number in range(1, 6):
            x = getattr(self, f"layer{number}")(x)
        return self.fc2(self.fc1(self.fc(x.flatten(1))))


def lenet(padding, activation, pool, features=400, channels=1):
    return nn.Sequential(
        nn.Conv2d(channels, 6, 5, padding=padding), activation(), pool(2, 2), nn.Conv2d(6, 16, 5), activation(), pool(2, 2),
        nn.Flatten(), nn.Linear(features, 120), activation(), nn.Linear(120, 84), activation(), nn.Linear(84, CLASSES))


def sequential_head(network):
    network.fc = nn.Sequential(nn.Dropout(), nn.Linear(network.fc.in_features, CLASSES))
    return network


class Backbone(nn.Module):
    """A ResNet backbone without its head, and a separate head."""

    def __init__(self, children):
        super().__init__()
        resnet = models.resnet18()
        self.features = nn.Sequential(*list(resnet.children())[:-1]) if children else resnet
        if not children:
            resnet.fc = nn.Identity()
        self.classifier = nn.Linear(512, CLASSES)

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


def googlenet(**options):
    return models.googlenet(num_classes=CLASSES, init_weights=False, **options)


# By name: architecture, function that makes the network, transform, channels, model.json, function that wraps the state, whether
# no warning is expected.
CASES = {}


def case(name, architecture, make, transform, channels=3, settled=None, wrap=lambda state: state, silent=False):
    CASES[name] = (architecture, make, transform, channels, settled or {}, wrap, silent)


def prefixed(prefix, **others):
    return lambda state: {prefix + key: value for key, value in state.items()} | others


def lrn_of_the_tutorial():
    return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)


for padding in (0, 1):
    for channels in (1, 3):
        case(f"d2l-padding-{padding}-channels-{channels}", "alexnet_d2l",
             lambda p=padding, c=channels: nn.Sequential(*convolutions(c, WIDE, p), *d2l_head(6400)),
             stretch(224), channels, {"padding": padding, "preprocessing": UNIT})
case("d2l-module", "alexnet_d2l", lambda: Parts(net=nn.Sequential(*convolutions(1, WIDE, 1), *d2l_head(6400))), stretch(224), 1,
     {"padding": 1})
case("conv-fc-padding-0", "alexnet_one_channel",
     lambda: Parts(conv=nn.Sequential(*convolutions(1, WIDE, 0)), fc=nn.Sequential(*d2l_head(6400)[1:])), stretch(224), 1,
     {"padding": 0})
case("one-tower-lrn", "alexnet_one_tower",
     lambda: Parts(net=nn.Sequential(*convolutions(3, WIDE, 0, lrn=lrn_of_the_tutorial)), classifier=nn.Sequential(*head(9216))),
     imagenet(227), 3,
     {"local_response_norm": {"k": 2}, "input_size": 227, "padding": 0, "preprocessing": "imagenet"})
case("one-tower-lrn-k1", "alexnet_one_tower",
     lambda: Parts(features=nn.Sequential(*convolutions(3, WIDE, 0, lrn=lambda: nn.LocalResponseNorm(5, k=1))),
                   classifier=nn.Sequential(*head(9216))),
     imagenet(227), 3, {"local_response_norm": {"k": 1}, "input_size": 227, "padding": 0, "preprocessing": "imagenet"})
case("half-width-lrn", "alexnet_one_tower",
     lambda: Parts(features=nn.Sequential(*convolutions(3, (48, 128, 192, 192, 128), 2, lrn=lambda: nn.LocalResponseNorm(5, k=2))),
                   classifier=nn.Sequential(*head(4608))),
     stretch(224, HALF), 3,
     {"local_response_norm": {"k": 2}, "input_size": 224, "padding": 2, "preprocessing": STRETCH})
case("one-tower-227", "alexnet_one_tower",
     lambda: Parts(features=nn.Sequential(*convolutions(3, WIDE, 0)), classifier=nn.Sequential(*head(9216))), stretch(227, HALF), 3,
     {"input_size": 227, "padding": 0, "preprocessing": STRETCH})
case("one-tower-224", "alexnet_one_tower",
     lambda: Parts(features=nn.Sequential(*convolutions(3, WIDE, 2)), classifier=nn.Sequential(*head(9216))), stretch(224, HALF), 3,
     {"input_size": 224, "padding": 2, "preprocessing": STRETCH})
case("batch-normalized", "alexnet_bn", BatchNormTutorial, stretch(227, IMAGENET), 3,
     {"input_size": 227, "padding": 0,
      "preprocessing": {"mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225]}})
for stride in (1, 2):
    grid = 4 if stride == 1 else 2
    case(f"cifar-stride-{stride}", "alexnet_cifar",
         lambda s=stride, g=grid: Parts(
             features=nn.Sequential(*convolutions(3, NARROW, 1, (3, 3, 3, 3, 3), pool=2, stride=s)),
             classifier=nn.Sequential(*head(256 * g * g))),
         stretch(32, HALF), 3, {"input_size": 32, "preprocessing": STRETCH, "architecture": "alexnet_cifar"})
case("cifar-large-kernel", "alexnet_cifar_11x11",
     lambda: Parts(features=nn.Sequential(*convolutions(3, NARROW, 5, pool=2)), classifier=nn.Linear(256, CLASSES)),
     stretch(32, HALF), 3, {"preprocessing": STRETCH})
case("torchvision-256", "alexnet", lambda: models.alexnet(num_classes=CLASSES), stretch(256, IMAGENET), 3,
     {"preprocessing": {"resize": {"mode": "stretch", "height": 256, "width": 256},
                        "mean": [0.485, 0.456, 0.406], "deviation": [0.229, 0.224, 0.225]}}, silent=True)
for name, extent in [("vgg11_bn", 32), ("vgg11", 128), ("resnet18", 32), ("resnet18", 256), ("alexnet", 128), ("resnet18", 97)]:
    case(f"{name}-{extent}", name, lambda n=name: getattr(models, n)(num_classes=CLASSES), imagenet(extent), 3,
         {"input_size": extent}, silent=True)
case("googlenet-fine-tuned", "googlenet", lambda: googlenet(transform_input=True, aux_logits=False), imagenet(), 3,
     {"transform_input": True})
case("googlenet-from-nothing", "googlenet", lambda: googlenet(aux_logits=True), imagenet(), 3, {"transform_input": False})
case("d2l-lenet", "lenet5_28", lambda: lenet(2, nn.Sigmoid, nn.AvgPool2d), stretch(28), 1,
     {"architecture": "lenet5_28", "activation": "sigmoid", "pooling": "average"})
case("lenet-sequential-relu", "lenet5_28", lambda: lenet(0, nn.ReLU, nn.MaxPool2d), stretch(32), 1,
     {"activation": "relu", "pooling": "max", "input_size": 32})
case("lenet-224", "lenet5_colour", lambda: lenet(0, nn.ReLU, nn.MaxPool2d, 16 * 53 * 53, 3), stretch(224, HALF), 3,
     {"activation": "relu", "pooling": "max", "input_size": 224, "preprocessing": STRETCH})
for prefix in ("model.", "net.", "backbone.", "resnet.", "module.model.", "timm_model.", "model.encoder."):
    for network in ("resnet18", "vgg11", "googlenet") if prefix in ("model.", "module.model.") else ("resnet18",):
        make = (lambda n=network: getattr(models, n)(num_classes=CLASSES)) if network != "googlenet" else (
            lambda: googlenet(transform_input=True, aux_logits=False))
        case(f"{prefix}{network}", network, make, imagenet(), 3, {"transform_input": True} if network == "googlenet" else {},
             wrap=prefixed(prefix, **({"criterion.weight": torch.ones(CLASSES)} if prefix == "model." else {})),
             silent=network != "googlenet")
case("loss-inside", "resnet18", lambda: models.resnet18(num_classes=CLASSES), imagenet(),
     wrap=prefixed("model.", **{"loss_fn.pos_weight": torch.ones(CLASSES), "val_acc.total": torch.ones(1),
                                "class_weights": torch.ones(CLASSES)}), silent=True)
case("thop-counters", "resnet18", lambda: models.resnet18(num_classes=CLASSES), imagenet(),
     wrap=lambda state: state | {"conv1.total_ops": torch.zeros(1, dtype=torch.float64), "total_params": torch.zeros(1)}, silent=True)
case("head-in-sequential", "resnet18", lambda: sequential_head(models.resnet18()), imagenet(), silent=True)
case("googlenet-head-in-sequential", "googlenet", lambda: sequential_head(googlenet(aux_logits=True)), imagenet(), 3,
     {"transform_input": False})
case("head-beside-backbone", "resnet18", lambda: Backbone(False), imagenet(), silent=True)
case("children-and-head", "resnet18", lambda: Backbone(True), imagenet(), silent=True)


def more_libraries():
    try:
        import timm
        for name, architecture in [("resnet18", "resnet18"), ("resnext50_32x4d", "resnext50_32x4d"), ("vgg11", "vgg11"),
                                   ("vgg13_bn", "vgg13_bn"), ("wide_resnet50_2", "wide_resnet50_2")]:
            case(f"timm-{name}", architecture, lambda n=name: timm.create_model(n, num_classes=CLASSES), imagenet(), silent=True)
    except ImportError:
        print("timm is not installed: its networks are left out")
    try:
        from transformers import ResNetConfig, ResNetForImageClassification

        class Logits(nn.Module):
            def __init__(self, inner):
                super().__init__()
                self.inner = inner

            def forward(self, x):
                return self.inner(x).logits

        small = {"num_labels": CLASSES, "hidden_sizes": [64, 128, 256, 512], "depths": [2, 2, 2, 2], "layer_type": "basic"}
        case("hugging-face-resnet18", "resnet18", lambda: Logits(ResNetForImageClassification(ResNetConfig(**small))), imagenet(),
             silent=True)
        case("hugging-face-resnet50", "resnet50", lambda: Logits(ResNetForImageClassification(ResNetConfig(num_labels=CLASSES))),
             imagenet(), silent=True)
    except ImportError:
        print("transformers is not installed: its networks are left out")


def randomize(network, inputs):
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
            module.momentum = None
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train()
        network(inputs)
    network.eval()
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    logits = network(inputs)
    last.bias.sub_(logits.mean(0))
    # Logits of about -4 … 4, but small enough that PyTorch's own rounding errors do not dominate the comparison.
    own = float((network(inputs) - copy.deepcopy(network).double()(inputs.double())).abs().max())
    scale = min(4 / float((logits - logits.mean(0)).abs().max()), OWN_ERROR / own)
    last.weight.mul_(scale)
    last.bias.mul_(scale)


def run(binary, folder, files):
    done = subprocess.run([str(binary), "predict", "--model", str(folder), "--top", str(CLASSES), "--json", *map(str, files)],
                          capture_output=True, text=True, timeout=300)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    words = [line for line in done.stderr.splitlines() if "model.json" in line]
    if done.returncode or len(lines) != len(files):
        return None, done.stderr.strip() or f"exit code {done.returncode}"
    answers = numpy.zeros((len(files), CLASSES))
    for row, line in enumerate(lines):
        for entry in line["top"]:
            answers[row, entry["index"]] = entry["probability"]
    return answers, words


def run_case(verdict, options, folder, files, name, seed):
    architecture, make, transform, channels, settled, wrap, silent = CASES[name]
    verdict.section(name)
    inputs = torch.stack([
        transform(ImageOps.exif_transpose(Image.open(file)).convert("RGB" if channels == 3 else "L")) for file in files])
    torch.manual_seed(seed)
    with torch.no_grad():
        network = make()
        randomize(network, inputs)
        expected = torch.softmax(network(inputs).double(), 1).numpy()
    state = network.state_dict()
    state = {key.removeprefix("inner."): value for key, value in state.items()}
    model = folder / name
    model.mkdir()
    torch.save(wrap(state), model / "model.pth")
    (model / "class_indices.json").write_text(json.dumps([f"class {index}" for index in range(CLASSES)]))

    if not silent or not settled:
        answers, words = run(options.binary, model, files)
        if verdict.check(answers is not None, "served without model.json", words):
            difference = float(abs(answers - expected).max())
            verdict.check(
                difference <= LARGEST_PROBABILITY_DIFFERENCE or words, f"|Δp| {difference:.1e}, {len(words)} assumptions told",
                "a wrong number in silence")
            verdict.check(not silent or (not words and difference <= LARGEST_PROBABILITY_DIFFERENCE),
                          "what is not open is not asked about", words)
            for word in words:
                verdict.note(word)
    if settled:
        (model / "model.json").write_text(json.dumps(settled))
        answers, words = run(options.binary, model, files)
        if verdict.check(answers is not None, "served with model.json", words):
            difference = float(abs(answers - expected).max())
            verdict.check(difference <= LARGEST_PROBABILITY_DIFFERENCE, f"settled: |Δp| {difference:.1e}", settled)
            verdict.check(not words, "settled: nothing is assumed", words)
    known = subprocess.run([str(options.binary), "inspect", str(model), "--json"], capture_output=True, text=True)
    found = json.loads(known.stdout).get("architecture") if known.returncode == 0 else known.stderr
    verdict.check(found == architecture or "architecture" in settled, f"recognised as {architecture}", found)
    shutil.rmtree(model)


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--only", help="run the cases whose names contain this")
    options = parse(parser)
    more_libraries()
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-lookalikes-") as folder:
        folder = Path(folder)
        files = write_images(folder / "images")[:4]
        for seed, name in enumerate(CASES):
            if not options.only or options.only in name:
                run_case(verdict, options, folder, files, name, seed)
    verdict.finish()


if __name__ == "__main__":
    main()
