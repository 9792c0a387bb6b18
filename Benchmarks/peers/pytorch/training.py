"""Time a training step of the half-width AlexNet in PyTorch, as in the tutorials; or write its checkpoint."""

import argparse
import json
import time
from pathlib import Path

import torch
from torch import nn

CLASS_COUNT = 10
WARM_UP_COUNT = 2
MIN_RUN_COUNT = 5


class HalfWidth(nn.Module):
    """AlexNet at half width, as in many tutorials: 48-128-192-192-128 channels, linear 2048-2048."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 48, 11, 4, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(48, 128, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(128, 192, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(192, 192, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(192, 128, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(128 * 6 * 6, 2048), nn.ReLU(inplace=True),
            nn.Dropout(0.5), nn.Linear(2048, 2048), nn.ReLU(inplace=True),
            nn.Linear(2048, CLASS_COUNT),
        )

    def forward(self, inputs):
        return self.classifier(torch.flatten(self.features(inputs), 1))


def write(folder):
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(HalfWidth().state_dict(), folder / "model.pth")
    (folder / "class_indices.json").write_text(json.dumps({str(index): f"class {index}" for index in range(CLASS_COUNT)}))


def measure(options):
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    network = HalfWidth()
    network.load_state_dict(torch.load(options.model / "model.pth", weights_only=True))
    network.train()
    images = torch.rand(options.batch, 3, 224, 224) * 2 - 1
    labels = torch.arange(options.batch) % CLASS_COUNT
    if options.channels_last:
        network = network.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-5, fused=True if options.fused else None)
    criterion = nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad()
        criterion(network(images), labels).backward()
        optimizer.step()

    for _ in range(WARM_UP_COUNT):
        step()
    durations = []
    end = time.perf_counter() + options.seconds
    while len(durations) < MIN_RUN_COUNT or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        durations.append(time.perf_counter() - start)
    print(json.dumps({"milliseconds": sorted(durations)[len(durations) // 2] * 1000}))


def main():
    parser = argparse.ArgumentParser(description="One line of JSON: the median time of a step.")
    parser.add_argument("--output", type=Path, help="write the checkpoint into this folder instead of measuring")
    parser.add_argument("--model", type=Path, help="the folder that --output made")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--fused", action="store_true", help="Adam in one kernel")
    options = parser.parse_args()
    if options.output:
        write(options.output)
    else:
        measure(options)


main()
