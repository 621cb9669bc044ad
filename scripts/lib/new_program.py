"""What scripts/new-server and scripts/new-app have in common: names, templates, the check at the end.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def wanted_name(tool, usage):
    """The one argument: a name that no program has yet."""
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(usage)
    name = sys.argv[1]
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,14}", name) or "__" in name:
        sys.exit(f"{tool}: {name!r}: expected at most 15 letters a-z, digits and _")
    for folder in ("servers", "apps"):
        if (ROOT / folder / name).exists():
            sys.exit(f"{tool}: {folder}/{name} is there already")
    return name


def write(files, name):
    """The files {path: text}, with the name for each @."""
    for path, text in files.items():
        file = ROOT / path.replace("@", name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace("@", name))


def check():
    subprocess.run([sys.executable, "-B", ROOT / "scripts/manifest.py", "check", ROOT], check=True)
