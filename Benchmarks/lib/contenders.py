"""Choosing contenders, comparing their answers, and the notes under a table."""

import sys

from .machine import describe


def choose(contenders, wanted):
    """The contenders that take part, and the names of those that are wanted but not installed.

    Ours always takes part. `wanted` names peers; if it is empty, all are wanted.
    """
    asked = [contender for contender in contenders if contender.is_ours or not wanted or contender.name in wanted]
    unknown = set(wanted or []) - {contender.name for contender in contenders}
    if unknown:
        raise SystemExit(f"unknown contender {', '.join(sorted(unknown))}; choose from "
                         f"{', '.join(contender.name for contender in contenders)}")
    missing = [contender.name for contender in asked if not contender.is_installed]
    return [contender for contender in asked if contender.is_installed], missing


def agreement(answers, reference):
    """How many images have the reference's top-1 class, and the largest absolute difference of a probability."""
    pairs = list(zip(answers, reference, strict=True))
    same = sum(ours.index(max(ours)) == theirs.index(max(theirs)) for ours, theirs in pairs)
    return same, max(abs(a - b) for ours, theirs in pairs for a, b in zip(ours, theirs, strict=True))


def print_notes(contenders, missing, measurements, field, keys, *more):
    """Print the notes under a table: spread of `field` over the rounds, machine, versions, missing contenders."""
    for note in more:
        print(f"- {note}")
    busy = max(measurements.values("busy"), default=0)
    print(f"- A round differed from the median by at most {measurements.spread(field, *keys):.0%}. CPU utilisation "
          f"before a round was at most {busy:.0%}.")
    print(f"- {describe()}.")
    versions = {}
    for contender in contenders:
        for name, version in contender.versions.items():
            versions.setdefault(name, []).append(version)
    print(f"- {', '.join(f'{name} {chr(47).join(dict.fromkeys(found))}' for name, found in versions.items())}.")
    for name in missing:
        print(f"- {name} is missing: not installed, or it did not start.")


def progress(text):
    print(text, file=sys.stderr, flush=True)
