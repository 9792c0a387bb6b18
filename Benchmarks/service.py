"""End to end under wrk: JPEGs posted, JSON answered, against other servers."""

import json
import tempfile
import time

from lib.contenders import choose, print_notes, progress
from lib.engines import PeerEngine
from lib.load import Load
from lib.machine import core_count, describe
from lib.materials import Materials, preprocess
from lib.options import add_common_options, integers, names
from lib.program import Program
from lib.record import Record
from lib.servers import DidNotStart, RunningServer, make_servers
from lib.tables import markdown, number, ratio

CEILING = "decode + resize + network alone"
CEILING_BATCH = 32
WARM_UP_SECONDS = 2
WARM_UP_CONNECTIONS = 8


def add_options(parser):
    add_common_options(parser, seconds=8, rounds=3)
    parser.add_argument("--architecture", default="alexnet", help="as torchvision.models names it (default: alexnet)")
    parser.add_argument("--connections", type=integers, default=[1, 8, 32], metavar="N,…")
    parser.add_argument("--images", type=names, default=["640x427", "3000x2000"], metavar="SIZE,…",
                        help="640x427, 3000x2000 (default: both)")
    parser.add_argument("--no-scaled", action="store_true", help="leave out alexnet with images.decode scaled")


def run(options):
    program = Program(options.binary)
    materials = Materials(options.architecture)
    servers, missing = choose(
        make_servers(program, with_scaled_decoding=not options.no_scaled), options.contenders)
    record = Record(options.record, {
        "machine": describe(), "architecture": options.architecture, "seconds": options.seconds,
        "alexnet": program.version,
    })
    images = {size: materials.images.path(size) for size in options.images}
    references = reference_answers(materials, images)
    for server in servers:
        server.prepare(materials)
    for round in range(options.rounds):
        progress(f"round {round + 1} of {options.rounds}")
        record.begin_round()
        for size, image in images.items():
            record.add(ceiling(program, materials, size, image, options))
        for server in list(servers):
            try:
                for row in measure(server, materials, images, references, options):
                    record.add(row)
                    progress(json.dumps(row))
            except DidNotStart as error:
                progress(str(error))
                missing.append(server.name)
                servers.remove(server)
    report(record.measurements, servers, missing, options)
    bad = sum(record.measurements.values("wrong")) + sum(
        not same for same in record.measurements.values("same", decode="exact"))
    return 1 if bad else 0


def reference_answers(materials, images):
    """Probabilities of each image from Pillow and ONNX Runtime, without a server."""
    engine = PeerEngine("onnxruntime", "ONNX Runtime", "float32", {})
    with tempfile.NamedTemporaryFile(suffix=".npy") as inputs:
        preprocess(images.values(), inputs.name)
        answers = engine.probabilities(materials, list(images.values()), inputs.name, core_count())
    return dict(zip(images, answers, strict=True))


def ceiling(program, materials, size, image, options):
    """Upper bound on throughput: the cores do nothing but our own decoding, resizing and network."""
    cores = core_count()
    image_seconds = program.image_milliseconds(image, min(2, options.seconds)) / 1000
    batch_seconds = program.network_milliseconds(materials, cores, CEILING_BATCH, min(2, options.seconds)) / 1000
    return {"ceiling": size, "images_per_second": 1 / (image_seconds / cores + batch_seconds / CEILING_BATCH)}


def measure(server, materials, images, references, options):
    """Start a server, check its answers, then apply each load. Yields one row for each step."""
    with RunningServer(server, materials, next(iter(images.values()))) as running:
        yield {"contender": server.name, "ready": running.seconds_to_first_answer}
        for size, image in images.items():
            reference = references[size]
            expected_index = reference.index(max(reference))
            answer = running.ask(image)
            yield {"contender": server.name, "checked": size, "decode": server.decode, "same": answer[0][0] == expected_index,
                   "difference": max(abs(value - reference[index]) for index, value in answer)}
            Load(running, image, WARM_UP_CONNECTIONS, WARM_UP_SECONDS, answer[0][0]).result()
            for connections in options.connections:
                load = Load(running, image, connections, options.seconds, answer[0][0])
                time.sleep(options.seconds / 2)
                memory = running.memory()
                yield {"contender": server.name, "image": size, "connections": connections, "memory": memory,
                       **load.result()}


def report(measurements, servers, missing, options):
    peers = [server for server in servers if not server.is_ours]
    loads = [server.name for server in servers]
    for size in measurements.distinct("image"):
        for connections in sorted(measurements.distinct("connections")):
            wanted = {"image": size, "connections": connections}
            rates = {name: measurements.median("requests_per_second", contender=name, **wanted) for name in loads}
            best = max((rates[peer.name] or 0 for peer in peers), default=0)
            fastest = min(filter(None, (measurements.median("p50", contender=peer.name, **wanted) for peer in peers)),
                          default=0)
            rows = []
            for name in loads:
                if rates[name] is None:
                    continue
                p50 = measurements.median("p50", contender=name, **wanted)
                p99 = measurements.median("p99", contender=name, **wanted)
                memory = measurements.median("memory", contender=name, **wanted)
                faults = [sum(measurements.values(fault, contender=name, **wanted))
                          for fault in ("refused", "failed", "wrong")]
                rows.append([name, number(rates[name], 1), ratio(rates[name], best), number(p50, 1),
                             ratio(p50, fastest), number(p99, 1), number(p99 / p50 if p50 else None, 2), number(memory / 1e6),
                             " · ".join(map(str, faults))])
            if not rows:
                continue
            limit = measurements.median("images_per_second", ceiling=size)
            if limit and connections > 1:
                rows.append([CEILING, number(limit, 1), ratio(limit, best), "", "", "", "", "", ""])
            print(f"\n{size} JPEG, {connections} connection{'s' if connections > 1 else ''}\n")
            print(markdown(["server", "req/s", "of the best peer's", "p50 ms", "of the best peer's", "p99 ms",
                            "p99 / p50", "MB (PSS)", "refused · failed · wrong"], rows))
            ours = rates.get("alexnet")
            if limit and ours and connections > 1:
                print(f"\nalexnet reaches {ours / limit:.0%} of what its decoding, resizing and network do alone.")

    print()
    print(markdown(["server", "first answer after, s", "same top-1", "largest |Δ probability| of the top five"], [
        [name, number(measurements.median("ready", contender=name), 2),
         "yes" if all(measurements.values("same", contender=name)) else "NO",
         f"{max(measurements.values('difference', contender=name), default=0):.1e}"] for name in loads]))
    print()
    print_notes(
        servers, missing, measurements, "requests_per_second", ("contender", "image", "connections"),
        f"Medians of {measurements.rounds('contender', 'image', 'connections', 'checked')} rounds. A round "
        f"starts every server, warms it up and loads it for {options.seconds:g} s. wrk runs on the same cores.")
