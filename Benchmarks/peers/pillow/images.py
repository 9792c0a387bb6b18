"""Generate the images of the benchmarks: synthetic photographs, the same on every machine.

Multi-octave noise stands for skies and surfaces, shaded shapes with sharp edges for objects, and white noise for sensor
grain. They are JPEGs of quality 90 with 4:2:0 chroma subsampling, as cameras and phones write them, and as large as
photographs: about 2 bits per pixel.
"""

import argparse
from pathlib import Path

import numpy
from PIL import Image, ImageDraw

LOAD_SIZES = [(640, 427), (3000, 2000)]
CHECK_SIZES = [
    (640, 427), (427, 640), (500, 375), (375, 500), (800, 600), (1024, 768), (256, 256), (300, 200),
    (1280, 853), (224, 224), (333, 499), (640, 480), (480, 640), (1200, 1600), (500, 333), (259, 1023),
]


def noise(random, width, height, octaves=7, decay=0.55):
    """Smooth noise [height, width, 3] of about -1 … 1. Each octave has twice the frequency and `decay` the amplitude."""
    total = numpy.zeros((height, width, 3), numpy.float32)
    for octave in range(octaves):
        cells = 2 ** octave + 2
        for channel in range(3):
            grid = Image.fromarray(random.standard_normal((cells, cells), dtype=numpy.float32))
            total[:, :, channel] += decay ** octave * numpy.asarray(grid.resize((width, height), Image.BICUBIC))
    return total


def photograph(number, width, height):
    """A deterministic image: its seed is `number` and the size."""
    random = numpy.random.default_rng([number, width, height])
    light = noise(random, width, height)
    image = random.uniform(60, 190, 3) + 45 * light.mean(2, keepdims=True) + 25 * light
    for _ in range(24):
        mask = Image.new("L", (width, height))
        extent = random.uniform(0.04, 0.3) * min(width, height)
        x, y = random.uniform(0, width), random.uniform(0, height)
        angles = numpy.sort(random.uniform(0, 2 * numpy.pi, random.integers(3, 9)))
        if random.random() < 0.5:
            ImageDraw.Draw(mask).ellipse((x - extent, y - extent * 0.7, x + extent, y + extent * 0.7), fill=255)
        else:
            corners = [(x + extent * numpy.cos(angle), y + extent * numpy.sin(angle)) for angle in angles]
            ImageDraw.Draw(mask).polygon(corners, fill=255)
        covered = numpy.asarray(mask) > 0
        surface = random.uniform(20, 235, 3) + random.uniform(5, 30) * light[::-1, ::-1]
        image[covered] = surface[covered]
    grain = random.normal(0, 5, (height, width, 1)) + random.normal(0, 2, (height, width, 3))
    return Image.fromarray((image + grain).clip(0, 255).astype(numpy.uint8))


def write(path, number, size):
    photograph(number, *size).save(path, "JPEG", quality=90, subsampling=2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    folder = parser.parse_args().output
    (folder / "check").mkdir(parents=True, exist_ok=True)
    for size in LOAD_SIZES:
        write(folder / f"{size[0]}x{size[1]}.jpg", 0, size)
    for number, size in enumerate(CHECK_SIZES):
        write(folder / "check" / f"{number:02}.jpg", number, size)


main()
