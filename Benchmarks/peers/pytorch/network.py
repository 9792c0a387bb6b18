"""Time a network in PyTorch."""

from pathlib import Path

import torch

from architecture import make_network
from measuring import main


def load(options):
    torch.set_num_threads(options.threads)
    folder = Path(options.model)
    network = make_network((folder / "architecture").read_text())
    network.load_state_dict(torch.load(folder / "model.pth", weights_only=True))

    def run(inputs):
        with torch.inference_mode():
            return torch.softmax(network(torch.from_numpy(inputs)), 1).numpy()

    return run, {"kernels": [torch.backends.cpu.get_cpu_capability()]}


main(load)
