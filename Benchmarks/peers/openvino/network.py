"""Time a network in OpenVINO."""

from pathlib import Path

from measuring import main
from openvino_network import compile_network, run

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


def load(options):
    compiled = compile_network(
        Path(options.model) / "model.onnx", options.threads, options.batch, PRECISIONS[options.precision])
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
