#!/usr/bin/env python3
"""The program under load while everything around it goes wrong.

Clients ask for predictions all the time, over connections that are kept, and of another kind that breaks off in the middle. Meanwhile:
weights are replaced, removed, cut off and copied over slowly; descriptors run out; the disk of the models is full; the process is stopped and
continued; its memory is limited by a control group; it is killed and started again. After each trouble the server must be alive, ready
again within seconds, and answer rightly; at the end nothing may be left over. What needs root is skipped without it, and said. A log that
nobody reads is in operators.py.
"""

import hashlib
import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from acceptance import ROOT, Server, Verdict, exchange, make_parser, parse
from advisories import descriptors


class Clients:
    """Ask for one image again and again, and count what comes; every 200 must be the image's class by a version that existed."""

    def __init__(self, image, expected, count=6):
        self.image, self.expected = image, expected
        self.server, self.versions = None, set()
        self.statuses, self.wrong, self.lost = {}, [], 0
        self.done, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=self.polite, daemon=True) for _ in range(count)]
        self.threads += [threading.Thread(target=self.rude, daemon=True) for _ in range(2)]

    def start(self, server):
        self.server = server
        for thread in self.threads:
            thread.start()

    def polite(self):
        connection, server = None, None
        while not self.done.is_set():
            if connection is None or server is not self.server:
                server = self.server
                connection = server.connect(timeout=10)
            try:
                status, _, body = exchange(connection, "POST", "/predict", self.image, {"Content-Type": "image/png"})
                with self.lock:
                    self.statuses[status] = self.statuses.get(status, 0) + 1
                if status == 200:
                    answer = json.loads(body)
                    if answer["class"] != self.expected:
                        self.wrong.append(answer)
                    self.versions.add(answer["version"])
            except Exception:  # a connection that broke: http.client has many errors for that
                self.lost += 1
                connection.close()
                connection = None
                time.sleep(0.01)

    def rude(self):
        chance = random.Random(1)
        while not self.done.is_set():
            try:
                with socket.create_connection((self.server.host, self.server.port), timeout=1) as connection:
                    whole = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(self.image) + self.image
                    connection.sendall(whole[:chance.randrange(len(whole) + 1)])
                    if chance.random() < 0.5:
                        time.sleep(chance.random() / 20)
            except OSError:
                time.sleep(0.01)

    def answered(self):
        return self.statuses.get(200, 0)


def is_ready(server, within=5):
    """Whether the server answers /readyz with 200 in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            connection = server.connect(timeout=1)
            status = exchange(connection, "GET", "/readyz")[0]
            connection.close()
            if status == 200:
                return True
        except OSError:
            pass
        time.sleep(0.02)
    return False


class Trouble:
    """What the troubles need."""

    def __init__(self, options, folder, clients, verdict):
        self.options, self.folder, self.clients, self.verdict = options, folder, clients, verdict
        self.models = folder / "models"
        self.model = self.models / "fashion-mnist"
        self.weights = next(path for path in self.model.iterdir() if path.suffix in (".pth", ".safetensors"))
        self.whole = self.weights.read_bytes()
        self.classes = (self.model / "class_indices.json").read_bytes()
        self.written = set()
        self.put(self.whole)
        self.server = None

    def serve(self):
        environment = {"ALEXNET_MODELS_RELOAD_INTERVAL": "50ms", "ALEXNET_SERVER_BODY_TIMEOUT": "2s", "ALEXNET_SERVER_HEADER_TIMEOUT": "2s"}
        self.server = Server(self.options.binary, "--models", self.models, environment=environment)
        self.clients.server = self.server

    def put(self, content):
        """Another file takes the place of the weights. A blank more in the class map makes each whole one another version."""
        new = self.folder / "new"
        if content is self.whole:
            classes = self.classes + b" " * len(self.written)
            new.write_bytes(classes)
            os.replace(new, self.model / "class_indices.json")
            files = (self.model / "model.json").read_bytes() + classes + content
            self.written.add(hashlib.sha256(files).hexdigest()[:12])
        new.write_bytes(content)
        os.replace(new, self.weights)

    # Each of these lasts for a while; afterwards everything must be as before.

    def weights_come_and_go(self):
        """weights are replaced, removed, cut off and copied over slowly"""
        end = time.monotonic() + self.options.seconds
        chance = random.Random(2)
        while time.monotonic() < end:
            kind = chance.randrange(5)
            if kind == 0:
                self.put(self.whole)
            elif kind == 1:
                self.weights.unlink(missing_ok=True)
            elif kind == 2:
                self.put(self.whole[:chance.randrange(len(self.whole))])
            elif kind == 3:
                with open(self.weights, "wb") as file:
                    for start in range(0, len(self.whole), len(self.whole) // 8):
                        file.write(self.whole[start:start + len(self.whole) // 8])
                        file.flush()
                        time.sleep(0.03)
            else:
                self.put(os.urandom(4096))
            time.sleep(chance.random() / 4)
        self.put(self.whole)

    def descriptors_run_out(self):
        """descriptors run out"""
        held = []
        soft, hard = resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE, (descriptors(self.server.process) + 4, hard))
        try:
            end = time.monotonic() + self.options.seconds
            while time.monotonic() < end:
                try:
                    held.append(socket.create_connection((self.server.host, self.server.port), timeout=0.2))
                except OSError:
                    pass
                if len(held) > 200:
                    held.pop(0).close()
                time.sleep(0.005)
        finally:
            resource.prlimit(self.server.process.pid, resource.RLIMIT_NOFILE, (soft, hard))
            for connection in held:
                connection.close()

    def stopped_and_continued(self):
        """the process is stopped and continued"""
        end = time.monotonic() + self.options.seconds
        while time.monotonic() < end:
            self.server.process.send_signal(signal.SIGSTOP)
            time.sleep(0.7)
            self.server.process.send_signal(signal.SIGCONT)
            time.sleep(0.3)

    def disk_is_full(self):
        """the disk of the models is full"""
        if os.geteuid() != 0:
            return "skipped: it wants root"
        disk = self.folder / "disk"
        disk.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True).returncode:
            return "skipped: no file system can be mounted here"
        try:
            shutil.copytree(self.model, disk / "second")
            (self.models / "second").symlink_to(disk / "second")
            end = time.monotonic() + self.options.seconds
            while time.monotonic() < end:
                try:
                    (disk / "filler").write_bytes(b"\0" * (64 << 20))
                except OSError:
                    pass
                try:
                    (disk / "second" / self.weights.name).write_bytes(self.whole + b"\0")
                except OSError:
                    pass
                time.sleep(0.3)
                (disk / "filler").unlink()
                time.sleep(0.2)
        finally:
            (self.models / "second").unlink(missing_ok=True)
            time.sleep(0.3)
            subprocess.run(["umount", "-l", disk], capture_output=True)
        return None

    def memory_is_limited(self):
        """a control group leaves little more memory than the server has"""
        group = Path("/sys/fs/cgroup/alexnet-chaos")
        try:
            group.mkdir(exist_ok=True)
            (group / "cgroup.procs").write_text(str(self.server.process.pid))
            (group / "memory.max").write_text(str(self.server.resident_bytes()[0] + (96 << 20)))
        except OSError as error:
            return f"skipped: {error}"
        try:
            end = time.monotonic() + self.options.seconds
            body = b"\x89PNG\r\n\x1a\n" + os.urandom(8 << 20)
            while time.monotonic() < end:
                for _ in range(8):
                    try:
                        connection = self.server.connect(timeout=5)
                        exchange(connection, "POST", "/predict", body, {"Content-Type": "image/png"})
                        connection.close()
                    except OSError:
                        pass
                try:
                    self.put(self.whole)
                except OSError:
                    pass
        finally:
            try:
                (group / "memory.max").write_text("max")
                (group.parent / "cgroup.procs").write_text(str(self.server.process.pid))
                group.rmdir()
            except OSError:
                pass
        return None

    def killed_and_started(self):
        """it is killed and started again, while weights are being replaced"""
        slowest = 0.0
        for _ in range(self.options.kills):
            writer = threading.Thread(target=lambda: self.put(self.whole))
            writer.start()
            self.server.process.send_signal(signal.SIGKILL)
            self.server.wait()
            writer.join()
            self.serve()
            slowest = max(slowest, self.server.seconds_until_ready)
            time.sleep(0.2)
        self.verdict.check(slowest <= self.options.start, f"ready {slowest:.2f} s after a start, at most {self.options.start:.1f} s")


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="how long each trouble lasts")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--start", type=float, default=1, help="the longest time from a start to readiness; more for a build that is not optimised")
    options = parse(parser)
    verdict = Verdict()
    image = (ROOT / "docs/sneaker.png").read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shutil.copytree(ROOT / "weights/fashion-mnist", folder / "models/fashion-mnist")
        clients = Clients(image, "Sneaker")
        trouble = Trouble(options, folder, clients, verdict)
        trouble.serve()
        clients.start(trouble.server)
        time.sleep(1)
        for cause in (trouble.weights_come_and_go, trouble.descriptors_run_out, trouble.stopped_and_continued, trouble.disk_is_full,
                      trouble.memory_is_limited, trouble.killed_and_started):
            verdict.section(cause.__doc__)
            before, pid = clients.answered(), trouble.server.process.pid
            skipped = cause()
            if skipped:
                verdict.note(skipped)
                continue
            alive = trouble.server.process.poll() is None
            verdict.check(alive and (trouble.server.process.pid == pid or cause == trouble.killed_and_started), "the server is alive",
                          trouble.server.log()[-2000:])
            if not alive:
                verdict.finish()
            verdict.check(is_ready(trouble.server), "it is ready within 5 s afterwards")
            now = clients.answered()
            time.sleep(1)
            verdict.check(clients.answered() > now, f"it answers: {now - before} times meanwhile, {clients.answered() - now} times in the second after")
        verdict.section("The end")
        server = trouble.server
        clients.done.set()
        for thread in clients.threads:
            thread.join(12)
        time.sleep(3)
        verdict.check(not clients.wrong, f"each of {clients.answered():,} answers is right", clients.wrong[:3])
        verdict.check(
            1 < len(clients.versions) and clients.versions <= trouble.written,
            f"they are by {len(clients.versions)} versions, each one that was written whole, of {len(trouble.written)}", clients.versions - trouble.written)
        verdict.note(f"{clients.lost} connections broke while the process was killed or had no descriptor")
        unknown = set(clients.statuses) - {200, 408, 429, 503, 504}
        verdict.check(not unknown, f"the other statuses are {({status: count for status, count in clients.statuses.items() if status != 200})}", f"{unknown}")
        metrics = server.metrics()
        verdict.check(metrics.total("alexnet_queue_depth") == 0, "the queue is empty")
        verdict.check(metrics.total("alexnet_http_connections") <= 1, "no connection is left but the one that asks")
        verdict.check(len(descriptors_of_sockets(server)) <= 3, f"{len(descriptors_of_sockets(server))} sockets are open")
        server.terminate()
        verdict.check(server.wait(30) == 0, "SIGTERM ends it with 0")
    verdict.finish()


def descriptors_of_sockets(server):
    folder = Path(f"/proc/{server.process.pid}/fd")
    return [path for path in folder.iterdir() if path.is_symlink() and os.readlink(path).startswith("socket:")]


if __name__ == "__main__":
    main()
