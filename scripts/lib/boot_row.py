"""How many instructions there are from the kernel's entry to the shell's prompt: counted from a trace of the emulator.
SPDX-License-Identifier: BSD-2-Clause

Every instruction is a translation block of its own (-singlestep), and all of the kernel and of programs are logged
(-dfilter), into a pipe. The first one that counts reads the time-stamp counter, as boot.S does when it is entered; the
last one is an `out` of the kernel: with it the console has sent the prompt, and then nobody sends anything.
"""

import os
import re
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from machine import Machine

PAGE = 4096
RANGES = "0x100000..0x7ffffff,0xffff800000000000..0xfffffffffffffffe"  # Not the firmware.
QUIET = 1.0  # Seconds until all that follows the prompt has been sent.
CHUNK = 1 << 20


def places(elf, pattern):
    """Patterns of the log for the instructions of an ELF file that match."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", elf], capture_output=True, text=True,
                             check=True).stdout
    found = re.findall(rf"^\s*([0-9a-f]+):\t{pattern}", listing, re.M)
    return [f"/{int(address, 16):016x}/".encode() for address in found]


class Counter(threading.Thread):
    """Reads the log: the number of its lines from the first with one of `start` to the last with one of `end`."""

    def __init__(self, pipe, start, end):
        super().__init__(daemon=True)
        self.pipe, self.start_at, self.end_at = pipe, start, end
        self.lines, self.first, self.last = 0, None, None

    def run(self):
        rest = b""
        with open(self.pipe, "rb", buffering=0) as log:
            while chunk := log.read(CHUNK):
                whole, _, rest = (rest + chunk).rpartition(b"\n")
                self.take(whole + b"\n" if whole else b"")

    def take(self, text):
        if self.first is None:
            found = [at for place in self.start_at if (at := text.find(place)) >= 0]
            self.first = self.lines + text.count(b"\n", 0, min(found)) if found else None
        last = max(text.rfind(place) for place in self.end_at)
        if last >= 0:
            self.last = self.lines + text.count(b"\n", 0, last)
        self.lines += text.count(b"\n")


def boot_to_prompt(kernel, root, archive, timeout):
    with tempfile.TemporaryDirectory() as scratch:
        pipe, modules = Path(scratch) / "trace", Path(scratch) / "modules"
        os.mkfifo(pipe)
        content = root.read_bytes()
        modules.write_bytes(content + bytes(-len(content) % PAGE) + archive.read_bytes())
        counter = Counter(pipe, places(kernel, r"rdtsc"), places(kernel, r"out\s"))
        counter.start()
        extra = ["-kernel", kernel, "-initrd", modules, "-singlestep", "-d", "exec,nochain", "-D", pipe, "-dfilter", RANGES]
        with Machine(icount=True, extra=map(str, extra)) as machine:
            machine.boot(timeout)
            time.sleep(QUIET)
        counter.join(timeout)
    return counter.last - counter.first
