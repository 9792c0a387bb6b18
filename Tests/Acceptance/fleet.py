#!/usr/bin/env python3
"""Three servers behind HAProxy and behind nginx, with the files in `deploy/`, under load: no request of a client fails.

The servers listen on three loopback addresses and have folders of models of their own. While clients send images, one server is
killed, one is stopped by SIGTERM, and one is stopped and started again; then the weights of all three are replaced, one after the
other, by switching a symbolic link between immutable folders. Each answer names its version, and only versions that a server had at
that time occur. Wants Debian's haproxy and nginx.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

from acceptance import ROOT, Verdict, make_parser, parse

HOSTS = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
PORT = 18081
FRONT = 18080
IMAGE = (ROOT / "docs" / "dress.jpg").read_bytes()
MODEL = ROOT / "weights" / "fashion-mnist"
CLIENTS = 6


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def answers(host, port, path="/readyz"):
    try:
        connection = HTTPConnection(host, port, timeout=2)
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False


class Replica:
    """A server with a folder of models, in which `clothes` is a link to one of two immutable versions."""

    def __init__(self, binary, host, folder):
        self.binary, self.host, self.folder = binary, host, folder
        self.models = folder / host
        for version, name in (("a", "T-shirt/top"), ("b", "Tee")):
            target = self.models / ".versions" / f"clothes-{version}"
            shutil.copytree(MODEL, target)
            classes = target / "class_indices.json"
            classes.write_text(json.dumps(json.loads(classes.read_text()) | {"0": name}))
        self.switch("a")
        self.process = None

    def switch(self, version):
        """Atomically: a new link takes the old one's name."""
        link = self.models / ".next"
        link.symlink_to(f".versions/clothes-{version}")
        link.replace(self.models / "clothes")

    def start(self):
        log = open(self.folder / f"{self.host}.log", "a")
        self.process = subprocess.Popen(
            [
                str(self.binary), "serve", "--host", self.host, "--port", str(PORT), "--models", str(self.models), "--threads", "1",
            ],
            stdout=subprocess.DEVNULL, stderr=log,
            env={key: value for key, value in os.environ.items() if not key.startswith("ALEXNET_")} | {
                "ALEXNET_SERVER_DRAIN_DELAY": "3s", "ALEXNET_SERVER_TRUSTED_PROXIES": "127.0.0.0/8",
            },
        )

    def version(self):
        """The version that serves, by the server's own word."""
        try:
            connection = HTTPConnection(self.host, PORT, timeout=2)
            connection.request("GET", "/v1/models/clothes")
            return json.loads(connection.getresponse().read()).get("version")
        except (OSError, ValueError):
            return None

    def ready(self):
        return wait_for(lambda: answers(self.host, PORT), 60)

    def stop(self, number):
        self.process.send_signal(number)
        return self.process.wait(40)


class Load:
    """Clients that send images through the proxy until they are told to stop."""

    def __init__(self):
        self.counts, self.failures, self.lock = Counter(), [], threading.Lock()
        self.going = True
        self.threads = [threading.Thread(target=self.client) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def client(self):
        connection = None
        while self.going:
            try:
                connection = connection or HTTPConnection("127.0.0.1", FRONT, timeout=30)
                connection.request("POST", "/predict", IMAGE, {"Content-Type": "image/jpeg"})
                response = connection.getresponse()
                body = response.read()
                outcome = (response.status, json.loads(body).get("version") if response.status == 200 else body[:200])
                if response.will_close:
                    connection = None
            except (OSError, ValueError) as error:
                connection, outcome = None, (0, repr(error))
            with self.lock:
                self.counts[outcome] += 1
                if outcome[0] != 200:
                    self.failures.append(outcome)
            time.sleep(0.01)

    def taken(self):
        """What was answered since the last call: how often each outcome."""
        with self.lock:
            counts, self.counts = self.counts, Counter()
        return counts

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join()


def configure(text):
    for index, host in enumerate(HOSTS, 1):
        text = text.replace(f"10.0.0.{index}:8080", f"{host}:{PORT}")
    return text


def haproxy(folder):
    path = folder / "haproxy.cfg"
    path.write_text(configure((ROOT / "deploy/haproxy/haproxy.cfg").read_text()).replace("bind :80", f"bind 127.0.0.1:{FRONT}"))
    return ["haproxy", "-db", "-f", str(path)]


def nginx(folder):
    path = folder / "nginx.conf"
    site = configure((ROOT / "deploy/nginx/alexnet.conf").read_text()).replace("listen 80;", f"listen 127.0.0.1:{FRONT};")
    path.write_text(f"""daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{site}
}}
""")
    return ["nginx", "-p", str(folder), "-c", str(path), "-e", f"{folder}/nginx.log"]


def try_proxy(verdict, name, command, replicas):
    verdict.section(name)
    proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    load = None
    try:
        for replica in replicas:
            replica.switch("a")
            replica.start()
        if not verdict.check(all(replica.ready() for replica in replicas), "three servers are ready"):
            return
        verdict.check(wait_for(lambda: answers("127.0.0.1", FRONT, "/healthz")), "the proxy passes requests on")
        time.sleep(1.5)  # a health check of HAProxy
        load = Load()

        def phase(text, seconds):
            time.sleep(seconds)
            counts = load.taken()
            good = sum(count for (status, _), count in counts.items() if status == 200)
            bad = {outcome: count for outcome, count in counts.items() if outcome[0] != 200}
            verdict.check(good > 0 and not bad, f"{text}: {good} answers, {sum(bad.values())} failures", bad)
            return {version for (status, version), _ in counts.items() if status == 200}

        first = phase("undisturbed", 2)
        replicas[0].stop(signal.SIGKILL)
        phase("one server killed by SIGKILL", 3)
        replicas[0].start()
        replicas[0].ready()
        phase("and started again", 2)
        code = replicas[1].stop(signal.SIGTERM)
        verdict.check(code == 0, "one server drained by SIGTERM ends with 0", code)
        phase("while and after it drained", 2)
        replicas[1].start()
        replicas[1].ready()
        code = replicas[2].stop(signal.SIGTERM)
        replicas[2].start()
        verdict.check(code == 0 and replicas[2].ready(), "one server stopped and started, as for an upgrade")
        phase("meanwhile", 2)
        for replica in replicas:
            before = replica.version()
            replica.switch("b")
            changed = wait_for(lambda: replica.version() not in (None, before))
            verdict.check(changed, f"{replica.host} follows the link to its new version")
            seen = phase("meanwhile", 0.5)
            verdict.check(len(seen | first) <= 2, "every answer names one of the two versions", seen)
        last = phase("after the roll-out", 1)
        verdict.check(len(last) == 1 and last != first, "all servers have the new version", (first, last))
        load.stop()
        verdict.check(not load.failures, "no request of a client failed", load.failures[:10])
    finally:
        if load:
            load.stop()
        proxy.terminate()
        proxy.wait(20)
        for replica in replicas:
            if replica.process and replica.process.poll() is None:
                replica.process.kill()
                replica.process.wait()


def main():
    options = parse(make_parser(__doc__.splitlines()[0]))
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-fleet-") as folder:
        folder = Path(folder)
        folder.chmod(0o755)
        replicas = [Replica(options.binary, host, folder) for host in HOSTS]
        for name, command in (("HAProxy", haproxy(folder)), ("nginx", nginx(folder))):
            if shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin"):
                command[0] = shutil.which(command[0], path=os.environ["PATH"] + ":/usr/sbin")
                try_proxy(verdict, name, command, replicas)
            else:
                verdict.note(f"{name} is not installed: left out")
    verdict.finish()


if __name__ == "__main__":
    main()
