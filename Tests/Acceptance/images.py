"""Sixteen real images in the formats that clients send.

The photographs are part of the packages scikit-image and scikit-learn. If those are not installed, pip downloads their wheels
once, and the files are read from the archives. Without a network the images are synthesised, and a notice is printed.
"""

import importlib.util
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy
from PIL import Image

PHOTOGRAPHS = {
    "skimage": ("scikit-image", [
        "skimage/data/astronaut.png", "skimage/data/chelsea.png", "skimage/data/coffee.png",
        "skimage/data/camera.png", "skimage/data/motorcycle_left.png", "skimage/data/rocket.jpg",
        "skimage/data/retina.jpg", "skimage/data/hubble_deep_field.jpg",
    ]),
    "sklearn": ("scikit-learn", ["sklearn/datasets/images/china.jpg", "sklearn/datasets/images/flower.jpg"]),
}
CACHE = Path(tempfile.gettempdir()) / "alexnet-acceptance"


def read_installed(package, paths):
    specification = importlib.util.find_spec(package)
    if not specification or not specification.submodule_search_locations:
        return None
    folder = Path(specification.submodule_search_locations[0]).parent
    if not all((folder / path).exists() for path in paths):
        return None
    return {Path(path).name: (folder / path).read_bytes() for path in paths}


def read_wheel(project, paths):
    wheels = CACHE / "wheels"
    pattern = project.replace("-", "_") + "-*.whl"
    if not list(wheels.glob(pattern)):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels), project]
        if subprocess.run(command, capture_output=True).returncode != 0:
            return None
    with zipfile.ZipFile(next(wheels.glob(pattern))) as archive:
        return {Path(path).name: archive.read(path) for path in paths}


def synthesise(number):
    """An image with edges, gradients and noise, to stand in for a photograph. `number` is the seed."""
    random = numpy.random.default_rng(number)
    height, width = random.integers(200, 600, 2)
    y, x = numpy.mgrid[0:height, 0:width]
    waves = [numpy.sin(x / random.uniform(5, 60) + y / random.uniform(5, 60)) for _ in range(3)]
    image = 128 + 70 * numpy.stack(waves, -1) + 40 * ((x // 37 + y // 23) % 2)[:, :, None]
    image += random.normal(0, 8, image.shape)
    return Image.fromarray(image.clip(0, 255).astype(numpy.uint8))


def photographs():
    """Ten photographs (name: bytes), and whether they are real."""
    found = {}
    for package, (project, paths) in PHOTOGRAPHS.items():
        read = read_installed(package, paths) or read_wheel(project, paths)
        if read is None:
            print(f"       no photographs: {project} is neither installed nor downloadable; using synthesised images")
            stand_ins = {}
            for number, path in enumerate(path for _, paths in PHOTOGRAPHS.values() for path in paths):
                name = Path(path).name
                stand_ins[name] = encode(synthesise(number), "PNG" if name.endswith("png") else "JPEG")
            return stand_ins, False
        found |= read
    return found, True


def encode(image, format, **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def sixteen_images():
    """Sixteen images (file name: bytes): eight original files, and eight re-encoded in less common formats."""
    found, _ = photographs()

    def opened(name):
        return Image.open(io.BytesIO(found[name])).convert("RGB")

    rotated = Image.Exif()
    rotated[0x0112] = 6
    mirrored = Image.Exif()
    mirrored[0x0112] = 7
    astronaut, chelsea, coffee = opened("astronaut.png"), opened("chelsea.png"), opened("coffee.png")
    camera, china, flower = opened("camera.png"), opened("china.jpg"), opened("flower.jpg")
    transparent = astronaut.copy()
    transparent.putalpha(Image.linear_gradient("L").resize(astronaut.size))

    names = [
        "china.jpg", "flower.jpg", "rocket.jpg", "retina.jpg", "hubble_deep_field.jpg", "astronaut.png",
        "motorcycle_left.png", "camera.png",
    ]
    return {name: found[name] for name in names} | {
        "china-rotated.jpg": encode(china, "JPEG", quality=90, exif=rotated, subsampling=0),
        "chelsea-mirrored.jpg": encode(chelsea, "JPEG", quality=85, exif=mirrored),
        "flower-cmyk.jpg": encode(flower.convert("CMYK"), "JPEG", quality=90),
        "camera-grey.jpg": encode(camera.convert("L"), "JPEG", quality=80),
        "coffee-progressive.jpg": encode(coffee, "JPEG", quality=75, progressive=True, subsampling=2),
        "coffee-palette.png": encode(coffee.quantize(256), "PNG"),
        "astronaut-transparent.webp": encode(transparent, "WEBP", lossless=True, exact=True),
        "chelsea.webp": encode(chelsea, "WEBP", quality=80),
    }


def write_images(folder):
    """Write the sixteen images into a new folder; their paths, in order."""
    folder.mkdir()
    files = []
    for name, content in sixteen_images().items():
        files.append(folder / name)
        files[-1].write_bytes(content)
    return files


if __name__ == "__main__":
    for name, content in sixteen_images().items():
        image = Image.open(io.BytesIO(content))
        print(f"{name:28} {image.format:5} {image.mode:5} {image.size[0]}x{image.size[1]} {len(content)} bytes")
