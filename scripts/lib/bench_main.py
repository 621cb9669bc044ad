# Counts the instructions of every kernel path and holds them against a baseline; see --help.
# SPDX-License-Identifier: BSD-2-Clause
import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))
sys.dont_write_bytecode = True

import build  # noqa: E402
import privileged  # noqa: E402
from disk import make_disk  # noqa: E402
from machine import DISK_KINDS, Machine, MachineError  # noqa: E402

BASELINE = ROOT / "test/bench-baseline.tsv"
KERNEL = build.BUILD / "kernel/kernel.elf"
PROGRAM = build.BUILD / "boot/bench-root.elf"
ROW = re.compile(r"^([a-z0-9_]+)\t(\d+)$", re.M)
TOLERANCE = 0.02
DISK_TOLERANCE = 0.05  # When a disk is done is real time, which is not counted (apps/iobench/README.md).
DISK_ROW = re.compile(r"(\w+?)_(?:read|write)_(4|64)k")
DRIVER = "virtio_blk"  # Under the file systems.
DISK_MEGABYTES = 32
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


def measure_disks():
    """The same of apps/iobench: the whole system, with a disk of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        extra = []
        for kind, arguments in DISK_KINDS.items():
            image = Path(folder) / f"{kind}.img"
            make_disk(image, DISK_MEGABYTES, scratch=True)
            # Slow, so that whoever asked sleeps when the answer comes, on any host.
            extra += ["-drive", f"if=none,id=disk{kind},format=raw,throttling.iops-total=400,file={image}"]
            extra += [argument.format(kind) for argument in arguments]
        with Machine(build.ISO, icount=True, sleep=True, extra=extra) as machine:
            machine.boot(TIMEOUT)
            output = machine.run("run iobench", TIMEOUT)
            rows = {name: int(count) for name, count in ROW.findall(output)}
            machine.halt()
    if not all(any(name.startswith(of) for name in rows) for of in (DRIVER, "nvme", "ahci", "littlefs", "fat")):
        raise MachineError(f"iobench: expected rows of three drivers and two file systems, got:\n{output}")
    return rows


def ratios(name, rows):
    """What the instructions of a disk row are for a byte, and beside those of its driver."""
    match = DISK_ROW.match(name)
    if not match:
        return ""
    text = f", {rows[name] / (int(match[2]) * 1024):.2f} a byte"
    driver = DISK_ROW.sub(lambda found: found[0].replace(found[1], DRIVER), match[0])
    below = rows.get(driver) if match[1] in ("littlefs", "fat") else None
    return text + (f", {rows[name] / below:.1f} times {driver}" if below else "")


def read_baseline():
    return {name: int(count) for name, count in ROW.findall(BASELINE.read_text())} if BASELINE.exists() else {}


def compare(rows, baseline):
    """Print both; the problems that make the comparison fail."""
    problems = []
    for name, count in rows.items():
        before = baseline.get(name)
        change = f"{100 * (count - before) / before:+.1f} %" if before else "no baseline"
        print(f"{name}\t{count}\t({change}{ratios(name, rows)})")
        tolerance = DISK_TOLERANCE if DISK_ROW.match(name) else TOLERANCE
        if before is None:
            problems.append(f"{name}: not in {BASELINE.relative_to(ROOT)} (scripts/bench --update)")
        elif count > before * (1 + tolerance):
            problems.append(f"{name}: {count} instructions, {before} in the baseline")
    return problems + [f"{name}: in the baseline, but not measured" for name in baseline.keys() - rows.keys()]


def main():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Boot the benchmark under counted instructions, print `row<TAB>instructions`, and fail if a row "
                    "is more than 2 % (disks and files: 5 %) above test/bench-baseline.tsv. Takes half a "
                    "minute after the build.")
    parser.add_argument("--update", action="store_true", help="make these counts the baseline")
    parser.add_argument("--no-build", action="store_true", help="measure what is built already")
    parser.add_argument("--privileged", action="store_true",
                        help="then trace the machine and list the privileged instructions of the message paths")
    options = parser.parse_args()
    try:
        if not options.no_build:
            build.image()
        rows = measure() | measure_disks()
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
