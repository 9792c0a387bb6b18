"""Writes expected.json: the expected contents of the checkpoints that the fixture scripts make.

Each file refers to one of the tensor sets, since many hold the same tensors. Needs torch.
"""

import json

import torch

expected = {}
tensor_sets = []


def weights(tensors):
    return [
        {
            "name": name,
            "type": str(tensor.dtype).removeprefix("torch."),
            "shape": list(tensor.shape),
            "strides": list(tensor.stride()),
            "bits": tensor.detach().float().contiguous().flatten().view(torch.int32).tolist(),
        }
        for name, tensor in tensors.items()
        if tensor.dtype.is_floating_point
    ]


def expect(file, tensors, format="pytorch", skipped=None, metadata=None):
    """`tensors` by the names that a reader must give them. Those that are not weights are expected to be skipped."""
    found = weights(tensors)
    if found not in tensor_sets:
        tensor_sets.append(found)
    expected[file] = {
        "format": format,
        "tensorSet": tensor_sets.index(found),
        "skipped": skipped if skipped is not None else [
            [name, str(tensor.dtype).removeprefix("torch.")]
            for name, tensor in tensors.items() if not tensor.dtype.is_floating_point
        ],
        "metadata": metadata or {},
    }


def write():
    """Write expected.json into the current folder."""
    with open("expected.json", "w") as f:
        json.dump({"files": expected, "tensorSets": tensor_sets}, f, separators=(",", ":"), sort_keys=True)
        f.write("\n")
