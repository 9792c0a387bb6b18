"""The inference engines that are compared: `alexnet bench`, and the peers' `network.py`."""

import array
import json
import tempfile
from pathlib import Path

from .machine import instruction_sets
from .peers import Peer

# Environment variables that limit each contender to AVX2; None where there is no such switch.
AVX2_ONLY = {
    "alexnet": {"ALEXNET_INSTRUCTIONS": "avx2"},
    "onnxruntime": None,
    "openvino": {"ONEDNN_MAX_CPU_ISA": "AVX2", "OV_CPU_MAX_ISA": "AVX2"},
    "pytorch": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
}

CHECKED_BATCH = 4


class OurEngine:
    """`alexnet bench`, in one precision."""

    is_ours = True
    is_installed = True

    def __init__(self, program, precision, settings):
        self.name = f"alexnet {precision}"
        self.precision = precision
        self.program = program
        self.settings = settings
        self.kernels = []

    def milliseconds(self, materials, threads, batch, seconds):
        return self.program.network_milliseconds(
            materials, threads, batch, seconds, self.precision, **self.settings)

    def probabilities(self, materials, images, inputs, threads):
        return self.program.probabilities(
            materials, images, materials.class_count, threads, self.precision, **self.settings)

    @property
    def is_limited(self):
        return bool(self.settings)

    @property
    def versions(self):
        return {"alexnet": self.program.version}


class PeerEngine:
    """A peer's `network.py`, in one precision."""

    is_ours = False

    def __init__(self, peer, label, precision, settings):
        self.name = label if precision == "float32" else f"{label} {precision}"
        self.precision = precision
        self.peer = Peer(peer)
        self.is_installed = self.peer.is_installed
        self.settings = settings
        self.kernels = []

    def _run(self, materials, threads, batch, *more):
        model = materials.quantized(self.peer) if self.precision == "int8" else materials.model
        return self.peer.run("network.py", "--model", model, "--precision", self.precision,
                             "--threads", threads, "--batch", batch, *more, **self.settings)

    def milliseconds(self, materials, threads, batch, seconds):
        answer = json.loads(self._run(materials, threads, batch, "--seconds", seconds).splitlines()[-1])
        self.kernels = answer.get("kernels", [])
        return answer["milliseconds"]

    def probabilities(self, materials, images, inputs, threads):
        with tempfile.NamedTemporaryFile() as outputs:
            self._run(materials, threads, CHECKED_BATCH, "--inputs", inputs, "--outputs", outputs.name)
            values = array.array("f", Path(outputs.name).read_bytes())
        count = materials.class_count
        return [values[start:start + count].tolist() for start in range(0, len(values), count)]

    @property
    def is_limited(self):
        return bool(self.settings)

    @property
    def versions(self):
        return self.peer.versions()


def make_engines(program, precisions, instructions):
    """Ours in each precision, then the peers: in float32, in int8 if ours is measured in int8, and OpenVINO in bfloat16
    where the CPU has it and may use it."""
    def settings(name):
        return (AVX2_ONLY[name] or {}) if instructions == "avx2" else {}

    engines = [OurEngine(program, precision, settings("alexnet")) for precision in precisions]
    engines += [
        PeerEngine("onnxruntime", "ONNX Runtime", "float32", settings("onnxruntime")),
        PeerEngine("openvino", "OpenVINO", "float32", settings("openvino")),
        PeerEngine("pytorch", "PyTorch", "float32", settings("pytorch")),
    ]
    if "int8" in precisions:
        engines += [
            PeerEngine("onnxruntime", "ONNX Runtime", "int8", settings("onnxruntime")),
            PeerEngine("openvino", "OpenVINO", "int8", settings("openvino")),
        ]
    if instructions != "avx2" and {"avx512_bf16", "amx_tile"} & set(instruction_sets()):
        engines.append(PeerEngine("openvino", "OpenVINO", "bfloat16", {}))
    return engines
