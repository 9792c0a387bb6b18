#!/usr/bin/env python3
"""A million predictions in one process, good and bad ones mixed, by wrk.

Resident memory at the end must be within 5 % of what it was after the first hundredth, no descriptor may be left, every good image
must have been answered, and the queue must be empty. `--slow` adds slowhttptest's four ways to be slow with a thousand
connections each, during which a good client keeps at least 95 % of its requests.
"""

import json
import multiprocessing
import random
import re
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from acceptance import ROOT, Server, Verdict, make_parser, parse
from advisories import descriptors, good_client

# A hundred requests: ninety good images, and ten of what clients send by mistake or on purpose.
SCRIPT = """
local function read(path) local file = assert(io.open(path, "rb")); local bytes = file:read("*a"); file:close(); return bytes end
local image = read("%(image)s")
local form = '--b\\r\\nContent-Disposition: form-data; name="image"; filename="a.png"\\r\\n\\r\\n' .. image .. '\\r\\n--b--\\r\\n'
local kinds = {
  {"POST", "/predict", "image/png", image}, {"POST", "/predict", "image/png", image}, {"POST", "/predict", "image/png", image},
  {"POST", "/predict?top=3", "multipart/form-data; boundary=b", form},
}
local bad = {
  {"POST", "/predict", "image/png", image:sub(1, #image / 2)}, {"POST", "/predict", "text/plain", "nonsense"},
  {"POST", "/predict", "application/json", "{"}, {"POST", "/predict", "multipart/form-data; boundary=b", "--b\\r\\n"},
  {"POST", "/v1/models/nobody/predict", "image/png", image}, {"GET", "/metrics", nil, nil}, {"GET", "/v1/models", nil, nil},
  {"POST", "/predict?top=x", "image/png", image}, {"DELETE", "/predict", nil, nil}, {"GET", "/healthz", nil, nil},
}
local count = 0
request = function()
  count = count + 1
  local kind = count %% 10 == 0 and bad[(count / 10) %% #bad + 1] or kinds[count %% #kinds + 1]
  return wrk.format(kind[1], kind[2], kind[3] and {["Content-Type"] = kind[3]} or {}, kind[4])
end
"""

SLOW = {
    "slow heads": ["-H", "-i", "5", "-x", "20"], "slow bodies": ["-B", "-i", "5", "-s", "8192", "-x", "10"],
    "ranges": ["-R", "-a", "1", "-b", "1000"], "slow reads": ["-X", "-w", "10", "-y", "20", "-n", "3", "-z", "10"],
}


# The half-width AlexNet's geometry with a handful of channels: the server's memory is in question, not the network's.
SHAPES = {
    "features.0": [4, 3, 11, 11], "features.3": [6, 4, 5, 5], "features.6": [8, 6, 3, 3], "features.8": [6, 8, 3, 3],
    "features.10": [2, 6, 3, 3], "classifier.1": [8, 72], "classifier.4": [8, 8], "classifier.6": [3, 8],
}


def write_tiny_model(folder):
    folder.mkdir(parents=True)
    chance, header, data = random.Random(1), {}, b""
    for stem, shape in SHAPES.items():
        for name, its in ((stem + ".weight", shape), (stem + ".bias", shape[:1])):
            count = 1
            for extent in its:
                count *= extent
            values = struct.pack(f"<{count}f", *(chance.uniform(-0.1, 0.1) for _ in range(count)))
            header[name] = {"dtype": "F32", "shape": its, "data_offsets": [len(data), len(data) + len(values)]}
            data += values
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "class_indices.json").write_text(json.dumps({"0": "a", "1": "b", "2": "c"}))


def answered(server):
    metrics = server.metrics()
    return int(metrics.total("alexnet_http_requests_total")), int(metrics.total("alexnet_predictions_total"))


def attack(server, image, arguments, seconds, verdict, name):
    results = multiprocessing.Queue()
    client = multiprocessing.Process(target=good_client, args=(server.host, server.port, image, seconds, results))
    slow = subprocess.Popen(
        ["slowhttptest", "-c", "1000", "-r", "500", "-l", str(int(seconds)), "-p", "3", "-u", f"http://{server.host}:{server.port}/predict", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client.start()
    asked, done = results.get(timeout=seconds + 60)
    client.join()
    slow.wait(60)
    verdict.check(done >= 0.95 * asked, f"{name}: {done} of {asked} requests of a good client are answered within a second")


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--models", type=Path, help="the models to serve instead of a tiny one")
    parser.add_argument("--slow", type=float, default=0, help="seconds of each way of slowhttptest")
    options = parse(parser)
    verdict = Verdict()
    image = ROOT / "docs/sneaker.png"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "mixed.lua"
        script.write_text(SCRIPT % {"image": image})

        def load(seconds):
            run = subprocess.run(
                ["wrk", "-t", "1", "-c", "16", "-d", f"{seconds}s", "-s", script, f"http://{server.host}:{server.port}"], capture_output=True, text=True, check=True)
            failed = re.search(r"Socket errors: (.*)", run.stdout)
            return failed[1] if failed else None

        environment = {"ALEXNET_LOG_ACCESS": "false", "ALEXNET_SERVER_MAX_CONNECTIONS": "1024"}
        models = options.models or Path(folder) / "models"
        if not options.models:
            write_tiny_model(models / "tiny")
        with Server(options.binary, "--models", models, environment=environment) as server:
            verdict.section(f"{options.predictions:,} predictions")
            before = descriptors(server.process)
            load(1)
            while answered(server)[1] < options.predictions / 100:
                load(1)
            memory, (_, first) = server.resident_bytes()[0], answered(server)
            begin, troubles = time.monotonic(), []
            while (predictions := answered(server)[1]) < options.predictions:
                trouble = load(10)
                if trouble:
                    troubles.append(trouble)
            seconds = time.monotonic() - begin
            time.sleep(1)
            requests, predictions = answered(server)
            after = server.resident_bytes()[0]
            verdict.note(f"{requests:,} requests, {predictions:,} predictions, {(predictions - first) / seconds:,.0f} predictions a second")
            verdict.check(
                abs(after - memory) <= 0.05 * memory,
                f"resident memory is {after / (1 << 20):.1f} MiB, and was {memory / (1 << 20):.1f} MiB after {first:,} predictions ({100 * (after - memory) / memory:+.1f} %)")
            verdict.check(not troubles, "no connection fails", "\n".join(troubles))
            metrics = server.metrics()
            failed = sum(metrics.total("alexnet_http_requests_total", status=str(status)) for status in (500, 502, 503, 504))
            verdict.check(failed == 0, "no request is answered 5xx", f"{failed}")
            verdict.check(metrics.total("alexnet_queue_depth") == 0, "the queue is empty")
            verdict.check(descriptors(server.process) <= before + 1, f"{descriptors(server.process)} descriptors are open, {before} were before")
            if options.slow:
                verdict.section("slowhttptest, 1,000 connections")
                if not shutil.which("slowhttptest"):
                    raise SystemExit("slowhttptest is missing: apt-get install slowhttptest")
                for name, arguments in SLOW.items():
                    attack(server, image.read_bytes(), arguments, options.slow, verdict, name)
                verdict.check(server.get("/readyz")[0] == 200, "afterwards the server is ready")
    verdict.finish()


if __name__ == "__main__":
    main()
