"""Medians over rounds, and Markdown tables."""

from collections import Counter
from statistics import median


def markdown(header, rows):
    """A table whose columns are aligned in plain text too: the first to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]

    def line(row):
        padded = [cell.rjust(width) if column else cell.ljust(width)
                  for column, (cell, width) in enumerate(zip(row, widths))]
        return f"| {' | '.join(padded)} |"

    rule = "|".join(("-" * (width + 1) + ":") if column else "-" * (width + 2) for column, width in enumerate(widths))
    return "\n".join([line(cells[0]), f"|{rule}|", *map(line, cells[1:])])


class Measurements:
    """Rows of measurements: one for each round, contender and set of parameters."""

    def __init__(self, rows=()):
        self.rows = list(rows)

    def add(self, row):
        self.rows.append(row)

    def values(self, field, **wanted):
        """The values of `field` in the rows that match `wanted`, one for each round."""
        return [row[field] for row in self.rows
                if row.get(field) is not None and all(row.get(key) == value for key, value in wanted.items())]

    def median(self, field, **wanted):
        """The median over the rounds; None without measurements."""
        values = self.values(field, **wanted)
        return median(values) if values else None

    def distinct(self, field):
        """The distinct values of `field`, in order of appearance."""
        return list(dict.fromkeys(row[field] for row in self.rows if field in row))

    def rounds(self, *keys):
        """How many rounds every combination of `keys` has at least."""
        rows = [row for row in self.rows if "contender" in row]
        return min(Counter(tuple(row.get(key) for key in keys) for row in rows).values(), default=0)

    def spread(self, field, *keys):
        """The largest relative deviation of a round's value from its median."""
        largest = 0.0
        for group in {tuple(row.get(key) for key in keys) for row in self.rows}:
            values = self.values(field, **dict(zip(keys, group)))
            middle = median(values) if values else 0
            if middle:
                largest = max([largest, *(abs(value / middle - 1) for value in values)])
        return largest


def number(value, digits=0):
    return "" if value is None else f"{value:,.{digits}f}"


def ratio(ours, theirs):
    """`ours` / `theirs`, as text."""
    return "" if ours is None or not theirs else f"{ours / theirs:.2f} ×"
