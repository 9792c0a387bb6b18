"""Export a torchvision network for every contender: checkpoint, ONNX, TorchScript, class map.

The weights are random, with a fixed seed. Each layer is scaled to a fixed standard deviation of its outputs, and the last
one is centred, so that the top-1 class differs between images. Otherwise all images would have the same top-1, and a
wrong answer would not be noticed.
"""

import argparse
import json
from pathlib import Path

import numpy
import torch

from architecture import make_network

LOGIT_DEVIATION = 3


class Classifier(torch.nn.Module):
    """A network followed by softmax."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, input):
        return torch.softmax(self.network(input), 1)


def scale_weights(network, inputs):
    """Scale each convolution and linear layer by its outputs for real inputs, and centre the last one."""
    layers = [layer for layer in network.modules() if isinstance(layer, (torch.nn.Conv2d, torch.nn.Linear))]

    def scale(layer, _, output):
        mean, wanted = (output.mean(0), LOGIT_DEVIATION) if layer is layers[-1] else (0, 1)
        factor = wanted / (output - mean).std()
        layer.weight *= factor
        if layer.bias is not None:
            layer.bias -= mean
            layer.bias *= factor
        return (output - mean) * factor

    handles = [layer.register_forward_hook(scale) for layer in layers]
    network(inputs)
    for handle in handles:
        handle.remove()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architecture", required=True, help="as torchvision names it: alexnet, vgg16, resnet50")
    parser.add_argument("--inputs", required=True, help="preprocessed images [N, 3, 224, 224] (.npy)")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    options = parser.parse_args()

    torch.manual_seed(0)
    network = make_network(options.architecture)
    inputs = torch.from_numpy(numpy.load(options.inputs))
    with torch.no_grad():
        scale_weights(network, inputs)
        class_count = network(inputs[:1]).shape[1]
    options.output.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), options.output / "model.pth")
    classifier = Classifier(network).eval()
    torch.onnx.export(
        classifier, (inputs[:2],), options.output / "model.onnx", input_names=["input"],
        output_names=["probabilities"], dynamic_shapes=({0: torch.export.Dim.DYNAMIC},), dynamo=True,
        external_data=False, verbose=False)
    with torch.no_grad():
        torch.jit.save(torch.jit.trace(classifier, inputs[:2]), options.output / "model.pt")
    classes = {str(index): f"class {index}" for index in range(class_count)}
    (options.output / "class_indices.json").write_text(json.dumps(classes))
    (options.output / "architecture").write_text(options.architecture)


main()
