"""A network in OpenVINO, as fast as it gets on a few cores: the best settings found, with its traps avoided."""

import openvino


def compile_network(onnx_file, threads, batch=None, precision="f32"):
    """Probabilities [N, classes] of inputs [N, 3, 224, 224]; without `batch`, N may change from call to call.

    `precision`: unless told, OpenVINO computes in bfloat16 where the CPU can. Pinning its threads to cores leaves a
    core idle as soon as another process is pinned to the same one.
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
    """`inputs` is read where it lies, and must not change meanwhile."""
    return compiled({0: inputs}, share_inputs=True)[0]
