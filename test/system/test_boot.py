"""The image boots to the shell under both firmwares, from both media, and powers off.
SPDX-License-Identifier: BSD-2-Clause
"""

import subprocess
import tempfile
from pathlib import Path

import kernel_size
from build import BUILD, ISO
from machine import Machine
from scene import DirectMachine, booted, equal, monitor


def boots(**options):
    with Machine(ISO, **options) as machine:
        machine.boot(100)
        assert "ps" in machine.run("help"), "help does not name ps"
        machine.halt()


def test_bios_cd():
    boots()


def test_bios_usb():
    boots(usb=True)


def test_uefi_cd():
    boots(firmware="uefi")


def test_uefi_usb():
    boots(firmware="uefi", usb=True)


def test_the_image_holds_what_runs():
    """GRUB loads all of a file, also what nobody reads."""
    with tempfile.TemporaryDirectory() as folder:
        for name, sections in (("kernel.elf", (b".debug_info", b".symtab")), ("root.elf", (b".debug_info", b".symtab")),
                               ("archive.bin", (b".debug_info",))):  # Names of functions are for reports on faults.
            file = Path(folder) / name
            subprocess.run(["xorriso", "-osirrox", "on", "-indev", ISO, "-extract", f"/boot/{name}", file], check=True,
                           capture_output=True)
            for section in sections:
                assert section not in file.read_bytes(), f"{name} has {section}"


def test_what_is_typed_before_the_prompt():
    """Of it the first bytes may be lost: so nothing of it is run, and what is typed then is whole."""
    with DirectMachine() as machine:
        machine.send("echo this is longer than what a chip keeps\n" * 3 + "echo half of a li")
        machine.boot(100)
        equal("the first command", machine.status("echo whole"), (0, "whole\n"))
        assert "keeps" not in machine.log and "half" not in machine.log, machine.log
        machine.halt()


def test_what_booting_needed_is_gone():
    """From the kernel's image: its pages are the root task's memory by now."""
    marks = kernel_size.marks(BUILD / "kernel/kernel.elf")
    with booted() as machine:
        def is_mapped(address):
            return "gpa: " in monitor(machine, f"gva2gpa {address:#x}")

        assert is_mapped(marks["text_start"]) and is_mapped(marks["trace_ring"])
        pages = range(marks["boot_part_start"], marks["image_end"], 4096)
        assert len(pages) > 4 and not any(map(is_mapped, pages))
        assert not is_mapped(marks["boot_start"]) and not is_mapped(marks["guard_page"])
        machine.halt()
