"""Whatever a server does, the rest goes on: it loops, lies, faults while the supervisor faults, has a bit flipped.
What is only a sample here is done many times, by hand, by campaign.py.
SPDX-License-Identifier: BSD-2-Clause
"""

from archive import LOOP, TRAP
from scene import equal
from stuck import PATIENCE, Flips, each_server, lies, open_machine, supervisor_faults


def test_each_server_loops():
    """The shell answers all the time, and the server is reported and restarted within two seconds."""
    with open_machine() as machine:
        taken = each_server(machine, LOOP)
        late = {server: seconds for server, seconds in taken.items() if seconds > PATIENCE}
        equal("servers that were away for longer", late, {})
        assert "it uses up its processor time and answers nobody" in machine.log
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
    for server in ("timer", "vfs"):
        assert lies(server, range(2)) > 0, f"{server} has not lied"


def test_flips():
    assert Flips(seed=1).run(30)


for scenario in (test_each_server_loops, test_each_server_faults_while_the_supervisor_faults,
                 test_the_supervisor_faults, test_lies, test_flips):
    scenario.limit = 400
