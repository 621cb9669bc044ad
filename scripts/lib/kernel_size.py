#!/usr/bin/env python3
"""Prints the size of the kernel's .text + .rodata and fails above the limit.
SPDX-License-Identifier: BSD-2-Clause
usage: kernel_size.py KERNEL.ELF LIMIT OUTPUT      (OUTPUT gets the line that is printed)
"""

import re
import subprocess
import sys
from pathlib import Path

# Sections that are needed only until the root task runs: .boot, .boot.text, ...
BOOT_SECTION = re.compile(r"^ *\d+ \.(boot(?:\.\w+)*) +([0-9a-f]+) ", re.M)


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def marks(elf):
    """{symbol: address}."""
    lines = [line.split() for line in output("nm", elf).splitlines()]
    return {line[-1]: int(line[0], 16) for line in lines if len(line) == 3}


def contents(symbols, section):
    """Bytes of a section without the padding to whole pages; None if kernel.ld does not mark its ends."""
    name = section.replace(".", "_")
    start, end = symbols.get(f"{name}_start"), symbols.get(f"{name}_end")
    return None if start is None or end is None else end - start


def sizes(elf):
    """(bytes of code and constants that stay, bytes that only booting needs).

    A boot section whose ends are not marked counts with its padding.
    """
    symbols = marks(elf)
    boot = sum(size if (size := contents(symbols, name)) is not None else int(padded, 16)
               for name, padded in BOOT_SECTION.findall(output("objdump", "-h", elf)))
    return contents(symbols, "text") + contents(symbols, "rodata"), boot


def main():
    elf, limit, report = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    stays, boot = sizes(elf)
    line = f"kernel .text + .rodata: {stays} bytes (limit {limit}), boot only: {boot}"
    print(line)
    if stays > limit:
        sys.exit(f"kernel_size: the kernel is {stays - limit} bytes too large")
    report.write_text(line + "\n")


if __name__ == "__main__":
    main()
