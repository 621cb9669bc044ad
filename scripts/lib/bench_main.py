# Counts the instructions of every kernel path and holds them against a baseline; see --help.
# SPDX-License-Identifier: BSD-2-Clause
import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))
sys.dont_write_bytecode = True

import build  # noqa: E402
import privileged  # noqa: E402
from machine import Machine, MachineError  # noqa: E402

BASELINE = ROOT / "test/bench-baseline.tsv"
KERNEL = build.BUILD / "kernel/kernel.elf"
PROGRAM = build.BUILD / "boot/bench-root.elf"
ROW = re.compile(r"^([a-z0-9_]+)\t(\d+)$", re.M)
TOLERANCE = 0.02
TIMEOUT = 120
PRIVILEGED_TIMEOUT = 300
PATHS = ("ipc_", "signal_", "yield_", "pagefault_", "smallest_")


def measure():
    """{row: instructions} of one counted run of the benchmark as the root task, without servers."""
    extra = ["-kernel", KERNEL, "-initrd", PROGRAM]
    with Machine(icount=True, extra=map(str, extra)) as machine:
        machine.wait_end(TIMEOUT)
        machine.drain()
        rows = {name: int(count) for name, count in ROW.findall(machine.log)}
        if not rows or re.search(r"^error: ", machine.log, re.M):
            raise MachineError(f"the benchmark did not end well:\n{machine.log[-4000:]}")
        return rows


def read_baseline():
    return {name: int(count) for name, count in ROW.findall(BASELINE.read_text())} if BASELINE.exists() else {}


def compare(rows, baseline):
    """Print both; the problems that make the comparison fail."""
    problems = []
    for name, count in rows.items():
        before = baseline.get(name)
        change = f"{100 * (count - before) / before:+.1f} %" if before else "no baseline"
        print(f"{name}\t{count}\t({change})")
        if before is None:
            problems.append(f"{name}: not in {BASELINE.relative_to(ROOT)} (scripts/bench --update)")
        elif count > before * (1 + TOLERANCE):
            problems.append(f"{name}: {count} instructions, {before} in the baseline")
    return problems + [f"{name}: in the baseline, but not measured" for name in baseline.keys() - rows.keys()]


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Boot the benchmark under counted instructions, print `row<TAB>instructions`, and fail if a row "
                    "is more than 2 % above test/bench-baseline.tsv. Takes a few seconds after the build.")
    parser.add_argument("--update", action="store_true", help="make these counts the baseline")
    parser.add_argument("--no-build", action="store_true", help="measure what is built already")
    parser.add_argument("--privileged", action="store_true",
                        help="then trace the machine and list the privileged instructions of the message paths")
    options = parser.parse_args()
    try:
        if not options.no_build:
            build.image()
        rows = measure()
    except (MachineError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
    if options.update:
        BASELINE.write_text("".join(f"{name}\t{count}\n" for name, count in rows.items()))
    problems = compare(rows, read_baseline())
    for problem in problems:
        print(f"bench: {problem}")
    if options.privileged:
        paths = [name for name in rows if name.startswith(PATHS)]
        for name, counts in privileged.rows(KERNEL, PROGRAM, paths, PRIVILEGED_TIMEOUT).items():
            print(f"{name}\t" + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
