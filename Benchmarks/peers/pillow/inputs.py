"""Preprocessing with Pillow."""

from preparing import main
from preprocessing import preprocess

main(preprocess)
