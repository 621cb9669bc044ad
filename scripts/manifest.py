#!/usr/bin/env python3
"""Checks boot/system.toml against the manifests, and makes from both what the build needs.
SPDX-License-Identifier: BSD-2-Clause

usage: manifest.py check  PROJECT                        everything, without the programs' sizes
       manifest.py list   PROJECT                        FOLDER VECTOR FILE NAME of each program, a line each
       manifest.py header PROJECT NAME OUTPUT.hpp        typed capability names of one program
       manifest.py note   PROJECT NAME OUTPUT.S          its manifest, as it stands in its ELF file
       manifest.py file   PROJECT NAME OUTPUT ELF        a program that is started from a file, as it goes to a disk
       manifest.py table  PROJECT OUTPUT NAME=ELF...     the table that root starts the system from

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
        elif command == "header":
            Path(rest[1]).write_text(header(system, rest[0]))
        elif command == "note":
            Path(rest[1]).write_text(note(system.programs[rest[0]]))
        elif command == "file":
            check_memory(system.programs[rest[0]], rest[2], Path(rest[2]).read_bytes())
            Path(rest[1]).write_bytes(strip(rest[2], "all"))
        elif command == "table":
            for argument in rest[1:]:
                name, _, path = argument.partition("=")
                check_memory(system.programs[name], path, Path(path).read_bytes())
            Path(rest[0]).write_bytes(table(system))
        elif command != "check":
            sys.exit(__doc__)
    except Mistake as mistake:
        sys.exit(str(mistake))


if __name__ == "__main__":
    main(sys.argv[1:])
