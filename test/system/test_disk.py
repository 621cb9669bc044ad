"""Files on disks: the name space, what stays when power goes or servers die, who may read what.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from disk import make_disk
from machine import DISK_KINDS
from scene import booted, equal, refused

VERDICT = re.compile(r"^stress: (\d+) restarts.*, (\d+) lost, (\d+) corrupt$", re.M)
FAT_AT = "@@1M"  # Where partition 1 begins, in the words of mtools.


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
    """Acceptance line 1, with each kind of disk; and the history of the shell."""
    for kind in DISK_KINDS:
        with fresh_disk() as disk:
            with booted(disks=[disk], disk_kind=kind) as machine:
                machine.run("mkdir /disk/a; write /disk/a/x hello; sync")
                machine.halt()
            with booted(disks=[disk], disk_kind=kind) as machine:
                equal(kind, machine.run("cat /disk/a/x"), "hello\n")
                assert re.search(r"K +\S+ M .* fs +/disk$", machine.run("df"), re.M)
                assert "write /disk/a/x hello" in machine.run("history")
                machine.halt()


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
        equal("ls", machine.run("ls"), "system\nbin/\netc/\ndisk/\nfat/\n")
        assert len(machine.run("df").splitlines()) == 4
        machine.run("sync; mount")
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
        machine.run("mkdir /disk/a /disk/b; write /disk/a/x mine; write /disk/b/x secret; sync")
        output = machine.run("attack disk")
        assert re.match("disk +contained .*denied", output), output
        equal("both files", machine.run("cat /disk/a/x /disk/b/x; ls /disk/a"), "mine\nsecret\nx\n")
        machine.halt()


def test_stress():
    """Acceptance line 3."""
    with fresh_disk() as disk, booted(disks=[disk]) as machine:
        restarts, lost, corrupt = verdict(machine.run("stress disk 30s kill=fs,virtio-blk", 120))
        assert restarts >= 20 and lost == corrupt == 0, (restarts, lost, corrupt)
        assert machine.run("fsck /disk").endswith(" 0 damaged\n")
        machine.halt()


def test_stress_of_vfs():
    with fresh_disk() as disk, booted(disks=[disk], disk_kind="nvme") as machine:
        restarts, lost, corrupt = verdict(machine.run("stress disk 10s kill=vfs,nvme,fs", 120))
        assert restarts >= 6 and lost == corrupt == 0, (restarts, lost, corrupt)
        machine.halt()


def test_stress_arguments():
    with booted() as machine:
        for wrong in ("/ 1", "/ s", "/ 1s kill=nobody", "/ 1s kill=", "/ 1s dill=log", "/no/where 1s", "/ 4000s"):
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
