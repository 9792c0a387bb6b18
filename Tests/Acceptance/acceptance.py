"""Shared by the acceptance scripts: options, verdicts, a running server, requests and metrics."""

import argparse
import http.client
import json
import math
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/InferenceTests/Fixtures/Networks"))


def make_parser(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=ROOT / ".build/release/alexnet", help="the program under test")
    return parser


def parse(parser):
    """The parsed options. Exits if the program under test does not exist."""
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    if not os.access(options.binary, os.X_OK):
        raise SystemExit(f"{options.binary} is not a program: build it with `swift build -c release`, or say --binary")
    return options


class Verdict:
    """Prints each result at once, collects failures, and ends the script with exit code 0 or 1."""

    def __init__(self):
        self.failures = []
        self.title = ""

    def section(self, title):
        """Start a section; its title is printed before the claims that follow."""
        self.title = title
        print(f"\n{title}", flush=True)

    def note(self, text):
        print(f"       {text}", flush=True)

    def check(self, passed, text, detail=""):
        """Check one claim. `detail` is printed only if it does not hold."""
        print(f"{'ok    ' if passed else 'FAILED'} {text}", flush=True)
        if not passed:
            self.failures.append(f"{self.title}: {text}" if self.title else text)
            for line in str(detail).splitlines()[:40]:
                print(f"           {line}", flush=True)
        return bool(passed)

    def finish(self):
        if self.failures:
            print(f"\n{len(self.failures)} failed:")
            for failure in self.failures:
                print(f"  {failure}")
        else:
            print("\nall passed")
        sys.exit(1 if self.failures else 0)


class Server:
    """`alexnet serve` on a free port, from exec to exit. Its log goes to a temporary file."""

    def __init__(self, binary, *arguments, environment=None, ready_within=60):
        self.log_file = tempfile.NamedTemporaryFile("w+", prefix="alexnet-", suffix=".log")
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("ALEXNET_")}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [str(binary), "serve", "--port", "0", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=self.log_file, text=True, env=inherited | (environment or {}),
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read_output, daemon=True).start()
        self.host, self.port = self._await_ready(ready_within)
        self.seconds_until_ready = time.monotonic() - self.started

    def _read_output(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def _await_ready(self, seconds):
        seen = []
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                self._give_up(f"no line `ready http://HOST:PORT` on standard output within {seconds} s", seen)
            if line is None:
                code = self.process.wait()
                self._give_up(f"the server exited with {code} before it was ready", seen)
            match = re.fullmatch(r"ready https?://(.+):(\d+)/?", line.strip())
            if match:
                return match[1].strip("[]"), int(match[2])
            seen.append(line)

    def _give_up(self, reason, seen):
        log = self.log()
        self.kill()
        command = " ".join(self.process.args)
        raise SystemExit(f"FAILED {reason}\ncommand: {command}\nstandard output: {seen}\nlog:\n{log[-4000:]}")

    def log(self):
        return Path(self.log_file.name).read_text(errors="replace")

    def connect(self, timeout=60):
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def get(self, path):
        """GET on a new connection: status, header fields, body."""
        connection = self.connect()
        try:
            return exchange(connection, "GET", path)
        finally:
            connection.close()

    def metrics(self):
        status, _, body = self.get("/metrics")
        if status != 200:
            raise SystemExit(f"FAILED GET /metrics answers {status}: {body[:500]!r}")
        return Metrics(body.decode())

    def resident_bytes(self):
        """Resident memory and its peak (VmRSS, VmHWM), in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return tuple(int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) * 1024 for key in ("VmRSS", "VmHWM"))

    def terminate(self):
        """Send SIGTERM; the time at which it was sent."""
        self.process.send_signal(signal.SIGTERM)
        return time.monotonic()

    def wait(self, seconds=40):
        """The exit code, or None if the server still runs after `seconds`."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if error is not None:
            print(f"FAILED {kind.__name__}: {error}")
            print(f"       the server's exit code is {self.process.poll()} (None: it runs); its log ends:")
            print(self.log()[-3000:], flush=True)
        if self.process.poll() is None:
            self.terminate()
            if self.wait() is None:
                self.kill()


def exchange(connection, method, path, body=None, fields=None):
    """One request; the response's status, header fields (names in lower case) and body."""
    connection.request(method, path, body=body, headers=fields or {})
    response = connection.getresponse()
    content = response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, content


def multipart(images, names=None):
    """The body and Content-Type of a multipart form with these images as files."""
    boundary = "acceptance-7c1f0f0a"
    body = b""
    for index, image in enumerate(images):
        name = names[index] if names else f"{index}.png"
        body += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode() + image + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def probabilities(prediction, count):
    """Probabilities by class index, from an answer whose `top` holds every class."""
    top = prediction["top"]
    indices = sorted(entry["index"] for entry in top)
    if indices != list(range(count)):
        raise ValueError(f"`top` holds the classes {indices}, expected each of 0 … {count - 1} once")
    values = [0.0] * count
    for entry in top:
        values[entry["index"]] = entry["probability"]
    return values


class Metrics:
    """A Prometheus text exposition."""

    LINE = re.compile(r'([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?$')
    LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.samples = []
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = self.LINE.match(line)
            if not match:
                raise SystemExit(f"FAILED /metrics has a line that is not a sample: {line!r}")
            labels = dict(self.LABEL.findall(match[2] or ""))
            self.samples.append((match[1], labels, float(match[3])))

    def total(self, name, **labels):
        """The sum of the samples with this name and at least these labels."""
        return sum(
            value for sample, its, value in self.samples
            if sample == name and all(its.get(key) == wanted for key, wanted in labels.items())
        )

    def has(self, name):
        return any(sample == name for sample, _, _ in self.samples)

    def below(self, name, bound):
        """How many observations of a histogram are at most `bound`; None if no bucket has that bound."""
        values = [
            value for sample, labels, value in self.samples
            if sample == name + "_bucket" and math.isclose(float(labels["le"].replace("+Inf", "inf")), bound)
        ]
        return sum(values) if values else None


def problem(fields, content):
    """The `detail` of an application/problem+json response, or None for other media types."""
    if not fields.get("content-type", "").startswith("application/problem+json"):
        return None
    try:
        return json.loads(content).get("detail")
    except ValueError:
        return None


def run_threads(count, work):
    """Call work(index) on `count` threads and join them; re-raises the first exception."""
    errors = []

    def guarded(index):
        try:
            work(index)
        except BaseException as error:  # re-raised on the main thread below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(index,), daemon=True) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
