#!/usr/bin/env python3
"""Resource limits (file descriptors, threads), and unusual contents of the models directory.

    too few descriptors   connections use up theirs: a new version is still loaded, and no reload fails
    no threads            serve, predict and doctor exit within seconds with code 1 and one sentence
    several folders       the log names the default model, and the setting that pins it
    links and FIFOs       a symbolic link out of the directory and a FIFO are refused; clients see neither path nor content
"""

import ctypes
import errno
import json
import os
import platform
import resource
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from acceptance import Server, Verdict, make_parser, parse

WEIGHTS = Path(__file__).resolve().parents[2] / "weights" / "fashion-mnist"
DESCRIPTORS = 96
CLIENTS = 200
LONGEST_REFUSAL = 5.0
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435
CLONE_THREAD = 0x10000
# An unused user id: RLIMIT_NPROC counts all processes of a user.
USER = 54321


def deny_threads():
    """Install a seccomp filter like that of old container runtimes: clone3, and clone of a thread, fail with EPERM."""
    denied, allowed = 0x00050000 | errno.EPERM, 0x7FFF0000
    load, equal, is_set, give = 0x20, 0x15, 0x45, 0x06
    program = [
        (load, 0, 0, 0),
        (equal, 4, 0, CLONE3),
        (equal, 0, 2, CLONE[platform.machine()]),
        (load, 0, 0, 16),
        (is_set, 1, 0, CLONE_THREAD),
        (give, 0, 0, allowed),
        (give, 0, 0, denied),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(header), 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def limit_processes():
    """Allow no thread beyond the first. Root is exempt from RLIMIT_NPROC, so it becomes another user."""
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    if os.getuid() == 0:
        os.setgid(USER)
        os.setuid(USER)


def reloads(server):
    text = server.get("/metrics")[2].decode()
    lines = [line for line in text.splitlines() if line.startswith("alexnet_model_reloads_total{")]
    return {line.split('outcome="')[1].split('"')[0]: float(line.split()[-1]) for line in lines}


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return True
        except OSError:
            pass
        time.sleep(0.1)
    return False


def change_version(folder):
    """Make another version: the digest covers the class map too."""
    temporary = folder / ".new"
    temporary.write_bytes((folder / "class_indices.json").read_bytes() + b"\n")
    os.rename(temporary, folder / "class_indices.json")


def try_descriptors(options, verdict, folder):
    wrapper = folder / "few-descriptors"
    wrapper.write_text(f'#!/bin/sh\nulimit -n {DESCRIPTORS}\nexec "{Path(options.binary).resolve()}" "$@"\n')
    wrapper.chmod(0o755)
    models = folder / "few"
    shutil.copytree(WEIGHTS, models / "fashion-mnist")
    with Server(wrapper, "--models", models, environment={"ALEXNET_MODELS_RELOAD_INTERVAL": "100ms"}) as server:
        clients = []
        for _ in range(CLIENTS):
            client = socket.socket()
            client.settimeout(5)
            client.connect((server.host, server.port))
            clients.append(client)
        time.sleep(2)
        change_version(models / "fashion-mnist")
        loaded = wait_for(lambda: server.log().count("model loaded") == 2)
        verdict.check(loaded, f"{DESCRIPTORS} descriptors, {CLIENTS} clients: a new version is loaded all the same", "loaded")
        for client in clients:
            client.close()
        counts = {}
        wait_for(lambda: counts.update(reloads(server)) or counts)
        verdict.check(counts.get("failure") == 0, f"reloads by outcome: {counts}", "no failure")
        verdict.check(counts.get("success") == 1, f"reloads that served another version: {counts.get('success')}", "1")


def try_threads(options, verdict, folder):
    image = Path(__file__).resolve().parents[2] / "docs" / "sneaker.png"
    # A folder that another user can read.
    home = Path(tempfile.mkdtemp(prefix="alexnet-threads-"))
    home.chmod(0o755)
    binary = Path(shutil.copy(options.binary, home))
    binary.chmod(0o755)
    for name, deny in [("a sandbox without clone3", deny_threads), ("a limit of processes", limit_processes)]:
        if deny is deny_threads and platform.machine() not in CLONE:
            continue
        for command in (["serve", "--port", "0", "--models", WEIGHTS.parent], ["predict", image, "--model", WEIGHTS], ["doctor"]):
            environment = {key: value for key, value in os.environ.items() if not key.startswith("ALEXNET_")}
            start = time.monotonic()
            try:
                run = subprocess.run(
                    [str(binary), *map(str, command)], preexec_fn=deny, capture_output=True, text=True,
                    timeout=20, cwd=home, env=environment,
                )
            except subprocess.TimeoutExpired:
                verdict.check(False, f"{command[0]} with {name}: still running after 20 s", "an end")
                continue
            seconds = time.monotonic() - start
            lines = (run.stdout + run.stderr).strip().splitlines()
            said = lines and "thread" in lines[-1] and len(lines) == 1
            verdict.check(
                run.returncode == 1 and said and seconds < LONGEST_REFUSAL,
                f"{command[0]} with {name}: exit code {run.returncode} after {seconds:.1f} s: {lines}", "1, one sentence",
            )
    shutil.rmtree(home)


def try_directory(options, verdict, folder):
    models = folder / "several"
    for name in ("aaa", "fashion-mnist", "link", "pipe"):
        shutil.copytree(WEIGHTS, models / name)
    secret = folder / "secret.txt"
    secret.write_text("root:x:secret\n")
    for name in ("link", "pipe"):
        (models / name / "fashion-mnist.pth").unlink()
    (models / "link" / "fashion-mnist.pth").symlink_to(secret)
    os.mkfifo(models / "pipe" / "fashion-mnist.pth")
    with Server(options.binary, "--models", models) as server:
        # The log is written by its own thread, possibly a moment after the server is ready.
        wait_for(lambda: " ready " in server.log())
        ready = [line for line in server.log().splitlines() if " ready " in line]
        verdict.check(ready and "default=aaa" in ready[-1], f"the line of the log that says ready: {ready}", "the default's name")
        verdict.check("models.default pins" in server.log(), "the log says how to pin the default", "models.default")
        listing = {model["name"]: model for model in json.loads(server.get("/v1/models")[2])["models"]}
        for name in ("link", "pipe"):
            answers = json.dumps(listing[name]) + server.get(f"/v2/models/{name}/ready")[2].decode()
            verdict.check(
                not listing[name]["ready"] and "secret" not in answers and "/tmp" not in answers and "72 6f" not in answers,
                f"{name}: {listing[name].get('reason')}", "refused, without path and content",
            )


def main():
    options = parse(make_parser(__doc__))
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="alexnet-limits-") as folder:
        try_threads(options, verdict, Path(folder))
        try_descriptors(options, verdict, Path(folder))
        try_directory(options, verdict, Path(folder))
    verdict.finish()


if __name__ == "__main__":
    main()
