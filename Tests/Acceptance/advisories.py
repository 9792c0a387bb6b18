#!/usr/bin/env python3
"""What other servers' published advisories describe, against this one.

Each case is one kind of input that has ended, blocked or opened another server, with the advisory's number. It runs twice: alone, when
the server may spend 50 ms of CPU time on each input and 64 MiB on them, and over and over while a good client asks for predictions at a steady
rate, of which at least 95 % must be answered within a second. At the end the server must be alive and have the descriptors that it
had before.

A case is a function of a `Target` that returns nothing if the server did well, or a sentence. To add one, write it with its
decorator; the text of the advisory is in its words, checked against the published one.
"""

import base64
import json
import multiprocessing
import os
import re
import shutil
import socket
import struct
import tempfile
import threading
import time
import zipfile
import zlib
from pathlib import Path

from acceptance import ROOT, Server, Verdict, exchange, make_parser, parse

MOST_MEMORY = 64 << 20
GOOD_SHARE = 0.95
RATE = 40
HOSTILE = ROOT / "Tests/InferenceTests/Fixtures/Hostile"
TOKEN = "advisories-token-0123456789"
CASES = []


def advisory(numbers, product, text):
    """Registers a case."""

    def register(function):
        CASES.append((numbers, product, text, function))
        return function

    return register


class Target:
    """The server under test, as an attacker sees it."""

    def __init__(self, server, models, image, secret):
        self.server, self.models, self.image, self.secret = server, models, image, secret
        self.inputs = 0

    def dial(self):
        self.inputs += 1
        return socket.create_connection((self.server.host, self.server.port), timeout=5)

    def raw(self, *pieces):
        """Sends bytes; the answer's status and all that came until the server closed, or a second passed."""
        received = b""
        with self.dial() as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except OSError:
                pass  # it has answered already
            connection.settimeout(1)
            try:
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    received += piece
                    head, end, body = received.partition(b"\r\n\r\n")
                    length = re.search(rb"(?i)content-length: (\d+)", head)
                    if end and length and len(body) >= int(length[1]) and b"onnection: close" not in head:
                        break
            except OSError:
                pass
        match = re.match(rb"HTTP/1\.1 (\d+)", received)
        return (int(match[1]) if match else None), received

    def post(self, path, body, fields=None, method="POST"):
        self.inputs += 1
        connection = self.server.connect(timeout=10)
        try:
            status, _, content = exchange(connection, method, path, body, fields or {})
            return status, content
        finally:
            connection.close()

    def refuses(self, statuses, *pieces):
        status, received = self.raw(*pieces)
        if status not in statuses:
            return f"answered {status} instead of {statuses}: {received[:200]!r}"
        if received.count(b"HTTP/1.1 ") != 1:
            return f"answered more than once: {received[:600]!r}"
        return None

    def load(self, name):
        """Asks for a model; the status and what the answer says."""
        return self.post(f"/v2/repository/models/{name}/load", b"", {"Authorization": f"Bearer {TOKEN}"})

    def refuses_model(self, files):
        """Puts a folder of files beside the good model; it must not be served, and nobody may read the secret in an answer."""
        folder = self.models / f"evil-{time.monotonic_ns()}"
        folder.mkdir()
        try:
            for name, content in files.items():
                if isinstance(content, bytes):
                    (folder / name).write_bytes(content)
                else:
                    content(folder / name)
            status, answer = self.load(folder.name)
            if status == 200:
                return f"loaded it: {answer[:200]!r}"
            answers = answer + b"".join(self.server.get(path)[2] for path in (f"/v1/models/{folder.name}", "/v1/models"))
            if self.secret in answers:
                return "an answer holds what is in another file"
            return None
        finally:
            shutil.rmtree(folder)


def head(line, *fields, host="a"):
    return "\r\n".join([line, f"Host: {host}", *fields, "", ""]).encode()


def chunked(path, body, kind="image/png"):
    return head(f"POST {path} HTTP/1.1", f"Content-Type: {kind}", "Transfer-Encoding: chunked") + body


SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: smuggled\r\n\r\n"

# ---- HTTP


@advisory("CVE-2026-28980", "swift-nio", "no limit of a head's fields; HTTPFields ends the process at 65,535")
def fields(target):
    return target.refuses([431], head("GET /healthz HTTP/1.1")[:-2] + b"a: b\r\n" * 200_000 + b"\r\n")


@advisory("CVE-2025-23310", "Triton", "a stack allocation for each piece of a chunked body")
def pieces(target):
    return target.refuses([413, 415], chunked("/predict", b"1\r\nA\r\n" * 100_000 + b"0\r\n\r\n"))


@advisory("CVE-2025-23311", "Triton", "the same on its other routes")
def pieces_elsewhere(target):
    for path, kind in [("/invocations", "image/png"), ("/v2/models/fashion-mnist/infer", "application/json")]:
        wrong = target.refuses([400, 413, 415], chunked(path, b"1\r\nA\r\n" * 50_000 + b"0\r\n\r\n", kind))
        if wrong:
            return f"{path}: {wrong}"
    return None


@advisory("CVE-2023-39326", "Go net/http", "chunk extensions that carry many times the content")
def extensions(target):
    return target.refuses([400], chunked("/predict", (b"1;" + b"x" * 4000 + b"\r\nA\r\n") * 1000 + b"0\r\n\r\n"))


@advisory("CVE-2025-55315", "Kestrel", "line ends in chunk extensions that a proxy reads in another way")
def extension_line_ends(target):
    for extension in [b"1;a\nb", b"1;a\rb", b"1;\n", b"1\n", b"1;a=\"\n\""]:
        wrong = target.refuses([400], chunked("/predict", extension + b"\r\nA\r\n0\r\n\r\n" + SMUGGLED))
        if wrong:
            return f"{extension!r}: {wrong}"
    return None


@advisory("CVE-2025-22871", "Go net/http", "a bare LF ends a chunk's size line")
def size_line_ends(target):
    return target.refuses([400], chunked("/predict", b"1\nA\r\n0\r\n\r\n" + SMUGGLED))


@advisory("CVE-2025-43859", "h11", "any two bytes are taken for the end of a chunk")
def chunk_ends(target):
    return target.refuses([400], chunked("/predict", b"5\r\nAAAAAXX2\r\n45\r\n0\r\n\r\n" + SMUGGLED))


@advisory("CVE-2023-44487", "HTTP/2 servers", "streams that are opened and reset; HTTP/2 is not spoken here")
def http2(target):
    status, _ = target.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" * 1000)
    return None if status == 505 else f"answered {status}"


@advisory("CVE-2025-62727", "Starlette", "merging the ranges of Range takes quadratic time")
def ranges(target):
    field = "Range: bytes=" + ",".join(f"{index}-{index}" for index in range(2000))
    for path in ["/openapi.json", "/page/page.js"]:
        status, _ = target.raw(head(f"GET {path} HTTP/1.1", field[:15_000]))
        if status not in (200, 404):
            return f"{path} is answered {status}"
    return None


@advisory("CVE-2024-24762", "python-multipart", "a regular expression over Content-Type takes exponential time")
def content_type(target):
    return target.refuses([400, 415], head("POST /predict HTTP/1.1", "Content-Type: multipart/form-data; !=\"" + "\\" * 8000, "Content-Length: 1") + b"A")


@advisory("CVE-2024-47874", "Starlette", "a form's field without a file name is kept whatever its size")
def form_field(target):
    body = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"A" * (8 << 20) + b"\r\n--b--\r\n"
    status, _ = target.raw(head("POST /predict HTTP/1.1", "Content-Type: multipart/form-data; boundary=b", f"Content-Length: {len(body)}"), body)
    return None if status in (400, 413) else f"answered {status}"


@advisory("CVE-2025-33201", "Triton", "an extremely large payload")
def large_payload(target):
    return target.refuses([413], head("POST /predict HTTP/1.1", "Content-Type: image/png", f"Content-Length: {1 << 40}") + b"A" * 65536)


@advisory("Triton's issues", "Triton", "compressed bodies that inflate a thousandfold")
def compressed(target):
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(bomb.compress(b"\0" * (1 << 20)) for _ in range(100)) + bomb.flush()
    fields = ["Content-Encoding: gzip", f"Content-Length: {len(body)}"]
    for path, kind in [("/predict", "image/png"), ("/v2/models/fashion-mnist/infer", "application/json")]:
        status, received = target.raw(head(f"POST {path} HTTP/1.1", f"Content-Type: {kind}", *fields), body)
        if status not in (400, 413, 415):
            return f"{path} is answered {status}: {received[:200]!r}"
    return None


# Content is inflated as far as server.max_body_bytes, 32 MiB, before it is refused. zlib takes 60 ms for that.
compressed.allowance = 2


@advisory("Triton's issues", "Triton", "JSON that is nested until the stack ends")
def nested(target):
    for path in ["/predict", "/v2/models/fashion-mnist/infer", "/v1/models/fashion-mnist:predict"]:
        for text in [b"[" * 200_000, b'{"a":' * 50_000, b'{"inputs":' + b"[" * 100_000]:
            status, _ = target.post(path, text, {"Content-Type": "application/json"})
            if status not in (400, 413):
                return f"{path} is answered {status}"
    return None


@advisory("CVE-2026-24206, CVE-2026-24207", "Triton", "a route that wants a token is reached by another spelling of its path")
def aliases(target):
    routes = ["/v2/repository/models/fashion-mnist/unload", "/v1/models/fashion-mnist/reload"]
    spellings = [
        lambda path: path, lambda path: "/" + path, lambda path: path + "/", lambda path: path.replace("/models", "//models"),
        lambda path: path.replace("models", "%6dodels"), lambda path: "/v2/.." + path, lambda path: path.upper(), lambda path: path + "?",
        lambda path: path + ";a", lambda path: path.replace("fashion-mnist", "./fashion-mnist"), lambda path: "http://a" + path,
        lambda path: path.replace("/fashion", "%2ffashion"), lambda path: path + "%20",
    ]
    for route in routes:
        for spell in spellings:
            for fields in [[], ["Authorization: Bearer"], ["Authorization: Bearer " + TOKEN[:-1]], ["X-Original-URL: " + route, "X-Rewrite-URL: " + route]]:
                status, received = target.raw(head(f"POST {spell(route)} HTTP/1.1", *fields, "Content-Length: 0"))
                if status == 200:
                    return f"{spell(route)} with {fields} is answered 200: {received[:200]!r}"
    return None


@advisory("Triton's issues", "Triton", "a token in the log")
def token_in_log(target):
    secret = "secret-of-a-client-5f2c"
    target.raw(head("GET /v2?x=1 HTTP/1.1", f"Authorization: Bearer {secret}", f"Cookie: a={secret}"))
    target.raw(head("POST /v1/models/fashion-mnist/reload HTTP/1.1", f"Authorization: Bearer {secret}", "Content-Length: 0"))
    time.sleep(0.05)
    return "the log has it" if secret in target.server.log() else None


@advisory("Triton's issues", "Triton", "SIGPIPE: the client is gone when the answer is written")
def broken_pipe(target):
    for _ in range(20):
        with target.dial() as connection:
            connection.sendall(head("POST /predict HTTP/1.1", f"Content-Length: {len(target.image)}") + target.image)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return None


@advisory("Triton's issues", "Triton", "a descriptor is closed and reused while an answer for its first owner is on the way")
def reused_descriptors(target):
    for index in range(20):
        gone = target.dial()
        gone.sendall(head("POST /predict HTTP/1.1", "X-Request-ID: gone", f"Content-Length: {len(target.image)}") + target.image)
        gone.close()
        status, received = target.raw(head("GET /healthz HTTP/1.1", f"X-Request-ID: next-{index}"))
        if status != 200 or f"X-Request-ID: next-{index}".encode() not in received or b"gone" in received:
            return f"another client's answer: {received[:300]!r}"
    return None


# ---- Tensors and images


@advisory("CVE-2026-24146", "Triton", "a request that asks for a large number of outputs")
def outputs(target):
    body = json.dumps({
        "inputs": [{"name": "input", "shape": [1], "datatype": "BYTES", "data": ["x"]}], "outputs": [{"name": "probabilities"}] * 50_000})
    status, content = target.post("/v2/models/fashion-mnist/infer", body, {"Content-Type": "application/json"})
    return None if status == 400 else f"answered {status}: {content[:200]!r}"


@advisory("CVE-2026-24173", "Triton", "an integer overflow in a malformed request's sizes")
def shape_products(target):
    for shape in [[1 << 62, 4], [1 << 32, 1 << 32], [-1, -1], [1 << 64], [2**63 - 1, 2], [0, 1 << 62], [1] * 1000]:
        body = json.dumps({"inputs": [{"name": "input", "shape": shape, "datatype": "FP32", "data": [1.0]}]})
        status, content = target.post("/v2/models/fashion-mnist/infer", body, {"Content-Type": "application/json"})
        if status != 400:
            return f"the shape {shape[:4]} is answered {status}: {content[:200]!r}"
    return None


@advisory("CVE-2026-24208, CVE-2026-24209", "Triton", "a model's name that leaves the repository")
def names(target):
    for name in ["..", "%2e%2e", "..%2f..%2fetc", "%2fetc%2fpasswd", ".hidden", "a%00b", "%5c..%5c..", "x" * 4000, "..%c0%af"]:
        for route in ["/v2/repository/models/{}/load", "/v2/models/{}/infer", "/v1/models/{}", "/predictions/{}"]:
            status, received = target.raw(head(f"POST {route.format(name)} HTTP/1.1", f"Authorization: Bearer {TOKEN}", "Content-Length: 0"))
            if status not in (400, 404, 405, 414, 503):
                return f"{route.format(name)[:80]} is answered {status}: {received[:200]!r}"
            if b"root:" in received:
                return "an answer holds a file"
    return None


def png(width, height, rows, colour=2, depth=8, interlaced=False, chunks=()):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))]
    parts += [chunk(name, content) for name, content in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def predicts(target, images, statuses=(200,)):
    for name, image in images.items():
        status, content = target.post("/predict", image, {"Content-Type": "image/png"})
        if status not in statuses:
            return f"{name} is answered {status}: {content[:200]!r}"
        if re.search(rb"0x[0-9a-f]{6,}", content):
            return f"{name}: an address in {content[:200]!r}"
    return None


@advisory("CVE-2026-22773", "vLLM", "an image of one pixel ends the engine")
def tiny_images(target):
    return predicts(target, {
        "one pixel": png(1, 1, b"\0abc"), "one row": png(300, 1, b"\0" + b"abc" * 300), "one column": png(1, 300, b"\0abc" * 300),
        "one grey pixel": png(1, 1, b"\0a", colour=0)})


@advisory("CVE-2026-22778", "vLLM", "the error of an image that cannot be read tells an address")
def addresses(target):
    whole = png(9, 9, (b"\0" + b"abc" * 9) * 9)
    broken = {f"cut to {count} bytes": whole[:count] for count in range(8, len(whole), 7)}
    broken |= {path.name: path.read_bytes() for path in sorted((HOSTILE / "Images").glob("*.*")) if path.stat().st_size < 100_000}
    return predicts(target, broken, (400, 413, 415, 422, 200))


@advisory("CVE-2026-5497", "vLLM", "thousands of frames in one request are all decoded")
def frames(target):
    frame = base64.b64encode(png(1, 1, b"\0abc")).decode()
    status, _ = target.post("/predict", json.dumps({"images": [frame] * 5000}), {"Content-Type": "application/json"})
    return None if status in (400, 413) else f"answered {status}"


@advisory("CVE-2026-24214", "Triton's DALI backend", "an integer overflow in the sizes of images")
def sizes(target):
    return predicts(target, {
        "60,000 × 1": png(60_000, 1, b"\0" + b"abc" * 60_000), "1 × 60,000": png(1, 60_000, b"\0abc" * 60_000),
        "2³¹ − 1 wide": png(2**31 - 1, 1, b"\0"), "65,535 × 65,535": png(65_535, 65_535, b"\0"), "no height": png(1, 0, b"\0"),
    }, (200, 400, 413, 422))


@advisory("CVE-2026-24215", "Triton's DALI backend", "inputs whose processing takes more than their size tells")
def consumption(target):
    bombs = {name: (HOSTILE / "Images" / name).read_bytes() for name in ["bomb.png", "huge.png", "huge.jpg", "huge.webp", "scans.jpg", "long.png"]}
    return predicts(target, bombs, (200, 400, 413, 422))


@advisory("CVE-2025-64720, CVE-2025-65018, CVE-2025-66293, CVE-2026-25646", "libpng", "palettes with transparency and gamma, 16 bits interlaced, 256 colours")
def libpng(target):
    palette = bytes(range(256)) * 3
    rows = b"".join(b"\0" + bytes((x * y) % 256 for x in range(40)) for y in range(40))
    with_alpha = [(b"gAMA", struct.pack(">I", 30_000)), (b"PLTE", palette), (b"tRNS", bytes(range(256)))]
    passes = [(5, 5), (5, 5), (10, 5), (10, 10), (20, 10), (20, 20), (40, 20)]
    interlaced = b"".join((b"\0" + b"\x12\x34" * 3 * width) * height for width, height in passes)
    return predicts(target, {
        "palette, alpha, gamma": png(40, 40, rows, colour=3, chunks=with_alpha), "256 colours": png(40, 40, rows, colour=3, chunks=[(b"PLTE", palette)]),
        "16 bits interlaced": png(40, 40, interlaced, depth=16, interlaced=True),
        "an index beyond the palette": png(40, 40, rows, colour=3, chunks=[(b"PLTE", palette[:30])]),
    }, (200, 400))


# ---- Model files

CLASSES = json.dumps({str(index): f"class {index}" for index in range(10)}).encode()


def hostile_checkpoints(pattern):
    return sorted((HOSTILE / "Checkpoints").glob(pattern))


@advisory("CVE-2025-32434", "PyTorch", "torch.load with weights_only=True runs code")
def code(target):
    for path in hostile_checkpoints("pickle-*system.pth") + hostile_checkpoints("pickle-eval.pth") + hostile_checkpoints("object-f*.pth"):
        wrong = target.refuses_model({"model.pth": path.read_bytes(), "class_indices.json": CLASSES})
        if wrong:
            return f"{path.name}: {wrong}"
    return None


@advisory("CVE-2026-24747", "PyTorch", "operations on the wrong kind of object, and storages shorter than their tensors, corrupt memory")
def corruption(target):
    for name in ["pickle-setitem-list", "pickle-append-dict", "pickle-additems-list", "pickle-build-list", "pickle-rank", "pickle-negative-long"]:
        path = HOSTILE / "Checkpoints" / f"{name}.pth"
        wrong = target.refuses_model({"model.pth": path.read_bytes(), "class_indices.json": CLASSES})
        if wrong:
            return f"{name}: {wrong}"
    return None


@advisory("CVE-2025-10155, CVE-2025-10156, CVE-2025-10157", "picklescan", "code behind another suffix, a wrong checksum, or a submodule")
def disguises(target):
    code = (HOSTILE / "Checkpoints/pickle-reduce-system.pth").read_bytes()
    dotted = (HOSTILE / "Checkpoints/pickle-dotted-global.pth").read_bytes()
    damaged = bytearray(code)
    start = damaged.find(b"PK\x01\x02")
    damaged[start + 16:start + 20] = b"\0\0\0\0"
    for name, files in {"another suffix": {"model.bin": code}, "a wrong checksum": {"model.pth": bytes(damaged)}, "a submodule": {"model.pth": dotted}}.items():
        wrong = target.refuses_model(files | {"class_indices.json": CLASSES})
        if wrong:
            return f"{name}: {wrong}"
    return None


@advisory("CVE-2026-33298, CVE-2026-7482", "llama.cpp, Ollama", "a file that states other sizes than it has")
def stated_sizes(target):
    for path in [path for pattern in ("byte-count*", "data-o*", "header-number-overflow*", "header-length-huge*", "overlap*") for path in hostile_checkpoints(pattern)]:
        wrong = target.refuses_model({"model.safetensors": path.read_bytes(), "class_indices.json": CLASSES})
        if wrong:
            return f"{path.name}: {wrong}"
    return None


@advisory("CVE-2026-34446, CVE-2026-27489", "ONNX", "hard and symbolic links in a model's folder to another file")
def links(target):
    secret = target.models.parent / "secret.txt"
    checkpoint = next(path for path in (target.models / "fashion-mnist").iterdir() if path.suffix in (".pth", ".safetensors"))
    links = [lambda path: path.symlink_to(secret)] + ([lambda path: os.link(secret, path)] if os.geteuid() == 0 else [])
    for link in links:
        for name in ["model.pth", "model.safetensors", "model.npy", "model.json", "class_indices.json", "labels.txt"]:
            files = {name: link}
            if "class" in name or "labels" in name:
                files[checkpoint.name] = lambda path: os.link(checkpoint, path)
            wrong = target.refuses_model(files)
            if wrong:
                return f"{name}: {wrong}"
    return None


# ---- The run


def cpu_seconds(process):
    """What all threads have used, to the microsecond."""
    total = 0
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except OSError:
            pass
    return total / 1e9


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def good_client(host, port, image, seconds, results):
    """Asks at a steady rate, in a process of its own, from another address than the attacker's: one address has half of the connections."""
    import http.client

    answered = asked = 0
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        due = begin + asked / RATE
        time.sleep(max(0, due - time.monotonic()))
        asked += 1
        try:
            connection = http.client.HTTPConnection(host, port, timeout=1, source_address=("127.0.0.2", 0))
            start = time.monotonic()
            connection.request("POST", "/predict", body=image, headers={"Content-Type": "image/png"})
            answered += connection.getresponse().status == 200 and time.monotonic() - start <= 1
            connection.close()
        except OSError:
            pass
    results.put((asked, answered))


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long all cases run beside the good client")
    parser.add_argument("--cpu", type=float, default=50, help="the most CPU time of an input, in milliseconds; more for a build that is not optimised")
    parser.add_argument("--only", help="run the cases whose functions' names contain this")
    options = parse(parser)
    verdict = Verdict()
    image = (ROOT / "docs/sneaker.png").read_bytes()
    cases = [case for case in CASES if not options.only or options.only in case[3].__name__]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        models, token = folder / "models", folder / "token"
        shutil.copytree(ROOT / "weights/fashion-mnist", models / "fashion-mnist")
        token.write_text(TOKEN)
        token.chmod(0o600)
        secret = b"the-secret-of-another-user"
        (folder / "secret.txt").write_bytes(b"\n".join([secret] * 10))
        if os.geteuid() == 0:
            # Another user's: a user's own files are linked by programs that save space.
            os.chown(folder / "secret.txt", 65534, 65534)
        environment = {"ALEXNET_ADMIN_TOKEN_FILE": str(token)}
        with Server(options.binary, "--models", models, environment=environment) as server:
            target = Target(server, models, image, secret)
            for _ in range(20):
                target.post("/predict", image)
            time.sleep(0.5)
            before = descriptors(server.process)
            verdict.section("Each case alone")
            for numbers, product, text, case in cases:
                Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
                memory, cpu, target.inputs = server.resident_bytes()[0], cpu_seconds(server.process), 0
                wrong = case(target)
                time.sleep(0.02)
                cpu, memory = cpu_seconds(server.process) - cpu, server.resident_bytes()[1] - memory
                alive = server.process.poll() is None
                verdict.check(
                    wrong is None and alive and cpu <= options.cpu / 1000 * target.inputs * getattr(case, "allowance", 1) and memory <= MOST_MEMORY,
                    f"{numbers} ({product}): {text} · {target.inputs} inputs, {1000 * cpu:.0f} ms, {memory / (1 << 20):.1f} MiB", wrong or "it takes too much")
                if not alive:
                    verdict.finish()
            verdict.section("All of them beside a good client")
            results = multiprocessing.Queue()
            client = multiprocessing.Process(target=good_client, args=(server.host, server.port, image, options.seconds, results))
            client.start()
            end, rounds = time.monotonic() + options.seconds, 0
            while time.monotonic() < end:
                wrongs = [f"{case[0]}: {wrong}" for case in cases if (wrong := case[3](target))]
                rounds += 1
                if wrongs:
                    verdict.check(False, "the same answers as alone", "\n".join(wrongs))
                    break
            asked, answered = results.get(timeout=options.seconds + 30)
            client.join()
            verdict.check(
                answered >= GOOD_SHARE * asked, f"{answered} of {asked} requests of the good client are answered within a second, during {rounds} rounds of {len(cases)} cases")
            time.sleep(1)
            verdict.check(server.process.poll() is None and server.get("/readyz")[0] == 200, "the server is alive and ready")
            verdict.check(descriptors(server.process) <= before + 2, f"{descriptors(server.process)} descriptors are open, {before} were before")
    verdict.finish()


if __name__ == "__main__":
    main()
