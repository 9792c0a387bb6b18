#!/usr/bin/env python3
"""Writes a network's state_dict in two shards and their index, with the names and layout of transformers' save_pretrained.

Needs torch and safetensors. Values count 0, 1, 2 … through all tensors in the order of the index.
"""

import json
import os
import pathlib

import safetensors.torch
import torch

os.chdir(pathlib.Path(__file__).parent)
network = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.BatchNorm2d(3), torch.nn.Flatten(), torch.nn.Linear(12, 2))
state, count = {}, 0
for name, tensor in network.state_dict().items():
    state[name] = torch.arange(count, count + tensor.numel()).reshape(tensor.shape).to(tensor.dtype)
    count += tensor.numel()
names = list(state)
shards = {"model-00001-of-00002.safetensors": names[:4], "model-00002-of-00002.safetensors": names[4:]}
for file, part in shards.items():
    safetensors.torch.save_file({name: state[name] for name in part}, file, metadata={"format": "pt"})
index = {
    "metadata": {"total_size": sum(t.numel() * t.element_size() for t in state.values()), "total_parameters": count},
    "weight_map": {name: file for file, part in shards.items() for name in part},
}
with open("model.safetensors.index.json", "w") as f:
    f.write(json.dumps(index, indent=2, sort_keys=True) + "\n")
