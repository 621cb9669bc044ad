"""What is formatted and what is left alone; partition tables and file systems that are not as ours are made.
SPDX-License-Identifier: BSD-2-Clause
"""

import struct
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from disk import BASIC_DATA, LINUX_DATA, MEGABYTE, SECTOR, TRUSTOS, make_fat, write_gpt
from scene import booted, equal, refused

MARK = b"TRustOs is formatting this disk with littlefs\0"  # servers/volume/littlefs.cpp: an interrupted format.
ALIGN = MEGABYTE // SECTOR
SYSTEM_AT, SYSTEM_MEGABYTES = 17, 16  # Of partition 2 in the disks made here; partition 1 has 16 MB.


def logged(machine, *programs):
    """What these programs said in the log."""
    return [row for row in machine.run("log").splitlines() if any(f" {program} " in f"{row} " for program in programs)]


def note(machine):
    """A file in /fat that the host can find again."""
    machine.run("write /fat/note.txt hello")


@contextmanager
def disk(kind=LINUX_DATA, megabytes=SYSTEM_MEGABYTES, system=b""):
    """A disk with FAT in partition 1, and `system` in partition 2, of type `kind`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "disk.img"
        end = int((SYSTEM_AT + megabytes) * ALIGN)
        sectors = end + ALIGN
        with path.open("xb") as image:
            image.truncate(sectors * SECTOR)
            write_gpt(image, sectors, [(BASIC_DATA, "exchange", ALIGN, SYSTEM_AT * ALIGN - 1),
                                       (kind, "system", SYSTEM_AT * ALIGN, end - 1)])
            make_fat(image, ALIGN, (SYSTEM_AT - 1) * ALIGN)
            image.seek(SYSTEM_AT * MEGABYTE)
            image.write(system)
        yield path


def system_of(path, megabytes=SYSTEM_MEGABYTES):
    """The bytes of partition 2."""
    with path.open("rb") as image:
        image.seek(SYSTEM_AT * MEGABYTE)
        return image.read(int(megabytes * MEGABYTE))


def at(*pieces):
    """The content of partition 2 with these (place, bytes) in it."""
    content = bytearray(SYSTEM_MEGABYTES * MEGABYTE)
    for place, data in pieces:
        place %= len(content)
        content[place:place + len(data)] = data
    return bytes(content)


def ext4():
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(SYSTEM_MEGABYTES * MEGABYTE)
        subprocess.run(["/sbin/mkfs.ext4", "-q", image.name], check=True, stdin=subprocess.DEVNULL)
        return image.read()


def left_alone(kind, content, reason):
    with disk(kind, system=content) as path:
        with booted(disks=[path]) as machine:
            refused(machine, "write /disk/x y")
            said = logged(machine, "fs")
            assert any(row.endswith(f"{reason}: left alone") for row in said), said
            machine.halt()
        assert system_of(path) == content, f"a partition that {reason} was written"


def test_btrfs_is_left_alone():
    left_alone(LINUX_DATA, at((65536 + 64, b"_BHRfS_M")), "holds btrfs")


def test_ext4_with_a_stale_mark_is_left_alone():
    """Also in a partition of our own type."""
    content = ext4()[:-4096] + MARK.ljust(4096, b"\0")
    for kind in LINUX_DATA, TRUSTOS:
        left_alone(kind, content, "holds ext2, ext3 or ext4")


def test_late_data_is_left_alone():
    left_alone(TRUSTOS, at((65535, b"x")), "holds something unknown")


def test_zeroes_are_left_alone():
    """Only a type of our own says that a partition may be formatted."""
    for kind in LINUX_DATA, BASIC_DATA:
        left_alone(kind, at(), "holds nothing known, and is not of the type TRustOs")


def test_mkfs():
    """It refuses and names what it finds, goes on with -f, and what it makes stays."""
    with disk(system=at((65536 + 64, b"_BHRfS_M"))) as path:
        with booted(disks=[path]) as machine:
            message = refused(machine, "mkfs /disk")
            assert "holds btrfs" in message and "mkfs -f /disk" in message, message
            refused(machine, "write /disk/x y")
            machine.run("mkfs -f /disk; write /disk/x y; sync")
            message = refused(machine, "mkfs /disk")
            assert "holds littlefs" in message, message
            equal("after a refusal", machine.run("cat /disk/x"), "y\n")
            note(machine)
            message = refused(machine, "mkfs /fat")
            assert "holds FAT" in message, message
            equal("after a refusal", machine.run("cat /fat/note.txt"), "hello\n")
            machine.run("mkfs -f /fat; write '/fat/a new file' there; sync")
            equal("fat", machine.run("ls /fat"), "a new file\n")
            machine.halt()
        with booted(disks=[path]) as machine:
            equal("both", machine.run("cat /disk/x '/fat/a new file'"), "y\nthere\n")
            machine.halt()
        part = path.parent / "fat.img"
        part.write_bytes(path.read_bytes()[MEGABYTE:SYSTEM_AT * MEGABYTE])
        subprocess.run(["/sbin/fsck.vfat", "-n", part], check=True)


def test_mkfs_without_disk():
    with booted() as machine:
        for path in "/disk", "/fat":
            assert "there is no disk" in refused(machine, f"mkfs {path}")
        machine.halt()


def test_grown_and_cut():
    """A littlefs goes on in a larger partition, and can be read in a smaller one."""
    with disk(TRUSTOS) as small:
        with booted(disks=[small]) as machine:
            machine.run("write /disk/notes.txt precious; sync")
            machine.halt()
        content = system_of(small)
    with disk(megabytes=24, system=content) as grown:
        with booted(disks=[grown]) as machine:
            equal("grown", machine.run("cat /disk/notes.txt"), "precious\n")
            machine.run("write /disk/more x; sync")
            said = logged(machine, "fs")
            assert any("its littlefs has 16380 KiB, the partition 24576" in row for row in said), said
            machine.halt()
    # Where littlefs puts directories is a matter of the date: all that is used is left.
    content = content[:len(content.rstrip(b"\0")) + 8192 & ~4095]
    megabytes = len(content) / MEGABYTE
    with disk(megabytes=megabytes, system=content) as cut:
        with booted(disks=[cut]) as machine:
            equal("cut", machine.run("cat /disk/notes.txt"), "precious\n")
            refused(machine, "write /disk/more x")
            said = logged(machine, "fs")
            assert any(row.endswith("read-only") for row in said), said
            machine.halt()
        assert system_of(cut, megabytes) == content


def test_fat_on_the_whole_disk():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "disk.img"
        with path.open("xb") as image:
            image.truncate(16 * MEGABYTE)
            make_fat(image, 0, 16 * ALIGN)
        with booted(disks=[path]) as machine:
            note(machine)
            said = logged(machine, "fs")
            assert any("the disk has no such partition" in row for row in said), said
            machine.halt()
        back = subprocess.run(["mtype", "-i", path, "::note.txt"], check=True, capture_output=True, text=True).stdout
        equal("note", back.strip(), "hello")


def test_fat_larger_than_its_partition():
    with disk() as path:
        with path.open("r+b") as image:
            image.seek(MEGABYTE + 19)
            image.write(struct.pack("<H", 0))
            image.seek(MEGABYTE + 32)
            image.write(struct.pack("<I", 16 * ALIGN + 8))
        with booted(disks=[path]) as machine:
            refused(machine, "ls /fat")
            said = logged(machine, "fat")
            assert any("its FAT has 16388 KiB, the partition 16384: left alone" in row for row in said), said
            machine.halt()


def test_last_partition_is_cut():
    """Of a disk with an MBR, of which the end is missing: the first partition is used, the last is read-only."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "disk.img"
        with path.open("xb") as image:
            image.truncate(31 * MEGABYTE)
            entries = [struct.pack("<B3sB3sII", 0, b"", kind, b"", first * ALIGN, count * ALIGN)
                       for kind, first, count in ((0x0c, 1, 16), (0x83, 17, 15))]
            image.seek(446)
            image.write(b"".join(entries).ljust(64, b"\0") + b"\x55\xaa")
            make_fat(image, ALIGN, 16 * ALIGN)
        with booted(disks=[path]) as machine:
            note(machine)
            said = logged(machine, "virtio-blk")
            assert any(row.endswith("partition 2: it ends behind the disk: read-only") for row in said), said
            equal("note", machine.run("cat /fat/note.txt"), "hello\n")
            machine.halt()


def test_part_on_sectors_of_4_kib():
    """A new disk with sectors of 4 KiB is divided and used, on what has such sectors; a table that counts in 512 bytes
    is not believed there, and the log says which sectors it has."""
    large = "logical_block_size=4096,physical_block_size=4096"
    for driver, device in {"virtio-blk": f"virtio-blk-pci,drive=one,{large}",
                           "nvme": f"nvme,serial=1,drive=one,{large}"}.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "disk.img"
            with path.open("xb") as image:
                image.truncate(48 * MEGABYTE)
            extra = ["-drive", f"if=none,id=one,format=raw,file={path}", "-device", device]
            with booted(extra=extra) as machine:
                machine.run(f"part {driver} new; part {driver} add fat 16M; part {driver} add trustos")
                message = refused(machine, f"part {driver} new")
                assert "holds a GPT" in message, message
                machine.run("restart fs; restart fat; mkfs /fat")
                note(machine)
                machine.run("write /disk/x y; sync")
                machine.halt()
            with booted(extra=extra) as machine:
                equal("both", machine.run("cat /disk/x /fat/note.txt"), "y\nhello\n")
                shown = machine.run("part").splitlines()
                assert "sectors of 4096 bytes, table GPT" in shown[0], shown
                assert [row.split()[0] for row in shown[1:]] == [f"{driver}/1", f"{driver}/2"], shown
                assert f"{driver} is in use by f" in refused(machine, f"part {driver} remove 1")
                machine.run(f"umount /disk; umount /fat; part {driver} remove 1")
                equal("rows", len(machine.run("part").splitlines()), 2)
                machine.halt()
    with disk() as path:
        extra = ["-drive", f"if=none,id=one,format=raw,file={path}", "-device", f"virtio-blk-pci,drive=one,{large}"]
        with booted(extra=extra) as machine:
            said = logged(machine, "virtio-blk")
            assert any(" of 4096 bytes, partition table " in row and "there is no GPT header" in row
                       for row in said), said
            machine.halt()


def test_disk_in_use():
    """A table is changed when nobody has anything of the disk mounted; behind that, nobody writes to what is now
    somebody else's, and what is left goes on."""
    with disk(TRUSTOS) as path:
        with booted(disks=[path]) as machine:
            machine.run("write /disk/x y; sync")
            for out, user in ("/fat", "fs"), ("/disk", "fat"):
                machine.run(f"umount {out}")
                message = refused(machine, "part virtio-blk remove 2")
                assert f"virtio-blk is in use by {user}: " in message, message
                machine.run(f"part; mount {out}")
            equal("untouched", machine.run("cat /disk/x"), "y\n")
            machine.run("write /fat/y there; umount /disk; umount /fat")
            machine.run("part virtio-blk remove 2; part virtio-blk add linux 2M")
            shown = machine.run("part")
            assert "virtio-blk/2" in shown and "linux" in shown, shown
            machine.run("mount /fat; mount /disk")
            equal("what is left", machine.run("cat /fat/y"), "there\n")
            refused(machine, "write /disk/x other")
        assert b"other" not in path.read_bytes()


test_part_on_sectors_of_4_kib.limit = 400
for scenario in (test_mkfs, test_grown_and_cut, test_zeroes_are_left_alone, test_ext4_with_a_stale_mark_is_left_alone):
    scenario.limit = 300
