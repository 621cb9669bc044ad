"""Damaged or missing boot data: one clear message that names the thing, then the machine stops.
SPDX-License-Identifier: BSD-2-Clause
"""

import tempfile
from pathlib import Path

from build import BUILD
from machine import Machine

KERNEL = BUILD / "kernel/kernel.elf"
ROOT = BUILD / "apps/root.elf"


def stops_with(message, module=None, memory=256, extra=()):
    """Boot the kernel directly with `module` (bytes) as the root task; expect the message and the end."""
    with tempfile.NamedTemporaryFile() as file:
        modules = []
        if module is not None:
            Path(file.name).write_bytes(module)
            modules = ["-initrd", file.name]
        with Machine(memory=memory, extra=["-kernel", str(KERNEL), *modules, *extra]) as machine:
            machine.wait_end(30)
            machine.drain()
            assert f"cannot boot: {message}" in machine.log, f"expected {message!r} in:\n{machine.log}"
            assert machine.log.count("cannot boot") == 1, machine.log


def test_no_modules():
    stops_with("no modules: expected the root task and the boot archive")


def test_root_is_not_elf():
    stops_with("the root task is not a little-endian 64-bit ELF file", b"not a program" * 100)


def test_root_is_truncated():
    program = ROOT.read_bytes()
    stops_with("a segment of the root task leaves its file (truncated?)", program[:5000])


def test_too_little_memory():
    stops_with("too little memory: ", b"x", memory=3)


def test_old_processor():
    stops_with("the processor lacks XSAVE, FSGSBASE", b"x", extra=["-cpu", "qemu64"])
