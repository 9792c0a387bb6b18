"""The four common variants of AlexNet, as PyTorch modules with their key names.

Shared by make.py beside it and by the scripts in Tests/Acceptance.
"""

import torch
import torchvision
from torch import nn

FORMS = ("half_width", "torchvision", "paper", "one_channel")

# Channels, height and width of one input.
INPUT_SHAPES = {
    "half_width": (3, 224, 224),
    "torchvision": (3, 224, 224),
    "paper": (3, 227, 227),
    "one_channel": (1, 224, 224),
}


def pool():
    return nn.MaxPool2d(kernel_size=3, stride=2)


def relu():
    return nn.ReLU(inplace=True)


class HalfWidth(nn.Module):
    """48-128-192-192-128 channels, linear 2048-2048. Keys features.{0,3,6,8,10}, classifier.{1,4,6}."""

    def __init__(self, classes):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 48, 11, 4, 2), relu(), pool(),
            nn.Conv2d(48, 128, 5, 1, 2), relu(), pool(),
            nn.Conv2d(128, 192, 3, 1, 1), relu(),
            nn.Conv2d(192, 192, 3, 1, 1), relu(),
            nn.Conv2d(192, 128, 3, 1, 1), relu(), pool(),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(), nn.Linear(4608, 2048), relu(),
            nn.Dropout(), nn.Linear(2048, 2048), relu(),
            nn.Linear(2048, classes),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


class Paper(nn.Module):
    """The 2012 paper's network as Caffe ships it: two groups, local response normalisation. Keys conv1 … conv5, fc6 … fc8.

    PyTorch divides alpha by the window's size, as Caffe does. TensorFlow does not: its alpha is five times PyTorch's.
    """

    def __init__(self, classes, alpha=1e-4, k=1.0):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, 4)
        self.conv2 = nn.Conv2d(96, 256, 5, 1, 2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, 1, 1)
        self.conv4 = nn.Conv2d(384, 384, 3, 1, 1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, 1, 1, groups=2)
        self.fc6 = nn.Linear(9216, 4096)
        self.fc7 = nn.Linear(4096, 4096)
        self.fc8 = nn.Linear(4096, classes)
        self.norm = nn.LocalResponseNorm(5, alpha=alpha, beta=0.75, k=k)
        self.pool = pool()

    def forward(self, x):
        x = self.pool(self.norm(torch.relu(self.conv1(x))))
        x = self.pool(self.norm(torch.relu(self.conv2(x))))
        x = torch.relu(self.conv3(x))
        x = torch.relu(self.conv4(x))
        x = self.pool(torch.relu(self.conv5(x)))
        x = torch.relu(self.fc6(torch.flatten(x, 1)))
        return self.fc8(torch.relu(self.fc7(x)))


class OneChannel(nn.Module):
    """96-256-384-384-256 channels without groups, one input channel. Keys conv.{0,3,6,8,10}, fc.{0,3,6}."""

    def __init__(self, classes):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(1, 96, 11, 4), relu(), pool(),
            nn.Conv2d(96, 256, 5, 1, 2), relu(), pool(),
            nn.Conv2d(256, 384, 3, 1, 1), relu(),
            nn.Conv2d(384, 384, 3, 1, 1), relu(),
            nn.Conv2d(384, 256, 3, 1, 1), relu(), pool(),
        )
        self.fc = nn.Sequential(
            nn.Linear(6400, 4096), relu(), nn.Dropout(),
            nn.Linear(4096, 4096), relu(), nn.Dropout(),
            nn.Linear(4096, classes),
        )

    def forward(self, x):
        return self.fc(torch.flatten(self.conv(x), 1))


def make_network(form, classes):
    """The variant `form` with PyTorch's initial weights, in evaluation mode."""
    makers = {
        "half_width": HalfWidth,
        "torchvision": lambda classes: torchvision.models.alexnet(num_classes=classes),
        "paper": Paper,
        "one_channel": OneChannel,
    }
    return makers[form](classes).eval()


def named_block_key(key):
    """The other name of a half-width key: features.3.weight is features.conv2.0.weight where blocks are named."""
    blocks = {"0": "conv1", "3": "conv2", "6": "conv3", "8": "conv4", "10": "conv5"}
    room, index, parameter = key.split(".")
    return f"features.{blocks[index]}.0.{parameter}" if room == "features" else key
