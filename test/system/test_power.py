"""halt and reboot.
SPDX-License-Identifier: BSD-2-Clause
"""

import json

from build import ISO
from machine import Machine
from scene import BOOT_SECONDS, TOP, DirectMachine, booted, equal


def events(machine):
    """What QEMU told through its control socket since the last call, and until its end."""
    return [json.loads(line) for line in machine.control.lines]


def test_halt():
    with booted() as machine:
        machine.halt()
        equal("exit status of isa-debug-exit for code 0", machine.process.returncode, 1)


def switches_off(machine):
    """`halt` without QEMU's own device for it: by the registers that the ACPI tables name."""
    with machine:
        machine.boot(BOOT_SECONDS)
        machine.halt()
        reasons = [e["data"]["reason"] for e in events(machine) if e["event"] == "SHUTDOWN"]
        equal("why QEMU ended", reasons, ["guest-shutdown"])


def test_halt_by_acpi():
    for board in ("pc", "q35"):
        switches_off(DirectMachine(board=board, exit_device=False))


def test_halt_by_acpi_with_uefi():
    """It has the registers elsewhere than the BIOS, on `pc`."""
    switches_off(Machine(ISO, firmware="uefi", exit_device=False))


def test_reboot_resets_the_machine():
    with booted() as machine:
        machine.send("reboot\n")
        machine.wait_end()
        reasons = [e["data"]["reason"] for e in events(machine) if e["event"] == "SHUTDOWN"]
        equal("why QEMU ended (-no-reboot)", reasons, ["guest-reset"])


def test_reboot_boots_again():
    with booted() as machine:
        machine.control.call("set-action", reboot="reset")
        machine.run("write /note text")
        machine.send("reboot\n")
        machine.expect("reboot\n")
        machine.boot(BOOT_SECONDS)
        equal("files", machine.run("ls"), TOP)
        machine.halt()
