"""The instructions of a row of the benchmark, one a line, with the function of the source that each comes from.
SPDX-License-Identifier: BSD-2-Clause

Every instruction is a translation block of its own (-singlestep) and is logged if it is of the kernel or of the
benchmark (-dfilter). A sample lies between two rdtsc of the benchmark; the row's is the one of its length that most of
those before its line are.
"""

import collections
import re
import subprocess
import tempfile
from pathlib import Path

import privileged
from machine import Machine

READINGS = (4, 5)  # Instructions of a sample that its row leaves out.
LINE = re.compile(r"^\s*([0-9a-f]+):\t(.*)$")
PLACE = re.compile(r"^(\S+) at (\S+?)(?: \(discriminator \d+\))?$")


def disassembled(elf):
    """{address: instruction}"""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", elf], capture_output=True, text=True, check=True).stdout
    return {int(match[1], 16): " ".join(match[2].split("#")[0].split()) for match in map(LINE.match, text.splitlines())
            if match}


def places(elf, addresses):
    """{address: the functions that it was inlined through, innermost first, and the line of the first}"""
    asked = "\n".join(f"{address:#x}" for address in addresses)
    text = subprocess.run(["addr2line", "-a", "-i", "-f", "-p", "-e", elf], input=asked, capture_output=True, text=True,
                          check=True).stdout
    found, address = {}, None
    for line in text.splitlines():
        if match := re.match(r"0x([0-9a-f]+): (.*)", line):
            address, line = int(match[1], 16), match[2]
            found[address] = ([], "")
        if match := PLACE.match(line.removeprefix(" (inlined by) ")):
            names, at = found[address]
            found[address] = (names + [match[1]], at or "/".join(match[2].split("/")[-2:]))
    return found


def samples(log, readings, ends):
    """Lists of addresses between two readings of the clock, and None where a line is printed."""
    sample = None
    with log.open() as trace:
        for line in trace:
            if not (match := privileged.TRACED.search(line)):
                continue
            address = int(match[1], 16)
            if address in readings:
                if sample:
                    yield tuple(sample)
                sample = []
            elif address in ends:
                yield None
                sample = None
            elif sample is not None:
                sample.append(address)


def of_rows(kernel, program, rows, wanted, timeout):
    """{row: its addresses}, of the wanted. rows: {row: count} of the program, in their order."""
    readings = privileged.instructions(program, re.compile("^rdtsc"))
    ends = privileged.instructions(kernel, re.compile(r"^out\s"))
    spans = ",".join(f"{min(code):#x}..{max(code) + 16:#x}" for code in map(disassembled, (kernel, program)))
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "trace"
        extra = ["-kernel", kernel, "-initrd", program, "-singlestep", "-d", "exec,nochain", "-D", log, "-dfilter", spans]
        with Machine(icount=True, extra=map(str, extra)) as machine:
            machine.wait_end(timeout)
        found, seen, left = {}, collections.Counter(), list(rows)
        for sample in samples(log, readings, ends):
            if sample:
                seen[sample] += 1
                continue
            lengths = {len(one): one for one, times in reversed(seen.most_common()) if times >= privileged.REPEATS}
            fits = ((row, rows[row] + more) for row in left for more in READINGS if rows[row] + more in lengths)
            if (row := next(fits, None)):
                left = left[left.index(row[0]) + 1:]
                found |= {row[0]: lengths[row[1]]} if row[0] in wanted else {}
            seen.clear()
    return found


def write(kernel, program, rows, wanted, timeout):
    """Print the wanted rows; the names of those that are no samples of the benchmark."""
    printed = set()
    parts = {elf: disassembled(elf) for elf in (kernel, program)}
    code = parts[kernel] | parts[program]
    for row, addresses in of_rows(kernel, program, rows, wanted, timeout).items():
        at = {}
        for elf, part in parts.items():
            at |= places(elf, sorted(part.keys() & set(addresses)))
        print(f"{row}: {len(addresses)} instructions, those of the measurement among them")
        for address in addresses:
            names, line = at.get(address, ([], ""))
            print(f"  {address:16x}  {code.get(address, '?'):44} {line:32} {' < '.join(names)}")
        printed.add(row)
    return set(wanted) - printed
