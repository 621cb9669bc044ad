"""Memory that a client lends to a disk driver or to file systems, and takes back: no server dies, nobody else's data
changes, it comes back.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import tempfile
from contextlib import contextmanager

import test_loader
from build import BUILD
from disk import LINUX_DATA, MARK, TRUSTOS, write_gpt
from scene import booted, equal, free_bytes, programs

SECTOR, SECTORS = 512, 65536
FILES, TESTS = (2048, 40959), (49152, 53247)  # Partitions 2 and 4: first and last sector.
DEVICES = {
    "virtio-blk": ["-device", "virtio-blk-pci,drive=disk,disable-legacy=on"],
    "nvme": ["-device", "nvme,serial=1,drive=disk"],
    "ahci": ["-device", "ich9-ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=disk"],
}
VERDICT = re.compile(r"^stress: .* 0 lost, 0 corrupt$", re.M)
LIFE = 10  # Rounds of a client until it ends with requests in flight.
PASSING = {"disktest", "stress"}


@contextmanager
def machine_with(driver, ended=()):
    """A machine with files in partition 2 and a partition for tests. In the end all is as it was, but for the latter, and
    for how often those programs were started that have `ended`."""
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(SECTORS * SECTOR)
        write_gpt(image, SECTORS, [None, (TRUSTOS, "system", *FILES), None, (LINUX_DATA, "test", *TESTS)])
        image.seek(TESTS[0] * SECTOR)
        image.write(MARK)
        image.flush()
        drive = f"if=none,id=disk,format=raw,file={image.name}"
        with booted(extra=["-drive", drive, *DEVICES[driver]]) as machine:
            machine.run("mkdir /disk/kept; help > /disk/kept/a; cat /etc/motd > /disk/kept/b; sync")
            files = look(machine)
            servers, free = starts(machine, ended), free_bytes(machine)
            yield machine
            equal("starts", starts(machine, ended), servers)
            equal("free memory", free_bytes(machine), free)
            assert "held" not in machine.run("mem"), machine.run("mem")
            machine.run(f"restart {driver}; restart fs")
            equal("files", look(machine), files)
            machine.halt()


def look(machine):
    """What the disk has; the shell keeps its history there, too."""
    checked = machine.run("fsck /disk")
    assert checked.endswith(" 0 damaged\n"), checked
    return machine.run("ls /disk/kept; cat /disk/kept/a /disk/kept/b")


def starts(machine, ended):
    return {name: row.starts for name, row in programs(machine).items() if name not in PASSING | set(ended)}


def hostile(machine, driver, rounds, seed):
    """So many rounds of one life, which ends with requests in flight."""
    status, output = machine.status(f"run disktest {driver} hostile {rounds} {seed}", timeout=100)
    assert status == 0 and output.endswith(f"{driver}: {rounds} rounds good\n"), output


def hostile_beside_files(machine, driver, seed):
    """One that is ended from outside, while files on the same disk are used."""
    machine.run(f"start disktest {driver} hostile 100000 {seed}")
    assert VERDICT.search(machine.run("stress /disk 1s", timeout=60))
    machine.run("kill disktest")


def test_a_hostile_client():
    """50 rounds, with five ends in the middle of requests; then three ends from outside, while files are used."""
    with machine_with("virtio-blk") as machine:
        for seed in range(5):
            hostile(machine, "virtio-blk", LIFE, seed)
        for seed in range(3):
            hostile_beside_files(machine, "virtio-blk", seed)
        assert "refused good" in machine.run("run disktest virtio-blk")


def test_with_other_drivers():
    for driver in "nvme", "ahci":
        with machine_with(driver) as machine:
            hostile(machine, driver, LIFE, 7)
            assert "refused good" in machine.run(f"run disktest {driver}")


def test_a_driver_ends():
    """What its device may still write to is not made anew until that is quiet; then it is, also if pci died meanwhile."""
    with machine_with("virtio-blk", ended=("virtio-blk", "pci", "fs")) as machine:
        for ends in ("kill disktest; kill virtio-blk", "kill virtio-blk; kill disktest",
                     "kill virtio-blk; kill pci; kill disktest", "kill pci; kill virtio-blk; kill fs; kill disktest"):
            machine.run(f"start disktest virtio-blk hostile 1000 9; sleep 0.1; {ends}")
            hostile(machine, "virtio-blk", 3, 1)


FOLDERS = ("/disk/x", "/fat/x", "/x")  # Of lender, in each kind of file system.


@contextmanager
def machine_with_files(ended=()):
    """A machine with littlefs and FAT, and lender. In the end all is as it was, but for FOLDERS, and for how often those
    programs were started that have `ended`."""
    lender = (BUILD / "apps/lender.bin").read_bytes()
    with test_loader.machine_with({"lender": lender}) as machine:
        for folder in FOLDERS:
            machine.run(f"mkdir {folder}; help > {folder}-kept")
        machine.run("sync")
        files = kept(machine)
        servers, free = starts(machine, ended), free_bytes(machine)
        yield machine
        equal("starts", starts(machine, ended), servers)
        equal("free memory", free_bytes(machine), free)
        assert "held" not in machine.run("mem"), machine.run("mem")
        equal("files", kept(machine), files)
        equal("nothing runs", test_loader.children(machine), [])
        checked = machine.run("fsck /disk; fsck /fat")
        assert checked.count(" 0 damaged\n") == 2, checked


def kept(machine):
    return [machine.run(f"cat {folder}-kept") for folder in FOLDERS]


def lend_files(folder, rounds, seed):
    return f"--give file:{folder} --give timer /fat/lender {rounds} {seed}"


def hostile_with_files(machine, folder, rounds, seed):
    """So many rounds of one life, which ends with the region lent."""
    output = machine.run(f"run {lend_files(folder, rounds, seed)}", timeout=100)
    assert output.endswith(f"{rounds} rounds good\n"), output


def hostile_with_files_beside(machine, folder, seed):
    """One that is ended from outside, while other files there are used."""
    machine.run(f"run -b {lend_files(folder, 100000, seed)}")
    top = "/" + folder.split("/")[1] if folder.count("/") > 1 else "/"
    assert VERDICT.search(machine.run(f"stress {top} 1s", timeout=60))
    equal("it ran", [name for _, name in test_loader.children(machine)], ["lender"])
    machine.run("kill lender")


def test_a_hostile_client_of_files():
    """50 rounds, with an end in the middle of requests each ten; then some that are ended from outside."""
    with machine_with_files() as machine:
        for seed, folder in enumerate((*FOLDERS, *FOLDERS[:2])):
            hostile_with_files(machine, folder, LIFE, seed)
        for seed, folder in enumerate(FOLDERS[:2]):
            hostile_with_files_beside(machine, folder, seed)


def test_a_file_server_ends():
    """What was lent is lent anew, and comes back also if nobody tells the one that had it."""
    with machine_with_files(ended=("vfs", "fs", "fat", "ramfs", "loader")) as machine:
        for ends in ("kill fs; kill lender", "kill vfs; kill lender", "kill lender; kill vfs; kill fs", "kill fat; kill fs; kill lender"):
            machine.run(f"run -b {lend_files('/disk/x', 1000, 9)}; sleep 0.1; {ends}")
            hostile_with_files(machine, "/disk/x", 3, 1)


for scenario in (test_a_hostile_client, test_with_other_drivers, test_a_driver_ends, test_a_hostile_client_of_files,
                 test_a_file_server_ends):
    scenario.limit = 300
