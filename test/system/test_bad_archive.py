"""A damaged boot archive, damaged programs in it, memory that is too small: one line says what is wrong.
SPDX-License-Identifier: BSD-2-Clause

The kernel is booted directly, with one module: the root task, padded to whole pages, and the archive.
Manifests that ask for too much never come so far: the build refuses them (test/manifest_test.py).
"""

import struct
import sys
import tempfile
from pathlib import Path

from archive import original, repacked, unpack
from build import BUILD, ROOT
from image import make_iso
from machine import Machine, MachineError
from scene import SERVERS, DirectMachine, equal, programs, registers

sys.path.insert(0, str(ROOT / "scripts"))
import pack_archive  # noqa: E402

STARTING = "root: starting the programs"
PATIENCE = 110  # Seconds.


def stays_idle(machine):
    """Nothing was started, and the processor halts. The runner's limit ends the wait."""
    while "HLT=1" not in registers(machine):
        pass
    assert STARTING not in machine.log, machine.log
    equal("lines of root", machine.log.count("root: "), 2)


def says_and_stops(archive, message, memory=256):
    """Whoever waits for the prompt hears of it at once."""
    with DirectMachine(archive, memory=memory) as machine:
        refused = no_prompt(machine)
        assert f"root: {message}" in refused, refused
        stays_idle(machine)


def no_prompt(machine):
    """What boot() says; within its time it would have to wait for a prompt."""
    try:
        machine.boot(PATIENCE)
    except MachineError as error:
        assert "the machine did not boot" in str(error), error
        return str(error)
    raise AssertionError("there is a prompt")


def test_undamaged():
    """The control: with the archive as it was built, this way of booting works."""
    with DirectMachine(original()) as machine:
        machine.boot()
        equal("servers", [name for name in SERVERS if programs(machine)[name].starts != 1], [])
        machine.halt()


def test_archive_is_cut_off():
    archive = original()
    says_and_stops(archive[:len(archive) // 2], f"archive: is cut off after {len(archive) // 2} bytes")
    says_and_stops(archive[:-1], f"archive: is cut off after {len(archive) - 1} bytes")


def test_archive_is_something_else():
    says_and_stops(b"not an archive " * 1000, "archive: the module is not an archive made by "
                                              "scripts/pack_archive.py")
    says_and_stops(original()[:10], "archive: ")


def test_archive_table_is_damaged():
    archive = bytearray(original())
    archive[pack_archive.HEADER.size + 45] ^= 0x10
    says_and_stops(bytes(archive), "archive: its table is damaged (wrong sum)")


def test_system_table_is_damaged():
    archive = bytearray(original())
    start = archive.index(b"TSYSTEM1")
    archive[start + 40] ^= 1
    says_and_stops(bytes(archive), "archive file system: is damaged (wrong sum)")
    files = unpack(original())
    says_and_stops(pack_archive.pack(files | {"system": b"TSYSTEM1 and nothing more"}),
                   "archive file system: is not a table made by scripts/manifest.py")
    says_and_stops(pack_archive.pack({n: d for n, d in files.items() if n != "system"}),
                   "archive file system: is missing")


def test_too_little_memory():
    says_and_stops(original(), "too little memory for ", memory=10)


def test_no_module_of_that_name():
    """The same through GRUB, whose configuration names the modules."""
    config = (ROOT / "boot/grub.cfg").read_text().replace("archive.bin archive", "archive.bin files")
    files = {"kernel.elf": BUILD / "kernel/kernel.elf", "root.elf": BUILD / "apps/root.elf",
             "archive.bin": BUILD / "apps/archive.bin", "font.bin": BUILD / "boot/font.bin"}
    with tempfile.TemporaryDirectory() as folder:
        iso = Path(folder) / "renamed.iso"
        make_iso(iso, config, files)
        with Machine(iso) as machine:
            refused = no_prompt(machine)
            assert "root: no boot module is called `archive` (see boot/grub.cfg); there are 3" in refused, refused
            stays_idle(machine)


def elf_with(data, offset, layout, value):
    changed = bytearray(data)
    struct.pack_into(layout, changed, offset, value)
    return bytes(changed)


def goes_on_without(name, archive, message):
    """One line names the file, all other programs run, and the damaged one cannot be started by hand."""
    with DirectMachine(archive) as machine:
        log = machine.boot()
        assert f"root: archive file bin/{name}: {message}" in log, log
        equal("lines about it", log.count("archive file"), 1)
        states = {program.name: program.state for program in programs(machine).values()}
        equal("programs that do not run", {n for n in SERVERS if states[n] == "ended"}, {name})
        status, _ = machine.status(f"restart {name}")
        assert status != 0, f"a damaged {name} was started"
        machine.halt()


def test_damaged_programs():
    program = unpack(original())["bin/log"]
    phoff, = struct.unpack_from("<Q", program, 32)
    damaged = bytearray(original())
    start = damaged.index(program)
    damaged[start + len(program) // 2] ^= 0x40
    goes_on_without("log", bytes(damaged), "is damaged (wrong sum)")
    others = {name: data for name, data in unpack(original()).items() if name != "bin/log"}
    goes_on_without("log", pack_archive.pack(others), "is missing")
    for changed, message in (
            (program[:50], "is shorter than an ELF header"),
            (b"#!" + program[2:], "is not a static ELF executable for x86_64"),
            (program[:5000], "has a segment outside the file (truncated?)"),
            (elf_with(program, 24, "<Q", 0x7FFFFFFFF000), "has its entry point outside"),
            (elf_with(program, phoff + 16, "<Q", 0xFFFFFFFF80000000), "has a segment outside a program's"),
    ):
        goes_on_without("log", repacked(log=changed), message)


def test_no_shell():
    """Nor is there a prompt without a shell, or a console to type at."""
    for name in ("shell", "console"):
        files = {path: data for path, data in unpack(original()).items() if path != f"bin/{name}"}
        with DirectMachine(pack_archive.pack(files)) as machine:
            refused = no_prompt(machine)
            assert f"root: archive file bin/{name}: is missing" in refused, refused


def test_damaged_file():
    """One that is no program: it is not opened, and the log names it, once; a check finds it."""
    archive = bytearray(original())
    archive[archive.index(unpack(original())["etc/motd"])] ^= 1
    with DirectMachine(bytes(archive)) as machine:
        machine.boot()
        for _ in range(2):
            status, output = machine.status("cat /etc/motd")
            assert status != 0 and "device error" in output, output
        assert "1 damaged" in machine.status("fsck /")[1]
        equal("lines of the log", machine.run("log").count("/etc/motd: damaged in the boot archive (wrong sum)"), 1)
        machine.halt()


test_damaged_programs.limit = 240
