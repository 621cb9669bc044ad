"""Whatever a server does, the rest goes on: it loops, lies, faults while the supervisor faults, has a bit flipped.
What is only a sample here is done many times, by hand, by campaign.py.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import struct

from archive import LOOP, STAND, TRAP
from inside import LEDGER, Loser
from scene import equal
from stuck import PATIENCE, Flips, all_work, each_server, keeps, lies, open_machine, spoilt, supervisor_faults, ups

REFUSE = bytes.fromhex("c74750 09000000 4889f8 c3")  # Of a Result<pci::Taken>: mov dword [rdi+80], 9; mov rax, rdi; ret.


def test_each_server_loops():
    """The shell answers all the time, and the server is reported and restarted within two seconds."""
    with open_machine() as machine:
        taken = each_server(machine, LOOP)
        late = {server: seconds for server, seconds in taken.items() if seconds > PATIENCE}
        equal("servers that were away for longer", late, {})
        assert "it uses up its processor time and answers nobody" in machine.log
        machine.halt()


def test_each_server_stands():
    """It waits for something that never comes, and uses no time."""
    with open_machine() as machine:
        taken = each_server(machine, STAND)
        late = {server: seconds for server, seconds in taken.items() if seconds > PATIENCE}
        equal("servers that were away for longer", late, {})
        assert "it keeps its clients waiting" in machine.log
        machine.halt()


def test_answers_are_lost():
    """Of callers that were kept waiting: the server goes on, and believes that they were answered."""
    with open_machine() as machine:
        # vfs keeps those who ask something of several file systems.
        for server, command in (("timer", None), ("vfs", "sync"), ("virtio-blk", None)):
            loser = Loser(machine, server, seed=1)
            taken = spoilt(machine, server, loser.start, command)
            loser.end()
            equal(f"answers of {server} that were lost", loser.lies, 1)
            assert taken <= PATIENCE, f"{server} was away for {taken} s"
        machine.halt()


def test_a_thread_loops():
    """One of those of vfs, all but the first of which take turns with the shell."""
    with open_machine(disk=False) as machine:
        taken = spoilt(machine, "vfs", lambda: machine.patch("vfs", "vfs5Names4find", LOOP))
        assert taken <= PATIENCE, f"vfs was away for {taken} s"
        assert re.search(r"(a thread|it) uses up its processor time and answers nobody", machine.log)
        machine.halt()


def test_a_driver_is_started_while_pci_refuses():
    """It has no disk then, and looks for it again when it is asked."""
    with open_machine() as machine:
        all_work(machine, "the boot")
        machine.run("cp /fat/kept /disk/kept; sync")
        machine.patch("pci", "10give_parts", REFUSE)
        machine.status("restart virtio-blk; ls /disk; ls /fat")
        assert "a controller cannot be had" in machine.run("log")
        machine.run("restart pci")
        all_work(machine, "pci is there again")
        keeps(machine, "pci is there again")
        machine.halt()


def test_servers_that_lie_about_their_answers():
    """Two that loop and count answers have a bounded part together: the rest goes on."""
    forge = b"\x48\xb8" + struct.pack("<Q", LEDGER) + b"\x48\xff\x00\xeb\xfb"  # rax: LEDGER; ++*rax; again.
    with open_machine(disk=False) as machine:
        for server in ("log", "pci"):
            machine.spoil(server, forge)
        # The supervisor asks pci and tells the log, and gives both up.
        _, output = machine.status("uptime; restart ramfs; sleep 5; uptime; cat /etc/motd; ls /etc; uptime", 300)
        first, last = ups(output)[0], ups(output)[-1]
        assert last - first <= 5 + 2 * PATIENCE, f"{last - first} s"
        output = machine.run("restart log; restart pci; log; lspci")
        machine.halt()


def test_each_server_faults_while_the_supervisor_faults():
    with open_machine() as machine:
        each_server(machine, TRAP, also=["supervisor"])
        machine.halt()


def test_the_supervisor_faults():
    """More often than it may in a row: root goes on without it for a while."""
    with open_machine(disk=False) as machine:
        supervisor_faults(machine, 25)
        machine.halt()


def test_lies():
    for server in ("vfs", "virtio-blk", "timer", "pci", "supervisor", "ramfs", "fs"):
        assert lies(server, range(1)) > 0, f"{server} has not lied"


def test_flips():
    assert Flips(seed=1).run(20)


for scenario in (test_each_server_loops, test_each_server_stands, test_answers_are_lost, test_a_thread_loops,
                 test_a_driver_is_started_while_pci_refuses, test_servers_that_lie_about_their_answers, test_each_server_faults_while_the_supervisor_faults,
                 test_the_supervisor_faults, test_lies, test_flips):
    scenario.limit = 400
test_lies.limit = 800
