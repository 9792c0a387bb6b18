#!/usr/bin/env python3
"""Runs libFuzzer on every target, and says what it found.

Each target starts from its seeds: fixtures of the tests, texts in Seeds/, and inputs that once failed, in Found/. What libFuzzer
adds to them is kept in the corpus, so that the next run continues. Exits with 1 if an input fails; it is written to .build-sanitize/findings.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent
# Larger files tell mutation little.
LARGEST_SEED = 64 << 10
# Fixtures that use up a budget on purpose, which takes seconds here; tests hold them to it.
SLOW = ("bomb", "many-steps")


def seeds(name, limit, patterns):
    """The names and contents of a target's seeds, those left out that are longer than it takes."""
    for folder in ("Seeds", "Found"):
        for path in sorted((HERE / folder / name).glob("*")):
            yield path.name, path.read_bytes()
    for pattern in patterns:
        if pattern == "pickles":
            yield from pickles()
            continue
        for path in sorted(TESTS.glob(pattern)):
            if path.stat().st_size <= min(LARGEST_SEED, limit) and not any(word in path.name for word in SLOW):
                yield "-".join(path.relative_to(TESTS).parts[-2:]), path.read_bytes()


def pickles():
    """The pickles in the fixtures of PyTorch's files."""
    for path in sorted((TESTS / "InferenceTests/Fixtures").glob("**/*.pth")):
        if any(word in path.name for word in SLOW):
            continue
        try:
            with zipfile.ZipFile(path) as archive:
                for entry in archive.namelist():
                    if entry.endswith("data.pkl") and archive.getinfo(entry).file_size <= LARGEST_SEED:
                        yield f"{path.parent.name}-{path.stem}.pkl", archive.read(entry)
        except Exception:  # zipfile has an error of its own for each way to be damaged
            continue  # a fixture that is damaged on purpose


def fuzz(binary, work, name, limit, patterns, seconds, runs, memory):
    """One target: its statistics, and the input that failed, if one did."""
    corpus, findings = work / "corpus" / name, work / "findings" / name
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    starts = 0
    for seed, content in seeds(name, limit, patterns):
        starts += 1
        (corpus / seed).write_bytes(content)
    log = work / "findings" / f"{name}.log"
    command = [binary, name, *([f"-runs={runs}", "-seed=1"] if runs else []), f"-max_total_time={seconds}", "-timeout=25", f"-rss_limit_mb={memory}", "-print_final_stats=1",
               "-reload=0", "-detect_leaks=1", "-use_value_profile=1", f"-artifact_prefix={findings}/", str(corpus)]
    # Swift's own report of a crash comes in the way of libFuzzer's.
    environment = os.environ | {"SWIFT_BACKTRACE": "enable=no", "ASAN_OPTIONS": "quarantine_size_mb=32"}
    begin = time.monotonic()
    with open(log, "wb") as output:
        status = subprocess.run(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, timeout=seconds * 3 + 300).returncode
    duration = time.monotonic() - begin
    text = log.read_text(errors="replace")
    executed = re.search(r"stat::number_of_executed_units: (\d+)", text)
    peak = re.search(r"stat::peak_rss_mb:\s+(\d+)", text)
    covered = re.findall(r" cov: (\d+)", text)
    return {
        "name": name, "seeds": starts, "runs": int(executed[1]) if executed else 0, "edges": int(covered[-1]) if covered else 0,
        "corpus": len(list(corpus.iterdir())), "peak": int(peak[1]) if peak else 0, "duration": duration,
        "failed": status != 0, "log": log,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help="which targets; all without one")
    parser.add_argument("--binary", default=".build-sanitize/debug/Fuzzing")
    parser.add_argument("--seconds", type=int, default=30, help="for each target")
    parser.add_argument("--runs", type=int, help="for each target, the same ones every time; the corpus must be that of a clean clone")
    parser.add_argument("--memory", type=int, default=1024, help="the most resident memory, in MiB; AddressSanitizer needs some")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(".build-sanitize"))
    options = parser.parse_args()
    known = [line.split() for line in subprocess.run(
        [options.binary, "--list"], check=True, capture_output=True, text=True).stdout.splitlines()]
    unknown = set(options.targets) - {words[0] for words in known}
    if unknown:
        sys.exit(f"There is no target {', '.join(sorted(unknown))}; known are {', '.join(words[0] for words in known)}.")
    shutil.rmtree(options.work / "findings", ignore_errors=True)
    failed = total = 0
    print(f"{'target':14}{'seeds':>7}{'executions':>13}{'per second':>12}{'edges':>8}{'corpus':>8}{'MiB':>6}", flush=True)
    for name, limit, *patterns in known:
        if options.targets and name not in options.targets:
            continue
        result = fuzz(os.path.abspath(options.binary), options.work.resolve(), name, int(limit), patterns, options.seconds, options.runs, options.memory)
        total += result["runs"]
        print(f"{name:14}{result['seeds']:7}{result['runs']:13,}{int(result['runs'] / result['duration']):12,}{result['edges']:8,}"
              f"{result['corpus']:8,}{result['peak']:6}", flush=True)
        if result["failed"]:
            failed += 1
            print("".join(f"    {line}\n" for line in result["log"].read_text(errors="replace").splitlines()[-60:]), flush=True)
    print(f"{total:,} executions; {failed} of the targets failed" + (f", see {options.work}/findings" if failed else ""))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
