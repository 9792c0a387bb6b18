"""A network's inputs by Pillow."""

from preparing import main
from preprocessing import preprocess

main(preprocess)
