"""A network's inputs by Pillow-SIMD, which is imported as Pillow is."""

from preparing import main
from preprocessing import preprocess

main(preprocess)
