#!/usr/bin/env python3
"""Train the half-width AlexNet on Fashion-MNIST and leave a model folder behind.

    ./train.py                                   # reads Debian's dataset-fashion-mnist
    ./train.py --data FOLDER --epochs 5 --minutes 90

A picture is grey, 28 x 28; the network wants three channels of 224 x 224. So every picture becomes RGB and is stretched
to 224 x 224 with bilinear interpolation, then scaled to -1 ... 1 (mean and deviation 0.5): the `stretch` preset.

The learning rate climbs to its peak in the first tenth of the run and falls to zero along a cosine. The run's progress is
the larger of the share of the steps done and the share of the minutes spent, so a busy computer shortens the run instead
of cutting it off before the rate has fallen.
"""

import argparse
import gzip
import json
import math
import time
from pathlib import Path

import numpy
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

CLASSES = [
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
]
HERE = Path(__file__).resolve().parent
CHECKPOINT = "alexnet_fashion_mnist.pth"


class AlexNet(nn.Module):
    """The half-width AlexNet of the tutorials: 48-128-192-192-128 channels, two hidden layers of 2048."""

    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 48, kernel_size=11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(48, 128, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(128, 192, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(192, 192, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(192, 128, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(p=0.5),
            nn.Linear(128 * 6 * 6, 2048),
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(2048, 2048),
            nn.ReLU(inplace=True),
            nn.Linear(2048, classes),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)

    def forward(self, pictures):
        return self.classifier(torch.flatten(self.features(pictures), start_dim=1))


def read_idx(path):
    """The array in a gzipped IDX file: two zero bytes, type 8 (unsigned byte), the number of axes, the axes, the bytes."""
    content = gzip.decompress(path.read_bytes())
    if content[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: not an IDX file of unsigned bytes")
    axes = content[3]
    shape = numpy.frombuffer(content, ">u4", axes, 4)
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * axes).reshape(shape)


def read_part(folder, part):
    """Pictures [N, 28, 28] and labels [N] of the part `train` or `t10k`."""
    return read_idx(folder / f"{part}-images-idx3-ubyte.gz"), read_idx(folder / f"{part}-labels-idx1-ubyte.gz")


def enlarge(pictures):
    """A batch of grey pictures [N, 28, 28] as the network's input [N, 3, 224, 224]."""
    batch = pictures.unsqueeze(1).float().div(127.5).sub(1)
    batch = functional.interpolate(batch, size=(224, 224), mode="bilinear", align_corners=False)
    return batch.expand(-1, 3, -1, -1)


def enlarge_by_pillow(picture):
    """One grey picture as a server sees it: RGB, stretched by Pillow, scaled and normalised."""
    picture = Image.fromarray(picture).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
    return torch.from_numpy(numpy.array(picture)).permute(2, 0, 1).float().div(255).sub(0.5).div(0.5)


def accuracy(network, pictures, labels, arrange):
    """The share of pictures whose class is right; `arrange` makes the network's input of a slice of them."""
    network.eval()
    right = 0
    with torch.inference_mode():
        for start in range(0, len(labels), 100):
            classes = network(arrange(pictures[start : start + 100])).argmax(1)
            right += int((classes.numpy() == labels[start : start + 100]).sum())
    network.train()
    return right / len(labels)


def one_step(network, optimizer, batch, labels, precision):
    """Forward, backward, update. The loss."""
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        logits = network(batch)
    loss = functional.cross_entropy(logits.float(), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


def fastest_precision(steps=20):
    """The faster of float32 and bfloat16 autocast on this computer, after trying both for some steps."""
    seconds = {}
    for precision in ("float32", "bfloat16"):
        network = AlexNet(len(CLASSES)).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-5, fused=True)
        batch = torch.randn(64, 3, 224, 224).contiguous(memory_format=torch.channels_last)
        labels = torch.randint(0, len(CLASSES), (64,))
        for step in range(steps + 2):
            if step == 2:
                start = time.monotonic()
            one_step(network, optimizer, batch, labels, precision)
        seconds[precision] = (time.monotonic() - start) / steps
        print(f"{precision}: {seconds[precision]:.3f} s a step", flush=True)
    return min(seconds, key=seconds.get)


def rate_at(progress, peak):
    """The learning rate at a progress of 0 ... 1: a linear climb over the first tenth, then a cosine down to zero."""
    if progress < 0.1:
        return peak * (0.02 + 0.98 * progress / 0.1)
    return peak * 0.5 * (1 + math.cos(math.pi * min(1, (progress - 0.1) / 0.9)))


def save(network, folder):
    """The checkpoint in float16, the class map and the description of the model."""
    state = {name: value.detach().half().contiguous() for name, value in network.state_dict().items()}
    torch.save(state, folder / CHECKPOINT)
    (folder / "class_indices.json").write_text(
        json.dumps({str(index): name for index, name in enumerate(CLASSES)}, indent=4) + "\n"
    )
    model = {
        "architecture": "alexnet_half_width",
        "checkpoint": CHECKPOINT,
        "classes": "class_indices.json",
        "preprocessing": "stretch",
    }
    (folder / "model.json").write_text(json.dumps(model, indent=4) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--output", type=Path, default=HERE)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=math.inf, help="shorten the run to this time")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rate", type=float, default=6e-4, help="the peak of the learning rate")
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=2012)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    precision = options.precision if options.precision != "auto" else fastest_precision()
    print(f"training in {precision}", flush=True)
    torch.manual_seed(options.seed)

    pictures, labels = read_part(options.data, "train")
    test_pictures, test_labels = read_part(options.data, "t10k")
    pictures, targets = torch.from_numpy(pictures.copy()), torch.from_numpy(labels.astype(numpy.int64))
    test_batch = torch.from_numpy(test_pictures.copy())

    network = AlexNet(len(CLASSES)).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=options.rate, fused=True)
    steps_per_epoch = len(targets) // options.batch_size
    steps = options.epochs * steps_per_epoch
    start = time.monotonic()
    step, progress, total = 0, 0.0, 0.0
    options.output.mkdir(parents=True, exist_ok=True)

    while progress < 1:
        order = torch.randperm(len(targets))
        for first in range(0, steps_per_epoch * options.batch_size, options.batch_size):
            chosen = order[first : first + options.batch_size]
            batch = pictures[chosen]
            mirrored = torch.rand(len(chosen)) < 0.5
            batch[mirrored] = batch[mirrored].flip(2)
            batch = enlarge(batch).contiguous(memory_format=torch.channels_last)

            seconds = time.monotonic() - start
            progress = max(step / steps, seconds / (options.minutes * 60))
            optimizer.param_groups[0]["lr"] = rate_at(progress, options.rate)
            total += one_step(network, optimizer, batch, targets[chosen], precision)
            step += 1
            if step % 50 == 0:
                print(
                    f"step {step}/{steps}  progress {progress:.3f}  loss {total / 50:.4f}  {seconds:.0f} s"
                    f"  {seconds / step:.3f} s/step", flush=True,
                )
                total = 0.0
            progress = max(step / steps, progress)
            if progress >= 1:
                break
        share = accuracy(network, test_batch[:2000], test_labels[:2000], enlarge)
        print(f"epoch {step / steps_per_epoch:.2f}  test accuracy on 2,000 pictures {share:.4f}", flush=True)
        save(network, options.output)

    state = torch.load(options.output / CHECKPOINT, weights_only=True)
    network.load_state_dict({name: value.float() for name, value in state.items()})
    share = accuracy(
        network, test_pictures, test_labels, lambda slice: torch.stack([enlarge_by_pillow(one) for one in slice])
    )
    print(f"float16 weights, Pillow's pictures: test accuracy on all {len(test_labels)} pictures {share:.4f}", flush=True)
    print(f"{(time.monotonic() - start) / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
