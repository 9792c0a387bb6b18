#!/usr/bin/env python3
"""Writes the quantized networks beside this script. They are read as checkpoints, but refused as networks.

Needs torch and safetensors.
"""

import os
import pathlib
import warnings

import safetensors.torch
import torch

os.chdir(pathlib.Path(__file__).parent)
warnings.simplefilter("ignore")
torch.manual_seed(0)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 3)
        self.fc = torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.fc(torch.flatten(self.conv(x), 1))


network = Network().eval()
state = network.state_dict()
dynamic = torch.ao.quantization.quantize_dynamic(network, {torch.nn.Linear}, dtype=torch.qint8).state_dict()
torch.save(dynamic, "dynamic.pth")
torch.save(dynamic, "dynamic-stacked.pth", _use_new_zipfile_serialization=False)
whole = torch.nn.Sequential(torch.ao.quantization.QuantStub(), Network(), torch.ao.quantization.DeQuantStub()).eval()
torch.backends.quantized.engine = "fbgemm"
whole.qconfig = torch.ao.quantization.get_default_qconfig("fbgemm")
torch.ao.quantization.prepare(whole, inplace=True)
whole(torch.randn(1, 1, 4, 4))
torch.save(torch.ao.quantization.convert(whole).state_dict(), "static.pth")
float8 = {name: tensor.to(torch.float8_e4m3fn) if name.endswith("weight") else tensor for name, tensor in state.items()}
torch.save(float8, "float8.pth")
torch.save(float8, "float8-stacked.pth", _use_new_zipfile_serialization=False)
safetensors.torch.save_file(float8, "float8.safetensors")
int8 = {name: tensor.mul(10).to(torch.int8) if name.endswith("weight") else tensor for name, tensor in state.items()}
torch.save(int8, "int8.pth")
safetensors.torch.save_file(int8, "int8.safetensors")
