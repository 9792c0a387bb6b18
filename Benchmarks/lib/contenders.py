"""What all commands do with their contenders, whatever these are."""

import sys

from .machine import describe


def choose(contenders, wanted):
    """Those that take part: ours, and the installed peers that are wanted (all, unless told). And the names of the rest
    that were wanted but are not installed.
    """
    asked = [contender for contender in contenders if contender.is_ours or not wanted or contender.name in wanted]
    unknown = set(wanted or []) - {contender.name for contender in contenders}
    if unknown:
        raise SystemExit(f"no contender is called {', '.join(sorted(unknown))}; there are "
                         f"{', '.join(contender.name for contender in contenders)}")
    missing = [contender.name for contender in asked if not contender.is_installed]
    return [contender for contender in asked if contender.is_installed], missing


def agreement(answers, reference):
    """How many images have the reference's most probable class, and the largest difference of a probability."""
    pairs = list(zip(answers, reference, strict=True))
    same = sum(ours.index(max(ours)) == theirs.index(max(theirs)) for ours, theirs in pairs)
    return same, max(abs(a - b) for ours, theirs in pairs for a, b in zip(ours, theirs, strict=True))


def print_notes(contenders, missing, measurements, field, keys, *more):
    """What belongs under every table: how steady `field` was, on what machine, which versions, who is missing."""
    for note in more:
        print(f"- {note}")
    busy = max(measurements.values("busy"), default=0)
    print(f"- A round differed from its median by at most {measurements.spread(field, *keys):.0%}. Before the rounds "
          f"other things kept up to {busy:.0%} of the cores busy.")
    print(f"- {describe()}.")
    versions = {}
    for contender in contenders:
        for name, version in contender.versions.items():
            versions.setdefault(name, []).append(version)
    print(f"- {', '.join(f'{name} {chr(47).join(dict.fromkeys(found))}' for name, found in versions.items())}.")
    for name in missing:
        print(f"- {name} is missing: it is not installed, or did not start.")


def progress(text):
    print(text, file=sys.stderr, flush=True)
