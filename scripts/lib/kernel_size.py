#!/usr/bin/env python3
"""Prints the size of the kernel's .text + .rodata and fails above the limit.
SPDX-License-Identifier: BSD-2-Clause
usage: kernel_size.py KERNEL.ELF LIMIT OUTPUT      (OUTPUT gets the line that is printed)
"""

import subprocess
import sys
from pathlib import Path


def section_bytes(elf):
    """{section: bytes} of an ELF file."""
    lines = subprocess.run(["size", "-A", elf], check=True, stdout=subprocess.PIPE, text=True).stdout
    fields = [line.split() for line in lines.splitlines() if line.startswith(".")]
    return {field[0]: int(field[1]) for field in fields}


def main():
    elf, limit, output = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    sections = section_bytes(elf)
    total = sum(size for name, size in sections.items() if name.startswith((".text", ".rodata")))
    line = f"kernel .text + .rodata: {total} bytes (limit {limit})"
    print(line)
    if ".text" not in sections:
        sys.exit(f"kernel_size: {elf} has no .text section")
    if total > limit:
        sys.exit(f"kernel_size: the kernel is {total - limit} bytes too large")
    output.write_text(line + "\n")


if __name__ == "__main__":
    main()
