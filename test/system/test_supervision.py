"""The supervisor dies at any moment: what it had begun is finished, and the system is never without care.
SPDX-License-Identifier: BSD-2-Clause
"""

import re

from archive import TRAP, repacked, with_code, with_restart
from scene import DirectMachine, equal, free_bytes, programs

BACKOFF = 2
PAUSE = 30  # Seconds until root tries a supervisor again that does not stay.


def test_fault_in_hand():
    """It dies of each fault that it looks at: the program is ended all the same, and nobody waits for ever."""
    with DirectMachine(repacked(supervisor=with_code("supervisor", "write_report", TRAP))) as machine:
        machine.boot()
        free = free_bytes(machine)
        for round_ in range(3):
            output = machine.run("attack null")
            assert re.search(r"^null +contained .*\(.*fault", output, re.M), output
            equal("starts of the supervisor", programs(machine)["supervisor"].starts, 3 + 2 * round_)
        machine.run("kill log; kill timer")
        equal("starts of log and timer", [programs(machine)[name].starts for name in ("log", "timer")], [2, 2])
        equal("free memory", free_bytes(machine), free)
        machine.halt()


def test_it_cannot_come_back():
    """After 20 short lives root says so, goes on by itself, and tries again when some time has passed."""
    with DirectMachine(repacked(supervisor=with_code("supervisor", "write_report", TRAP))) as machine:
        machine.boot()
        for _ in range(11):
            assert re.search(r"^null +contained ", machine.run("attack null"), re.M)
        assert f"root: supervisor stays ended for {PAUSE} s" in machine.log, machine.log[-2000:]
        equal("state", programs(machine)["supervisor"].state, "ended")
        for attack in ("null", "divide", "files"):
            assert re.search(rf"^{attack} +contained ", machine.run(f"attack {attack}"), re.M)
        machine.run(f"sleep {PAUSE + 1}", 4 * PAUSE)
        assert programs(machine)["supervisor"].state != "ended"
        machine.run("kill log")
        equal("starts of log", programs(machine)["log"].starts, 2)
        machine.halt()


def test_restart_that_was_to_come():
    """It dies while a program waits for its time to come back: the next one brings it back."""
    archive = repacked(system=with_restart("attack", BACKOFF))
    with DirectMachine(archive, icount=True) as machine:  # So that 125 ms are not over before the kill.
        machine.boot()
        output = machine.run("attack null; kill supervisor; ps", 100)
        starts = {row.split()[1]: int(row.split()[-1]) for row in output.splitlines() if row.lstrip()[:1].isdigit()}
        equal("starts before its time", (starts["attack"], starts["supervisor"]), (1, 2))
        machine.run("sleep 1", 100)
        assert programs(machine)["attack"].starts > 1
        machine.halt()
