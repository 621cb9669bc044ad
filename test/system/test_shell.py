"""What a person sees at the shell: answers, errors, and servers that come back after a kill.
SPDX-License-Identifier: BSD-2-Clause
"""

import re

from build import ISO
from machine import Machine

SERVERS = ("console", "timer", "log", "supervisor", "ramfs", "shell")


def shell():
    machine = Machine(ISO)
    machine.boot()
    return machine


def free_bytes(machine):
    return int(re.search(r"^free +(\d+)", machine.run("mem"), re.M)[1])


def test_first_look():
    with shell() as machine:
        listing = machine.run("ps")
        assert all(name in listing for name in SERVERS), listing
        assert free_bytes(machine) > 100_000_000
        assert "console" in machine.run("caps")
        assert "etc/" in machine.run("ls /")
        assert "TRustOs" in machine.run("cat /etc/motd")
        assert re.search(r"up +\d+:\d\d", machine.run("uptime"))
        machine.halt()


def test_errors_have_a_status_and_a_reason():
    with shell() as machine:
        for line in ("nonsense", "cat /no/such/file", "kill nobody", "hexdump"):
            status, output = machine.status(line)
            assert status != 0, f"`{line}` succeeded"
            assert "error" in output, f"`{line}` said {output!r}"
        machine.halt()


def test_killed_servers_come_back():
    with shell() as machine:
        before = free_bytes(machine)
        for name in ("ramfs", "log", "timer", "console"):
            machine.run(f"kill {name}")
            machine.run("sleep 1")
            assert "etc/" in machine.run("ls /"), f"no files after kill {name}"
            assert name in machine.run("ps"), f"{name} did not come back"
        assert free_bytes(machine) == before, "memory was lost"
        machine.halt()
