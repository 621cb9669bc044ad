# Makes a program that is started from a file: a folder with manifest, source and README.
# SPDX-License-Identifier: BSD-2-Clause
"""usage: scripts/new-app NAME

Writes apps/NAME, nothing else. `ninja -C build apps/NAME.bin` makes the file that goes to a disk, and
`run /disk/bin/NAME` starts it: the boot image stays as it is.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FILES = {
    "manifest.toml": '''\
# What @ asks for; it is started from a file.
# SPDX-License-Identifier: BSD-2-Clause
about    = "Says hello."
start    = "file"
priority = 50
memory   = "192K"
budget   = "1ms"   # Of each period: it counts for who starts it.
period   = "100ms"

[needs]
console = "console"
''',
    "meson.build": '''\
# SPDX-License-Identifier: BSD-2-Clause
programs += {'@': files('main.cpp')}
''',
    "main.cpp": '''\
// @: says hello.
// SPDX-License-Identifier: BSD-2-Clause
#include "@.caps.hpp"

int main() {
    return console::put_all(caps::console, "hello from @\\n") ? 0 : 1;
}
''',
    "README.md": '''\
# @: says hello

Started from a file (`build/apps/@.bin`): `run /disk/bin/@`. `manifest.toml` holds all that it asks for
(servers/README.md explains the keys).
''',
}


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    name = sys.argv[1]
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,14}", name) or "__" in name:
        sys.exit(f"new-app: {name!r}: expected at most 15 letters a-z, digits and _")
    for folder in ("servers", "apps"):
        if (ROOT / folder / name).exists():
            sys.exit(f"new-app: {folder}/{name} is there already")
    folder = ROOT / "apps" / name
    folder.mkdir()
    for file, text in FILES.items():
        (folder / file).write_text(text.replace("@", name))
    # A new program is a new line of the checker, which Meson asks when it sets up.
    (ROOT / "boot/system.toml").touch()
    subprocess.run([sys.executable, "-B", ROOT / "scripts/manifest.py", "check", ROOT], check=True)
    print(f"apps/{name} is there; build it: ninja -C build apps/{name}.bin")


main()
