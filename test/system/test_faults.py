"""A fault is reported so that a person can read it: registers, symbols, callers, newest events.
SPDX-License-Identifier: BSD-2-Clause
"""

import re

from scene import booted, equal

REGISTER_ROWS = (r"^  rax [0-9a-f]{16}  rbx [0-9a-f]{16}  rcx [0-9a-f]{16}  rdx [0-9a-f]{16}$",
                 r"^  r12 [0-9a-f]{16}  r13 [0-9a-f]{16}  r14 [0-9a-f]{16}  r15 [0-9a-f]{16}$",
                 r"^  rip [0-9a-f]{16}  rflags ")


def test_report():
    with booted() as machine:
        equal("report before any fault", machine.run("report"), "no program has failed\n")
        machine.run("attack recurse")
        report = machine.run("report")
        for row in (r"^--- attack \(start 1\): page fault: it wrote to 0x3\w+, where nothing is "
                    r"mapped for it \(at 0x\w+\)$", r"^  in 0x\w+ attack::\S*recurse\(?.* \+ 0x\w+$",
                    *REGISTER_ROWS, r"^  called from", r"^    0x\w+ attack::\S*recurse",
                    r"^  newest kernel events:$", r"^    \S.* thread 0x\w+ -> 0x\w+"):
            assert re.search(row, report, re.M), f"no line matches {row!r} in:\n{report}"
        machine.run("attack divide")
        report = machine.run("report")
        assert report.startswith("--- attack (start 2): exception 0 (divide error)"), report
        assert "attack::divide_by_zero" in report, report
        assert re.search(r"supervisor +error +attack: exception 0 \(divide error\)",
                         machine.run("log -e"))
        machine.halt()


def test_registers_of_the_report():
    """rip of the registers is the address that the first line names."""
    with booted() as machine:
        for attack in ("null", "opcode", "general"):
            machine.run(f"attack {attack}")
            report = machine.run("report")
            at = int(re.search(r"\(at 0x(\w+)\)", report)[1], 16)
            equal("rip", int(re.search(r"  rip (\w+)", report)[1], 16), at)
        machine.halt()
