"""Whether the network is still as fast, beside other engines, as when it was last recorded on this kind of CPU."""

import json

from lib.contenders import choose, print_notes, progress
from lib.engines import make_engines
from lib.machine import describe_cpu
from lib.materials import Materials
from lib.options import add_common_options, integers
from lib.peers import ROOT
from lib.program import Program
from lib.record import Record
from lib.tables import markdown

# Our speedup over each float32 peer, by kind of CPU and number of threads, peer, and batch size.
RECORDED = ROOT / "Benchmarks/recorded.json"

# A ratio that falls by more than this share has become worse; less is noise.
TOLERANCE = 0.1


def add_options(parser):
    add_common_options(parser, seconds=2, rounds=3)
    parser.add_argument("--batch", type=integers, default=[1, 8, 32], metavar="N,…")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--keep", action="store_true", help="record this run's ratios for this kind of CPU")


def run(options):
    program = Program(options.binary)
    materials = Materials("alexnet")
    engines, missing = choose(
        [engine for engine in make_engines(program, ["float32"], "all") if engine.precision == "float32"],
        options.contenders)
    ours, *peers = engines
    if not peers:
        raise SystemExit("No peer is installed to compare with: run Benchmarks/run setup onnxruntime openvino")
    machine = f"{describe_cpu()}, {options.threads} threads"
    record = Record(options.record, {"machine": machine, "seconds": options.seconds, "alexnet": program.version})
    for round in range(options.rounds):
        record.begin_round()
        for batch in options.batch:
            for engine in engines:
                milliseconds = engine.milliseconds(materials, options.threads, batch, options.seconds)
                record.add({"contender": engine.name, "batch": batch, "milliseconds": milliseconds})
                progress(f"round {round + 1}, batch {batch}, {engine.name}: {batch / milliseconds * 1000:.1f} images/s")

    def median(engine, batch):
        return record.measurements.median("milliseconds", contender=engine.name, batch=batch)

    ratios = {peer.name: {str(batch): round_ratio(median(peer, batch), median(ours, batch)) for batch in options.batch}
              for peer in peers}
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    before = recorded.setdefault(machine, {})
    has_fallen = report(ratios, before, machine)
    print()
    print_notes(engines, missing, record.measurements, "milliseconds", ("contender", "batch"))
    if options.keep:
        for peer, values in ratios.items():
            before[peer] = before.get(peer, {}) | values
        RECORDED.write_text(json.dumps(recorded, indent=2, ensure_ascii=False) + "\n")
        print(f"- Recorded in {RECORDED.relative_to(ROOT)}.")
    return 1 if has_fallen and not options.keep else 0


def round_ratio(theirs, ours):
    """How many times as fast ours is, from the milliseconds of both."""
    return round(theirs / ours, 2)


def report(ratios, before, machine):
    """Print the ratios beside the recorded ones; whether one has fallen."""
    rows = []
    for peer, values in ratios.items():
        for batch, ratio in values.items():
            old = before.get(peer, {}).get(batch)
            verdict = "not recorded" if old is None else "fallen" if ratio < old * (1 - TOLERANCE) else "holds"
            rows.append([f"{peer} · {batch}", f"{ratio:.2f} ×", "" if old is None else f"{old:.2f} ×", verdict])
    print(f"torchvision's AlexNet in float32, {machine}: speedup over each peer\n")
    print(markdown(["peer · batch", "now", "recorded", f"fallen by {TOLERANCE:.0%}?"], rows))
    if not before:
        print("\nNothing is recorded for this kind of CPU; --keep records this run.")
    return any(row[-1] == "fallen" for row in rows)
