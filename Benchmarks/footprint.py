"""Memory and cold start of each server: PSS, and the time from exec to the first answer."""

import json
import time

from lib.contenders import choose, print_notes, progress
from lib.load import Load
from lib.machine import describe
from lib.materials import Materials
from lib.options import add_common_options
from lib.program import Program
from lib.record import Record
from lib.servers import DidNotStart, RunningServer, make_servers
from lib.tables import markdown, number, ratio


def add_options(parser):
    add_common_options(parser, seconds=8, rounds=3)
    parser.add_argument("--architecture", default="alexnet", help="as torchvision.models names it (default: alexnet)")
    parser.add_argument("--connections", type=int, default=32, metavar="N", help="under load (default: 32)")


def run(options):
    program = Program(options.binary)
    materials = Materials(options.architecture)
    image = materials.images.path("640x427")
    servers, missing = choose(make_servers(program, with_scaled_decoding=False), options.contenders)
    record = Record(options.record, {
        "machine": describe(), "architecture": options.architecture, "seconds": options.seconds,
        "connections": options.connections, "alexnet": program.version,
    })
    for server in servers:
        server.prepare(materials)
    for round in range(options.rounds):
        record.begin_round()
        for server in list(servers):
            try:
                row = measure(server, materials, image, options)
                record.add(row)
                progress(json.dumps(row))
            except DidNotStart as error:
                progress(str(error))
                missing.append(server.name)
                servers.remove(server)
    report(record.measurements, servers, missing, materials, options)


def measure(server, materials, image, options):
    with RunningServer(server, materials, image) as running:
        expected_index = running.ask(image)[0][0]
        first = running.memory()
        load = Load(running, image, options.connections, options.seconds, expected_index)
        time.sleep(options.seconds * 0.75)
        loaded = running.memory()
        result = load.result()
        return {"contender": server.name, "start": running.seconds_to_first_answer, "first": first, "loaded": loaded,
                "after": running.memory(), "bad": result["refused"] + result["failed"] + result["wrong"]}


def report(measurements, servers, missing, materials, options):
    checkpoint = materials.checkpoint.stat().st_size
    ours = servers[0]
    rows = []
    for server in servers:
        def median(field):
            return measurements.median(field, contender=server.name)
        loaded = median("loaded")
        rows.append([
            server.name, number(median("start"), 2), number(median("first") / 1e6), number(loaded / 1e6),
            ratio(loaded, checkpoint), ratio(loaded, measurements.median("loaded", contender=ours.name)),
            number(median("after") / 1e6)])
    print()
    print(markdown(["server", "exec to first answer, s", "MB after it", f"MB under {options.connections} connections",
                    "of the checkpoint", "of ours", "MB afterwards"], rows))
    print()
    print_notes(
        servers, missing, measurements, "loaded", ("contender",),
        f"Medians of {measurements.rounds('contender')} starts. Memory is the PSS of all of a server's processes. "
        f"The checkpoint has {checkpoint / 1e6:.0f} MB.")
