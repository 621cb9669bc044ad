"""libsel works on the real kernel; a bad archive is refused in words; a new server takes one command.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from build import BUILD, ISO, ROOT
from image import make_iso
from machine import Machine, MachineError

sys.path.insert(0, str(ROOT / "scripts"))
import pack_archive

ARCHIVE = BUILD / "apps/archive.bin"
MEMORY_TOO_LITTLE = 8  # MB: enough for GRUB and the kernel, not for the programs.


def test_libsel_on_the_real_kernel():
    with Machine(ISO) as machine:
        machine.boot()
        free = re.search(r"free (\d+)", machine.run("mem"))[1]
        for _ in range(3):
            output = machine.run("run check")
            assert output.count("good") == 4 and "FAILED" not in output, output
        assert re.search(r"free (\d+)", machine.run("mem"))[1] == free
        machine.halt()


# --- What the boot loader brings.

def boot_with(expected, archive=None, module="archive"):
    """The image with another archive, or another name for it, says `expected` and stops there."""
    config = (ROOT / "boot/grub.cfg").read_text().replace("archive.bin archive", f"archive.bin {module}")
    with tempfile.TemporaryDirectory() as folder:
        iso, changed = Path(folder) / "bad.iso", Path(folder) / "archive.bin"
        changed.write_bytes(ARCHIVE.read_bytes() if archive is None else archive)
        make_iso(iso, config, {"kernel.elf": BUILD / "kernel/kernel.elf",
                               "root.elf": BUILD / "apps/root.elf", "archive.bin": changed})
        with Machine(iso) as machine:
            machine.expect(expected, 60)
            try:
                machine.expect("trust>", 5)
            except MachineError:
                return
            raise AssertionError("it went on to the shell")


def test_truncated_archive():
    boot_with("root: archive: is cut off after ", ARCHIVE.read_bytes()[:20000])


def test_damaged_table():
    data = bytearray(ARCHIVE.read_bytes())
    data[pack_archive.HEADER.size + 45] ^= 1
    boot_with("root: archive: its table is damaged (wrong sum)", data)


def test_no_archive():
    boot_with("root: archive: the module is not an archive made by scripts/pack_archive.py",
              bytes(8192))


def test_missing_archive():
    boot_with("root: no boot module is called `archive`", module="files")


def files_of(archive):
    """{name: content} of an archive."""
    _, _, count, _, _ = pack_archive.HEADER.unpack_from(archive)
    files = {}
    for i in range(count):
        name, offset, size, _ = pack_archive.ENTRY.unpack_from(
            archive, pack_archive.HEADER.size + i * pack_archive.ENTRY.size)
        files[name.rstrip(b"\0").decode()] = archive[offset:offset + size]
    return files


def test_table_of_another_kind():
    boot_with("root: archive file system: is not a table made by scripts/manifest.py",
              pack_archive.pack(files_of(ARCHIVE.read_bytes()) | {"system": b"nonsense"}))


def test_damaged_programs():
    """A program that is damaged, no program, or missing is named; the others start."""
    files = files_of(ARCHIVE.read_bytes())
    del files["bin/timer"]
    files["bin/ramfs"] = files["bin/ramfs"][:5000]
    files["bin/log"] = b"#!/bin/sh\n" * 10
    archive = bytearray(pack_archive.pack(files))
    archive[archive.index(files["bin/supervisor"]) + 9000] ^= 4
    with tempfile.TemporaryDirectory() as folder:
        iso, changed = Path(folder) / "bad.iso", Path(folder) / "archive.bin"
        changed.write_bytes(archive)
        make_iso(iso, (ROOT / "boot/grub.cfg").read_text(),
                 {"kernel.elf": BUILD / "kernel/kernel.elf", "root.elf": BUILD / "apps/root.elf",
                  "archive.bin": changed})
        with Machine(iso) as machine:
            # In the order of their priorities.
            machine.expect("root: archive file bin/timer: is missing", 60)
            machine.expect("root: archive file bin/log: is not a static ELF executable for x86_64")
            machine.expect("root: archive file bin/supervisor: is damaged (wrong sum)")
            machine.expect("root: archive file bin/ramfs: has a segment outside the file (truncated?)")
            machine.expect("trust>", 60)


def test_too_little_memory():
    with Machine(ISO, memory=MEMORY_TOO_LITTLE) as machine:
        machine.expect(re.compile(r"root: too little memory for \w+: it needs \d+K, and "), 60)


# --- A newcomer's server.

def test_new_server():
    """Made by scripts/new-server in a copy of the project: builds, passes its test, answers, restarts."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", "build-*", ".git", "__pycache__"))
        before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
        subprocess.run([copy / "scripts/new-server", "hello"], check=True)
        touched = {p.relative_to(copy).parts[:2] for p in copy.rglob("*")
                   if p.is_file() and before.get(p) != p.read_bytes()}
        assert touched == {("servers", "hello"), ("boot", "system.toml")}, touched
        lines = sum(p.read_text().count("\n") for p in (copy / "servers/hello").glob("*.?pp"))
        assert lines <= 40, f"{lines} lines of C++"
        build = copy / "build"
        subprocess.run(["meson", "setup", build], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", build, "--quiet", "boot/trustos.iso", "apps/hello-test"],
                       check=True)
        subprocess.run([build / "apps/hello-test"], check=True)
        with Machine(build / "boot/trustos.iso") as machine:
            machine.boot()
            assert machine.run("ask hello") == "hello from hello\n"
            machine.run("kill hello")
            assert machine.run("ask hello") == "hello from hello\n"
            machine.halt()


test_new_server.limit = 900
