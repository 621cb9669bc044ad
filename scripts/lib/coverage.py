"""Runs the lock step of core and model, and reports what its generator has not reached.
SPDX-License-Identifier: BSD-2-Clause

usage: coverage.py [--entries N] [--seed S]    half of N from seed S on, half from S + 1,000,000

Builds the lock step with gcov, runs two of it side by side, and prints
  - each call and error that abi allows (test/model/calls.hpp) and that did not occur,
  - each situation that the generator is to reach (lockstep.cpp) and that did not occur,
  - each line of kernel/core that was not executed.
Exit status 1 if one of them does not stand in test/core/unreached.txt with its reason, or if one
that stands there was reached.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))
sys.dont_write_bytecode = True

import build  # noqa: E402

FOLDER = ROOT / "build-coverage"
PROGRAM = "test/core/core-model-test"
REASONS = ROOT / "test/core/unreached.txt"
RATE = 500  # Entries a second, at the least: the time that a run is given.


def built():
    """Build the program; forget what earlier runs of it have counted."""
    build.configure(FOLDER, "-Db_coverage=true", "-Doptimization=1", "-Ddebug=false", "-Dwarning_level=0",
                    "-Dwerror=false")
    build.ninja(FOLDER, PROGRAM)
    for old in FOLDER.rglob("*.gcda"):
        old.unlink()


def start(first, entries):
    environment = os.environ | {"MODEL_STATISTICS": "1", "MODEL_FIRST": str(first), "MODEL_ENTRIES": str(entries)}
    return subprocess.Popen(["timeout", str(60 + entries // RATE), FOLDER / PROGRAM], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def run(first, entries):
    """Counts of all ends and situations, summed over two runs; None if one failed."""
    runs = [start(first, entries // 2), start(first + 1_000_000, entries // 2)]
    counts = Counter()
    outputs = [process.communicate()[0] for process in runs]
    for process, output in zip(runs, outputs):
        if process.returncode:
            print(output[-6000:])
            return None
        for line in output.splitlines():
            kind, *rest = line.split("\t")
            if kind in ("end", "situation") and len(rest) == 2:
                counts[f"{kind}: {rest[0]}"] += int(rest[1])
    return counts


def lines_of(counter_file):
    """{(file, line): count} of kernel/core, summed over all copies of a line."""
    output = subprocess.run(["gcov", "--json-format", "--stdout", counter_file], cwd=FOLDER, check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    lines = {}
    for report in map(json.loads, output.splitlines()):
        for source in report["files"]:
            path = (Path(report["current_working_directory"]) / source["file"]).resolve()
            if not path.is_relative_to(ROOT / "kernel/core"):
                continue
            for line in source["lines"]:
                key = path.relative_to(ROOT).as_posix(), line["line_number"]
                lines[key] = lines.get(key, 0) + line["count"]
    return lines


def executed():
    """(lines of the core, {"line: file: text": where} of those that were not executed)."""
    lines = {}
    for counter_file in FOLDER.rglob("*core_unit*.gcda"):
        lines |= lines_of(counter_file)
    missing = {}
    for (path, number), count in sorted(lines.items()):
        text = (ROOT / path).read_text().splitlines()[number - 1].strip()
        if not count and text != "}":
            missing.setdefault(f"line: {path}: {text}", []).append(str(number))
    return len(lines), missing


def reasons():
    """{what: why it cannot be reached} of the committed file."""
    known, what = {}, None
    for line in REASONS.read_text().splitlines():
        if line.startswith("    "):
            known[what] = (known.get(what, "") + " " + line.strip()).strip()
        elif line.strip() and not line.startswith("#"):
            what = line.strip()
            known[what] = ""
    return known


def judge(counts, total, missing):
    """Print the report; how many problems it has."""
    known = reasons()
    unreached = [what for what, count in counts.items() if not count] + list(missing)
    for what in unreached:
        place = f" (line {', '.join(missing[what])})" if what in missing else ""
        print(f"not reached: {what}{place}\n    {known.get(what) or 'WITHOUT A REASON in ' + REASONS.name}")
    stale = [what for what in known if what not in unreached]
    for what in stale:
        print(f"reached, but {REASONS.name} says that it is not: {what}")
    for kind, name in (("end", "ends of calls"), ("situation", "situations")):
        of_kind = [count for what, count in counts.items() if what.startswith(kind + ":")]
        print(f"{name} reached: {sum(map(bool, of_kind))} of {len(of_kind)}")
    lost = sum(map(len, missing.values()))
    print(f"lines of kernel/core reached: {total - lost} of {total}")
    return len(stale) + sum(not known.get(what) for what in unreached)


def main():
    parser = argparse.ArgumentParser(prog="coverage.py", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--entries", type=int, default=1_000_000, help="kernel entries in all")
    parser.add_argument("--seed", type=int, default=1, help="of the first episode")
    options = parser.parse_args()
    built()
    begin = time.monotonic()
    counts = run(options.seed, options.entries)
    if counts is None:
        return 1
    print(f"{options.entries} entries in {time.monotonic() - begin:.0f} s")
    total, missing = executed()
    if not total or not counts:
        print("nothing was counted")
        return 1
    return int(judge(counts, total, missing) > 0)


if __name__ == "__main__":
    sys.exit(main())
