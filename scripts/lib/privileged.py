"""Which privileged instructions a row of the benchmark executes: counted from a trace of the emulator.
SPDX-License-Identifier: BSD-2-Clause

Every instruction is a translation block of its own (-singlestep), and only those at the addresses of
privileged instructions and of the benchmark's rdtsc are logged (-dfilter). A sample lies between two
rdtsc of the benchmark; the output instructions behind it print its row.
"""

import collections
import re
import subprocess
import tempfile
from pathlib import Path

from machine import Machine

PRIVILEGED = re.compile(
    r"^(mov\s+%cr\d|mov\s.*,%cr\d|[rw]d?[fg]sbase|wr[fg]sbase|sysretq?|iretq?|wrmsr|rdmsr|invlpg|clts|hlt|lgdt|"
    r"xsave\w*|xrstor\w*|swapgs|in\s|out\s|sti|cli|rdtsc)")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(.*)$")
REPEATS = 10  # A sample that is seen less often before its row is printed is no sample of it.
TRACED = re.compile(r"\[[0-9a-f]+/([0-9a-f]{16})/")


def name_of(instruction):
    """`mov %rdx,%cr3` becomes `write cr3`."""
    if match := re.match(r"mov\s+%cr(\d)", instruction):
        return f"read cr{match[1]}"
    if match := re.match(r"mov\s.*,%cr(\d)", instruction):
        return f"write cr{match[1]}"
    return instruction.split()[0].removesuffix("q")


def instructions(elf, pattern):
    """{address: name} of the instructions of an ELF file that match."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", elf], capture_output=True, text=True,
                             check=True).stdout
    found = (INSTRUCTION.match(line) for line in listing.splitlines())
    return {int(match[1], 16): name_of(match[2]) for match in found if match and pattern.match(match[2])}


def rows(kernel, program, names, timeout):
    """{row: {privileged instruction: count}}.

    names: the rows whose samples come first, each printed before the next is measured.
    """
    privileged = instructions(kernel, PRIVILEGED)
    readings = instructions(program, re.compile("^rdtsc"))
    wanted = ",".join(f"{address:#x}+1" for address in [*privileged, *readings])
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "trace"
        extra = ["-kernel", kernel, "-initrd", program, "-singlestep", "-d", "exec,nochain", "-D", log, "-dfilter", wanted]
        with Machine(icount=True, extra=map(str, extra)) as machine:
            machine.wait_end(timeout)
        return assign(log, privileged, readings, names)


def assign(log, privileged, readings, names):
    """Split the trace into samples; a row's is the longest of those that repeat before it is printed."""
    found, samples, sample = {}, collections.Counter(), None
    left = iter(names)
    with log.open() as trace:
        for line in trace:
            match = TRACED.search(line)
            if not match:
                continue
            address = int(match[1], 16)
            if address in readings:
                if sample:
                    samples[tuple(sorted(sample.items()))] += 1
                sample = collections.Counter()
            elif privileged.get(address) == "out":
                repeated = [once for once, times in samples.items() if times >= REPEATS]
                if repeated and (row := next(left, None)):
                    found[row] = dict(max(repeated, key=lambda once: sum(count for _, count in once)))
                samples.clear()
                sample = None
            elif address in privileged and sample is not None:
                sample[privileged[address]] += 1
    return found
