"""Hostile programs: each is contained, everything else goes on, and the memory comes back to the byte.
SPDX-License-Identifier: BSD-2-Clause
"""

import re

from scene import SERVERS, booted, equal, free_bytes, programs

ENDS = {  # Attack: how the system says that it ended. All others: denied, and it went on.
    "read": "page fault: it read from 0xffffffff80000000, whose mapping does not allow that",
    "write": "page fault: it wrote to 0xffffffff80000000, whose mapping does not allow that",
    "jump": "page fault: it executed 0xffffffff80000000, whose mapping does not allow that",
    "released": "page fault: it read from 0x1",
    "foreign": "page fault: it read from 0x7ffd00000000, where nothing is mapped for it",
    "null": "page fault: it read from 0x10, where nothing is mapped for it",
    "readonly": "page fault: it wrote to 0x",
    "stack": "page fault: it executed 0x3",
    "recurse": "page fault: it wrote to 0x3",
    "smash": "exception 6 (invalid opcode)",
    "numbers": "unknown kernel call",
    "divide": "exception 0 (divide error)",
    "debug": "exception 1 (debug exception)",
    "breakpoint": "exception 3 (breakpoint)",
    "opcode": "exception 6 (invalid opcode)",
    "vector": "exception 7 (device not available)",
    "segment": "exception 13 (general protection)",
    "canonical": "exception 13 (general protection)",
    "general": "exception 13 (general protection)",
    "ports": "exception 13 (general protection)",
    "interrupt": "exception 13 (general protection)",
    "starve": "(stopped from outside)",
    "context": "(stopped from outside)",
    "asleep": "(stopped from outside)",
    "tcb": "(stopped from outside)",
}


def names(machine):
    return [line.split()[0] for line in machine.run("attack").splitlines()]


def unharmed(machine, before, free, what):
    after = programs(machine)
    for name in SERVERS:
        equal(f"{name} after {what}", after[name], before[name])
    equal(f"attack after {what}", after["attack"].state, "ended")
    equal(f"free memory after {what}", free_bytes(machine), free)


def test_all():
    """Acceptance line 3."""
    with booted() as machine:
        before, free, wanted = programs(machine), free_bytes(machine), names(machine)
        output = machine.run("attack all", 120)
        verdicts = re.findall(r"^(\w+) +(contained|ESCAPED|not run)\b", output, re.M)
        equal("verdicts", verdicts, [(name, "contained") for name in wanted])
        assert f"free memory before {free} after {free} bytes" in output, output[-200:]
        unharmed(machine, before, free, "attack all")
        machine.halt()


def test_each_alone():
    with booted() as machine:
        before, free, all_names = programs(machine), free_bytes(machine), names(machine)
        equal("attacks that are not listed", ENDS.keys() - set(all_names), set())
        for name in all_names:
            output = machine.run(f"attack {name}")
            assert re.search(rf"^{name} +contained ", output, re.M), output
            assert ENDS.get(name, "(denied)") in output, f"{name}: {output}"
            unharmed(machine, before, free, f"attack {name}")
        machine.halt()


def test_again_and_again():
    """An attack finds no more than the first time, however often it is made."""
    with booted() as machine:
        before, free = programs(machine), free_bytes(machine)
        for name in ("exhaust", "calls", "slots", "retype", "cnode"):
            machine.run("; ".join([f"attack {name}"] * 6))
        equal("starts of attack", programs(machine)["attack"].starts, 30)
        unharmed(machine, before, free, "30 attacks")
        machine.halt()


test_all.limit = test_each_alone.limit = 240
