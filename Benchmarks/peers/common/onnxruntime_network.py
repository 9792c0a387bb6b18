"""A network in ONNX Runtime."""

import onnxruntime


def open_network(onnx_file, threads):
    """Call `.run(None, {"input": inputs})[0]` for the probabilities [N, classes] of inputs [N, 3, 224, 224]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(onnx_file, options, providers=["CPUExecutionProvider"])
