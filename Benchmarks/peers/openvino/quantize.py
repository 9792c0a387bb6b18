"""Quantize a network to int8 for OpenVINO, by NNCF's post-training quantization with its defaults."""

import argparse
from pathlib import Path

import nncf
import numpy
import openvino


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder that export.py made")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    options = parser.parse_args()
    inputs = numpy.load(options.model / "inputs.npy")
    images = nncf.Dataset([image[None] for image in inputs])
    quantized = nncf.quantize(openvino.Core().read_model(options.model / "model.onnx"), images, subset_size=len(inputs))
    options.output.mkdir(parents=True)
    openvino.save_model(quantized, options.output / "model.xml", compress_to_fp16=False)


main()
