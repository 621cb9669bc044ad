"""The session of scripts/debug.md: gdb, QEMU's stub, and a server.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import subprocess
import tempfile
import threading
from pathlib import Path

from build import ROOT
from machine import PROMPT
from scene import booted, equal

BLOCK = re.compile(r"```gdb\n(.*?)```", re.S)
LIMIT_S = 60


def session():
    """The commands of the page, in its order."""
    return "".join(BLOCK.findall((ROOT / "scripts/debug.md").read_text())).splitlines()


def test_a_server_under_gdb():
    commands = session()
    assert commands[1] == "continue" and "detach" in commands, commands
    with tempfile.TemporaryDirectory() as folder:
        stub = Path(folder) / "stub"
        with booted(extra=["-gdb", f"unix:{stub},server=on,wait=off"]) as machine:
            marked = [commands[0], "echo set\\n", *commands[1:]]
            arguments = [word for command in marked for word in ("-ex", command)]
            with subprocess.Popen([ROOT / "scripts/gdb", "ramfs", str(stub), "--", "-batch", *arguments], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as gdb:
                watch = threading.Timer(LIMIT_S, gdb.kill)
                watch.start()
                said = ""
                for line in gdb.stdout:
                    said += line
                    if line == "set\n":
                        machine.send("write /note text\n")
                watch.cancel()
            print(said)
            for shown in (r"^#0 .*ramfs::RamFs::open \(this=", r"^#\d+ .* in main \(\) at .*servers/ramfs/main\.cpp:\d+",
                          r'^path = .*"/note"', r'^\$1 = .*"/note"', r"^rip .*<ramfs::RamFs::open", r"^cr3 +0x\w+",
                          r"^Value returned is \$2 = "):
                assert re.search(shown, said, re.M), f"nothing of what gdb said is {shown!r}"
            equal("gdb's end", gdb.returncode, 0)
            machine.expect(PROMPT)  # Of the line that it stood in.
            equal("the file", machine.run("cat /note"), "text\n")
            starts = [row.split()[-1] for row in machine.run("ps").splitlines()[1:] if row.split()[3] != "ended"]
            equal("what was started anew while the machine stood still", set(starts), {"1"})
            machine.halt()


def test_what_is_not_there():
    done = subprocess.run([ROOT / "scripts/gdb", "nothing"], capture_output=True, text=True, check=False)
    equal("gdb", (done.returncode, done.stderr), (1, "gdb: there is no nothing (build/apps/nothing.elf)\n"))
