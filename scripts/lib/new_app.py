# Makes a program that is started from a file: a folder with manifest, source and README.
# SPDX-License-Identifier: BSD-2-Clause
"""usage: scripts/new-app NAME

Writes apps/NAME, nothing else. `ninja -C build apps/NAME.bin` makes the file that goes to a disk, and
`run /disk/bin/NAME` starts it: the boot image stays as it is.
"""
from new_program import ROOT, check, wanted_name, write

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
out = "stream.Out"
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
    return stream::put_all(caps::out, "hello from @\\n") ? 0 : 1;
}
''',
    "README.md": '''\
# @: says hello

Started from a file (`build/apps/@.bin`): `run /disk/bin/@`. `manifest.toml` holds all that it asks for
(servers/README.md explains the keys).
''',
}


def main():
    name = wanted_name("new-app", __doc__)
    write({f"apps/@/{file}": text for file, text in FILES.items()}, name)
    # A new program is a new line of the checker, which Meson asks when it sets up.
    (ROOT / "boot/system.toml").touch()
    check()
    print(f"apps/{name} is there; build it: ninja -C build apps/{name}.bin")


main()
