"""Preprocessing with Pillow-SIMD, a drop-in replacement for Pillow."""

from preparing import main
from preprocessing import preprocess

main(preprocess)
