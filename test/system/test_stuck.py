"""Whatever a server does, the rest goes on: loops, faults while the supervisor faults.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import tempfile
from contextlib import contextmanager
from pathlib import Path

from archive import LOOP, TRAP
from disk import make_disk
from inside import OpenMachine
from scene import equal, free_bytes, programs

USE = {  # Server: a command that needs it.
    "console": "echo hello",
    "timer": "sleep 0",
    "log": "log",
    "pci": "lspci",
    "supervisor": "attack null",
    "ramfs": "cat /etc/motd",
    "vfs": "ls /etc",
    "fs": "ls /disk",
    "fat": "ls /fat",
    "virtio-blk": "echo x > /disk/x; sync; rm /disk/x; sync",
}
PATIENCE = 2  # Seconds of guest time.


@contextmanager
def open_machine(**options):
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "disk.img"
        make_disk(disk)
        with OpenMachine(disks=[disk], icount=True, sleep=True, **options) as machine:
            machine.boot()
            try:
                yield machine
            except AssertionError:
                print(f"--- end of the serial log\n{machine.log[-6000:]}\n---", flush=True)
                raise


def uptime(machine):
    return float(re.search(r"^up 0:\d\d:(\d\d\.\d+)$", machine.run("uptime"), re.M)[1])


def starts(machine):
    return {name: program.starts for name, program in programs(machine).items() if name in USE or name == "shell"}


def all_work(machine, what):
    for server, command in USE.items():
        status, output = machine.status(command)
        equal(f"status of `{command}` ({server}) after {what}, which printed {output!r}", status, 0)


def each_server(machine, code, also=()):
    """Each server runs into `code`, and those of `also` with it. Seconds from the use to the last answer, by server."""
    all_work(machine, "the boot")
    free, taken = free_bytes(machine), {}
    for server in USE:
        before, start = starts(machine), uptime(machine)
        for name in {server, *also}:
            machine.spoil(name, code)
        machine.status(USE[server])  # It may fail: its server is restarted.
        machine.status(USE[server])
        taken[server] = uptime(machine) - start
        machine.status(USE["supervisor"])  # Where `also` is it.
        all_work(machine, f"{server} was spoilt")
        after = starts(machine)
        equal(f"restarted after {server} was spoilt", {name for name in after if after[name] != before[name]},
              {server, *also})
        equal(f"free memory after {server} was spoilt", free_bytes(machine), free)
    return taken


def test_each_server_loops():
    """The shell answers all the time, and the server is reported and restarted within two seconds."""
    with open_machine() as machine:
        taken = each_server(machine, LOOP)
        late = {server: seconds for server, seconds in taken.items() if seconds > PATIENCE}
        equal("servers that were away for longer", late, {})
        equal("reports of the supervisor", machine.log.count("it uses up its processor time and answers nobody") > 0, True)
        machine.halt()


def test_each_server_faults_while_the_supervisor_faults():
    with open_machine() as machine:
        each_server(machine, TRAP, also=["supervisor"])
        machine.halt()


test_each_server_loops.limit = test_each_server_faults_while_the_supervisor_faults.limit = 240
