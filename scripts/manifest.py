#!/usr/bin/env python3
"""Checks boot/system.toml against the manifests, and makes from both what the build needs.
SPDX-License-Identifier: BSD-2-Clause

usage: manifest.py check  PROJECT                        everything, without the programs' sizes
       manifest.py list   PROJECT                        FOLDER VECTOR FILE NAME of each program, a line each
       manifest.py sources PROJECT FOLDER NAME...        of each program, NAME.caps.hpp, typed capability names, and
                                                         NAME.note.S, its manifest as it stands in its ELF file
       manifest.py file   PROJECT NAME OUTPUT ELF        a program that is started from a file, as it goes to a disk
       manifest.py table  PROJECT OUTPUT NAME=ELF...     the table that root starts the system from

A file that would be as it is already is left alone, so that nothing behind it is built again.
Exits 1 with one line for each mistake: file, key, what stands there and what was expected.
servers/README.md explains the keys; scripts/lib/manifests does the work.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))
sys.dont_write_bytecode = True

from manifests.header import header, several  # noqa: E402
from manifests.note import note  # noqa: E402
from manifests.system import System  # noqa: E402
from manifests.table import check_memory, table  # noqa: E402
from manifests.words import Mistake  # noqa: E402
from pack_archive import strip  # noqa: E402


def write(path, content):
    """Bytes into a file that has others."""
    path = Path(path)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def write_sources(system, folder, names):
    for name in names:
        write(Path(folder) / f"{name}.caps.hpp", header(system, name).encode())
        write(Path(folder) / f"{name}.note.S", note(system.programs[name]).encode())


def main(argv):
    if len(argv) < 2:
        sys.exit(__doc__)
    command, project, *rest = argv
    system = System(project)
    try:
        if mistakes := system.mistakes or list(several(system)):
            raise Mistake("\n".join(mistakes))
        if command == "list":
            for program in system.programs.values():
                print(program.folder, int(program.data.get("vector", False)), int(program.from_file), program.name)
        elif command == "sources":
            write_sources(system, rest[0], rest[1:])
        elif command == "file":
            check_memory(system.programs[rest[0]], rest[2], Path(rest[2]).read_bytes())
            write(rest[1], strip(rest[2], "all"))
        elif command == "table":
            for argument in rest[1:]:
                name, _, path = argument.partition("=")
                check_memory(system.programs[name], path, Path(path).read_bytes())
            write(rest[0], table(system))
        elif command != "check":
            sys.exit(__doc__)
    except Mistake as mistake:
        sys.exit(str(mistake))


if __name__ == "__main__":
    main(sys.argv[1:])
