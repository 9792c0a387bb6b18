#!/usr/bin/env python3
"""What one client can do to lock the others out, and what a good client beside it still gets.

While each attack goes on, a good client asks for a prediction again and again, over a new connection every time. At least 90 % of
what it asks must be answered with 200 within 2 s, and the server must be well afterwards.

Each attack is a function that takes the server and an event: it attacks until the event is set, gives back what is worth a note, and
leaves nothing open. To add one, write it and put it into ATTACKS. `--only NAME` tries one of them.
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
    """Asks every 50 ms, waits 2 s at most, and remembers how it went."""

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
    """A connection that never blocks for long."""
    connection = socket.create_connection((server.host, server.port), timeout=1, source_address=(source, 0))
    connection.settimeout(0.2)
    return connection


def try_send(connection, data):
    """Whether the connection still takes bytes."""
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
    """So many connections that send `first` and then go on with `then`; those that are closed are opened anew."""
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
    """1,200 connections that never send a byte: more than there may be."""
    return keep_open(server, done, 1200, b"")


def silent_flood(server, done):
    """New silent connections as fast as they come, from one address."""
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
    """1,100 requests that never get past their fields, a byte every half second."""
    return keep_open(server, done, 1100, b"GET /predict HTTP/1.1\r\nHost: doors\r\nX: ", b"x")


def announced_bodies(server, done):
    """16 bodies of 32 MiB of which 129 KiB come."""
    return keep_open(server, done, 16, upload_head(32 << 20) + bytes(129 << 10))


def many_announced_bodies(server, done):
    """400 bodies of 32 MiB of which 129 KiB come."""
    return keep_open(server, done, 400, upload_head(32 << 20) + bytes(129 << 10))


def nearly_whole_bodies(server, done):
    """16 bodies of 32 MiB of which all but one byte come: they fill what there is for bodies."""
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
    """256 uploads in chunks of one byte."""
    head = b"POST /predict HTTP/1.1\r\nHost: doors\r\nTransfer-Encoding: chunked\r\n\r\n"
    return keep_open(server, done, 256, head, b"1\r\nx\r\n" * 50, every=0.2)


def header_floods(server, done):
    """Heads of as many short fields as fit, over 8 connections without a pause."""
    return flood(server, done, 8, b"GET /predict HTTP/1.1\r\nHost: doors\r\n" + b"a:\r\n" * 250_000 + b"\r\n")


def trailer_floods(server, done):
    """The same behind the last chunk."""
    head = b"POST /predict HTTP/1.1\r\nHost: doors\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    return flood(server, done, 8, head + b"a:\r\n" * 250_000 + b"\r\n")


def part_floods(server, done):
    """Forms whose parts have as many short fields as fit, and as many parts as fit."""
    part = b"--b\r\n" + b"a:\r\n" * 100 + b"\r\n\r\n"
    body = part * 20_000 + b"--b--\r\n"
    return flood(server, done, 8, upload_head(len(body), "multipart/form-data; boundary=b") + body)


def flood(server, done, count, data):
    """So many connections that send the same over and over, whatever they are answered."""
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
    """1,100 requests that stop behind their first byte, all anew every half second."""
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
    """One address asks over a thousand connections and leaves all of them open."""
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
    """1,200 silent connections to a server that may open 64 files."""
    return keep_open(server, done, 1200, b"")


# What the shell's `ulimit -n` says before the server starts.
few_descriptors.open_files = 64

ATTACKS = [
    silent_connections, silent_flood, slow_heads, announced_bodies, many_announced_bodies, nearly_whole_bodies, slow_uploads,
    slow_uploads_in_chunks, header_floods, trailer_floods, part_floods, beginnings, crowd_of_one_address,
    few_descriptors,
]

# A head may be as long as the configuration allows at most: that is where one request once ended the program.
ENVIRONMENT = {"ALEXNET_SERVER_MAX_HEADER_BYTES": "1MiB", "ALEXNET_LOG_ACCESS": "false"}


def measure(server, image, attack, seconds, source="127.0.0.1"):
    """The good client beside an attack, and what the attack has to say."""
    done, said = threading.Event(), []
    attacker = threading.Thread(target=lambda: said.append(attack(server, done)), daemon=True)
    attacker.start()
    # The attack gets a moment to unfold.
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
    """A program that starts the server with so many open files at most."""
    script = folder / f"alexnet-{open_files}"
    script.write_text(f'#!/bin/sh\nulimit -n {open_files}\nexec "{binary}" "$@"\n')
    script.chmod(0o755)
    return script


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--models", default=ROOT / "weights", help="the models that are served")
    parser.add_argument("--image", default=ROOT / "docs/sneaker.png", help="what the good client asks about")
    parser.add_argument("--seconds", type=float, default=8, help="how long each attack is measured")
    parser.add_argument("--only", help="the attacks whose names contain this")
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
