"""JPEG bytes to input tensor on one thread (decode, resize, crop, normalise), against Pillow and OpenCV."""

import json
import tempfile

from lib.contenders import agreement, choose, print_notes, progress
from lib.engines import PeerEngine
from lib.machine import core_count, describe
from lib.materials import Materials, preprocess
from lib.options import add_common_options, names
from lib.peers import Peer
from lib.program import Program
from lib.record import Record
from lib.tables import markdown, number, ratio


def add_options(parser):
    add_common_options(parser, seconds=1, rounds=5)
    parser.add_argument("--images", type=names, default=["640x427", "3000x2000"], metavar="SIZE,…",
                        help="640x427, 3000x2000 (default: both)")
    parser.add_argument("--no-scaled", action="store_true", help="leave out alexnet with images.decode scaled")


class OurPreprocessing:
    """`alexnet bench --picture`."""

    is_ours = True
    is_installed = True

    def __init__(self, program, decode):
        self.name = f"alexnet, {decode}"
        self.program = program
        self.decode = decode

    def milliseconds(self, image, seconds):
        return self.program.image_milliseconds(image, seconds, self.decode)

    def probabilities(self, materials, images):
        return self.program.probabilities(
            materials, images, materials.class_count, core_count(), decode=self.decode)

    @property
    def versions(self):
        return {"alexnet": self.program.version}


class PeerPreprocessing:
    """A peer's `inputs.py`. ONNX Runtime computes the probabilities of its outputs."""

    is_ours = False

    def __init__(self, peer, name):
        self.name = name
        self.peer = Peer(peer)
        self.is_installed = self.peer.is_installed

    def milliseconds(self, image, seconds):
        return json.loads(self.peer.run("inputs.py", "--seconds", seconds, image))["milliseconds"]

    def probabilities(self, materials, images):
        with tempfile.NamedTemporaryFile(suffix=".npy") as inputs:
            preprocess(images, inputs.name, self.peer.name)
            engine = PeerEngine("onnxruntime", "ONNX Runtime", "float32", {})
            return engine.probabilities(materials, images, inputs.name, core_count())

    @property
    def versions(self):
        return self.peer.versions()


def run(options):
    program = Program(options.binary)
    materials = Materials("alexnet")
    contenders = [OurPreprocessing(program, decode) for decode in
                  (["exact"] if options.no_scaled else ["exact", "scaled"])]
    reference = PeerPreprocessing("pillow", "Pillow")
    contenders += [reference, PeerPreprocessing("pillow-simd", "Pillow-SIMD"), PeerPreprocessing("opencv", "OpenCV")]
    contenders, missing = choose(contenders, options.contenders)
    record = Record(options.record, {"machine": describe(), "seconds": options.seconds, "alexnet": program.version})

    images = [materials.images.path(size) for size in options.images] + materials.images.check
    expected = reference.probabilities(materials, images)
    answers = {contender.name: contender.probabilities(materials, images) for contender in contenders}
    for round in range(options.rounds):
        record.begin_round()
        for size in options.images:
            for contender in contenders:
                milliseconds = contender.milliseconds(materials.images.path(size), options.seconds)
                record.add({"contender": contender.name, "image": size, "milliseconds": milliseconds})
                progress(f"round {round + 1}, {size}, {contender.name}: {milliseconds:.2f} ms")
    return report(record.measurements, contenders, missing, answers, expected, options)


def report(measurements, contenders, missing, answers, expected, options):
    def median(contender, size):
        return measurements.median("milliseconds", contender=contender.name, image=size)

    sizes = measurements.distinct("image")
    ours = contenders[0]
    rows = []
    failed = False
    for contender in contenders:
        row = [contender.name]
        for size in sizes:
            row += [number(median(contender, size), 2), ratio(median(contender, size), median(ours, size))]
        same, largest = agreement(answers[contender.name], expected)
        failed = failed or (contender is ours and same < len(expected))
        rows.append(row + [f"{same} of {len(expected)}", f"{largest:.1e}"])
    header = ["one thread"]
    for size in sizes:
        header += [f"{size}, ms", "of ours"]
    print()
    print(markdown(header + ["same top-1 as with Pillow", "largest |Δ probability|"], rows))
    print()
    print_notes(
        contenders, missing, measurements, "milliseconds", ("contender", "image"),
        f"Medians of {measurements.rounds('contender', 'image')} rounds of {options.seconds:g} s. OpenCV resizes "
        "with INTER_AREA. Neither it nor our scaled decoding is bit-exact with Pillow.")
    return 1 if failed else 0
