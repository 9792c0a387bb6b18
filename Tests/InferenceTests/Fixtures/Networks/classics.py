"""The other classic networks as PyTorch modules with common key names: LeNet in its variants, and torchvision's networks.

Shared by make_classics.py beside it and by Tests/Acceptance/architectures.py.
"""

from collections import OrderedDict

import torch
import torchvision
from torch import nn

ACTIVATIONS = {"none": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
POOLS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


class LeNet(nn.Module):
    """6-16 channels, linear 120-84, with the key names of a tutorial: `tutorial` layer1.conv1, layer3.fc1; `plain` conv1, fc1;
    `sequential` 0, 3, 7, 9, 11; `rooms` conv.{0,3}, fc.{0,2,4}."""

    def __init__(self, classes=10, channels=1, extent=32, padding=0, activation="relu", pooling="max", keys="plain"):
        super().__init__()
        grid = (((extent + 2 * padding - 4) // 2) - 4) // 2
        act, pool = ACTIVATIONS[activation], POOLS[pooling]
        convolutions = [nn.Conv2d(channels, 6, 5, padding=padding), nn.Conv2d(6, 16, 5)]
        linears = [nn.Linear(16 * grid * grid, 120), nn.Linear(120, 84), nn.Linear(84, classes)]
        first = [convolutions[0], act(), pool(2, 2)]
        second = [convolutions[1], act(), pool(2, 2)]
        last = [linears[0], act(), linears[1], act(), linears[2]]
        if keys == "sequential":
            parts = list(enumerate(first + second + [nn.Flatten()] + last))
            self.parts = [nn.Sequential(OrderedDict((str(index), part) for index, part in parts))]
            for index, part in parts:
                self.add_module(str(index), part)
            return
        if keys == "rooms":
            self.conv, self.fc = nn.Sequential(*first, *second), nn.Sequential(*last)
            self.parts = [self.conv, nn.Flatten(), self.fc]
            return
        if keys == "tutorial":
            self.layer1, self.layer2, self.layer3 = (nn.Module() for _ in range(3))
            self.layer1.conv1, self.layer2.conv2 = convolutions
            self.layer3.fc1, self.layer3.fc2, self.layer3.fc3 = linears
        else:
            self.conv1, self.conv2 = convolutions
            self.fc1, self.fc2, self.fc3 = linears
        self.parts = [*first, *second, nn.Flatten(), *last]

    def forward(self, x):
        for part in self.parts:
            x = part(x)
        return x


class NarrowVGG(nn.Module):
    """torchvision's VGG of one configuration in the paper's table, with few channels and the same keys in the same order."""

    COLUMNS = {
        "vgg11": [1, 1, 2, 2, 2], "vgg13": [2, 2, 2, 2, 2], "vgg16": [2, 2, 3, 3, 3], "vgg19": [2, 2, 4, 4, 4],
    }

    def __init__(self, name, classes=10, widths=(4, 6, 8, 10, 5), features=12):
        super().__init__()
        normalized = name.endswith("_bn")
        plan = []
        for count, width in zip(self.COLUMNS[name.removesuffix("_bn")], widths):
            plan += [width] * count + ["M"]
        self.features = torchvision.models.vgg.make_layers(plan, batch_norm=normalized)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(widths[-1] * 49, features), nn.ReLU(), nn.Dropout(),
            nn.Linear(features, features), nn.ReLU(), nn.Dropout(), nn.Linear(features, classes),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class InceptionBlock(nn.Module):
    """The tutorial's Inception block with few channels: 1x1; 1x1 and 5x5; 1x1, 3x3 and 3x3; average pooling and 1x1."""

    def __init__(self, channels=6):
        super().__init__()

        def part(inputs, outputs, kernel):
            return nn.Sequential(OrderedDict(
                conv=nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False),
                bn=nn.BatchNorm2d(outputs, eps=0.001), relu=nn.ReLU(),
            ))

        self.branch1X1 = part(channels, 4, 1)
        self.branch5X5_1, self.branch5X5_2 = part(channels, 3, 1), part(3, 4, 5)
        self.branch3X3_1, self.branch3X3_2, self.branch3X3_3 = part(channels, 4, 1), part(4, 5, 3), part(5, 5, 3)
        self.branch_pool = part(channels, 3, 1)

    def forward(self, x):
        return torch.cat([
            self.branch1X1(x), self.branch5X5_2(self.branch5X5_1(x)),
            self.branch3X3_3(self.branch3X3_2(self.branch3X3_1(x))),
            self.branch_pool(nn.functional.avg_pool2d(x, 3, stride=1, padding=1)),
        ], 1)


def torchvision_network(name, classes=1000, **options):
    """The torchvision network `name` with torchvision's initial weights, in evaluation mode."""
    options = {"weights": None, "num_classes": classes} | options
    if name == "googlenet":
        options = {"aux_logits": False, "init_weights": False} | options
    return torchvision.models.get_model(name, **options).eval()


# The torchvision networks that alexnet supports.
TORCHVISION = (
    ["alexnet", "googlenet"]
    + [f"vgg{depth}{suffix}" for suffix in ("", "_bn") for depth in (11, 13, 16, 19)]
    + [f"resnet{depth}" for depth in (18, 34, 50, 101, 152)]
    + ["resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2"]
)
