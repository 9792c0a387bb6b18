"""The preprocessing presets in Pillow and torchvision, as a PyTorch user writes them."""

import io

import numpy
import torch
from PIL import Image, ImageOps
from torchvision import transforms

DEFAULT_PRESETS = {"half_width": "stretch", "torchvision": "imagenet", "paper": "caffe", "one_channel": "unit"}

STRETCH = transforms.Compose([
    transforms.Resize((224, 224)),
    transforms.ToTensor(),
    transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
])
IMAGENET = transforms.Compose([
    transforms.Resize(256),
    transforms.CenterCrop(224),
    transforms.ToTensor(),
    transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
])
UNIT = transforms.Compose([transforms.Resize((224, 224)), transforms.ToTensor()])


def caffe(image):
    image = numpy.asarray(image.resize((227, 227), Image.Resampling.BILINEAR), numpy.float32)
    return torch.from_numpy((image[:, :, ::-1] - numpy.float32([104, 117, 124])).transpose(2, 0, 1).copy())


PRESETS = {"stretch": STRETCH, "imagenet": IMAGENET, "unit": UNIT, "caffe": caffe}


def preprocess(content, preset, channels=3):
    """Decode and preprocess a file's bytes into an input [C, H, W]."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    return PRESETS[preset](image.convert("RGB" if channels == 3 else "L"))
