"""What a client held when it died or gave up is free again; nobody else reads what is typed.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import tempfile
from pathlib import Path

from disk import make_disk
from machine import PROMPT
from scene import booted, equal, free_bytes, programs


def contained(machine, attack):
    output = machine.run(f"attack {attack}")
    assert re.search(rf"^{attack} +contained ", output, re.M), output


def test_reading_is_given_up():
    """The one who gave up gets nothing, and what is typed meanwhile reaches the shell."""
    with booted() as machine:
        for start in range(2):
            machine.send("run probe keys\n")
            machine.expect("reading was given up", 60)
            machine.send("echo typed ahead\n")
            machine.expect("keys 3", 60)
            machine.expect("\ntyped ahead", 60)
            machine.expect(PROMPT, 60)
        equal("the shell goes on", machine.run("echo here"), "here\n")
        equal("starts of the shell", programs(machine)["shell"].starts, 1)
        machine.halt()


def test_left_behind():
    """Sleeps and watches that are given up, files that stay open, a death while it sleeps: again and again."""
    with booted() as machine:
        free = free_bytes(machine)
        for _ in range(4):
            for attack in ("handles", "sleeps", "watches", "asleep"):
                contained(machine, attack)
        equal("free memory", free_bytes(machine), free)
        machine.halt()


def test_unmount():
    """Files that a dead program had open do not keep a disk in."""
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "disk.img"
        make_disk(disk)
        with booted(disks=[disk]) as machine:
            machine.run("mkdir /disk/a; write /disk/a/x hello; sync")
            contained(machine, "handles")
            contained(machine, "watches")
            equal("umount", machine.status("umount /disk"), (0, ""))
            machine.run("mount /disk")
            equal("content", machine.run("cat /disk/a/x"), "hello\n")
            machine.halt()


def test_keys_that_are_no_text():
    """telnet ends a line with CR NUL; a NUL in a line is none; C1 controls do not reach the terminal."""
    with booted() as machine:
        machine.send("echo one\r\0echo two\r\0echo t\0hree\r\0")
        for word in ("one", "two", "three"):
            machine.expect(f"\n{word}", 60)
        machine.expect(PROMPT, 60)
        machine.send(b"echo \xc2\x9b2J \x9b2J end\r")
        machine.expect("?2J ?2J end", 60)
        assert not set("\x9b\0\ufffd") & set(machine.log), machine.log[-500:]
        machine.halt()
