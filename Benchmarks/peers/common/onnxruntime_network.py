"""A network in ONNX Runtime."""

import onnxruntime


def open_network(onnx_file, threads):
    """A session; `.run(None, {"input": inputs})[0]` maps inputs [N, 3, 224, 224] to probabilities [N, classes]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx_file, options, providers=["CPUExecutionProvider"])
