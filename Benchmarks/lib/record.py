"""Measurements kept in a file, so that a long comparison can be run in parts and its tables printed again."""

import json
from pathlib import Path

from .machine import busy_share
from .tables import Measurements


class Record:
    """The measurements of this run and, with a file, of earlier runs with the same file.

    A file belongs to one machine and one set of options: a median over different ones would mean nothing.
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
                    raise SystemExit(f"{path} holds measurements with other facts:\n{kept}\ninstead of\n{facts}")
            else:
                path.write_text(json.dumps(facts) + "\n")
            self.file = path.open("a")
            for row in rows:
                if "picture" in row:  # the key in older files
                    row["image"] = row.pop("picture")
        self.measurements = Measurements(rows)

    def begin_round(self):
        """Record the CPU utilisation before the round."""
        self.add({"busy": busy_share()})

    def add(self, row):
        self.measurements.add(row)
        if self.file:
            self.file.write(json.dumps(row) + "\n")
            self.file.flush()
