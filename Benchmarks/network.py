"""Throughput of the network alone, by batch size and threads, against other engines."""

import tempfile
from pathlib import Path

from lib.contenders import agreement, choose, print_notes, progress
from lib.engines import PeerEngine, make_engines
from lib.machine import describe
from lib.materials import Materials, preprocess
from lib.options import add_common_options, integers, names
from lib.program import Program
from lib.record import Record
from lib.tables import markdown, number, ratio

REFERENCE = "PyTorch"
REFERENCE_ENGINE = ("pytorch", REFERENCE, "float32", {})


def add_options(parser):
    add_common_options(parser, seconds=2, rounds=3)
    parser.add_argument("--architecture", default="alexnet", help="as torchvision.models names it (default: alexnet)")
    parser.add_argument("--batch", type=integers, default=[1, 4, 8, 16, 32, 64], metavar="N,…")
    parser.add_argument("--threads", type=integers, default=[1, 2], metavar="N,…")
    parser.add_argument("--precision", type=names, default=["float32"], metavar="NAME,…",
                        help="ours: float32, float16, int8-weights, int8 (default: float32)")
    parser.add_argument("--instructions", choices=["all", "avx2"], default="all",
                        help="avx2 limits every contender that has a switch for it (default: all)")
    parser.add_argument("--images", type=Path, help="folder of JPEGs for the check (default: synthetic ones)")


def run(options):
    program = Program(options.binary)
    materials = Materials(options.architecture)
    engines, missing = choose(make_engines(program, options.precision, options.instructions), options.contenders)
    record = Record(options.record, {
        "machine": describe(), "architecture": options.architecture, "instructions": options.instructions,
        "seconds": options.seconds, "alexnet": program.version,
    })
    answers, images = compare_answers(engines, materials, options)
    for round in range(options.rounds):
        record.begin_round()
        for threads in options.threads:
            for batch in options.batch:
                for engine in engines:
                    milliseconds = engine.milliseconds(materials, threads, batch, options.seconds)
                    record.add({"contender": engine.name, "threads": threads, "batch": batch,
                                "milliseconds": milliseconds})
                    progress(f"round {round + 1}, {threads} threads, batch {batch}, {engine.name}: "
                             f"{batch / milliseconds * 1000:.1f} images/s")
    report(record.measurements, engines, missing, answers, images, options)
    return 1 if any("FAILED" in same for _, same, _ in answers) else 0


def compare_answers(engines, materials, options):
    """Compare each engine's probabilities with the reference's: the rows of a table, and a note about the images.

    alexnet reads the files itself; the peers get inputs that Pillow preprocessed.
    """
    images = sorted(options.images.glob("*.jp*g")) if options.images else materials.images.check
    with tempfile.NamedTemporaryFile(suffix=".npy") as inputs:
        preprocess(images, inputs.name)
        answers = {engine.name: engine.probabilities(materials, images, inputs.name, max(options.threads))
                   for engine in engines}
        reference = answers.get(REFERENCE) or PeerEngine(*REFERENCE_ENGINE).probabilities(
            materials, images, inputs.name, max(options.threads))
    rows = []
    for engine in engines:
        same, largest = agreement(answers[engine.name], reference)
        failed = engine.precision == "float32" and same < len(images)
        rows.append([engine.name, f"{same} of {len(images)}{' FAILED' if failed else ''}", f"{largest:.1e}"])
    classes = {values.index(max(values)) for values in reference}
    return rows, f"{len(images)} images, {len(classes)} distinct top-1 classes"


def report(measurements, engines, missing, answers, images, options):
    cells = sorted({(row["threads"], row["batch"]) for row in measurements.rows if "batch" in row})

    def rate(engine, threads, batch):
        milliseconds = measurements.median("milliseconds", contender=engine.name, threads=threads, batch=batch)
        return batch / milliseconds * 1000 if milliseconds else None

    print(f"{options.architecture}, 3×224×224: images/s (milliseconds per batch), medians of "
          f"{measurements.rounds('contender', 'threads', 'batch')} rounds of {options.seconds:g} s\n")
    rows = []
    for threads, batch in cells:
        row = [f"{threads} · {batch}"]
        for engine in engines:
            value = rate(engine, threads, batch)
            row.append(f"{number(value)} ({number(batch / value * 1000, 1)})" if value else "")
        rows.append(row)
    print(markdown(["threads · batch", *(engine.name for engine in engines)], rows))

    ours = [engine for engine in engines if engine.is_ours]
    peers = [engine for engine in engines if not engine.is_ours]
    equals = [peer for peer in peers if peer.precision == "float32"
              and (peer.is_limited or options.instructions != "avx2")]
    label = "best float32 peer" + (" limited to AVX2" if options.instructions == "avx2" else "")
    for engine in ours if peers else []:
        rows = []
        for threads, batch in cells:
            mine = rate(engine, threads, batch)
            row = [f"{threads} · {batch}", *(ratio(mine, rate(peer, threads, batch)) for peer in peers)]
            best = max((rate(peer, threads, batch) or 0 for peer in equals), default=0)
            rows.append(row + [ratio(mine, best)])
        print(f"\n{engine.name}: speedup over\n")
        print(markdown(["threads · batch", *(peer.name for peer in peers), label], rows))

    print()
    print(markdown(["answers", "same top-1", f"largest |Δ probability| from {REFERENCE}"], answers))
    notes = [f"{images}."]
    notes += [f"{engine.name} ran {', '.join(engine.kernels)}." for engine in peers if engine.kernels]
    if options.instructions == "avx2":
        names = {engine.name: engine.is_limited for engine in engines}
        notes.append(f"Limited to AVX2: {', '.join(name for name in names if names[name])}. Not limited, for lack of a "
                     f"switch: {', '.join(name for name in names if not names[name])}. MLAS, also inside OpenVINO "
                     "(gemm_mlas), always chooses its own instructions.")
    print()
    print_notes(engines, missing, measurements, "milliseconds", ("contender", "threads", "batch"), *notes)
