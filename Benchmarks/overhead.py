"""Overhead of a request: CPU time of our server, on one thread, outside decoding, resizing and the network."""

import json
import re
import struct
import tempfile
import time
import urllib.request
from pathlib import Path

from lib.contenders import choose, print_notes, progress
from lib.load import Load
from lib.machine import describe
from lib.materials import Images
from lib.options import add_common_options, integers
from lib.program import Program
from lib.record import Record
from lib.servers import OurServer, RunningServer
from lib.tables import markdown, number

# Tensors of LeNet-5 and their shapes. Its forward pass takes next to no time.
TENSORS = {
    "conv1.weight": [6, 1, 5, 5], "conv1.bias": [6], "conv2.weight": [16, 6, 5, 5], "conv2.bias": [16],
    "fc1.weight": [120, 400], "fc1.bias": [120], "fc2.weight": [84, 120], "fc2.bias": [84],
    "fc3.weight": [10, 84], "fc3.bias": [10],
}
CLOCK_TICKS = 100
WORK = ["decode_seconds", "preprocess_seconds", "inference_seconds"]


def add_options(parser):
    add_common_options(parser, seconds=8, rounds=3)
    parser.add_argument("--connections", type=integers, default=[1, 8, 32], metavar="N,…")


class LeNet:
    """A checkpoint of LeNet-5 with all weights equal."""

    def __init__(self, folder):
        self.checkpoint = folder / "lenet.safetensors"
        self.classes = folder / "class_indices.json"
        header, data = {}, b""
        for name, shape in TENSORS.items():
            count = 1
            for extent in shape:
                count *= extent
            header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + 4 * count]}
            data += struct.pack("<f", 0.01) * count
        text = json.dumps(header).encode()
        self.checkpoint.write_bytes(struct.pack("<Q", len(text)) + text + data)
        self.classes.write_text(json.dumps({str(index): str(index) for index in range(10)}))


class OneThread(OurServer):
    """`alexnet serve` on one thread, so that the wall-clock times in its metrics equal CPU times."""

    def command(self, materials, port):
        return [str(self.program.binary), "serve", "--port", str(port), "--threads", "1",
                "--checkpoint", str(materials.checkpoint), "--classes", str(materials.classes)]


def run(options):
    program = Program(options.binary)
    image = Images().path("640x427")
    record = Record(options.record, {"machine": describe(), "seconds": options.seconds, "alexnet": program.version})
    servers, _ = choose([OneThread(program)], options.contenders)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        materials = LeNet(Path(folder))
        for _ in range(options.rounds):
            record.begin_round()
            with RunningServer(servers[0], materials, image) as running:
                expected_index = running.ask(image)[0][0]
                for connections in options.connections:
                    row = {"contender": servers[0].name, "connections": connections,
                           **measure(running, image, connections, options.seconds, expected_index)}
                    record.add(row)
                    progress(json.dumps(row))
    report(record.measurements, servers, options)


def measure(running, image, connections, seconds, expected_index):
    """CPU milliseconds per request: in all, and in decoding, resizing and the network (`work`)."""
    load = Load(running, image, connections, seconds, expected_index)
    time.sleep(seconds / 8)
    before = counts(running)
    time.sleep(seconds * 3 / 4)
    after = counts(running)
    load.result()
    requests, cpu, work = (after[name] - before[name] for name in ("requests", "cpu", "work"))
    return {"requests": requests, "cpu": cpu * 1000 / requests, "work": work * 1000 / requests}


def counts(running):
    """Totals since the start: answers, seconds of CPU time, and seconds of decoding, resizing and the network."""
    with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/metrics") as response:
        text = response.read().decode()
    cpu = sum(map(int, Path(f"/proc/{running.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]))

    def total(name):
        return sum(map(float, re.findall(rf"^alexnet_{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)))

    return {"requests": total("decode_seconds_count"), "cpu": cpu / CLOCK_TICKS,
            "work": sum(total(f"{name}_sum") for name in WORK)}


def report(measurements, servers, options):
    rows = []
    for connections in options.connections:
        cpu, work = (measurements.median(field, connections=connections) for field in ("cpu", "work"))
        rows.append([connections, number(cpu, 3), number(work, 3), number((cpu - work) * 1000)])
    print()
    print(markdown(["connections", "CPU ms/request", "decode + resize + network, ms", "overhead, µs"], rows))
    print()
    print_notes(
        servers, [], measurements, "cpu", ("connections",),
        f"`alexnet serve` with a LeNet-5 on one thread and a JPEG of 640×427, medians of "
        f"{measurements.rounds('connections')} rounds of {options.seconds:g} s. Reading and parsing requests, queueing, "
        "answering, metrics and waking threads are the overhead.")
