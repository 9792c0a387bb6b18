#!/usr/bin/env python3
"""Writes the images beside it, the hostile ones in ../Hostile/Images, and the results of Pillow 13 and torchvision 0.28.

Digests are 64-bit FNV-1a over the pixels' bytes, or over the tensor's little-endian float32 bytes.
"""

import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFile, ImageOps
from torchvision import transforms

HERE = Path(__file__).parent
HOSTILE = HERE.parent / "Hostile" / "Images"
random = np.random.default_rng(2012)


def digest(data):
    value = 0xCBF29CE484222325
    for byte in bytes(data):
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def scene(width, height, seed=0):
    """Gradients, a disc, a box and a little noise: edges and flat areas."""
    noise = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    image = np.stack([255 * x / width, 255 * y / height, 255 * (x + y) / (width + height)], -1)
    disc = (x - width * 0.35) ** 2 + (y - height * 0.5) ** 2 < (min(width, height) * 0.3) ** 2
    image[disc] = [230, 60, 20]
    image[height // 6 : height // 3, width // 2 : width - 3] = [10, 200, 240]
    image += noise.normal(0, 6, image.shape)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


WIDTH, HEIGHT = 61, 47
COLOUR = Image.fromarray(scene(WIDTH, HEIGHT))
GREY = COLOUR.convert("L")


def saved(image, format, **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


# -- JPEG ---------------------------------------------------------------------------------------------------------

def jpeg_segments(data):
    """Marker, start and end of every segment before the first scan's data; the scan's header is the last."""
    position = 2
    while True:
        marker, length = data[position + 1], struct.unpack(">H", data[position + 2 : position + 4])[0]
        yield marker, position, position + 2 + length
        if marker == 0xDA:
            return
        position += 2 + length


def patched(data, marker, offset, value):
    start = next(start for found, start, _ in jpeg_segments(data) if found == marker)
    return data[: start + offset] + value + data[start + offset + len(value) :]


def without(data, marker):
    start, end = next((start, end) for found, start, end in jpeg_segments(data) if found == marker)
    return data[:start] + data[end:]


def segment(marker, content):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def jpegs():
    yield "baseline-444.jpg", saved(COLOUR, "JPEG", quality=90, subsampling="4:4:4")
    wide = saved(COLOUR, "JPEG", quality=85, subsampling="4:2:2")
    yield "baseline-422.jpg", wide
    # The same blocks with width and height exchanged: a scrambled image, but a well-formed 4:4:0.
    tall = patched(patched(wide, 0xC0, 5, struct.pack(">HH", WIDTH, HEIGHT)), 0xC0, 11, b"\x12")
    yield "baseline-440.jpg", tall
    yield "baseline-420.jpg", saved(COLOUR, "JPEG", quality=75, subsampling="4:2:0")
    yield "grey.jpg", saved(GREY, "JPEG", quality=80)
    yield "grey-progressive.jpg", saved(GREY, "JPEG", quality=80, progressive=True)
    for sampling in ("4:4:4", "4:2:2", "4:2:0"):
        name = sampling.replace(":", "")
        yield f"progressive-{name}.jpg", saved(COLOUR, "JPEG", quality=80, progressive=True, subsampling=sampling)
    yield "restarts-blocks.jpg", saved(COLOUR, "JPEG", restart_marker_blocks=2)
    yield "restarts-rows.jpg", saved(COLOUR, "JPEG", restart_marker_rows=1, progressive=True)
    rgb = saved(COLOUR, "JPEG", quality=90, keep_rgb=True)
    yield "rgb-ids.jpg", rgb
    yield "rgb-adobe.jpg", b"\xff\xd8" + segment(0xEE, b"Adobe\0\x64\0\0\0\0\0") + without(
        saved(COLOUR, "JPEG", quality=90, subsampling=0), 0xE0)[2:]
    inks = COLOUR.convert("CMYK")
    inks = Image.merge("CMYK", [*inks.split()[:3], GREY.point(lambda value: value // 3)])
    cmyk = saved(inks, "JPEG", quality=90)
    yield "cmyk.jpg", cmyk
    yield "cmyk-without-adobe.jpg", without(cmyk, 0xEE)
    yield "ycck.jpg", patched(cmyk, 0xEE, 15, b"\x02")
    yield "cmyk-progressive.jpg", saved(inks, "JPEG", quality=70, progressive=True)
    for width, height in ((1, 1), (8, 8), (9, 17), (16, 1), (1, 33)):
        yield f"size-{width}x{height}.jpg", saved(Image.fromarray(scene(width, height)), "JPEG", subsampling=2)
    yield "optimised-q100.jpg", saved(COLOUR, "JPEG", quality=100, optimize=True)
    yield "quality-5.jpg", saved(COLOUR, "JPEG", quality=5)
    plain = saved(COLOUR, "JPEG", quality=75)
    yield "without-end-marker.jpg", plain[:-2] + b"\0" * 100
    yield "trailing-bytes.jpg", plain + b"\0" * 100
    yield "junk-between-segments.jpg", plain[:2] + b"\xff\xff\xff" + plain[3:]
    # An end marker in the middle of the scan: the rest is grey, as with Pillow.
    start = list(jpeg_segments(plain))[-1][2]
    middle = start + (len(plain) - start) // 2
    yield "early-end-marker.jpg", plain[:middle] + b"\xff\xd9"
    # One byte of the scan is changed: decoding goes on, with wrong pixels.
    yield "damaged-scan.jpg", plain[:middle] + bytes([plain[middle] ^ 0x55]) + plain[middle + 1 :]


# -- Orientation --------------------------------------------------------------------------------------------------

def tiff(orientation, order="<", type=3, count=1, before=0):
    """An Exif block's TIFF file; `before` entries come first."""
    entries = [(0x010E + i, 2, 4, b"cam\0") for i in range(before)]
    value = struct.pack(order + ("HH" if type == 3 else "L"), *((orientation, 0) if type == 3 else (orientation,)))
    entries.append((0x0112, type, count, value))
    entries.append((0x0128, 3, 1, struct.pack(order + "HH", 2, 0)))
    body = b"".join(struct.pack(order + "HHL", *entry[:3]) + entry[3] for entry in entries)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", 8)
    return head + struct.pack(order + "H", len(entries)) + body + b"\0" * 4


def with_app1(data, *contents):
    return data[:2] + b"".join(segment(0xE1, content) for content in contents) + data[2:]


def xmp(orientation, element=False):
    field = f"<tiff:Orientation>{orientation}</tiff:Orientation>" if element else f'tiff:Orientation="{orientation}"'
    return f"<x:xmpmeta><rdf:Description {field}/></x:xmpmeta>".encode()


def webp_with(data, kind, content, flag):
    """A simple WebP in the extended form, with one chunk of metadata."""
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    head = bytes([flag, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(riff_chunk(b"VP8X", head) + data[12:] + riff_chunk(kind, content))


def riff_chunk(kind, content):
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def riff(chunks):
    return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


def oriented():
    plain = saved(COLOUR, "JPEG", quality=60)
    for value in range(0, 10):
        order = "<" if value % 2 else ">"
        yield f"orientation-{value}.jpg", with_app1(plain, b"Exif\0\0" + tiff(value, order, before=value % 3))
    yield "orientation-long.jpg", with_app1(plain, b"Exif\0\0" + tiff(6, type=4))
    yield "orientation-two-values.jpg", with_app1(plain, b"Exif\0\0" + tiff(6, count=2))
    yield "orientation-doubled-prefix.jpg", with_app1(plain, b"Exif\0\0Exif\0\0" + tiff(3))
    block = b"Exif\0\0" + tiff(8, before=3)
    yield "orientation-two-segments.jpg", with_app1(plain, block[:20], b"Exif\0\0" + block[20:])
    yield "orientation-truncated.jpg", with_app1(plain, (b"Exif\0\0" + tiff(8, before=3))[:40])
    yield "orientation-far-value.jpg", with_app1(
        plain, b"Exif\0\0II*\0\x08\0\0\0\x02\0" + struct.pack("<HHLL", 0x010F, 2, 30, 4000) + tiff(6)[10:])
    without_density = without(plain, 0xE0)
    yield "orientation-damaged.jpg", with_app1(without_density, b"Exif\0\0not a TIFF file", xmp_segment(6))
    yield "orientation-xmp.jpg", with_app1(plain, xmp_segment(6))
    yield "orientation-xmp-element.jpg", with_app1(plain, xmp_segment(7, element=True))
    yield "orientation-exif-before-xmp.jpg", with_app1(plain, xmp_segment(6), b"Exif\0\0" + tiff(3))
    raw = scene(7, 5)
    rows = b"".join(b"\0" + row.tobytes() for row in raw)
    exif = chunk(b"eXIf", tiff(6))
    yield "orientation-exif.png", png(7, 5, 8, 2, rows, before=exif)
    yield "orientation-exif-last.png", png(7, 5, 8, 2, rows, after=exif)
    text = f"\nexif\n{len(tiff(8)):8}\n" + "\n".join(tiff(8).hex()[i : i + 72] for i in range(0, 200, 72)) + "\n"
    yield "orientation-text.png", png(
        7, 5, 8, 2, rows, before=chunk(b"tEXt", b"Raw profile type exif\0" + text.encode()))
    yield "orientation-compressed-text.png", png(
        7, 5, 8, 2, rows, before=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text.encode())))
    packet = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(5)
    yield "orientation-xmp.png", png(7, 5, 8, 2, rows, before=chunk(b"iTXt", packet))
    packet = b"XML:com.adobe.xmp\0\x01\0\0\0" + zlib.compress(xmp(3))
    yield "orientation-compressed-xmp.png", png(7, 5, 8, 2, rows, before=chunk(b"iTXt", packet))
    simple = saved(COLOUR, "WEBP", quality=50)
    yield "orientation-exif.webp", webp_with(simple, b"EXIF", tiff(6, ">"), 0x08)
    yield "orientation-exif-prefix.webp", webp_with(simple, b"EXIF", b"Exif\0\0" + tiff(4), 0x08)
    yield "orientation-xmp.webp", webp_with(simple, b"XMP ", xmp(8), 0x04)


def xmp_segment(orientation, element=False):
    return b"http://ns.adobe.com/xap/1.0/\0" + xmp(orientation, element)


# -- PNG ----------------------------------------------------------------------------------------------------------

def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth, colour, rows, before=b"", after=b"", interlaced=0, pieces=1):
    data = zlib.compress(rows, 9)
    size = -(-len(data) // pieces)
    body = b"".join(chunk(b"IDAT", data[i : i + size]) for i in range(0, len(data), size))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + head + before + body + after + chunk(b"IEND", b"")


def packed(samples, depth):
    """Rows of samples `[H, W, C]` to bytes."""
    height = samples.shape[0]
    flat = samples.reshape(height, -1)
    if depth == 16:
        return flat.astype(">u2").view(np.uint8).reshape(height, -1)
    if depth == 8:
        return flat.astype(np.uint8)
    bits = (flat[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)


def filtered(rows, pixel):
    """Every row under the next of the five filters."""
    result, above = b"", np.zeros(rows.shape[1], np.int64)
    for index, row in enumerate(rows.astype(np.int64)):
        left = np.concatenate([np.zeros(pixel, np.int64), row])[: len(row)]
        corner = np.concatenate([np.zeros(pixel, np.int64), above])[: len(row)]
        guess = left + above - corner
        distances = np.stack([abs(guess - left), abs(guess - above), abs(guess - corner)])
        paeth = np.choose(distances.argmin(0), [left, above, corner])
        predictions = [np.zeros_like(row), left, above, (left + above) // 2, paeth]
        kind = (index + 1) % 5
        result += bytes([kind]) + ((row - predictions[kind]) % 256).astype(np.uint8).tobytes()
        above = row
    return result


ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))


def encoded(samples, depth, interlaced):
    pixel = max(1, samples.shape[2] * depth // 8)
    if not interlaced:
        return filtered(packed(samples, depth), pixel)
    passes = (samples[top::down, left::across] for top, left, down, across in ADAM7)
    return b"".join(filtered(packed(part, depth), pixel) for part in passes if part.size)


def pngs():
    width, height = 37, 29
    source = np.concatenate([scene(width, height, 3), scene(width, height, 4)[:, :, :1]], -1).astype(np.int64)
    fine = source * 257 + random.integers(0, 256, source.shape) - 128
    fine = np.clip(fine, 0, 65535)
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
    depths = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
    transparency = {0: b"\0\x01", 2: b"\0\x10\0\x20\0\x30", 3: bytes(range(0, 200, 100))}
    for colour, all_depths in depths.items():
        for depth in all_depths:
            samples = fine if depth == 16 else source >> (8 - depth)
            samples = samples[:, :, [0, 3]] if colour == 4 else samples[:, :, : channels[colour]]
            if (colour, depth) == (0, 16):
                samples = samples // 128  # some below 256, where Pillow does not clip
            count = 2 ** min(depth, 8)
            palette = chunk(b"PLTE", random.integers(0, 256, 3 * count, np.uint8).tobytes()) if colour == 3 else b""
            for interlaced in (0, 1):
                rows = encoded(samples, depth, interlaced)
                name = f"colour{colour}-depth{depth}" + ("-interlaced" if interlaced else "")
                yield name + ".png", png(width, height, depth, colour, rows, palette, interlaced=interlaced, pieces=2)
            if colour in transparency:
                extra = palette + chunk(b"tRNS", transparency[colour])
                yield f"colour{colour}-depth{depth}-transparent.png", png(width, height, depth, colour, rows, extra,
                                                                          interlaced=1)
    rows = b"".join(b"\0" + bytes([0, 1, 2, 200]) for _ in range(3))
    yield "short-palette.png", png(4, 3, 8, 3, rows, chunk(b"PLTE", bytes(range(10, 16))))
    for width, height in ((1, 1), (2, 3), (5, 1), (1, 9)):
        samples = scene(width, height, 5).astype(np.int64)
        yield f"size-{width}x{height}-interlaced.png", png(width, height, 8, 2, encoded(samples, 8, 1), interlaced=1)
    colour = chunk(b"gAMA", struct.pack(">I", 22000)) + chunk(b"sRGB", b"\0") + chunk(b"pHYs", b"\0" * 9)
    yield "gamma.png", png(5, 4, 8, 2, b"".join(b"\0" + row.tobytes() for row in scene(5, 4)), colour)
    bomb = zlib.compress(b"\0" * 800_000, 9)
    bombs = chunk(b"iCCP", b"icc\0\0" + bomb) + chunk(b"zTXt", b"Comment\0\0" + bomb)
    yield "compressed-metadata.png", png(5, 4, 8, 2, b"".join(b"\0" + row.tobytes() for row in scene(5, 4)), bombs)


# -- WebP ---------------------------------------------------------------------------------------------------------

def webps():
    alpha = Image.merge("RGBA", [*COLOUR.split(), GREY])
    yield "lossy.webp", saved(COLOUR, "WEBP", quality=80)
    yield "lossy-q10.webp", saved(COLOUR, "WEBP", quality=10)
    yield "lossless.webp", saved(COLOUR, "WEBP", lossless=True)
    yield "lossy-alpha.webp", saved(alpha, "WEBP", quality=70)
    yield "lossless-alpha.webp", saved(alpha, "WEBP", lossless=True, exact=True)
    yield "size-1x1.webp", saved(Image.fromarray(scene(1, 1)), "WEBP")
    later = Image.fromarray(scene(WIDTH, HEIGHT, 9))
    moving = saved(COLOUR, "WEBP", save_all=True, append_images=[later], duration=100, quality=50)
    yield "moving.webp", moving
    # A first frame that is smaller than the canvas.
    frame = saved(Image.fromarray(scene(20, 10)), "WEBP", quality=60)[12:]
    three = lambda value: value.to_bytes(3, "little")
    content = three(6 // 2) + three(4 // 2) + three(19) + three(9) + three(100) + b"\0" + frame
    head = bytes([0x02, 0, 0, 0]) + three(39) + three(29)
    yield "moving-small-frame.webp", riff(
        riff_chunk(b"VP8X", head) + riff_chunk(b"ANIM", b"\xff\xff\xff\xff\0\0") + riff_chunk(b"ANMF", content))


# -- Hostile ------------------------------------------------------------------------------------------------------

def hostile():
    jpeg = saved(COLOUR, "JPEG", quality=75)
    rows = b"".join(b"\0" + row.tobytes() for row in scene(16, 12))
    whole = png(16, 12, 8, 2, rows)
    webp = saved(COLOUR, "WEBP", quality=50)
    yield "empty.jpg", b"", "empty"
    for name, data in (
        ("picture.gif", saved(Image.new("P", (2, 2)), "GIF")), ("picture.bmp", saved(Image.new("RGB", (2, 2)), "BMP")),
        ("picture.tiff", saved(Image.new("RGB", (2, 2)), "TIFF")), ("photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("picture.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif"), ("paper.pdf", b"%PDF-1.7\n"),
        ("note.txt", b"This is no picture.\n"), ("page.html", b"<!DOCTYPE html>\n<html><body>404</body></html>\n"),
        ("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>\n'), ("sound.wav", b"RIFF\x04\0\0\0WAVE"),
        ("signature-only.png", b"\x89PNG\r\n"), ("archive.zip", b"PK\x03\x04\x14\0"),
    ):
        yield name, data, "unsupportedFormat"
    yield "truncated-header.jpg", jpeg[:100], "truncated"
    yield "truncated-scan.jpg", jpeg[:-200], "truncated"
    progressive = saved(COLOUR, "JPEG", progressive=True)
    yield "truncated-progressive.jpg", progressive[:-200], "truncated"
    yield "cut-end-marker.jpg", jpeg[:-2], "truncated"
    yield "signature-only.jpg", b"\xff\xd8\xff", "truncated"
    yield "truncated-header.png", whole[:20], "truncated"
    yield "truncated-pixels.png", whole[:-120], "truncated"
    yield "truncated.webp", webp[:-100], "truncated"
    yield "signature-only.webp", webp[:12], "truncated"
    yield "no-height.jpg", patched(jpeg, 0xC0, 5, b"\0\0"), "corrupt"
    yield "huffman-table.jpg", patched(jpeg, 0xC4, 5, b"\xff" * 16), "corrupt"
    yield "second-start.jpg", jpeg[:2] + jpeg[:2] + jpeg[2:], "corrupt"
    position = progressive.rindex(b"\xff\xda")
    yield "scans.jpg", progressive[:-2] + progressive[position:-2] * 300 + b"\xff\xd9", "corrupt"
    yield "checksum.png", whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:], "corrupt"
    yield "no-palette.png", png(16, 12, 8, 3, b"".join(b"\0" + bytes(16) for _ in range(12))), "corrupt"
    yield "few-rows.png", png(16, 12, 8, 2, rows[:100]), "corrupt"
    yield "filter.png", png(16, 12, 8, 2, b"\x09" + rows[1:]), "corrupt"
    yield "no-pixels.png", whole[:33] + chunk(b"IEND", b""), "corrupt"
    yield "depth.png", png(16, 12, 3, 2, rows), "corrupt"
    yield "vp8.webp", webp[:23] + b"\0\0\0" + webp[26:], "corrupt"
    yield "chunks.webp", webp[:12] + b"JUNK" + webp[16:], "corrupt"
    yield "twelve-bits.jpg", patched(jpeg, 0xC0, 4, b"\x0c"), "unsupportedVariety"
    two = b"\xff\xc0" + struct.pack(">HBHHB", 14, 8, 8, 8, 2) + b"\x01\x11\0\x02\x11\0"
    yield "two-components.jpg", b"\xff\xd8" + two + segment(0xDA, b"\x02\x01\0\x02\0\0\x3f\0") + b"\0", "unsupportedVariety"
    yield "lossless.jpg", jpeg.replace(b"\xff\xc0", b"\xff\xc3", 1), "unsupportedVariety"
    yield "huge.jpg", patched(jpeg, 0xC0, 5, struct.pack(">HH", 65500, 65500)), "tooManyPixels"
    yield "huge.png", png(2**31 - 1, 2**31 - 1, 8, 2, b"\0"), "tooManyPixels"
    head = b"\x2f" + struct.pack("<I", 0x3FFF | 0x3FFF << 14)
    yield "huge.webp", riff(riff_chunk(b"VP8L", head + bytes(20))), "tooManyPixels"
    yield "bomb.png", png(7000, 7000, 1, 0, b"\0" * 1000), "corrupt"
    yield "long.png", png(1, 100_000, 1, 0, b"\0\0" * 100_000), "sideTooLong"


# -- Preprocessing ------------------------------------------------------------------------------------------------

def sources():
    yield "wide.jpg", saved(Image.fromarray(scene(400, 243, 11)), "JPEG", quality=70)
    yield "tall.jpg", saved(Image.fromarray(scene(150, 333, 12)), "JPEG", quality=70)
    yield "small.png", saved(Image.fromarray(scene(23, 31, 13)), "PNG")
    yield "strip.png", saved(Image.fromarray(scene(1, 3000, 14)), "PNG", optimize=True)
    yield "one-row.png", saved(Image.fromarray(scene(2000, 1, 15)), "PNG", optimize=True)


def opened(name, grey):
    image = Image.open(HERE / name).convert("RGB")
    return image.convert("L") if grey else image


def resizes():
    """Every source with each resize mode."""
    for name, _ in sources():
        ways = [("stretch", 224, 224, 224, 224), ("stretch", 32, 32, 32, 32), ("stretch", 50, 301, 50, 301),
                ("stretch", 64, 64, 51, 40), ("shortest", 40, None, 32, 32), ("shortest", 33, None, 20, 57),
                ("shortest", 256, None, 224, 224)]
        for mode, first, second, height, width in ways:
            for grey in (False, True):
                image = opened(name, grey)
                long_side = first * max(image.size) / min(image.size) if mode == "shortest" else 0
                if long_side > 20_000:
                    continue
                size = (first, second) if mode == "stretch" else first
                steps = [transforms.Resize(size), transforms.CenterCrop((height, width))]
                result = transforms.Compose(steps)(image)
                resize = {"mode": mode, "side": first}
                if mode == "stretch":
                    resize = {"mode": mode, "height": first, "width": second}
                description = {"colour": "grey" if grey else "rgb", "resize": resize, "crop": [height, width]}
                yield {"file": name, "steps": description, "channels": 1 if grey else 3, "height": height,
                       "width": width, "digest": digest(np.asarray(result).tobytes())}


def tensors():
    half, imagenet = ([0.5], [0.5]), ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    for name in ("wide.jpg", "tall.jpg", "small.png"):
        for preset in ("stretch", "imagenet", "caffe", "unit"):
            for shape in ([3, 224, 224], [3, 227, 227], [1, 224, 224], [3, 32, 48]):
                if preset == "imagenet" and shape != [3, 224, 224]:
                    continue
                grey, (height, width) = shape[0] == 1, shape[1:]
                image = opened(name, grey)
                if preset == "imagenet":
                    image = transforms.CenterCrop(224)(transforms.Resize(256)(image))
                else:
                    image = transforms.Resize((height, width))(image)
                if preset == "caffe":
                    array = np.asarray(image, np.float32)
                    array = array[None] - np.float32(115) if grey else (
                        array[:, :, ::-1] - np.array([104, 117, 124], np.float32)).transpose(2, 0, 1)
                    tensor = torch.from_numpy(np.ascontiguousarray(array))
                else:
                    tensor = transforms.ToTensor()(image)
                    if preset == "stretch":
                        tensor = transforms.Normalize(half[0] * shape[0], half[1] * shape[0])(tensor)
                    if preset == "imagenet":
                        tensor = transforms.Normalize(*imagenet)(tensor)
                assert list(tensor.shape) == shape
                flat = tensor.numpy().reshape(-1)
                yield {"file": name, "preset": preset, "input": shape, "first": flat[0].item(), "last": flat[-1].item(),
                       "digest": digest(flat.astype("<f4").tobytes())}


def scaled():
    """Inputs [H, W, C] of 0…1 from JPEGs that `draft` scales while decoding, as in Image.thumbnail(reducing_gap=2)."""
    names = ["wide.jpg", "tall.jpg", "progressive-422.jpg", "grey.jpg", "cmyk.jpg"]
    for name in names + [f"orientation-{number}.jpg" for number in range(1, 9)]:
        upright = ImageOps.exif_transpose(Image.open(HERE / name))
        orientation = Image.open(HERE / name).getexif().get(0x0112, 1)
        for height, width in ((24, 30), (13, 9), (7, 5), (100, 3)):
            image = Image.open(HERE / name)
            stored = (height, width) if orientation >= 5 else (width, height)
            whole = image.size
            image.draft(None, (2 * stored[0], 2 * stored[1]))
            factor = next(factor for factor in (1, 2, 4, 8) if image.size == tuple(-(-side // factor) for side in whole))
            image = ImageOps.exif_transpose(image).convert("RGB")
            # The last stored column and row may cover less than a whole pixel.
            spans = upright.width / factor, upright.height / factor
            left = image.width - spans[0] if orientation in (2, 3, 6, 7) else 0
            top = image.height - spans[1] if orientation in (3, 4, 7, 8) else 0
            box = (left, top, left + spans[0], top + spans[1])
            result = image.resize((width, height), Image.Resampling.BILINEAR, box=box)
            array = np.asarray(result, np.float32) / np.float32(255)
            yield {"file": name, "input": [3, height, width], "denominator": factor,
                   "digest": digest(array.astype("<f4").tobytes())}


def expectation(name, data):
    plain = Image.open(io.BytesIO(data)).convert("RGB")
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    return {"file": name, "width": upright.width, "height": upright.height, "digest": digest(upright.tobytes()),
            "stored": {"width": plain.width, "height": plain.height, "digest": digest(plain.tobytes())}}


def main():
    HOSTILE.mkdir(parents=True, exist_ok=True)
    images = []
    for make in (jpegs, oriented, pngs, webps, sources):
        for name, data in make():
            (HERE / name).write_bytes(data)
            images.append(expectation(name, data))
    errors = []
    for name, data, error in hostile():
        (HOSTILE / name).write_bytes(data)
        errors.append({"file": name, "error": error})

    def lines(entries):
        return "[\n" + ",\n".join("    " + json.dumps(entry) for entry in entries) + "\n  ]"

    sections = {"images": images, "hostile": errors, "resizes": list(resizes()), "tensors": list(tensors()),
                "scaled": list(scaled())}
    text = ",\n".join(f'  "{name}": {lines(entries)}' for name, entries in sections.items())
    (HERE / "expected.json").write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()
