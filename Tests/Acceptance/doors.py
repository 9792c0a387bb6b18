#!/usr/bin/env python3
"""Denial of service by one client, and what a well-behaved client gets meanwhile.

During each attack a good client requests predictions, each over a new connection. At least 90 % of its requests must be answered
with 200 within 2 s, and the server must be ready afterwards.

An attack is a function of the server and an event. It attacks until the event is set, closes its connections, and returns a note
to print. To add one, write it and add it to ATTACKS. `--only NAME` runs one of them.
"""

import random
import socket
import tempfile
import threading
import time
from pathlib import Path

from acceptance import ROOT, Server, Verdict, exchange, make_parser, parse

GOOD_SHARE = 0.9
PATIENCE = 2.0


class GoodClient(threading.Thread):
    """Sends a request every 50 ms with a timeout of 2 s, and records latencies and failures."""

    def __init__(self, server, image, done, source):
        super().__init__(daemon=True)
        self.server, self.image, self.done, self.source = server, image, done, source
        self.seconds, self.failures = [], []

    def run(self):
        while not self.done.is_set():
            start = time.monotonic()
            try:
                status = self.ask()
            except OSError as error:
                status = f"{type(error).__name__}: {error}"
            elapsed = time.monotonic() - start
            if status == 200 and elapsed <= PATIENCE:
                self.seconds.append(elapsed)
            else:
                self.failures.append(status)
            self.done.wait(max(0.0, 0.05 - elapsed))

    def ask(self):
        connection = self.server.connect(timeout=PATIENCE)
        connection.source_address = (self.source, 0)
        try:
            return exchange(connection, "POST", "/predict", self.image, {"Content-Type": "image/png"})[0]
        finally:
            connection.close()


def dial(server, source="127.0.0.1"):
    """A connection with short timeouts."""
    connection = socket.create_connection((server.host, server.port), timeout=1, source_address=(source, 0))
    connection.settimeout(0.2)
    return connection


def try_send(connection, data):
    """Send; whether the connection still accepted the bytes."""
    try:
        connection.sendall(data)
        return True
    except OSError:
        return False


def upload_head(length, kind="application/octet-stream"):
    return (
        f"POST /predict HTTP/1.1\r\nHost: doors\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def keep_open(server, done, count, first, then=None, every=0.5, source="127.0.0.1"):
    """Keep `count` connections open that send `first`, then `then` every `every` seconds. Closed ones are reopened."""
    held, opened = [], 0
    try:
        while not done.is_set():
            while len(held) < count and not done.is_set():
                try:
                    connection = dial(server, source)
                except OSError:
                    break
                opened += 1
                if not first or try_send(connection, first):
                    held.append(connection)
                else:
                    connection.close()
            alive = []
            for connection in held:
                if is_open(connection) and (then is None or try_send(connection, then)):
                    alive.append(connection)
                else:
                    connection.close()
            held = alive
            done.wait(every)
    finally:
        for connection in held:
            connection.close()
    return f"{opened} connections"


def is_open(connection):
    """Whether the server has neither answered nor closed."""
    try:
        connection.setblocking(False)
        connection.recv(1, socket.MSG_PEEK)
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        connection.settimeout(0.2)


def silent_connections(server, done):
    """1,200 connections that never send a byte: more than the limit."""
    return keep_open(server, done, 1200, b"")


def silent_flood(server, done):
    """New silent connections as fast as possible, from one address."""
    opened = 0
    held = []
    while not done.is_set():
        try:
            held.append(dial(server, "127.0.0.2"))
            opened += 1
        except OSError:
            pass
        if len(held) > 600:
            held.pop(random.randrange(len(held))).close()
    for connection in held:
        connection.close()
    return f"{opened} connections"


def slow_heads(server, done):
    """Slowloris: 1,100 requests whose header fields never end, a byte every half second."""
    return keep_open(server, done, 1100, b"GET /predict HTTP/1.1\r\nHost: doors\r\nX: ", b"x")


def announced_bodies(server, done):
    """16 bodies of 32 MiB that stall after 129 KiB."""
    return keep_open(server, done, 16, upload_head(32 << 20) + bytes(129 << 10))


def many_announced_bodies(server, done):
    """400 bodies of 32 MiB that stall after 129 KiB."""
    return keep_open(server, done, 400, upload_head(32 << 20) + bytes(129 << 10))


def nearly_whole_bodies(server, done):
    """16 bodies of 32 MiB that lack their last byte: they exhaust the budget for buffered bodies."""
    connections = []

    def fill(index):
        connection = dial(server)
        connection.settimeout(5)
        connections.append(connection)
        if try_send(connection, upload_head(32 << 20)):
            for _ in range(511):
                if done.is_set() or not try_send(connection, bytes(1 << 16)):
                    break
            try_send(connection, bytes((1 << 16) - 1))

    threads = [threading.Thread(target=fill, args=(index,), daemon=True) for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    done.wait()
    for connection in connections:
        connection.close()
    return f"{len(connections)} connections"


def slow_uploads(server, done):
    """256 uploads of 4 KB/s each."""
    return keep_open(server, done, 256, upload_head(8 << 20), bytes(2048))


def slow_uploads_in_chunks(server, done):
    """256 uploads in one-byte chunks."""
    head = b"POST /predict HTTP/1.1\r\nHost: doors\r\nTransfer-Encoding: chunked\r\n\r\n"
    return keep_open(server, done, 256, head, b"1\r\nx\r\n" * 50, every=0.2)


def header_floods(server, done):
    """Heads with as many short fields as fit, over 8 connections without a pause."""
    return flood(server, done, 8, b"GET /predict HTTP/1.1\r\nHost: doors\r\n" + b"a:\r\n" * 250_000 + b"\r\n")


def trailer_floods(server, done):
    """As many short trailer fields as fit, after the last chunk."""
    head = b"POST /predict HTTP/1.1\r\nHost: doors\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    return flood(server, done, 8, head + b"a:\r\n" * 250_000 + b"\r\n")


def part_floods(server, done):
    """Forms with as many parts as fit, each with as many short fields as fit."""
    part = b"--b\r\n" + b"a:\r\n" * 100 + b"\r\n\r\n"
    body = part * 20_000 + b"--b--\r\n"
    return flood(server, done, 8, upload_head(len(body), "multipart/form-data; boundary=b") + body)


def flood(server, done, count, data):
    """`count` threads that send `data` on new connections over and over, whatever the answer."""
    sent = []

    def one():
        while not done.is_set():
            try:
                connection = dial(server)
            except OSError:
                continue
            if try_send(connection, data):
                sent.append(True)
            try:
                connection.recv(4096)
            except OSError:
                pass
            connection.close()

    threads = [threading.Thread(target=one, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{len(sent)} sent whole"


def beginnings(server, done):
    """1,100 requests that stop after their first byte, all reopened every half second."""
    opened = 0
    while not done.is_set():
        held = []
        for _ in range(1100):
            if done.is_set():
                break
            try:
                connection = dial(server)
            except OSError:
                continue
            held.append(connection)
            try_send(connection, b"G")
        opened += len(held)
        done.wait(0.5)
        for connection in held:
            connection.close()
    return f"{opened} connections"


def crowd_of_one_address(server, done):
    """One address sends requests over a thousand connections and keeps them open."""
    held = []
    while not done.is_set():
        try:
            connection = dial(server, "127.0.0.2")
            held.append(connection)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: doors\r\n\r\n")
            connection.recv(4096)
        except OSError:
            pass
        if len(held) > 1000:
            held.pop(0).close()
    for connection in held:
        connection.close()
    return f"{len(held)} connections at last"


def few_descriptors(server, done):
    """1,200 silent connections to a server that may open 64 file descriptors."""
    return keep_open(server, done, 1200, b"")


# `ulimit -n` of the server.
few_descriptors.open_files = 64

ATTACKS = [
    silent_connections, silent_flood, slow_heads, announced_bodies, many_announced_bodies, nearly_whole_bodies, slow_uploads,
    slow_uploads_in_chunks, header_floods, trailer_floods, part_floods, beginnings, crowd_of_one_address,
    few_descriptors,
]

# The largest head size that the configuration allows, the worst case for floods of fields.
ENVIRONMENT = {"ALEXNET_SERVER_MAX_HEADER_BYTES": "1MiB", "ALEXNET_LOG_ACCESS": "false"}


def measure(server, image, attack, seconds, source="127.0.0.1"):
    """Run the good client during an attack. Returns the client and the attack's note."""
    done, said = threading.Event(), []
    attacker = threading.Thread(target=lambda: said.append(attack(server, done)), daemon=True)
    attacker.start()
    # Let the attack build up.
    time.sleep(1)
    client = GoodClient(server, image, threading.Event(), source)
    client.start()
    time.sleep(seconds)
    client.done.set()
    client.join(PATIENCE + 1)
    done.set()
    attacker.join(20)
    return client, said[0] if said else "did not end"


def limited(binary, open_files, folder):
    """A wrapper script that runs the server with at most `open_files` file descriptors."""
    script = folder / f"alexnet-{open_files}"
    script.write_text(f'#!/bin/sh\nulimit -n {open_files}\nexec "{binary}" "$@"\n')
    script.chmod(0o755)
    return script


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--models", default=ROOT / "weights", help="the models to serve")
    parser.add_argument("--image", default=ROOT / "docs/sneaker.png", help="the image that the good client sends")
    parser.add_argument("--seconds", type=float, default=8, help="duration of each attack")
    parser.add_argument("--only", help="run the attacks whose names contain this")
    options = parse(parser)
    with open(options.image, "rb") as file:
        image = file.read()
    verdict = Verdict()
    folder = tempfile.TemporaryDirectory()
    for attack in ATTACKS:
        if options.only and options.only not in attack.__name__:
            continue
        verdict.section(f"{attack.__name__}: {attack.__doc__.splitlines()[0]}")
        open_files = getattr(attack, "open_files", None)
        binary = limited(options.binary, open_files, Path(folder.name)) if open_files else options.binary
        with Server(binary, "--models", options.models, environment=ENVIRONMENT) as server:
            client, said = measure(server, image, attack, options.seconds)
            asked = len(client.seconds) + len(client.failures)
            share = len(client.seconds) / max(1, asked)
            times = sorted(client.seconds) or [float("nan")]
            verdict.note(f"the attack: {said}")
            verdict.note(
                f"the good client: {asked} requests, median {1000 * times[len(times) // 2]:.0f} ms, slowest {1000 * times[-1]:.0f} ms; "
                f"memory at its highest {server.resident_bytes()[1] >> 20} MiB")
            verdict.check(share >= GOOD_SHARE, f"{100 * share:.1f} % are answered within {PATIENCE:.0f} s", f"{client.failures[:10]}")
            alive = server.process.poll() is None and server.get("/readyz")[0] == 200
            verdict.check(alive, "afterwards the server is ready", server.log()[-1500:] if not alive else "")
    verdict.finish()


if __name__ == "__main__":
    main()
