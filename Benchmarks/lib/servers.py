"""The servers that are compared: how each is started, queried, measured and stopped."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .machine import core_count
from .peers import Peer, clean_environment

START_SECONDS = 120
STOP_SECONDS = 15
BOUNDARY = "benchmark-7c1f0f0a"


class OurServer:
    """`alexnet serve`, configured by environment variables."""

    path = "/predict"
    form = "raw"
    is_ours = True

    def __init__(self, program, decode="exact", **settings):
        self.name = "alexnet" if decode == "exact" else f"alexnet, decode {decode}"
        self.decode = decode
        self.program = program
        self.settings = settings
        self.is_installed = True

    def prepare(self, materials):
        """Nothing to prepare."""

    def command(self, materials, port):
        return [str(self.program.binary), "serve", "--port", str(port), "--threads", str(core_count()),
                *map(str, self.program.model_arguments(materials))]

    def environment(self):
        return clean_environment(ALEXNET_LOG_ACCESS="false", ALEXNET_IMAGES_DECODE=self.decode, **self.settings)

    @property
    def versions(self):
        return {"alexnet": self.program.version}


class PeerServer:
    """A peer's `server.py`. `path` and `form` (raw body or form field) are its native interface."""

    is_ours = False
    decode = "exact"

    def __init__(self, peer, name, path, form):
        self.name = name
        self.path = path
        self.form = form
        self.peer = Peer(peer)
        self.is_installed = self.peer.is_installed

    def prepare(self, materials):
        """Run the peer's `prepare.py`, if it has one, before the first start with a model."""
        if (self.peer.folder / "prepare.py").exists():
            self.peer.run("prepare.py", "--model", materials.model)

    def command(self, materials, port):
        return self.peer.command(
            "server.py", "--model", materials.model, "--port", port, "--threads", core_count())

    def environment(self):
        return self.peer.settings()

    @property
    def versions(self):
        return self.peer.versions()


def make_servers(program, with_scaled_decoding):
    ours = [OurServer(program)]
    if with_scaled_decoding:
        ours.append(OurServer(program, decode="scaled"))
    return ours + [
        PeerServer("mosec-openvino", "mosec + OpenVINO", "/inference", "raw"),
        PeerServer("litserve-openvino", "LitServe + OpenVINO", "/predict", "form"),
        PeerServer("torchserve", "TorchServe", "/predictions/model", "raw"),
        PeerServer("fastapi-onnxruntime", "FastAPI + ONNX Runtime", "/predict", "form"),
    ]


class DidNotStart(Exception):
    """The server exited or never answered. The message ends with its log."""


class RunningServer:
    """A contender's server from exec to exit, in its own working directory, its processes in their own session."""

    def __init__(self, contender, materials, image):
        self.contender = contender
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="benchmark-")
        self.log = Path(self.folder.name) / "log"
        environment = contender.environment() | {"TMPDIR": self.folder.name}
        with self.log.open("w") as log:
            started = time.perf_counter()
            self.process = subprocess.Popen(
                contender.command(materials, self.port), env=environment, cwd=self.folder.name,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            self._await_answer(image, started + START_SECONDS)
        except BaseException:
            self.stop()
            raise
        self.seconds_to_first_answer = time.perf_counter() - started

    def _await_answer(self, image, deadline):
        while time.perf_counter() < deadline and self.process.poll() is None:
            try:
                self.ask(image)
                return
            except (OSError, http.client.HTTPException, RefusedError):
                time.sleep(0.005)
        raise DidNotStart(f"{self.contender.name} did not start:\n{self.log.read_text()[-3000:]}")

    def ask(self, image):
        """POST an image; the index and probability of its top five classes."""
        content, kind = image.read_bytes(), "image/jpeg"
        if self.contender.form == "form":
            content, kind = multipart(content)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("POST", self.contender.path, content, {"Content-Type": kind})
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RefusedError(f"{self.contender.name} answers {response.status}: {body[:300]!r}")
        return [(entry["index"], entry["probability"]) for entry in json.loads(body)["top"]]

    def memory(self):
        """PSS of all its processes, in bytes. Pages that they share are counted once."""
        total = 0
        for process in self._processes():
            try:
                text = Path(f"/proc/{process}/smaps_rollup").read_text()
                total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1]) * 1024
            except (OSError, TypeError):
                continue  # it has exited
        return total

    def _processes(self):
        """The ids of the processes in its session."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    session = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[3])
                except OSError:
                    continue
                if session == self.process.pid:
                    found.append(int(entry.name))
        return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        for process in self._processes():
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class RefusedError(Exception):
    """A response whose status is not 200."""


def multipart(image):
    """The body and Content-Type of a multipart form with the image as a file."""
    head = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="image.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n")
    return head.encode() + image + f"\r\n--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
