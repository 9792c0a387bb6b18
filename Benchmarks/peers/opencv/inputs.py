"""Preprocessing with OpenCV: the same steps as with Pillow, but another filter and other rounding."""

import cv2
import numpy

from preparing import main

SCALE = numpy.float32(1 / 255) / numpy.float32([0.229, 0.224, 0.225]).reshape(3, 1, 1)
OFFSET = -numpy.float32([0.485, 0.456, 0.406]).reshape(3, 1, 1) / numpy.float32([0.229, 0.224, 0.225]).reshape(3, 1, 1)


def preprocess(content):
    """Decode, resize, crop and normalise. INTER_AREA is OpenCV's only antialiasing filter; Pillow always antialiases."""
    image = cv2.imdecode(numpy.frombuffer(content, numpy.uint8), cv2.IMREAD_COLOR_RGB)
    height, width = image.shape[:2]
    size = (256, int(256 * height / width)) if width <= height else (int(256 * width / height), 256)
    left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
    image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)[top:top + 224, left:left + 224]
    values = numpy.multiply(image.transpose(2, 0, 1), SCALE, dtype=numpy.float32, order="C")
    values += OFFSET
    return values


cv2.setNumThreads(1)
main(preprocess)
