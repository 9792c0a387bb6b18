"""The handler that TorchServe runs in each worker."""

import os

import numpy
import torch

from answers import answer, read_classes
from preprocessing import preprocess


class Handler:
    def initialize(self, context):
        self.network = torch.jit.load(os.path.join(context.system_properties["model_dir"], "model.pt")).eval()
        self.classes = read_classes(os.environ["BENCHMARK_CLASSES"])

    def handle(self, requests, context):
        inputs = torch.from_numpy(numpy.stack([preprocess(bytes(request["body"])) for request in requests]))
        with torch.inference_mode():
            outputs = self.network(inputs).numpy()
        return [answer(probabilities, self.classes) for probabilities in outputs]
