#!/usr/bin/env python3
"""Operations: blocked logs, shutdown, and mistakes on the command line and over HTTP.

    log          standard error is a pipe that nobody reads, or a stopped terminal: every request is answered, `/metrics` counts the
                 dropped lines, and once the log is read again a line in order says how many are missing
    ready        standard output is a full pipe: requests are still answered
    SIGTERM      ends the process within server.drain_timeout, whatever is stuck: the log, both streams, a load, clients that do not
                 read or that stop in the middle of a request
    mistakes     each gets its exit code, and a message that names the correction, without delay
"""

import fcntl
import http.client
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from acceptance import ROOT, Metrics, Verdict, exchange, make_parser, multipart, parse, problem, run_threads

DRAIN_TIMEOUT = 3
# Tolerance for process start and exit on a busy machine. Units: seconds.
SLACK = 1.5
REQUESTS = 4000


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def fill(descriptor):
    """Write to a pipe until it is full."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    try:
        while True:
            os.write(descriptor, b"x" * 4096)
    except BlockingIOError:
        pass
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)


class Quiet:
    """`alexnet serve` whose output streams are not read. It is up when it answers requests."""

    def __init__(self, binary, *arguments, stdout=None, stderr=None, settings=None, until="/readyz"):
        self.port = free_port()
        environment = {key: value for key, value in os.environ.items() if not key.startswith("ALEXNET_")}
        environment |= {"ALEXNET_SERVER_DRAIN_TIMEOUT": f"{DRAIN_TIMEOUT}s"} | (settings or {})
        self.process = subprocess.Popen(
            [str(binary), "serve", "--port", str(self.port), *map(str, arguments)],
            stdout=stdout or subprocess.DEVNULL, stderr=stderr or subprocess.DEVNULL, env=environment, cwd=ROOT,
            # A background job of a shell ignores SIGINT, and the server would inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                if self.get(until)[0] in (200, 503 if until == "/healthz" else 200):
                    break
            except OSError:
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"FAILED the server is not up: {self.process.poll()}")
            time.sleep(0.02)

    def connect(self, timeout=20):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def get(self, path):
        connection = self.connect()
        try:
            return exchange(connection, "GET", path)
        finally:
            connection.close()

    def dropped(self):
        return Metrics(self.get("/metrics")[2].decode()).total("alexnet_log_lines_dropped_total")

    def stop(self, number=signal.SIGTERM, within=DRAIN_TIMEOUT + SLACK):
        """Send the signal. Returns the exit code (None if it still runs) and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            code = None
        return code, time.monotonic() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def ask_often(server, count=REQUESTS, connections=8):
    """Send `count` requests. Returns how many were answered as expected (404), and the largest latency."""
    statuses, longest = [0], [0.0]

    def work(_):
        connection = server.connect()
        for _ in range(count // connections):
            began = time.monotonic()
            status, _, _ = exchange(connection, "GET", "/nothing-that-is-here-but-with-a-long-name-for-the-log")
            longest[0] = max(longest[0], time.monotonic() - began)
            statuses[0] += status == 404
        connection.close()

    run_threads(connections, work)
    return statuses[0], longest[0]


def log_nobody_reads(verdict, options):
    verdict.section("a log that nobody reads")
    reader, writer = os.pipe()
    with Quiet(options.binary, stderr=writer, settings={"ALEXNET_LOG_MAX_BUFFERED_BYTES": "64KiB"}) as server:
        os.close(writer)
        answered, longest = ask_often(server)
        verdict.check(answered == REQUESTS, f"{answered} of {REQUESTS} requests are answered", "all")
        verdict.check(longest < 2, f"the slowest takes {longest:.3f} s", "below 2 s")
        dropped = server.dropped()
        verdict.check(dropped > 0, f"alexnet_log_lines_dropped_total counts {dropped:.0f}", "the pipe and the buffer hold less")
        # Read the log again.
        text = b""
        fcntl.fcntl(reader, fcntl.F_SETFL, os.O_NONBLOCK)
        deadline = time.monotonic() + 10
        while b"log lines were dropped" not in text[-4000:] and time.monotonic() < deadline:
            try:
                text += os.read(reader, 1 << 16)
            except BlockingIOError:
                time.sleep(0.01)
        lines = text.decode().splitlines()
        times = [line.split(" ")[0] for line in lines]
        verdict.check(times == sorted(times), "the lines that are there are in order")
        told = [line for line in lines if "log lines were dropped" in line]
        verdict.check(told, "a line says how many are missing", lines[-3:])
        told = sum(int(line.rsplit("lines=", 1)[1]) for line in told)
        verdict.check(abs(told - dropped) <= 3, f"it says {told}", f"the metric said {dropped}")
        code, seconds = server.stop()
        verdict.check(code == 0, f"SIGTERM ends it with {code} after {seconds:.2f} s", "0")
    os.close(reader)

    with Quiet(options.binary, stderr=(pipe := os.pipe())[1], settings={"ALEXNET_LOG_MAX_BUFFERED_BYTES": "64KiB"}) as server:
        ask_often(server)
        code, seconds = server.stop()
        verdict.check(
            code == 0 and seconds < DRAIN_TIMEOUT, f"with the log still stuck SIGTERM ends it with {code} after {seconds:.2f} s",
            f"0 within {DRAIN_TIMEOUT} s")
    for end in pipe:
        os.close(end)


def stopped_terminal(verdict, options):
    verdict.section("a terminal that is stopped (Ctrl-S)")
    master, slave = pty.openpty()
    with Quiet(options.binary, stdout=slave, stderr=slave, settings={"ALEXNET_LOG_MAX_BUFFERED_BYTES": "64KiB"}) as server:
        os.write(master, b"\x13")
        answered, longest = ask_often(server, REQUESTS // 2)
        verdict.check(answered == REQUESTS // 2, f"{answered} of {REQUESTS // 2} requests are answered, the slowest in {longest:.3f} s")
        code, seconds = server.stop(signal.SIGINT)
        verdict.check(code == 0, f"SIGINT ends it with {code} after {seconds:.2f} s", "0")
    os.close(slave)
    os.close(master)


def full_output(verdict, options):
    verdict.section("standard output is a full pipe")
    reader, writer = os.pipe()
    fill(writer)
    with Quiet(options.binary, stdout=writer, stderr=writer) as server:
        answered, longest = ask_often(server, 400)
        verdict.check(answered == 400, f"{answered} of 400 requests are answered, the slowest in {longest:.3f} s")
        code, seconds = server.stop()
        verdict.check(code == 0, f"SIGTERM ends it with {code} after {seconds:.2f} s", "0")
    began = time.monotonic()
    failed = subprocess.Popen([str(options.binary), "serve", "--port", "99999"], stdout=writer, stderr=writer, cwd=ROOT)
    try:
        code = failed.wait(5)
    except subprocess.TimeoutExpired:
        code = None
        failed.kill()
        failed.wait()
    verdict.check(code == 2, f"a wrong configuration ends with {code} after {time.monotonic() - began:.2f} s", "2")
    os.close(reader)
    os.close(writer)


def load_under_way(verdict, options):
    verdict.section("a load that is under way")
    with Quiet(options.binary, "--models", ROOT / "weights") as server:
        code, seconds = server.stop()
        verdict.check(code == 0, f"at rest SIGTERM ends it with {code} after {seconds:.2f} s", "0")
    with tempfile.TemporaryDirectory(prefix="alexnet-operators-") as folder:
        # Loading takes many seconds: each model is read, checked and tuned.
        settings = {"ALEXNET_MODELS_TUNING_CACHE": f"{folder}/cache", "ALEXNET_MODELS_MEMORY_LIMIT": "64GiB"}
        for index in range(40):
            shutil.copytree(ROOT / "weights" / "fashion-mnist", Path(folder) / "models" / f"copy-{index:02}")
        with Quiet(options.binary, "--models", Path(folder) / "models", until="/healthz", settings=settings) as server:
            status = server.get("/readyz")[0]
            code, seconds = server.stop()
            verdict.check(status == 503, f"/readyz answers {status} while models are loaded", "503")
            verdict.check(code == 0 and seconds < 1, f"SIGTERM ends it with {code} after {seconds:.2f} s", "0 within a second")


def clients_that_hang(verdict, options):
    verdict.section("clients that do not go on")
    with Quiet(options.binary) as server:
        sockets = []
        for index in range(24):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", server.port))
            client.settimeout(1)
            head = "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
            try:
                if index % 3 == 0:
                    client.sendall(head[:20].encode())
                elif index % 3 == 1:
                    client.sendall(head.encode() + b"x" * 100)
                else:
                    # Responses that pile up because the client does not read them.
                    client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 400)
            except OSError:
                pass
            sockets.append(client)
        time.sleep(0.5)
        code, seconds = server.stop()
        verdict.check(
            code is not None and seconds <= DRAIN_TIMEOUT + 0.5, f"SIGTERM ends it with {code} after {seconds:.2f} s",
            f"within {DRAIN_TIMEOUT} s")
        for client in sockets:
            client.close()


def run(options, *arguments, folder=None, environment=None):
    """Run a command with a timeout: exit code, standard output, standard error and seconds."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("ALEXNET_")}
    began = time.monotonic()
    try:
        done = subprocess.run(
            [str(options.binary), *map(str, arguments)], capture_output=True, text=True, timeout=30,
            stdin=subprocess.DEVNULL, cwd=folder or ROOT, env=inherited | (environment or {}))
    except subprocess.TimeoutExpired:
        return None, "", "it goes on", 30
    return done.returncode, done.stdout, done.stderr, time.monotonic() - began


def mistakes_at_the_command_line(verdict, options):
    verdict.section("mistakes on the command line")
    weights = ROOT / "weights" / "fashion-mnist"
    checkpoint = next(path for path in sorted(weights.iterdir()) if path.suffix in (".pth", ".safetensors", ".npz"))
    classes = weights / "class_indices.json"
    image = ROOT / "docs" / "sneaker.png"
    with tempfile.TemporaryDirectory(prefix="alexnet-operators-") as name, socket.socket() as taken:
        folder = Path(name)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (folder / "empty").write_bytes(b"")
        (folder / "empty.pth").write_bytes(b"")
        (folder / "empty-folder").mkdir()
        (folder / "settings.json").write_text('{"server": {"port": 1}, "nonsense": {}}')
        (folder / "tabs.yaml").write_text("server:\n\tport: 1\n")
        (folder / "list.yaml").write_text("- server\n")
        (folder / "notes.txt").write_text("hello\n")
        (folder / "scans").mkdir()
        (folder / "scans" / "a.bmp").write_bytes(b"BM")
        (folder / "closed.png").write_bytes(image.read_bytes())
        mistakes = [
            # Arguments, exit code, and words that the message must contain.
            (["server"], 2, ["alexnet serve"]),
            (["predct", image], 2, ["alexnet predict"]),
            (["--serve"], 2, ["alexnet serve"]),
            (["--port", "9000"], 2, ["alexnet serve --port"]),
            ([image], 2, ["alexnet predict"]),
            (["serve", "--prot", "80"], 2, ["--port"]),
            (["serve", "--port", "99999"], 2, ["99999", "65535"]),
            (["serve", "--port", "-1"], 2, ['"-1"', "65535"]),
            (["serve", "--port", "http"], 2, ["http", "65535"]),
            (["serve", "--port", port], 1, [str(port), "in use"]),
            (["serve", "--host", "http://localhost"], 2, ["host", "http://localhost"]),
            (["serve", "--host", "localhost:8080"], 2, ["host", "port"]),
            (["serve", "--host", "203.0.113.77", "--port", "0"], 1, ["203.0.113.77"]),
            (["serve", "--config", folder / "none.yaml"], 2, ["none.yaml", "no such file"]),
            (["serve", "--config", folder], 2, [str(folder), "directory"]),
            (["serve", "--config", folder / "settings.json"], 2, ["nonsense"]),
            (["serve", "--config", folder / "tabs.yaml"], 2, ["tabs.yaml:2", "begins with a tab"]),
            (["serve", "--config", folder / "list.yaml"], 2, ["list.yaml", "mapping"]),
            (["serve", "--models", folder / "none"], 2, ["none", "--models"]),
            (["serve", "--models", folder / "notes.txt"], 2, ["notes.txt is a file"]),
            (["serve", "--models", folder / "empty-folder"], 2, ["no model folder"]),
            (["serve", "--models", weights], 2, [f"--models {weights.parent}"]),
            (["serve", "--checkpoint", classes, "--classes", checkpoint, "--port", "0"], 2, ["swapped"]),
            (["predict", image, "--checkpoint", classes, "--classes", checkpoint], 2, ["swapped"]),
            (["serve", "--checkpoint", folder / "none.pth", "--port", "0"], 2, ["none.pth", "--checkpoint"]),
            (["serve", "--checkpoint", checkpoint, "--classes", folder / "none.json", "--port", "0"], 2, ["none.json", "--classes"]),
            (["serve", "--checkpoint", folder / "empty.pth", "--classes", classes, "--port", "0"], 1, ["empty.pth", "empty"]),
            (["serve", "--checkpoint", weights, "--port", "0"], 1, ["--models", "folder"]),
            (["serve", "--default-model", "fasion-mnist", "--port", "0"], 2, ["fashion-mnist"]),
            (["predict", image, "--preprocessing", "imagnet"], 2, ["imagenet"]),
            (["predict", folder / "none.jpg"], 1, ["none.jpg", "No such file"]),
            (["predict", folder / "empty"], 1, ["empty"]),
            (["predict", folder / "empty-folder"], 1, ["no image"]),
            (["predict", folder / "scans"], 1, [".bmp"]),
            (["predict", folder / "notes.txt"], 1, ["JPEG, PNG or WebP"]),
            (["predict", checkpoint], 1, ["--checkpoint"]),
            (["predict", image, "--model", checkpoint], 1, ["--checkpoint"]),
            (["predict", image, "--model", folder / "none"], 1, ["none"]),
            (["predict", image, "--topk", "3"], 2, ["--top"]),
            (["inspect", folder / "none.pth"], 1, ["none.pth"]),
            (["inspect", folder / "empty"], 1, ["empty"]),
            (["inspect", image], 1, ["sneaker.png", "neither"]),
            (["convert", checkpoint, folder / "out.onnx"], 2, [".safetensors"]),
            (["convert", folder / "out.npz", checkpoint], 1, ["out.npz", "The input comes first"]),
            (["convert", checkpoint, folder / "nowhere" / "out.npz"], 1, ["nowhere"]),
            (["evaluate", "--data", folder / "none"], 1, ["none"]),
            (["evaluate", "--data", image], 1, ["sneaker.png", "it is a file"]),
            (["evaluate", "--data", "cifar10"], 1, ["cifar10:"]),
            (["doctor", "--config", folder / "none.yaml"], 1, ["none.yaml"]),
        ]
        for arguments, code, words in mistakes:
            found, output, error, seconds = run(options, *arguments)
            text = (output if arguments[0] in ("doctor", "predict") else "") + error
            missing = [word for word in words if word.lower() not in text.lower()]
            line = " ".join(str(argument).replace(name, "DIR").replace(str(ROOT), "REPO") for argument in arguments)
            verdict.check(
                found == code and not missing and seconds < 20, f"{code}  alexnet {line}",
                f"exit code {found} after {seconds:.1f} s; without {missing}:\n{text[-700:]}")
            if options.verbose:
                for told in text.splitlines():
                    verdict.note(told.replace(name, "DIR")[:400])


def mistakes_over_http(verdict, options):
    verdict.section("mistakes over HTTP")
    image = (ROOT / "docs" / "sneaker.png").read_bytes()
    form, form_type = multipart([image])
    import base64
    content = json.dumps({"image": base64.b64encode(image).decode()}).encode()
    with Quiet(options.binary, "--models", ROOT / "weights") as server:
        for method, path, body, kind, status, words in [
            ("GET", "/predict", None, None, 405, "use POST, as with curl -F image=@photo.jpg"),
            ("POST", "/predict/", image, None, 404, "did you mean POST /predict?"),
            ("POST", "//predict", image, None, 404, "did you mean POST /predict?"),
            ("POST", "/Predict", image, None, 404, "did you mean POST /predict?"),
            ("POST", "/v1/predict", image, None, 404, "did you mean POST /predict?"),
            ("POST", "/v1/models/fashion-mnist:predict", content, None, 404, "POST /v1/models/fashion-mnist/predict?"),
            ("POST", "/v1/models/fashion-mnist/reload", b"", None, 404, "admin.token_file"),
            ("POST", "/predict?topk=3", image, None, 400, "did you mean top"),
            ("POST", "/predict?k=3", image, None, 400, "did you mean top"),
            ("POST", "/predict?color=1", image, None, 400, "takes top"),
            ("POST", "/predict", content, None, 200, "Sneaker"),
            ("POST", "/predict", content, "application/x-www-form-urlencoded", 415, "send Content-Type: application/json"),
            ("POST", "/predict", image, "application/x-www-form-urlencoded", 415, "curl -F image=@photo.jpg"),
            ("POST", "/predict", b"GIF89a" + bytes(20), None, 415, "GIF"),
            ("POST", "/predict", b"", None, 400, "curl -F image=@photo.jpg"),
            ("POST", "/predict", form, form_type, 200, "Sneaker"),
            ("GET", "/v1/models/fasion-mnist", None, None, 404, 'did you mean "fashion-mnist"?'),
            ("GET", "/nothing", None, None, 404, "GET /openapi.json"),
        ]:
            connection = server.connect()
            found, fields, answer = exchange(connection, method, path, body, {"Content-Type": kind} if kind else {})
            connection.close()
            text = problem(fields, answer) or answer.decode(errors="replace")
            verdict.check(found == status and words in text, f"{status}  {method} {path}", f"{found}: {text[:500]}")
        code, seconds = server.stop()
        verdict.check(code == 0, f"the server is still well: it ends with {code} after {seconds:.2f} s", "0")


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--verbose", action="store_true", help="print the message of each mistake")
    options = parse(parser)
    verdict = Verdict()
    log_nobody_reads(verdict, options)
    stopped_terminal(verdict, options)
    full_output(verdict, options)
    load_under_way(verdict, options)
    clients_that_hang(verdict, options)
    mistakes_over_http(verdict, options)
    mistakes_at_the_command_line(verdict, options)
    verdict.finish()


if __name__ == "__main__":
    main()
