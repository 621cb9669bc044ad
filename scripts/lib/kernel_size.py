#!/usr/bin/env python3
"""Prints the size of the kernel's .text + .rodata and fails above the limit.
SPDX-License-Identifier: BSD-2-Clause
usage: kernel_size.py KERNEL.ELF LIMIT OUTPUT      (OUTPUT gets the line that is printed)
"""

import subprocess
import sys
from pathlib import Path


def contents(elf, section):
    """Bytes of a section without the padding to whole pages: kernel.ld marks its ends."""
    lines = subprocess.run(["nm", elf], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    symbols = {line.split()[-1]: int(line.split()[0], 16) for line in lines if len(line.split()) == 3}
    return symbols[f"{section}_end"] - symbols[f"{section}_start"]


def main():
    elf, limit, output = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    total = contents(elf, "text") + contents(elf, "rodata")
    line = f"kernel .text + .rodata: {total} bytes (limit {limit})"
    print(line)
    if total > limit:
        sys.exit(f"kernel_size: the kernel is {total - limit} bytes too large")
    output.write_text(line + "\n")


if __name__ == "__main__":
    main()
