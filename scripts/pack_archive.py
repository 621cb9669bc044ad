#!/usr/bin/env python3
"""Packs the boot archive: programs, the table of the system, and the files of boot/files.
SPDX-License-Identifier: BSD-2-Clause

usage: pack_archive.py OUTPUT [--file NAME=PATH]... [--tree FOLDER]... [--programs NAME=ELF...]

Programs become bin/NAME, without their debug information. The format is described and read by
libsel/include/sel/archive.hpp.
"""

import argparse
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

MAGIC, VERSION = b"TARCHIVE", 1
HEADER = struct.Struct("<8sIIQQ")
ENTRY = struct.Struct("<40sQQQ")
ALIGN = 16
COUNT_MAX, BYTES_MAX = 4096, 8 << 20


def sum64(data, state=0xCBF29CE484222325):
    """FNV-1a over 64-bit words, the last one filled with zeroes."""
    data = data + bytes(-len(data) % 8)
    for (word,) in struct.iter_unpack("<Q", data):
        state = (state ^ word) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return state


def pack(files):
    """The archive of {name: bytes}; ValueError says what cannot be packed."""
    if len(files) > COUNT_MAX:
        raise ValueError(f"{len(files)} files, expected at most {COUNT_MAX}")
    entries, content, places = b"", b"", {}
    start = HEADER.size + len(files) * ENTRY.size
    for name, data in files.items():
        raw = name.encode("ascii", "replace")
        if not 0 < len(raw) < 40 or not all(0x20 < c < 0x7F for c in raw) or raw.strip(b"/") != raw:
            raise ValueError(f"file name {name!r}, expected at most 39 printable ASCII characters")
        if data not in places:  # The same content stands there once.
            places[data] = start + len(content)
            content += data + bytes(-len(data) % ALIGN)
        entries += ENTRY.pack(raw, places[data], len(data), sum64(data))
    total = start + len(content)
    if total > BYTES_MAX:
        raise ValueError(f"{total} bytes, expected at most {BYTES_MAX}")
    bare = HEADER.pack(MAGIC, VERSION, len(files), total, 0)
    return HEADER.pack(MAGIC, VERSION, len(files), total, sum64(bare + entries)) + entries + content


def strip(path, what="debug"):
    """The ELF file without debug information; its symbols stay, for readable fault reports, if not `what` is "all"."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["objcopy", f"--strip-{what}", path, out.name], check=True)
        return Path(out.name).read_bytes()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("--file", action="append", default=[])
    parser.add_argument("--tree", action="append", default=[])
    parser.add_argument("--programs", nargs="*", default=[])
    arguments = parser.parse_args()
    files = {}
    for part in arguments.file:
        name, _, path = part.partition("=")
        files[name] = Path(path).read_bytes()
    for part in arguments.programs:
        name, _, path = part.partition("=")
        files["bin/" + name] = strip(path)
    for folder in arguments.tree:
        for path in sorted(p for p in Path(folder).rglob("*") if p.is_file()):
            files[path.relative_to(folder).as_posix()] = path.read_bytes()
    try:
        Path(arguments.output).write_bytes(pack(files))
    except ValueError as error:
        sys.exit(f"pack_archive: {error}")


if __name__ == "__main__":
    main()
