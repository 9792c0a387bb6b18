"""The options of every `server.py`."""

import argparse
from pathlib import Path


def parse(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--model", type=Path, required=True, help="folder that export.py made")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True, help="cores to use")
    return parser.parse_args()
