"""Measurements kept in a file, so that a long comparison can be run in pieces and its table made again."""

import json
from pathlib import Path

from .machine import busy_share
from .tables import Measurements


class Record:
    """The measurements of this run and, with a file, of the runs before it that used the same file.

    A file belongs to one machine and one set of options: measurements of different ones have no common median.
    """

    def __init__(self, path, facts):
        self.facts = facts
        self.file = None
        rows = []
        if path:
            path = Path(path)
            if path.exists():
                kept, *rows = [json.loads(line) for line in path.read_text().splitlines()]
                if kept != facts:
                    raise SystemExit(f"{path} holds measurements of something else:\n{kept}\nnot of\n{facts}")
            else:
                path.write_text(json.dumps(facts) + "\n")
            self.file = path.open("a")
            for row in rows:
                if "picture" in row:  # the key in older files
                    row["image"] = row.pop("picture")
        self.measurements = Measurements(rows)

    def begin_round(self):
        """Note how busy the computer is before anything is measured."""
        self.add({"busy": busy_share()})

    def add(self, row):
        self.measurements.add(row)
        if self.file:
            self.file.write(json.dumps(row) + "\n")
            self.file.flush()
