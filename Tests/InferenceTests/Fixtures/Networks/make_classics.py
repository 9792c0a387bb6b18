#!/usr/bin/env python3
"""Write architectures.json and classics.json: torchvision's tensors, and PyTorch's outputs of the other classic networks.

Needs torch, torchvision and numpy. Run it in this folder: ./make_classics.py

architectures.json  For each torchvision network: the number of parameters, and a digest of its tensors' names and shapes. The
                    digest is 64-bit FNV-1a over a line `NAME 64,3,7,7` for each tensor of the state_dict except
                    num_batches_tracked, the lines in ascending order.
classics.json       Whole networks with weights from the formula of make.py: value = ((z >> 40) * 2^-24 - 0.5) * scale, plus `offset`
                    where there is one, in float32. Logits are computed in float64.
blocks.json         The same for parts of networks; the flattened output takes the place of the logits.
"""


import torch
from torch import nn

from classics import TORCHVISION, InceptionBlock, LeNet, NarrowVGG, torchvision_network
from make import BATCH, CLASSES, FIRST_INPUT, INPUT_SCALE, formula, scale_of, write


def digest(lines):
    value = 0xCBF29CE484222325
    for byte in "".join(line + "\n" for line in lines).encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def architectures():
    with torch.device("meta"):
        for name in TORCHVISION:
            network = torchvision_network(name)
            tensors = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
            lines = sorted(f"{name} {','.join(map(str, value.shape))}" for name, value in tensors.items())
            count = sum(parameter.numel() for parameter in network.parameters())
            print(f"{name}: {count} parameters, {len(lines)} tensors")
            yield {"name": name, "parameterCount": count, "tensorCount": len(lines), "digest": digest(lines)}


def filling(name, value, normalizations):
    """Scale and offset of a tensor: powers of two that preserve the scale of activations."""
    stem, part = name.rsplit(".", 1)
    if stem in normalizations:
        return {"weight": (0.5, 1.0), "bias": (0.25, 0.0), "running_mean": (0.25, 0.0), "running_var": (1.0, 1.0)}[part]
    return scale_of(name, list(value.shape)), 0.0


def fixture(name, architecture, network, shape, **fields):
    network = network.eval().double()
    state, tensors = {}, []
    normalizations = {key.removesuffix(".running_var") for key in network.state_dict() if key.endswith(".running_var")}
    for number, (key, value) in enumerate(network.state_dict().items()):
        if key.endswith("num_batches_tracked"):
            state[key] = value
            continue
        scale, offset = filling(key, value, normalizations)
        values = (formula(number, list(value.shape), scale).float() + torch.tensor(offset)).double()
        state[key] = values
        tensor = {"name": key, "number": number, "shape": list(value.shape), "scale": scale}
        tensors.append(tensor | ({"offset": offset} if offset else {}))
    network.load_state_dict(state)
    inputs = torch.stack([formula(FIRST_INPUT + n, shape, INPUT_SCALE) for n in range(BATCH)])
    with torch.inference_mode():
        logits = network(inputs)
    print(f"{name}: logits {logits.min():.3f} … {logits.max():.3f}, deviation {logits.std():.3f}")
    return {
        "name": name, "form": architecture, "inputShape": [BATCH, *shape], "inputScale": INPUT_SCALE, **fields,
        "tensors": tensors, "logits": logits.tolist(),
    }


def lenets():
    for name, architecture, options, fields in [
        ("lenet5, the tutorial's", "lenet5", {"keys": "tutorial", "activation": "none"}, {}),
        ("lenet5, PyTorch's tutorial", "lenet5_colour", {"channels": 3}, {}),
        ("lenet5 with the paper's pools", "lenet5", {"activation": "tanh", "pooling": "average"},
         {"activation": "tanh", "pooling": "average"}),
        ("lenet5, padded, numbered", "lenet5_28",
         {"extent": 28, "padding": 2, "activation": "sigmoid", "pooling": "average", "keys": "sequential"},
         {"activation": "sigmoid", "pooling": "average"}),
        ("lenet5, unpadded, in rooms", "lenet5_28_unpadded",
         {"extent": 28, "activation": "sigmoid", "keys": "rooms"}, {"activation": "sigmoid"}),
    ]:
        shape = (options.get("channels", 1), options.get("extent", 32), options.get("extent", 32))
        yield fixture(name, architecture, LeNet(CLASSES, **options), shape, **fields)


def classics():
    yield from lenets()
    colour = (3, 224, 224)
    for name in ("vgg11", "vgg13_bn", "vgg16", "vgg19_bn"):
        yield fixture(f"{name}, narrow", name, NarrowVGG(name, CLASSES), colour)
    for name in ("resnet18", "resnext50_32x4d"):
        yield fixture(name, name, torchvision_network(name, CLASSES), colour)
    yield fixture(
        "googlenet with auxiliary heads", "googlenet", torchvision_network("googlenet", CLASSES, aux_logits=True), colour)
    yield fixture(
        "googlenet that transforms its input", "googlenet",
        torchvision_network("googlenet", CLASSES, transform_input=True), colour, transformInput=True)


def blocks():
    block = nn.Sequential()
    block.add_module("block", InceptionBlock())
    block.add_module("flatten", nn.Flatten())
    yield fixture("the tutorial's Inception block", "inception", block, (6, 5, 6))


def main():
    write("blocks.json", list(blocks()))
    write("architectures.json", list(architectures()))
    write("classics.json", list(classics()))


if __name__ == "__main__":
    main()
