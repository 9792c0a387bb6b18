"""Whether the network is still as fast, beside other engines, as when it was last recorded on this kind of CPU."""

import json

from lib.contenders import choose, print_notes, progress
from lib.engines import make_engines
from lib.machine import describe_cpu
from lib.materials import Materials
from lib.options import add_common_options, integers
from lib.peers import ROOT
from lib.program import Program
from lib.tables import Measurements, markdown

# The speedup over the best float32 peer by batch size, for each kind of CPU.
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
    peers = ["ONNX Runtime", "OpenVINO", "PyTorch"]
    engines, missing = choose(make_engines(program, ["float32"], "all"), options.contenders or peers)
    measurements = Measurements()
    for round in range(options.rounds):
        for batch in options.batch:
            for engine in engines:
                milliseconds = engine.milliseconds(materials, options.threads, batch, options.seconds)
                measurements.add({"contender": engine.name, "batch": batch, "milliseconds": milliseconds})
                progress(f"round {round + 1}, batch {batch}, {engine.name}: {batch / milliseconds * 1000:.1f} images/s")
    ratios = {str(batch): round_ratio(measurements, engines, batch) for batch in options.batch}
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    machine = f"{describe_cpu()}, {options.threads} threads"
    fallen = report(ratios, recorded.get(machine, {}), machine)
    print()
    print_notes(engines, missing, measurements, "milliseconds", ("contender", "batch"))
    if options.keep:
        recorded[machine] = recorded.get(machine, {}) | ratios
        RECORDED.write_text(json.dumps(recorded, indent=2, ensure_ascii=False, sort_keys=True) + "\n")
        print(f"- Recorded in {RECORDED.relative_to(ROOT)}.")
    return 1 if fallen and not options.keep else 0


def round_ratio(measurements, engines, batch):
    """How many times as fast ours is as the fastest peer."""
    times = {engine.is_ours: [] for engine in engines}
    for engine in engines:
        times[engine.is_ours].append(measurements.median("milliseconds", contender=engine.name, batch=batch))
    if False not in times:
        raise SystemExit("No peer is installed to compare with: run Benchmarks/run setup onnxruntime openvino")
    return round(min(times[False]) / times[True][0], 2)


def report(ratios, before, machine):
    """Print the ratios beside the recorded ones; the batch sizes whose ratio has fallen."""
    rows, fallen = [], []
    for batch, ratio in ratios.items():
        old = before.get(batch)
        if old is not None and ratio < old * (1 - TOLERANCE):
            fallen.append(batch)
        verdict = "" if old is None else "fallen" if batch in fallen else "holds"
        rows.append([batch, f"{ratio:.2f} ×", "" if old is None else f"{old:.2f} ×", verdict])
    print(f"torchvision's AlexNet in float32, {machine}: speedup over the best peer\n")
    print(markdown(["batch", "now", "recorded", ""], rows))
    if not before:
        print("\nNothing is recorded for this kind of CPU; --keep records this run.")
    elif fallen:
        print(f"\nFallen by more than {TOLERANCE:.0%}: batch {', '.join(fallen)}.")
    return fallen
