"""What scenarios ask the shell again and again.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from build import BUILD, ISO, ROOT
from machine import Machine

BOOT_SECONDS = 100
PAGE = 4096
TOP = "system\nbin/\netc/\n" + "".join(f"{kind}{number}/\n" for kind in ("disk", "fat") for number in ("", 2, 3, 4))  # `ls /`.
SERVERS = ("console", "timer", "log", "pci", "supervisor", "ramfs", "vfs", "pipe", "shell")
PS_HEAD = re.compile(r"^ NR NAME .*\n", re.M)
PS_ROW = re.compile(r"^ *(\d+) (\S+) +(\d+) (.{9}) (.{12}) (\S+ ?\S*) +(\d+)$")


@dataclass(frozen=True)
class Program:
    name: str
    priority: int
    state: str
    memory: str
    starts: int


class DirectMachine(Machine):
    """The kernel booted by QEMU itself, with one module: the root task, padded to pages, and an archive. `iso`: by GRUB,
    as QEMU's own loader does not do it when there is an NVMe disk."""

    def __init__(self, archive=None, more=(), iso=False, **options):
        root = (BUILD / "apps/root.elf").read_bytes()
        archive = (BUILD / "apps/archive.bin").read_bytes() if archive is None else archive
        self.module = tempfile.NamedTemporaryFile()
        Path(self.module.name).write_bytes(root + bytes(-len(root) % PAGE) + archive)
        kernel = ["-kernel", str(BUILD / "kernel/kernel.elf"), "-initrd", self.module.name]
        super().__init__(ISO if iso else None, extra=[*([] if iso else kernel), *more], **options)

    def stop(self):
        super().stop()
        self.module.close()


@contextmanager
def booted(iso=ISO, **options):
    """A machine at its first prompt; what went wrong on it is shown with the end of its serial log."""
    with Machine(iso, **options) as machine:
        machine.boot(BOOT_SECONDS)
        try:
            yield machine
        except AssertionError:
            print(f"--- end of the serial log\n{machine.log[-3000:]}\n---", flush=True)
            raise


@contextmanager
def disks():
    """QEMU's arguments for two empty disks that cannot be written: virtio and NVMe."""
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(1 << 20)
        drive = f"if=none,format=raw,read-only=on,file.locking=off,file={image.name},id="
        yield ["-drive", drive + "one", "-device", "virtio-blk-pci,disable-legacy=on,drive=one",
               "-drive", drive + "two", "-device", "nvme,serial=1,drive=two"]


def batch(commands, *options):
    """(exit status, standard output, standard error) of `scripts/run --batch`."""
    done = subprocess.run([ROOT / "scripts/run", "--no-build", *options, "--batch", commands], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def programs(machine):
    """{name: Program} from `ps`."""
    rows = PS_HEAD.split(machine.run("ps"))[-1].splitlines()  # Before it programs behind may have said something.
    found = [PS_ROW.match(row) for row in rows]
    assert rows and all(found), f"rows that cannot be read: {rows}"
    return {m[2]: Program(m[2], int(m[3]), m[4].strip(), m[6].strip(), int(m[7])) for m in found}


def free_bytes(machine):
    match = re.search(r"^free (\d+) bytes", machine.run("mem"), re.M)
    assert match, "mem shows no free memory"
    return int(match[1])


def monitor(machine, line):
    """What QEMU's monitor answers."""
    return machine.control.call("human-monitor-command", **{"command-line": line})


def registers(machine):
    """QEMU's view of the processor."""
    return monitor(machine, "info registers")


LIVE = ("running", "ready", "no time", "receive", "send", "call", "reply", "wait")  # Of the moment: it changes by itself.


def snapshot(machine):
    """All that `mem`, `ps` and `ls` show, without the time used, and of states only whether a program lives: who paints
    what was printed has used up its time at one moment and waits at the next. One that does not go on is started anew, and
    that is counted."""
    found = {name: replace(program, state="alive") if program.state in LIVE else program
             for name, program in programs(machine).items()}
    return machine.run("mem"), found, machine.run("ls -l")


def refused(machine, line):
    """Type a line that must fail with exactly one message; the message."""
    status, output = machine.status(line)
    assert status != 0, f"{line[:80]!r} succeeded: {output!r}"
    lines = output.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), f"{line[:80]!r} gave {output[:500]!r}"
    return lines[0]


def equal(what, got, expected):
    assert got == expected, f"{what}: expected\n{expected!r}\ngot\n{got!r}"
