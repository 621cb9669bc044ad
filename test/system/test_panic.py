"""The kernel's last words: registers, the running thread, the tail of the trace, then silence.
SPDX-License-Identifier: BSD-2-Clause

An NMI is the one event from outside that the kernel never expects.
"""

import re
import subprocess

from build import BUILD
from scene import booted, registers

REGISTERS = ("rip", "rsp", "rflags", "cr2", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp",
             *(f"r{i}" for i in range(8, 16)))
TAIL = 16  # Events.


def panic(machine):
    """Inject the NMI into the halted machine; the panic message. The kernel must end the machine."""
    machine.control.call("inject-nmi")
    machine.control.tell("cont")
    machine.expect("panic: exception 2", 30)
    machine.wait_end(30)
    machine.drain()
    message = machine.log[machine.log.index("panic: exception 2"):]
    for register in REGISTERS:
        assert re.search(rf"\b{register} 0x[0-9a-f]+\b", message), f"no {register} in:\n{message}"
    assert re.search(r"^thread 0x\w+ context 0x\w+$", message, re.M), message
    events = message[message.index("trace: "):].splitlines()
    assert len(events) == 1 + TAIL, message
    times = [int(line.split()[0]) for line in events[1:]]
    assert times == sorted(times), message
    return message


def test_while_idle():
    with booted() as machine:
        while "HLT=1" not in registers(machine):  # The runner's limit ends it.
            pass
        machine.control.call("stop")
        message = panic(machine)
        assert " in the kernel" in message, message
        assert "thread 0x0 context 0x0" in message, message


def loop_of_starve():
    """Addresses of the function that runs for ever."""
    symbols = subprocess.run(["nm", "--print-size", "--demangle", BUILD / "apps/attack.elf"], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    start, size = re.search(r"^(\w+) (\w+) \w attack::run_for_ever\(\)$", symbols, re.M).groups()
    return range(int(start, 16), int(start, 16) + int(size, 16))


def test_while_a_program_runs():
    with booted() as machine:
        machine.send("run attack starve\n")
        place, inside = loop_of_starve(), False
        while not inside:  # Looks while the machine stands still, so that the NMI arrives there.
            machine.control.call("cont")
            machine.control.call("stop")
            text = registers(machine)
            inside = "CPL=3" in text and int(re.search(r"RIP=(\w+)", text)[1], 16) in place
        message = panic(machine)
        assert " in the kernel" not in message, message
        assert int(re.search(r"^rip 0x(\w+)", message, re.M)[1], 16) in place, message
        assert re.search(r"^thread 0x[1-9a-f]\w* context 0x[1-9a-f]\w*$", message, re.M), message
