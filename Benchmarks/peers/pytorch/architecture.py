"""torchvision's networks, even if torchvision's compiled operators cannot be loaded."""

import importlib.util
from pathlib import Path

import torch

OPERATORS = ("nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d")


def import_models():
    """`torchvision.models`.

    torchvision's wheel cannot load its operators into another build of PyTorch than its own (the CPU-only build, say).
    Its import then fails, although no classifier needs them. So the operators are declared here, without implementation.
    """
    folder = Path(importlib.util.find_spec("torchvision").origin).parent
    try:
        for library in folder.glob("_C*.so"):
            torch.ops.load_library(library)
    except OSError:
        declarations = torch.library.Library("torchvision", "DEF")
        for operator in OPERATORS:
            declarations.define(f"{operator}(Tensor a, Tensor b) -> Tensor")
            declarations.define(f"_{operator}_backward(Tensor a, Tensor b) -> Tensor")
        import_models.declarations = declarations
    from torchvision import models
    return models


def make_network(name):
    """The torchvision network `name` with random weights, in evaluation mode."""
    return import_models().get_model(name, weights=None).eval()
