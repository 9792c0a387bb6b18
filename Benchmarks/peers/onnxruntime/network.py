"""Time a network in ONNX Runtime."""

from pathlib import Path

from measuring import main
from onnxruntime_network import open_network


def load(options):
    network = open_network(Path(options.model) / "model.onnx", options.threads)
    return lambda inputs: network.run(None, {"input": inputs})[0], {}


main(load)
