"""Writes expected.json: the results of Pillow and torchvision on images that the tests generate too.

    python3 make.py

Pillow 13.0, torchvision 0.28. Bytes are in hexadecimal, `[H, W, C]`.
"""

import json
import pathlib

import numpy as np
from PIL import Image
from torchvision.transforms import functional


def make_image(height, width, channels):
    """The same image as TestScene.image(height:width:channelCount:) in Swift."""
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    pixels = (y * 37 + x * 11 + c * 71 + (y * x) % 13 * 5) % 256
    return Image.fromarray(pixels.astype(np.uint8).squeeze(), "L" if channels == 1 else "RGB")


def digits(image):
    return np.asarray(image).tobytes().hex()


crops, boxes, jitters, tens = [], [], [], []
for height, width, channels in [(9, 7, 3), (28, 28, 1), (40, 61, 3)]:
    image = make_image(height, width, channels)
    for top, left, rows, columns in [(0, 0, height, width), (2, 1, 5, 4), (3, 2, height - 3, width - 2)]:
        crop = image.crop((left, top, left + columns, top + rows)).resize((13, 11), Image.Resampling.BILINEAR)
        crops.append({"picture": [height, width, channels], "box": [top, left, rows, columns], "size": [11, 13],
                      "bytes": digits(crop)})
    # The box has fractional edges and overlaps every pixel of the image, as a part overlaps every pixel of its hull.
    top, left, bottom, right = 0.25, 0.5, height - 0.75, width - 0.125
    box = image.resize((13, 11), Image.Resampling.BILINEAR, box=(left, top, right, bottom))
    boxes.append({"picture": [height, width, channels], "box": [top, left, bottom, right], "size": [11, 13],
                  "bytes": digits(box)})
for channels in (3, 1):
    image = make_image(12, 10, channels)
    for name, change, factors in [
        ("brightness", functional.adjust_brightness, [0, 0.3, 0.77, 1, 1.4, 3]),
        ("contrast", functional.adjust_contrast, [0, 0.45, 1, 1.25, 2.5]),
        ("saturation", functional.adjust_saturation, [0, 0.6, 1, 1.7]),
        ("hue", functional.adjust_hue, [-0.5, -0.13, 0, 0.08, 0.31, 0.5]),
    ]:
        for factor in factors:
            jitters.append({"channels": channels, "change": name, "factor": factor,
                            "bytes": digits(change(image, factor))})
# The shorter side becomes 16 for inputs of 14, in the ratio of 256 to 224.
for height, width in [(20, 31), (9, 9), (50, 33)]:
    image = functional.resize(make_image(height, width, 3), 16)
    crops_of_ten = functional.ten_crop(functional.center_crop(image, [16, 16]), [14, 14])
    tens.append({"picture": [height, width, 3], "bytes": [digits(crop) for crop in crops_of_ten]})

expected = {"crops": crops, "boxes": boxes, "jitters": jitters, "tens": tens}
pathlib.Path(__file__).with_name("expected.json").write_text(json.dumps(expected, indent=1) + "\n")
