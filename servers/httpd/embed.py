#!/usr/bin/env python3
"""Makes an assembly file that has the files of www/ in it: NAME begins as www_NAME, and ends at www_NAME_end.
SPDX-License-Identifier: BSD-2-Clause

usage: embed.py OUTPUT FILE...
"""

import re
import sys
from pathlib import Path

lines = [".section .rodata"]
for path in map(Path, sys.argv[2:]):
    name = "www_" + re.sub(r"\W", "_", path.name)
    lines += [f".global {name}, {name}_end", f"{name}:", f'.incbin "{path.resolve()}"', f"{name}_end:"]
Path(sys.argv[1]).write_text("\n".join([*lines, '.section .note.GNU-stack,"",@progbits', ""]))
