"""A network in OpenVINO, with the settings that were fastest on a few cores."""

import openvino


def compile_network(onnx_file, threads, batch=None, precision="f32"):
    """A compiled model from inputs [N, 3, 224, 224] to probabilities [N, classes]. Without `batch`, N is dynamic.

    The precision is always set: OpenVINO's default is bfloat16 where the CPU supports it. Thread pinning is off: it
    leaves a core idle when another process is pinned to the same core.
    """
    core = openvino.Core()
    model = core.read_model(onnx_file)
    if batch:
        model.reshape([batch, *list(model.inputs[0].partial_shape)[1:]])
    return core.compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
    })


def run(compiled, inputs):
    """Run without copying `inputs`, which must not change meanwhile."""
    return compiled({0: inputs}, share_inputs=True)[0]
