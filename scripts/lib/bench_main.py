# Counts the instructions of every kernel path and holds them against a baseline and goals; see --help.
# SPDX-License-Identifier: BSD-2-Clause
import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))
sys.dont_write_bytecode = True

import boot_row  # noqa: E402
import build  # noqa: E402
import instruction_list  # noqa: E402
import kernel_size  # noqa: E402
import privileged  # noqa: E402
from disk import make_disk  # noqa: E402
from machine import CONTROLLERS, DISK_KINDS, Machine, MachineError  # noqa: E402

BASELINE = ROOT / "test/bench-baseline.tsv"
GOALS = ROOT / "test/bench-goals.tsv"
KERNEL = build.BUILD / "kernel/kernel.elf"
PROGRAM = build.BUILD / "boot/bench-rows.elf"
HELLO = build.BUILD / "apps/hello.bin"
ROOT_TASK, ARCHIVE = build.BUILD / "apps/root.elf", build.BUILD / "apps/archive.bin"
SEARCH = build.BUILD / "boot/bench-search.elf"
ROW = re.compile(r"^([a-z0-9_]+)\t(\d+)(?:\t(.*))?$", re.M)
OPERATION = re.compile(r"^# (.*)$", re.M)
TOLERANCE = 0.02
DISK_TOLERANCE = 0.05  # When a disk is done is real time, which is not counted (apps/iobench/README.md).
DISK_ROW = re.compile(r"(\w+?)_(?:read|write)_(4|64)k")
DISK_ROWS = re.compile(rf"{DISK_ROW.pattern}|\w+_list_entry|program_|restart_")  # Counted with disks.
DRIVER = "virtio_blk"  # Under the file systems.
DISK_MEGABYTES = 32
THROTTLES = ("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr")
TIMEOUT = 240
PRIVILEGED_TIMEOUT = 300
PATHS = ("ipc_", "signal_", "yield_", "pagefault_", "smallest_")


def rows_of(text):
    return {name: int(count) for name, count, _ in ROW.findall(text)}


def measure_program(program):
    """What a benchmark prints that is the root task, without servers, in a counted run."""
    extra = ["-kernel", KERNEL, "-initrd", program]
    with Machine(icount=True, extra=map(str, extra)) as machine:
        try:
            machine.wait_end(TIMEOUT)
        finally:
            if re.search(r"^error: |PANIC", machine.log, re.M):
                raise MachineError(f"the benchmark did not end well:\n{machine.log[-4000:]}")
        machine.drain()
        if not rows_of(machine.log):
            raise MachineError(f"the benchmark printed no row:\n{machine.log[-4000:]}")
        return machine.log


def measure_kernel():
    """(rows, comments {row: text}, lines on each operation of the search)."""
    log = measure_program(PROGRAM)
    rows = rows_of(log)
    rows["kernel_text_rodata_bytes"], rows["kernel_boot_bytes"] = kernel_size.sizes(KERNEL)
    log = measure_program(SEARCH)
    comments = {name: text for name, _, text in ROW.findall(log)}
    return rows | rows_of(log), comments, OPERATION.findall(log)


def measure_disks():
    """The same of apps/iobench: the whole system, with a disk of each kind."""
    with tempfile.TemporaryDirectory() as folder:
        extra = []
        for kind, arguments in DISK_KINDS.items():
            image = Path(folder) / f"{kind}.img"
            make_disk(image, DISK_MEGABYTES, scratch=True)
            subprocess.run(["mcopy", "-i", f"{image}@@1M", HELLO, "::hello"], check=True)
            # Slow, so that whoever asked sleeps when the answer comes, on any host.
            extra += ["-drive", f"if=none,id=disk{kind},format=raw,throttling.iops-total=400,file={image}"]
            extra += CONTROLLERS.get(kind, []) + [argument.format(kind, 0) for argument in arguments]
        with Machine(build.ISO, icount=True, sleep=True, extra=extra) as machine:
            machine.boot(TIMEOUT)
            output = machine.run("run iobench", TIMEOUT)
            rows = rows_of(output) | rows_of(machine.run("cp /fat/hello /hello; run iobench /hello", TIMEOUT))
            # To make a thousand files is a thousand commits, which are not measured.
            machine.control.call("block_set_io_throttle", device="diskvirtio", **dict.fromkeys(THROTTLES, 0))
            rows |= rows_of(machine.run("run iobench list", TIMEOUT))
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


def read(path):
    return rows_of(path.read_text()) if path.exists() else {}


def compare(rows, baseline, goals, comments):
    """Print all; the problems that make the comparison fail."""
    problems = []
    for name, count in rows.items():
        before = baseline.get(name)
        change = f"{100 * (count - before) / before:+.1f} %" if before else "no baseline"
        goal = f", goal {goals[name]}" if name in goals else ""
        which = f", {comments[name]}" if comments.get(name) else ""
        print(f"{name}\t{count}\t({change}{goal}{ratios(name, rows)}{which})")
        tolerance = DISK_TOLERANCE if DISK_ROWS.match(name) else TOLERANCE
        if before is None:
            problems.append(f"{name}: not in {BASELINE.relative_to(ROOT)} (scripts/bench --update)")
        elif count > before * (1 + tolerance):
            problems.append(f"{name}: {count}, {before} in the baseline")
    return problems


def missing(rows, baseline):
    return [f"{name}: in the baseline, but not measured" for name in baseline if name not in rows]


def print_goals(rows, goals):
    print("row\tnow\tgoal\tmissed by")
    for name, goal in goals.items():
        count = rows.get(name)
        over = "not measured" if count is None else count - goal if count > goal else "-"
        print(f"{name}\t{'-' if count is None else count}\t{goal}\t{over}")
    missed = sum(rows[name] > goal for name, goal in goals.items() if name in rows)
    print(f"goals missed: {missed} of {sum(name in rows for name in goals)} measured")


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Boot the benchmark under counted instructions, print `row<TAB>count` with baseline and goal, and "
                    "fail if a row is more than 2 % (disks and files: 5 %) above test/bench-baseline.tsv. Goals "
                    "(test/bench-goals.tsv) are printed; that one is missed is no failure. Takes a minute after the "
                    "build.")
    parser.add_argument("--update", action="store_true", help="make these counts the baseline")
    parser.add_argument("--goals", action="store_true", help="print row, count, goal and what is missed, nothing else")
    parser.add_argument("--kernel", action="store_true", help="only the rows that need no servers")
    parser.add_argument("--verbose", action="store_true", help="print what the search found of each operation")
    parser.add_argument("--no-build", action="store_true", help="measure what is built already")
    parser.add_argument("--privileged", action="store_true",
                        help="then trace the machine and list the privileged instructions of the message paths")
    parser.add_argument("--list", metavar="ROW[,ROW]", default="",
                        help="print the instructions of these kernel rows, with the functions they come from, and "
                             "nothing else (a minute)")
    return parser.parse_args()


def list_rows(wanted):
    """Print the instructions of rows; the exit status."""
    rows = rows_of(measure_program(PROGRAM))
    unknown = wanted - rows.keys()
    left = instruction_list.write(KERNEL, PROGRAM, rows, wanted - unknown, PRIVILEGED_TIMEOUT)
    for name in sorted(unknown | left):
        print(f"bench: {name}: " + ("there are " + ", ".join(rows) if name in unknown else
                                    "no call that is counted often enough to be told from its set-up"))
    return int(bool(unknown | left))


def main():
    options = arguments()
    start = time.monotonic()
    try:
        if not options.no_build:
            build.image("system")
        if options.list:
            return list_rows(set(options.list.split(",")))
        rows, comments, operations = measure_kernel()
        if not options.kernel:
            rows["boot_to_prompt"] = boot_row.boot_to_prompt(KERNEL, ROOT_TASK, ARCHIVE, TIMEOUT)
            rows |= measure_disks()
    except (MachineError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
    baseline, goals = read(BASELINE), read(GOALS)
    if options.goals:
        print_goals(rows, goals)
        return 0
    if options.update:
        kept = {name: count for name, count in baseline.items() if name not in rows} if options.kernel else {}
        baseline = rows | kept
        BASELINE.write_text("".join(f"{name}\t{count}\n" for name, count in baseline.items()))
    problems = compare(rows, baseline, goals, comments)
    problems += [] if options.kernel else missing(rows, baseline)
    for line in operations if options.verbose else []:
        print(line)
    for problem in problems:
        print(f"bench: {problem}")
    if options.privileged:
        paths = [name for name in rows if name.startswith(PATHS)]
        for name, counts in privileged.rows(KERNEL, PROGRAM, paths, PRIVILEGED_TIMEOUT).items():
            print(f"{name}\t" + ", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    print(f"bench: {len(rows)} rows in {time.monotonic() - start:.0f} s", file=sys.stderr)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
