"""Where the instructions of the benchmark's rows go: counted from a trace of the emulator.
SPDX-License-Identifier: BSD-2-Clause

Every instruction of the kernel and of the benchmark is a translation block of its own (-singlestep) and logged. A
sample lies between two rdtsc of the benchmark; the output instructions behind it print its row. What a row counts
is known (it is measured without the trace), so a row is the first of the printed samples, in order, that is as long.
"""

import collections
import os
import re
import subprocess
import tempfile
import threading
from pathlib import Path

from machine import Machine

PRIVILEGED = re.compile(
    r"^(mov\s+%cr\d|mov\s.*,%cr\d|[rw]d?[fg]sbase|wr[fg]sbase|sysretq?|iretq?|wrmsr|rdmsr|invlpg|clts|hlt|lgdt|"
    r"xsave\w*|xrstor\w*|swapgs|in\s|out\s|sti|cli|rdtsc)")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t(.*)$")
TRACED = re.compile(r"\[[0-9a-f]+/([0-9a-f]{16})/")
# By so many a row may count more than the trace shows: the emulator counts an instruction that ends its block early
# (syscall, a write of CR3) twice.
UNSEEN = 24


def name_of(instruction):
    """`mov %rdx,%cr3` becomes `write cr3`."""
    if match := re.match(r"mov\s+%cr(\d)", instruction):
        return f"read cr{match[1]}"
    if match := re.match(r"mov\s.*,%cr(\d)", instruction):
        return f"write cr{match[1]}"
    return instruction.split()[0].removesuffix("q")


def instructions(elf):
    """{address: instruction} of an ELF file."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", elf], capture_output=True, text=True,
                             check=True).stdout
    found = (INSTRUCTION.match(line) for line in listing.splitlines())
    return {int(match[1], 16): match[2] for match in found if match}


def trace(kernel, program, rows, timeout):
    """{row: {address: count}} of `rows` {name: count}, in the order in which they are printed."""
    code, own = instructions(kernel), instructions(program)
    readings = {address for address, text in own.items() if text.startswith("rdtsc")}
    outputs = {address for address, text in code.items() if re.match(r"out\s", text)}
    ranges = ",".join(f"{min(part):#x}+{max(part) - min(part) + 16:#x}" for part in (code, own))
    printed = []
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "trace"
        os.mkfifo(log)
        extra = ["-kernel", kernel, "-initrd", program, "-singlestep", "-d", "exec,nochain", "-D", log, "-dfilter", ranges]
        reader = threading.Thread(target=lambda: split(log, readings, outputs, printed))
        reader.start()
        with Machine(icount=True, extra=map(str, extra)) as machine:
            machine.wait_end(timeout)
        reader.join()
    return assign(rows, printed)


def split(log, readings, outputs, printed):
    """For each row that is printed, append the different samples before it, each {address: count}."""
    samples, sample = {}, None
    with log.open() as lines:
        for line in lines:
            match = TRACED.search(line)
            if not match:
                continue
            address = int(match[1], 16)
            if address in readings:
                if sample:
                    samples[tuple(sorted(sample.items()))] = sample
                sample = collections.Counter()
            elif address in outputs:
                if samples:
                    printed.append(list(samples.values()))
                samples, sample = {}, None
            elif sample is not None:
                sample[address] += 1


def assign(rows, printed):
    found, left = {}, list(printed)
    for row, count in rows.items():
        for number, samples in enumerate(left):
            fitting = [sample for sample in samples if 0 <= count - sum(sample.values()) + 3 <= UNSEEN]
            if fitting:
                found[row] = max(fitting, key=lambda sample: sum(sample.values()))
                left = left[number + 1:]
                break
    return found


def privileged(kernel, traced):
    """{row: {privileged instruction: count}} of what trace() found."""
    names = {address: name_of(text) for address, text in instructions(kernel).items() if PRIVILEGED.match(text)}
    result = {}
    for row, sample in traced.items():
        result[row] = collections.Counter()
        for address, count in sample.items():
            if address in names:
                result[row][names[address]] += count
    return result


def functions(elf, addresses):
    """{address: function of the source, inlined or not} by the debug information of an ELF file."""
    lines = subprocess.run(["addr2line", "-a", "-i", "-f", "-e", elf], input="".join(f"{a:#x}\n" for a in addresses),
                           capture_output=True, text=True, check=True).stdout.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("0x")]
    return {int(lines[number], 16): lines[number + 1] for number in starts}


def by_function(kernel, program, sample):
    """[(function, instructions)] of what trace() found of a row, in the order of their addresses."""
    named = functions(program, sample) | {a: f for a, f in functions(kernel, sample).items() if f != "??"}
    result = collections.Counter()
    for address, count in sorted(sample.items()):
        result[named[address]] += count
    return list(result.items())
