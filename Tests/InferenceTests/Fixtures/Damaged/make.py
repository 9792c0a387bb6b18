#!/usr/bin/env python3
"""Writes damaged PNG files beside it, and how Pillow 13 decodes them. Sources/CImageCodecs/png.c states the rule.

`pillow` is the digest of the pixels, or null where Pillow refuses the file. `reads` is the behaviour expected of our decoder;
where they differ, `why` gives the reason. Digests are 64-bit FNV-1a.
"""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
SIGNATURE = b"\x89PNG\r\n\x1a\n"
WIDTH, HEIGHT = 9, 7
PIXELS = np.random.default_rng(16).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
ROWS = b"".join(b"\0" + row.tobytes() for row in PIXELS)
INDICES = b"".join(b"\0" + bytes((x + y) % 4 for x in range(WIDTH)) for y in range(HEIGHT))
PALETTE = bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7])


def digest(data):
    value = 0xCBF29CE484222325
    for byte in bytes(data):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def chunk(kind, data=b"", checksum=None):
    right = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", right if checksum is None else right ^ checksum)


def header(depth=8, colour=2, compression=0, filters=0, interlace=0):
    return struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, compression, filters, interlace)


IHDR, IEND = chunk(b"IHDR", header()), chunk(b"IEND")
STREAM = zlib.compress(ROWS, 9)
IDAT = chunk(b"IDAT", STREAM)


def flipped(data, index):
    return data[:index] + bytes([data[index] ^ 0x55]) + data[index + 1 :]


def png(*chunks):
    return SIGNATURE + b"".join(chunks)


def cases():
    half = len(STREAM) // 2
    whole = png(IHDR, IDAT, IEND)
    text = chunk(b"tEXt", b"a\0b")
    # Before the pixel data.
    yield "header-checksum", png(chunk(b"IHDR", header(), 1), IDAT, IEND)
    yield "header-long", png(chunk(b"IHDR", header() + b"more"), IDAT, IEND)
    yield "header-short", png(chunk(b"IHDR", header()[:12]), IDAT, IEND)
    yield "header-absent", png(IDAT, IEND)
    yield "header-second", png(text, IHDR, IDAT, IEND)
    yield "header-compression", png(chunk(b"IHDR", header(compression=1)), IDAT, IEND)
    yield "header-filter", png(chunk(b"IHDR", header(filters=1)), IDAT, IEND)
    yield "header-depth", png(chunk(b"IHDR", header(depth=4)), IDAT, IEND)
    yield "ancillary-checksum", png(IHDR, chunk(b"tEXt", b"a\0b", 1), IDAT, IEND)
    yield "ancillary-cut", png(IHDR, text[:-2])
    yield "ancillary-short", png(IHDR, chunk(b"gAMA", b"\0\0\1"), IDAT, IEND)
    yield "unknown-critical", png(IHDR, chunk(b"ABCD", b"what"), IDAT, IEND)
    yield "unknown-critical-checksum", png(IHDR, chunk(b"ABCD", b"what", 1), IDAT, IEND)
    yield "nameless", png(IHDR, chunk(b"t\xffxt", b"a"), IDAT, IEND)
    palette = chunk(b"IHDR", header(colour=3)), chunk(b"IDAT", zlib.compress(INDICES)), IEND
    yield "palette", png(palette[0], chunk(b"PLTE", PALETTE), *palette[1:])
    yield "palette-checksum", png(palette[0], chunk(b"PLTE", PALETTE, 1), *palette[1:])
    yield "palette-twice", png(palette[0], chunk(b"PLTE", PALETTE[::-1]), chunk(b"PLTE", PALETTE), *palette[1:])
    yield "palette-odd", png(palette[0], chunk(b"PLTE", PALETTE[:-1]), *palette[1:])
    yield "palette-short", png(palette[0], chunk(b"PLTE", PALETTE[:6]), *palette[1:])
    yield "palette-of-true-colour", png(IHDR, chunk(b"PLTE", b"\1\2"), IDAT, IEND)
    # The pixel data.
    yield "data-checksum", png(IHDR, chunk(b"IDAT", STREAM, 1), IEND)
    yield "data-checksums", png(IHDR, chunk(b"IDAT", STREAM[:half], 1), chunk(b"IDAT", STREAM[half:], 2), IEND)
    yield "data-in-pieces", png(IHDR, *(chunk(b"IDAT", STREAM[i : i + 1]) for i in range(len(STREAM))), IEND)
    yield "data-empty-pieces", png(IHDR, chunk(b"IDAT"), chunk(b"IDAT", STREAM[:half]), chunk(b"IDAT"), chunk(b"IDAT", STREAM[half:]), IEND)
    yield "data-interrupted", png(IHDR, chunk(b"IDAT", STREAM[:half]), text, chunk(b"IDAT", STREAM[half:]), IEND)
    yield "data-nameless", png(IHDR, chunk(b"IDAT", STREAM[:half]), chunk(b"ID\0T", STREAM[half:]), IEND)
    yield "data-cut", whole[: len(whole) - len(IEND) - 20]
    yield "data-broken", png(IHDR, chunk(b"IDAT", flipped(STREAM, half)), IEND)
    yield "data-stream-head", png(IHDR, chunk(b"IDAT", flipped(STREAM, 0)), IEND)
    yield "data-stream-checksum", png(IHDR, chunk(b"IDAT", flipped(STREAM, len(STREAM) - 1)), IEND)
    yield "data-without-stream-checksum", png(IHDR, chunk(b"IDAT", STREAM[:-4]), IEND)
    yield "data-wrong-filter", png(IHDR, chunk(b"IDAT", zlib.compress(b"\7" + ROWS[1:])), IEND)
    yield "data-excess", png(IHDR, chunk(b"IDAT", zlib.compress(ROWS + b"\0" * 100)), IEND)
    yield "data-short", png(IHDR, chunk(b"IDAT", zlib.compress(ROWS[: 3 * (3 * WIDTH + 1) + 5])), IEND)
    yield "data-few-rows", png(IHDR, chunk(b"IDAT", zlib.compress(ROWS[: 3 * (3 * WIDTH + 1)])), IEND)
    yield "data-length-beyond-end", png(IHDR) + struct.pack(">I", 1 << 20) + IDAT[4:]
    # After the last row.
    yield "end-absent", png(IHDR, IDAT)
    yield "end-checksum", png(IHDR, IDAT, chunk(b"IEND", b"", 1))
    yield "end-without-checksum", png(IHDR, IDAT)[:-4]
    yield "behind-checksum", png(IHDR, IDAT, chunk(b"tEXt", b"a\0b", 1), IEND)
    yield "behind-nameless", png(IHDR, IDAT, chunk(b"\0\1\2\3", b"a"), IEND)
    yield "behind-cut", png(IHDR, IDAT, chunk(b"zZzZ", b"abcdef"))[:-8]
    noise = np.random.default_rng(3).integers(0, 256, 80_000, dtype=np.uint8).tobytes()
    yield "behind-data", png(IHDR, chunk(b"IDAT", zlib.compress(ROWS + noise)), IEND)


WHY = {
    "data-few-rows": "Pillow fills the rows that are missing with black; an image of which rows are missing is refused",
    "behind-data": "more than 64 KiB of pixel data behind the last row are refused, since nobody writes them by accident",
    "behind-cut": "Pillow reads on behind the pixels; nothing there is looked at here",
}


def verdict(data):
    try:
        return digest(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).tobytes())
    except Exception:
        return None


expected = []
for name, data in cases():
    (HERE / f"{name}.png").write_bytes(data)
    entry = {"file": f"{name}.png", "pillow": verdict(data)}
    entry["reads"] = (entry["pillow"] is None) == (name in WHY)
    if name in WHY:
        entry["why"] = WHY[name]
    expected.append(entry)
lines = ",\n".join("  " + json.dumps(entry) for entry in expected)
(HERE / "expected.json").write_text(f"[\n{lines}\n]\n")
