"""Files on disks: the name space, what stays when power goes or servers die, who may read what.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import struct
import subprocess
import tempfile
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

from build import ISO
from disk import (ALIGN, BASIC_DATA, DEFAULT_MEGABYTES, MEGABYTE, SECTOR, TRUSTOS, make_disk, make_fat,
                  write_gpt)
from scene import TOP, batch, booted, equal, free_bytes, programs, refused

VERDICT = re.compile(r"^stress: (\d+) restarts.*, (\d+) lost, (\d+) corrupt$", re.M)
FAT_AT = "@@1M"  # Where partition 1 begins, in the words of mtools.
SYSTEM = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")  # The partition that UEFI boots from.
COMMAND_WRITE = re.compile(r"^pci_cfg_write .* @0x4 <- (0x[0-9a-f]+)$", re.M)  # As QEMU traces it.
CODE_BYTES = 440  # Of sector 0, what BIOS boots from.


@contextmanager
def fresh_disk():
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "disk.img"
        make_disk(disk)
        yield disk


def verdict(output):
    """(restarts, lost, corrupt)"""
    match = VERDICT.search(output)
    assert match, output
    return tuple(map(int, match.groups()))


def test_files_stay():
    """Acceptance line 1, as it is typed there, with each kind of disk."""
    for options in [], ["--disk-kind", "nvme"], ["--disk-kind", "ahci"]:
        with tempfile.TemporaryDirectory() as folder:
            disk = ["--disk", Path(folder) / "d.img", *options]
            status, output, errors = batch("mkdir /disk/a; write /disk/a/x hello; sync", *disk)
            assert status == 0 and not output, (options, output, errors)
            status, output, errors = batch("cat /disk/a/x; df", *disk)
            assert status == 0 and output.startswith("hello\n"), (options, output, errors)
            assert re.search(r"K +\S+ M .* fs +/disk$", output, re.M), output


def test_shell_remembers():
    """History and settings."""
    with fresh_disk() as disk:
        with booted(disks=[disk]) as machine:
            assert "welcome back" not in machine.log
            machine.run("echo echo welcome back > /disk/shell/start")
            machine.halt()
        with booted(disks=[disk]) as machine:
            assert "\nwelcome back\n" in machine.log, machine.log
            assert "echo echo welcome back" in machine.run("history")
            machine.run("kill fs; kill virtio-blk; kill vfs; echo remembered")
            machine.run("rm /disk/shell/start; restart shell")
            assert "echo remembered" in machine.run("history")
            machine.halt()


def make_bootable(path):
    """The boot image as a disk that has, behind itself, the partitions of make_disk()."""
    content = ISO.read_bytes()
    first, last = next(entry[2:] for entry in read_gpt(content) if entry[0] == SYSTEM)
    start, middle, end = (megabytes * MEGABYTE // SECTOR for megabytes in (32, 48, 64))
    assert len(content) <= start * SECTOR
    with path.open("xb") as image:
        image.truncate((end + ALIGN) * SECTOR)
        image.write(content)
        write_gpt(image, end + ALIGN, [(BASIC_DATA, "exchange", start, middle - 1),
                                       (TRUSTOS, "system", middle, end - 1), (SYSTEM, "boot", first, last)])
        make_fat(image, start, middle - start)
        image.seek(0)
        image.write(content[:CODE_BYTES])


def read_gpt(image):
    """[(type, name, first sector, last sector)]"""
    table, count, size = struct.unpack_from("<QII", image, SECTOR + 72)
    for place in range(table * SECTOR, table * SECTOR + count * size, size):
        kind, first, last = struct.unpack_from("<16s16xQQ", image, place)
        yield uuid.UUID(bytes_le=kind), "", first, last


def boot_from_nvme(firmware):
    """The only disk, and no CD: it is booted from, and used."""
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "boot.img"
        make_bootable(disk)
        for line, answer in ("mkdir /disk/a; write /disk/a/x hello; write /fat/y there; sync", ""), \
                ("cat /disk/a/x /fat/y", "hello\nthere\n"):
            with booted(iso=None, firmware=firmware, disks=[disk], disk_kind="nvme") as machine:
                equal(line, machine.run(line), answer)
                machine.halt()


def test_boot_from_nvme_with_bios():
    boot_from_nvme("bios")


def test_boot_from_nvme_with_uefi():
    boot_from_nvme("uefi")


def test_exchange():
    """Files go both ways between /fat and the host's tools."""
    with fresh_disk() as disk:
        note = disk.parent / "note.txt"
        note.write_text("from the host\n")
        subprocess.run(["mcopy", "-i", f"{disk}{FAT_AT}", note, "::note.txt"], check=True)
        with booted(disks=[disk]) as machine:
            equal("file of the host", machine.run("cat /fat/note.txt"), "from the host\n")
            machine.run("mkdir /fat/d; write '/fat/d/a long name.text' from TRustOs; sync")
            machine.halt()
        back = subprocess.run(["mtype", "-i", f"{disk}{FAT_AT}", "::d/a long name.text"], check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        equal("our file", back.replace("\r", ""), "from TRustOs\n")


def test_without_disk():
    with booted() as machine:
        for line in ("ls /disk", "cat /disk/x", "write /disk/x y", "mkdir /fat/d", "fsck /disk"):
            refused(machine, line)
        equal("ls", machine.run("ls"), TOP)
        assert len(machine.run("df").splitlines()) == 4
        machine.run("sync; mount")
        machine.halt()


def test_power_goes():
    """In the middle of traffic, again and again on the same disk."""
    with fresh_disk() as disk:
        for i in range(3):
            with booted(disks=[disk]) as machine:
                assert i == 0 or machine.run("cat /disk/kept") == f"{i - 1}\n"
                assert machine.run("fsck /disk").endswith(" 0 damaged\n")
                machine.run(f"write /disk/kept {i}; sync")
                machine.send("stress /disk 60s\n")
                time.sleep(1 + i / 2)
                machine.stop()
        with booted(disks=[disk]) as machine:
            equal("kept", machine.run("cat /disk/kept"), "2\n")
            equal("stress", verdict(machine.run("stress /disk 2s")), (0, 0, 0))
            machine.halt()


def test_out_and_in():
    with fresh_disk() as disk, booted(disks=[disk]) as machine:
        machine.run("write /disk/x hello; umount /disk")
        refused(machine, "cat /disk/x")
        refused(machine, "umount /disk")
        machine.run("mount /disk")
        equal("back again", machine.run("cat /disk/x"), "hello\n")
        message = refused(machine, "mv /disk/x /x")
        assert "another file system" in message, message
        machine.halt()


def test_attack():
    """Acceptance line 4: /disk/a may be read by the attack, and nothing else."""
    with fresh_disk() as disk, booted(disks=[disk]) as machine:
        machine.run("attack disk")
        assert "warning /disk/a is not there" in machine.run("log -w 40"), "the log does not name the subtree that is missing"
        machine.run("mkdir /disk/a /disk/b; write /disk/a/x mine; write /disk/b/x secret; sync")
        output = machine.run("attack disk")
        assert re.match("disk +contained .*denied", output), output
        equal("both files", machine.run("cat /disk/a/x /disk/b/x; ls /disk/a"), "mine\nsecret\nx\n")
        machine.halt()


def test_stress():
    """Acceptance line 3, as it is typed there."""
    with tempfile.TemporaryDirectory() as folder:
        status, output, errors = batch("stress disk 30s kill=fs,virtio-blk; fsck /disk",
                                       "--disk", Path(folder) / "d.img")
        restarts, lost, corrupt = verdict(output)
        assert restarts >= 20 and lost == corrupt == 0, output
        assert status == 0 and output.endswith(" 0 damaged\n"), (output, errors)


def test_stress_of_vfs():
    with fresh_disk() as disk, booted(disks=[disk], disk_kind="nvme") as machine:
        restarts, lost, corrupt = verdict(machine.run("stress disk 10s kill=vfs,nvme,fs", 120))
        assert restarts >= 6 and lost == corrupt == 0, (restarts, lost, corrupt)
        machine.halt()


def kill_100_times(machine, path, *servers):
    """All of them under load, in turns: nothing is lost, no memory either."""
    free = free_bytes(machine)
    before = programs(machine)
    output = machine.run(f"stress {path} 100x kill={','.join(servers)}", 300)
    equal(output, verdict(output), (100 * len(servers), 0, 0))
    after = programs(machine)
    for server in servers:
        equal(f"starts of {server}", after[server].starts - before[server].starts, 100)
    assert machine.run(f"fsck {path}").endswith(" 0 damaged\n")
    equal("free memory", free_bytes(machine), free)


def test_kill_each_100_times():
    servers = ("virtio-blk", "fs", "vfs", "fat", "ramfs", "pci", "supervisor", "log", "timer", "console")
    with fresh_disk() as disk, booted(disks=[disk]) as machine:
        kill_100_times(machine, "/disk", *servers)
        machine.halt()


def test_quiet_first():
    """A driver that is killed at work: its device first loses the bus (bit 2 of the command register), with
    registers (bit 1) still there. Then it is taken anew: registers off, on, and the bus last. The next kill may
    come before the bus is back: the device is then quieted and taken once more."""
    kills = 5
    for kind, driver in {"virtio": "virtio-blk", "nvme": "nvme", "ahci": "ahci"}.items():
        with fresh_disk() as disk:
            log = disk.parent / "log"
            trace = ["-trace", "pci_cfg_write", "-D", str(log)]
            with booted(disks=[disk], disk_kind=kind, extra=trace) as machine:
                before = len(log.read_text())
                equal(driver, verdict(machine.run(f"stress /disk {kills}x kill={driver}")), (kills, 0, 0))
                written = COMMAND_WRITE.findall(log.read_text()[before:])
                machine.halt()
        states = "".join(str(int(value, 16) & 6) for value in written)
        assert re.fullmatch(r"(2[02]*026){1,%d}" % kills, states), (driver, states)


def test_kill_drivers_100_times():
    for kind in "nvme", "ahci":
        with fresh_disk() as disk:
            with booted(disks=[disk], disk_kind=kind) as machine:
                kill_100_times(machine, "/disk", kind)
                kill_100_times(machine, "/fat", kind)
                machine.halt()
            part = disk.parent / "fat.img"
            part.write_bytes(disk.read_bytes()[MEGABYTE:MEGABYTE + DEFAULT_MEGABYTES // 2 * MEGABYTE])
            subprocess.run(["/sbin/fsck.vfat", "-n", part], check=True)


def test_stress_arguments():
    with booted() as machine:
        for wrong in ("/ 1", "/ s", "/ 1s kill=nobody", "/ 1s kill=", "/ 1s dill=log", "/no/where 1s", "/ 4000s",
                      "/ 5x", "/ 0x kill=log", "/ x kill=log", "/ 4000x kill=log"):
            message = refused(machine, f"stress {wrong}")
            assert message.startswith("error: stress: "), message
        machine.halt()


def test_stress_in_memory():
    """The test itself: good without deaths and through those of vfs; not through those of what forgets."""
    with booted() as machine:
        output = machine.run("stress / 3s")
        assert verdict(output) == (0, 0, 0), output
        restarts, lost, corrupt = verdict(machine.run("stress / 5s kill=vfs"))
        assert restarts > 2 and lost == corrupt == 0, (restarts, lost, corrupt)
        status, output = machine.status("stress / 5s kill=ramfs")
        assert status == 1 and verdict(output)[1] > 0, output
        machine.halt()


test_files_stay.limit = test_stress.limit = 300
test_kill_each_100_times.limit = test_kill_drivers_100_times.limit = 400
