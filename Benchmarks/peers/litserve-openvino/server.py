"""LitServe and OpenVINO: one worker per core, each of which preprocesses and runs batches on that core."""

import litserve
import numpy

from answers import answer, read_classes
from openvino_network import compile_network, run
from preprocessing import preprocess
from serving import parse

MAX_BATCH_SIZE = 8
BATCH_TIMEOUT_SECONDS = 0.001


class Classifier(litserve.LitAPI):
    def __init__(self, folder):
        super().__init__(max_batch_size=MAX_BATCH_SIZE, batch_timeout=BATCH_TIMEOUT_SECONDS)
        self.folder = folder

    def setup(self, device):
        self.network = compile_network(self.folder / "model.onnx", 1)
        self.classes = read_classes(self.folder / "class_indices.json")

    def decode_request(self, request):
        return preprocess(request["image"].file.read())

    def batch(self, inputs):
        return numpy.stack(inputs)

    def predict(self, inputs):
        return run(self.network, inputs)

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return answer(output, self.classes)


if __name__ == "__main__":
    options = parse(__doc__)
    server = litserve.LitServer(
        Classifier(options.model), accelerator="cpu", workers_per_device=options.threads, timeout=60)
    server.run(host="127.0.0.1", port=options.port, generate_client_file=False, log_level="warning")
