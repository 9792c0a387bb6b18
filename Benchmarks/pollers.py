"""Throughput, latency and CPU time of a request with each of the server's pollers, for a fixed answer."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from lib.contenders import progress
from lib.machine import busy_share, describe
from lib.options import integers
from lib.tables import Measurements, markdown, number, ratio

# The server under test, which uses only the target HTTPServer.
FOLDER = Path(__file__).resolve().parent / "fixed-answer"


def add_options(parser):
    parser.add_argument("--pollers", default="epoll,dispatch", help="the first is the baseline")
    parser.add_argument("--connections", type=integers, default=[1, 32, 256], metavar="N,…")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--binary", help="FixedAnswer, if it is already built")


def run(options):
    binary = options.binary or build()
    pollers = options.pollers.split(",")
    measurements, busy = Measurements(), []
    for number_of_round in range(options.rounds):
        for connections in options.connections:
            # Alternate the order, so that no poller always runs first.
            for poller in pollers if number_of_round % 2 == 0 else reversed(pollers):
                busy.append(busy_share(0.3))
                row = {"poller": poller, "connections": connections,
                       **measure(binary, poller, connections, options.seconds)}
                measurements.add(row)
                progress(json.dumps(row))
    report(measurements, pollers, options, busy)


def build():
    subprocess.run(["swift", "build", "-c", "release", "--package-path", FOLDER], check=True, stdout=sys.stderr)
    folder = subprocess.run(["swift", "build", "-c", "release", "--package-path", FOLDER, "--show-bin-path"],
                            check=True, capture_output=True, text=True).stdout.strip()
    return Path(folder) / "FixedAnswer"


def measure(binary, poller, connections, seconds):
    server = subprocess.Popen([binary, poller], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split()[1]
        # Warm-up.
        load(url, connections, 1)
        before = cpu_seconds(server.pid)
        result = load(url, connections, seconds)
        result["microseconds"] = (cpu_seconds(server.pid) - before) / result.pop("requests") * 1e6
        return result
    finally:
        server.kill()
        server.wait()


def load(url, connections, seconds):
    """What wrk measured: requests, requests per second, and the median latency in microseconds."""
    output = subprocess.run(
        ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency", url],
        check=True, capture_output=True, text=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(output)
    value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", output).groups()
    return {
        "requests": int(re.search(r"(\d+) requests in", output)[1]),
        "rate": float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1]),
        "p50": float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit],
    }


def cpu_seconds(process):
    """User and system time of all the process's threads so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def report(measurements, pollers, options, busy):
    rows = []
    for connections in options.connections:
        for poller in pollers:
            def median(field, poller=poller):
                return measurements.median(field, poller=poller, connections=connections)
            rows.append([
                connections, poller, number(median("rate")), ratio(median("rate"), median("rate", pollers[0])),
                number(median("microseconds"), 1), number(median("p50")),
            ])
    print(markdown(
        ["connections", "poller", "requests/s", f": {pollers[0]}", "CPU µs/request", "p50 µs"], rows))
    print(f"\nMedians of {options.rounds} rounds of {options.seconds} s, interleaved; one event loop; wrk on one thread of the "
          f"same cores. A round's rate was {measurements.spread('rate', 'poller', 'connections'):.0%} from its median at most, its CPU time "
          f"{measurements.spread('microseconds', 'poller', 'connections'):.0%}. Before each measurement the cores were busy "
          f"with other things for {sum(busy) / len(busy):.0%} of the time.\n{describe()}")
