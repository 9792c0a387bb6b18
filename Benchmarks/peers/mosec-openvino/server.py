"""mosec and OpenVINO: one preprocessing process per core, and one process that runs batches."""

import json
import os
import sys

from mosec import Server, Worker

from answers import answer, read_classes
from preprocessing import preprocess
from serving import parse

MAX_BATCH_SIZE = 16
MAX_WAIT_MILLISECONDS = 1


class Preprocess(Worker):
    def deserialize(self, data):
        return data

    def forward(self, data):
        return preprocess(data)


class Classify(Worker):
    def __init__(self):
        from openvino_network import compile_network
        folder = os.environ["BENCHMARK_MODEL"]
        self.network = compile_network(f"{folder}/model.onnx", int(os.environ["BENCHMARK_THREADS"]))
        self.classes = read_classes(f"{folder}/class_indices.json")

    def forward(self, data):
        import numpy
        from openvino_network import run
        return [answer(probabilities, self.classes) for probabilities in run(self.network, numpy.stack(data))]

    def serialize(self, data):
        return json.dumps(data).encode()


if __name__ == "__main__":
    options = parse(__doc__)
    os.environ["BENCHMARK_MODEL"] = str(options.model)
    os.environ["BENCHMARK_THREADS"] = str(options.threads)
    # mosec parses sys.argv itself.
    sys.argv = [sys.argv[0], "--address", "127.0.0.1", "--port", str(options.port), "--timeout", "60000",
                "--log-level", "warning"]
    server = Server()
    server.append_worker(Preprocess, num=options.threads)
    server.append_worker(Classify, max_batch_size=MAX_BATCH_SIZE, max_wait_time=MAX_WAIT_MILLISECONDS)
    server.run()
