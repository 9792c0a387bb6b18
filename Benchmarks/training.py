"""Training throughput of the half-width AlexNet (forward, backward, Adam), against PyTorch."""

import json

from lib.contenders import choose, print_notes, progress
from lib.machine import describe
from lib.materials import TrainingMaterials
from lib.options import add_common_options, integers
from lib.peers import Peer
from lib.program import Program
from lib.record import Record
from lib.tables import markdown, number, ratio


def add_options(parser):
    add_common_options(parser, seconds=15, rounds=5)
    parser.add_argument("--batch", type=integers, default=[64], metavar="N,…", help="images per step (default: 64)")
    parser.add_argument("--threads", type=integers, default=[2], metavar="N,…", help="(default: 2)")


class OurTraining:
    """`alexnet bench --training`."""

    name = "alexnet"
    is_ours = True
    is_installed = True

    def __init__(self, program):
        self.program = program

    def milliseconds(self, materials, threads, batch, seconds):
        return self.program.training_milliseconds(materials, threads, batch, seconds)

    @property
    def versions(self):
        return {"alexnet": self.program.version}


class PyTorchTraining:
    """PyTorch's eager training step, in one of its common variants."""

    is_ours = False

    def __init__(self, name, *arguments):
        self.name = name
        self.arguments = arguments
        self.peer = Peer("pytorch")
        self.is_installed = self.peer.is_installed

    def milliseconds(self, materials, threads, batch, seconds):
        answer = self.peer.run("training.py", "--model", materials.model, "--threads", threads, "--batch", batch,
                               "--seconds", seconds, *self.arguments)
        return json.loads(answer.splitlines()[-1])["milliseconds"]

    @property
    def versions(self):
        return {"torch": self.peer.versions()["torch"]}


def run(options):
    program = Program(options.binary)
    contenders, missing = choose([
        OurTraining(program),
        PyTorchTraining("PyTorch"),
        PyTorchTraining("PyTorch, channels last", "--channels-last"),
        PyTorchTraining("PyTorch, channels last, fused Adam", "--channels-last", "--fused"),
    ], options.contenders)
    materials = TrainingMaterials()
    record = Record(options.record, {"machine": describe(), "seconds": options.seconds, "alexnet": program.version})
    for round in range(options.rounds):
        record.begin_round()
        for threads in options.threads:
            for batch in options.batch:
                for contender in contenders:
                    milliseconds = contender.milliseconds(materials, threads, batch, options.seconds)
                    record.add({"contender": contender.name, "threads": threads, "batch": batch,
                                "milliseconds": milliseconds})
                    progress(f"round {round + 1}, {threads} threads, batch {batch}, {contender.name}: "
                             f"{batch / milliseconds * 1000:.1f} images/s")
    report(record.measurements, contenders, missing, options)


def report(measurements, contenders, missing, options):
    cells = sorted({(row["threads"], row["batch"]) for row in measurements.rows if "batch" in row})
    rounds = measurements.rounds("contender", "threads", "batch")
    print(f"Half-width AlexNet, 3×224×224, 10 classes, float32, dropout, cross-entropy, Adam: one training step, medians of "
          f"{rounds} rounds of {options.seconds:g} s\n")
    rows = []
    for threads, batch in cells:
        medians = {contender.name: measurements.median(
            "milliseconds", contender=contender.name, threads=threads, batch=batch) for contender in contenders}
        ours = medians[contenders[0].name]
        for contender in contenders:
            theirs = medians[contender.name]
            if theirs:
                rows.append([f"{threads} · {batch}", contender.name, number(batch / theirs * 1000, 1), number(theirs),
                             "" if contender.is_ours or not ours else ratio(theirs, ours)])
    print(markdown(["threads · batch", "", "images/s", "ms/step", "speedup of alexnet"], rows))
    print()
    print_notes(
        contenders, missing, measurements, "milliseconds", ("contender", "threads", "batch"),
        "All start from the same weights and train on uniform noise. Tests/TrainingTests/Network/TrainableNetworkTests.swift "
        "compares twenty steps' losses with PyTorch's.")
