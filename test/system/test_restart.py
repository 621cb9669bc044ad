"""Each server is killed and restarted while it is used: it comes back, the rest goes on.
SPDX-License-Identifier: BSD-2-Clause
"""

import re

from build import ROOT
from scene import SERVERS, booted, equal, free_bytes, programs

USE = {  # Server: a command that needs it, and what it answers.
    "console": ("echo hello", r"^hello$"),
    "timer": ("sleep 0; uptime", r"^up "),
    "log": ("attack null; log", r"attack: page fault"),
    "pci": ("lspci", r"^00:00.0 8086:1237 Intel host bridge$"),
    "supervisor": ("attack null", r"^null +contained"),
    "ramfs": ("cat /etc/motd", r"^Welcome to TRustOs"),
    "vfs": ("ls /etc", r"^motd$"),
    "pipe": ("echo piped | cat", r"^piped$"),
    "shell": ("echo still here", r"^still here$"),
}


def used(machine, server):
    command, answer = USE[server]
    output = machine.run(command)
    assert re.search(answer, output, re.M), f"{command} answered {output!r}"


def test_batch_of_the_issue():
    """Acceptance line 4, as it is typed there."""
    with booted() as machine:
        for command in "kill ramfs; ls /; kill console; ps".split(";"):
            output = machine.run(command.strip())
        assert "shell" in output
        machine.run("kill ramfs; ls /; kill console; ps")
        starts = {name: program.starts for name, program in programs(machine).items()}
        equal("starts of ramfs and console", (starts["ramfs"], starts["console"]), (3, 3))
        machine.halt()


def each_server(change):
    with booted() as machine:
        free = free_bytes(machine)
        before = programs(machine)
        for server in SERVERS:
            for round_ in range(2):
                used(machine, server)
                machine.run(f"{change} {server}")
                for other in SERVERS:
                    used(machine, other)
                equal(f"free memory after {change} {server}", free_bytes(machine), free)
            after = programs(machine)
            for name in SERVERS:
                changed = 2 if name == server else 0
                equal(f"starts of {name} after two times {change} {server}", after[name].starts,
                      before[name].starts + changed)
                equal(f"priority and memory of {name}", (after[name].priority, after[name].memory),
                      (before[name].priority, before[name].memory))
            before = after
        machine.halt()


def test_kill_each():
    each_server("kill")


def test_restart_each():
    each_server("restart")


def test_all_in_one_line():
    """The programs die while the line that ends them still runs."""
    with booted() as machine:
        free = free_bytes(machine)
        for _ in range(3):
            machine.run("restart timer; restart log; restart pci; restart ramfs; restart vfs; "
                        "restart pipe; restart supervisor; restart console; uptime; log; ls; attack null; echo end")
        equal("free memory", free_bytes(machine), free)
        equal("starts", {program.starts for name, program in programs(machine).items()
                         if name in SERVERS and name != "shell"}, {4})
        machine.halt()


def test_files_of_an_earlier_life():
    """What was written is gone with the server that kept it; the boot files are there again."""
    with booted() as machine:
        machine.run("write /note remember me")
        assert machine.run("cat /note") == "remember me\n"
        machine.run("kill ramfs")
        status, output = machine.status("cat /note")
        assert status == 1 and re.fullmatch("error: cat: /note: .*no such name\n", output), output
        equal("a boot file", machine.run("ls /etc"), "motd\n")
        machine.halt()


def test_requests_in_hand():
    """Clients whose server is restarted while they wait are told so, and are served again at once."""
    errors = (ROOT / "kernel/abi/error.h").read_text()
    restarted = re.findall(r"^ *(ERR_\w+|OK)\b", errors, re.M).index("ERR_RESTARTED")
    with booted() as machine:
        free = free_bytes(machine)
        for start in (2, 3):
            output = machine.run("run probe restarts")
            equal("timer and console: ended, first and second error", output,
                  f"restarts 1 {restarted} 0 1 {restarted} 0\n")
            after = programs(machine)
            equal("starts", (after["timer"].starts, after["console"].starts), (start, start))
        equal("free memory", free_bytes(machine), free)
        machine.halt()


def test_kill_loop():
    """What is ended by hand comes back, however often, and leaves nothing behind."""
    with booted() as machine:
        free = free_bytes(machine)
        for server in ("log", "ramfs", "timer", "console"):
            machine.run("; ".join([f"kill {server}"] * 25))
            equal(f"starts of {server}", programs(machine)[server].starts, 26)
        equal("free memory", free_bytes(machine), free)
        machine.halt()


test_kill_each.limit = test_restart_each.limit = 240
