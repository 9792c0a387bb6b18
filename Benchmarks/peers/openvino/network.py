"""Time a network in OpenVINO."""

from pathlib import Path

from measuring import main
from openvino_network import compile_network, run

# What the layers that are not quantized compute in.
PRECISIONS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}


def load(options):
    file = "model.xml" if options.precision == "int8" else "model.onnx"
    compiled = compile_network(
        Path(options.model) / file, options.threads, options.batch, PRECISIONS[options.precision])
    return lambda inputs: run(compiled, inputs), {"kernels": kernels(compiled)}


def kernels(compiled):
    """The kernels that OpenVINO chose for convolutions and linear layers; their names tell the instruction set."""
    names = set()
    for step in compiled.get_runtime_model().get_ops():
        information = step.get_rt_info()
        if information["layerType"].astype(str) in ("Convolution", "FullyConnected"):
            names.add(information["primitiveType"].astype(str))
    return sorted(names)


main(load)
