"""Quantize a network to int8 for ONNX Runtime: statically, in the QDQ format, a scale for each output channel."""

import argparse
import tempfile
from pathlib import Path

import numpy
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class Images(CalibrationDataReader):
    def __init__(self, inputs):
        self.rest = ({"input": image[None]} for image in inputs)

    def get_next(self):
        return next(self.rest, None)


def has_vnni():
    """Without VNNI, pairs of products of eight-bit weights overflow sixteen bits; the weights then take seven."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return bool({"avx512_vnni", "avx_vnni"} & set(flags.split()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder that export.py made")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    options = parser.parse_args()
    options.output.mkdir(parents=True)
    with tempfile.NamedTemporaryFile(suffix=".onnx") as prepared:
        quant_pre_process(str(options.model / "model.onnx"), prepared.name)
        quantize_static(
            prepared.name, str(options.output / "model.onnx"), Images(numpy.load(options.model / "inputs.npy")),
            quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=not has_vnni(),
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


main()
