"""What a person was told is on the disk is there: names in all their spellings, disks that fail.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import struct
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from disk import DEFAULT_MEGABYTES, MEGABYTE, make_disk
from scene import booted, equal

FAT_BYTES = (DEFAULT_MEGABYTES // 2 - 1) * MEGABYTE  # Of partition 1, which begins at 1 MiB.
FAILS = '[inject-error]\nevent = "none"\niotype = "{}"\nerrno = "5"\nonce = "off"\n'


@contextmanager
def fresh_disk():
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "disk.img"
        make_disk(disk)
        yield disk


def fat_is_sound(disk):
    part = disk.parent / "fat.img"
    with disk.open("rb") as image:
        image.seek(MEGABYTE)
        part.write_bytes(image.read(FAT_BYTES))
    checked = subprocess.run(["/usr/sbin/fsck.vfat", "-n", part], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


def failing(disk, what):
    """QEMU's arguments for a virtio disk on which each `what` is an error."""
    rules = disk.parent / "rules.conf"
    rules.write_text(FAILS.format(what))
    return ["-drive", f"if=none,id=a,format=raw,file=blkdebug:{rules}:{disk},werror=report,rerror=report",
            "-device", "virtio-blk-pci,drive=a"]


def refused(machine, line, *words):
    status, output = machine.status(line)
    assert status == 1 and output.startswith("error: "), (line, status, output)
    for word in words:
        assert word in output, (line, word, output)


def test_two_spellings_are_one_file():
    """Letter case, accents, short names, dots at the end; moved, and copied onto itself."""
    with fresh_disk() as disk:
        with booted(disks=[disk]) as machine:
            machine.run("mkdir /fat/photos; write /fat/photos/a.txt precious")
            machine.run("mv /fat/photos /fat/Photos")
            equal("new case", machine.run("ls /fat"), "Photos/\n")
            refused(machine, "mv /fat/photos /fat/PHOTOS/x", "lies in it")
            refused(machine, "mv /fat/Photos /fat/photos./photos", "lies in it")
            machine.run("write '/fat/a long name.txt' precious")
            for other in "/fat/A LONG NAME.TXT", "/fat/ALONGN~1.TXT", "/fat/a long name.txt.", "/fat":
                refused(machine, f"cp '/fat/a long name.txt' '{other}'", "are the same file")
                machine.run("write /fat/x x; rm /fat/x")
            machine.run("mv /fat/ALONGN~1.TXT /fat/Photos; cp /fat/PHOTOS/A.TXT '/fat/photos/\u00e4.txt'")
            refused(machine, "cp /fat/photos/a.txt '/fat/a*b'", 'none of "')
            for name in "a.txt", "a long name.txt", "\u00c4.TXT":
                equal(name, machine.run(f"cat '/fat/PHOTOS/{name}'"), "precious\n")
            machine.halt()
        fat_is_sound(disk)


def test_what_was_not_written_is_told():
    """By the command, by sync, by the log, and by halt, which stays."""
    with fresh_disk() as disk:
        with booted(disks=[disk]) as machine:
            for line in "write /disk/old kept", "write /fat/old kept":
                machine.run(line)
            machine.halt()
        with booted(extra=failing(disk, "write")) as machine:
            for place in "/disk", "/fat":
                for line in "write {}/old fresh", "cp /etc/motd {}/old", "echo x > {}/old", "echo x > {}/new", \
                        "write {}/new x", "cp /etc/motd {}/new":
                    refused(machine, line.format(place), "device error")
                equal(place, machine.run(f"cat {place}/old"), "kept\n")
            refused(machine, "echo x >> /disk/old", "device error")
            refused(machine, "sync", "/fat: what was changed last is not on the disk")
            lines = machine.run("log -e")
            assert " fs " in lines and " fat " in lines and "not written to the disk" in lines, lines
            refused(machine, "halt", "/fat: ", "halt -f")
            machine.send("halt -f\n")
            machine.wait_end(60)
        with booted(disks=[disk]) as machine:
            equal("after it", machine.run("cat /disk/old /fat/old"), "kept\nkept\n")
            machine.halt()
        fat_is_sound(disk)


def test_chains_of_fat_are_looked_at():
    """Two files of the host's that share their clusters."""
    with fresh_disk() as disk:
        for name in "ab":
            (disk.parent / name).write_bytes(name.encode() * 20000)
            subprocess.run(["mcopy", "-i", f"{disk}@@1M", disk.parent / name, f"::{name}"], check=True)
        with booted(disks=[disk]) as machine:
            equal("sound", machine.run("fsck /fat"), "2 files, 1 directories, 40000 bytes, 0 damaged\n")
            machine.halt()
        with disk.open("r+b") as image:
            image.seek(MEGABYTE)
            boot = image.read(512)
            reserved, fats, table = struct.unpack_from("<HB5xH", boot, 14)
            root = MEGABYTE + (reserved + fats * table) * 512
            image.seek(root)
            entries = image.read(512)
            a, b = (entries.index(f"{name}          ".encode()) for name in "AB")
            image.seek(root + b + 26)
            image.write(entries[a + 26:a + 28])
        with booted(disks=[disk]) as machine:
            status, output = machine.status("fsck /fat")
            assert status == 1 and re.search(r", [1-9]\d* damaged\n$", output), (status, output)
            refused(machine, "fsck -r /disk", "nothing to repair")
            repaired = re.fullmatch(r"(\d+) damaged, (\d+) repaired\n", machine.run("fsck -r /fat"))
            assert repaired and repaired[1] == repaired[2] != "0", repaired
            assert machine.run("fsck /fat").endswith(" 0 damaged\n")
            machine.run("write /fat/c there; sync")
            machine.halt()
        fat_is_sound(disk)


def test_halt_goes_when_nothing_is_left():
    """What littlefs could not write has been told, and is forgotten: the disk is as it was."""
    with fresh_disk() as disk:
        with booted(disks=[disk]) as machine:
            machine.run("write /disk/old kept")
            machine.halt()
        with booted(extra=failing(disk, "write")) as machine:
            refused(machine, "write /disk/old fresh", "device error")
            equal("old", machine.run("cat /disk/old"), "kept\n")
            machine.halt(60)
