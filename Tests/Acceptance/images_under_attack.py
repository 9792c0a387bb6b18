#!/usr/bin/env python3
"""Service to a client with small images while others send images that are expensive to decode.

    idat              PNGs of 8×8 pixels followed by 30 GB of compressed zeros
    forms             forms with 64 and with 10 copies of a WebP of 2 KB and 49 megapixels
    scans             progressive JPEGs with sixty scans
    interlaced        interlaced PNGs of a hundred megapixels
    json              JSON of 30 MB, with one small image and with very many numbers
    mixed             all of these at once

During each attack at least 90 % of the client's requests are answered with 200 within 2 s, although it shares its address with
the attackers. Decoding is cancelled soon after its client disconnects. Memory stays below the bound that the server logs at
its start.

    memory            the bound in a configuration with small limits, during the mixed attack
"""

import base64
import http.client
import io
import json
import multiprocessing
import os
import re
import struct
import threading
import time
import zlib
from pathlib import Path

from acceptance import ROOT, Server, Verdict, exchange, make_parser, multipart, parse

SECONDS = 6
PATIENCE = 2


# -- Expensive images ---------------------------------------------------------------------------------------------

def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, stream, interlace=0):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, interlace)
    pieces = (chunk(b"IDAT", stream[i : i + 65536]) for i in range(0, len(stream), 65536))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(pieces) + chunk(b"IEND")


def zeros(count, first=b""):
    """A zlib stream of `first` and at least `count` zeros, made by repeating one compressed block."""
    packer = zlib.compressobj(9)
    start = packer.compress(first) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * -(-count >> 20) + packer.flush()


def idat_bomb():
    return png(8, 8, zeros(29_000 << 20, b"\0" * 25 * 8))


def interlaced():
    side = 10_000
    return png(side, side, zeros(side * (3 * side + 2) * 2), interlace=1)


def webp(side):
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (side, side), (1, 2, 3)).save(file, "WEBP", lossless=True)
    return file.getvalue()


def many_scans(side, count):
    """A progressive JPEG whose last scan is repeated `count` more times."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (side, side), (9, 2, 3)).save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + data[-2:]


def json_bodies(small):
    text = base64.b64encode(small).decode()
    blanks = " " * (30 << 20)
    yield json.dumps({"image": text + blanks}).encode()
    yield b'{"image":"' + text.encode() + b'","note":[' + b"1," * (14 << 20) + b"1]}"
    yield b'{"images":["' + b"QUJD" * (7 << 20) + b'"]}'


# -- Clients --------------------------------------------------------------------------------------------------------

def ask_again(port, requests, seconds, counts):
    """One attacker: sends the requests in turn until the time is over, and counts the statuses."""
    end = time.monotonic() + seconds
    turn = os.getpid() + threading.get_ident()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    while time.monotonic() < end:
        body, kind = requests[turn % len(requests)]
        turn += 1
        try:
            status = exchange(connection, "POST", "/predict", body, {"Content-Type": kind})[0]
        except (OSError, http.client.HTTPException):
            status = 0
            connection.close()
        counts[status] = counts.get(status, 0) + 1


def attack(port, requests, connections, seconds, answers):
    """The attackers. They run in their own process, so as not to delay the good client's clock."""
    counts = {}
    threads = [
        threading.Thread(target=ask_again, args=(port, requests, seconds, counts), daemon=True) for _ in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 25)
    answers.put(counts)


def good_client(server, image, seconds):
    """Send a small image every 50 ms on one connection: answers in time, all answers, median and largest latency."""
    times, good = [], 0
    end = time.monotonic() + seconds
    connection = server.connect(timeout=10)
    while time.monotonic() < end:
        start = time.monotonic()
        try:
            status = exchange(connection, "POST", "/predict", image, {"Content-Type": "image/png"})[0]
        except (OSError, http.client.HTTPException):
            status = 0
            connection.close()
        times.append(time.monotonic() - start)
        good += status == 200 and times[-1] <= PATIENCE
        time.sleep(max(0, 0.05 - times[-1]))
    return good, len(times), sorted(times)[len(times) // 2], max(times)


def beside(verdict, server, name, requests, small, connections=16, seconds=SECONDS):
    verdict.section(name)
    answers = multiprocessing.Queue()
    attackers = multiprocessing.Process(
        target=attack, args=(server.port, requests, connections, seconds + 1, answers), daemon=True)
    attackers.start()
    time.sleep(1)
    good, count, median, worst = good_client(server, small, seconds)
    resident, highest = server.resident_bytes()
    counts = answers.get(timeout=60)
    attackers.join(10)
    verdict.note(f"the attackers' answers: {dict(sorted(counts.items()))}")
    verdict.note(f"{count} answers, median {median * 1000:.0f} ms, longest {worst * 1000:.0f} ms; "
                 f"resident {resident >> 20} MiB, at most {highest >> 20} MiB")
    verdict.check(good >= 0.9 * count, f"{100 * good / count:.0f} % of the answers within {PATIENCE} s", f"{good} of {count}")
    return counts


def processor_seconds(server):
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def hanging_up(verdict, server, bodies):
    verdict.section("hanging up")
    for name, body in bodies:
        connection = server.connect()
        connection.putrequest("POST", "/predict")
        connection.putheader("Content-Type", "image/jpeg")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        time.sleep(0.4)
        busy = processor_seconds(server)
        connection.close()
        time.sleep(0.2)
        begun = processor_seconds(server)
        time.sleep(1)
        spent = processor_seconds(server) - begun
        verdict.note(f"{name}: {begun:.2f} s of processor time at the end")
        verdict.check(spent < 0.2, f"{name}: {spent:.2f} s of work in the second after its client has gone", f"{busy} {begun}")


def bound_of(server):
    """The memory bound that the server logs at its start, in bytes."""
    # The log is written by its own thread, possibly a moment after the server is ready.
    for _ in range(50):
        found = re.search(r"memory stays below.*?total_mib[=\":]+(\d+)", server.log())
        if found:
            return int(found[1]) << 20
        time.sleep(0.1)
    return None


def memory(verdict, options, requests, small):
    verdict.section("memory, under small limits")
    # One address gets half of the connections: 32 for the attackers, whose requests may all be waiting, and some for the client.
    environment = {
        "ALEXNET_SERVER_MAX_BUFFERED_BYTES": "64MiB", "ALEXNET_SERVER_MAX_CONNECTIONS": "72",
        "ALEXNET_BATCHING_QUEUE_BYTES": "64MiB", "ALEXNET_IMAGES_DECODE_BYTES": "400MiB",
    }
    with Server(options.binary, "--models", options.models, environment=environment) as server:
        bound = bound_of(server)
        if verdict.check(bound is not None, "the log says below what memory stays", server.log()[-2000:]):
            beside(verdict, server, "memory, under small limits", requests, small, connections=32)
            highest = server.resident_bytes()[1]
            verdict.check(highest <= bound, f"{highest >> 20} MiB at most, of {bound >> 20}")


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--models", default=ROOT / "weights", help="the models to serve")
    parser.add_argument("--only", default="", help="sections to run, separated by commas")
    options = parse(parser)
    wanted = set(filter(None, options.only.split(",")))
    verdict = Verdict()
    small = png(28, 28, zlib.compress(b"".join(b"\0" + os.urandom(84) for _ in range(28))))
    flat = webp(7000)
    scans = many_scans(6000, 58)
    kinds = {
        "idat": [(idat_bomb(), "image/png")],
        "forms": [multipart([flat] * 64), multipart([flat] * 10)],
        "scans": [(scans, "image/jpeg")],
        "interlaced": [(interlaced(), "image/png")],
        "json": [(body, "application/json") for body in json_bodies(small)],
    }
    kinds["mixed"] = [request for requests in kinds.values() for request in requests]
    with Server(options.binary, "--models", options.models) as server:
        bound = bound_of(server)
        for name, requests in kinds.items():
            if not wanted or name in wanted:
                beside(verdict, server, name, requests, small)
        if not wanted or "hanging" in wanted:
            hanging_up(verdict, server, [("scans", many_scans(10_000, 58)), ("interlaced", kinds["interlaced"][0][0])])
        verdict.section("afterwards")
        highest = server.resident_bytes()[1]
        verdict.check(bound is not None and highest <= bound, f"memory was {highest >> 20} MiB at most, of {(bound or 0) >> 20}")
        status = exchange(server.connect(), "POST", "/predict", small, {"Content-Type": "image/png"})[0]
        verdict.check(status == 200, "an image is classified", f"{status}")
    if not wanted or "memory" in wanted:
        memory(verdict, options, kinds["mixed"], small)
    verdict.finish()


if __name__ == "__main__":
    main()
