"""Several disks of several kinds: each has its number, its own data, and its place in the name space.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

from disk import ALIGN, BASIC_DATA, LINUX_DATA, MARK, TRUSTOS, make_fat, write_gpt
from scene import booted, equal, free_bytes

SECTOR, SECTORS = 512, 32768
TEST_FIRST, TEST_SECTORS = 8192, 4096  # Partition 4 of the first disk; it is larger on each other one.
DEVICES = {
    "virtio-blk": ["-device", "virtio-blk-pci,disable-legacy=on,drive={0}"],
    "nvme": ["-device", "nvme,serial={1},drive={0}"],
    "ahci": ["-device", "ide-hd,bus=sata.{2},drive={0}"],
}
CONTROLLER = ["-device", "ich9-ahci,id=sata", "-device", "ide-cd,bus=sata.1"]
PORTS = 0, 2, 3, 4, 5  # Of the controller, with a CD between them.


def sectors_of(place):
    return TEST_SECTORS + 8 * place


def make(path, place):
    """A disk of which only partition 4 may be written; its size says which disk it is."""
    with path.open("xb") as image:
        image.truncate(SECTORS * SECTOR)
        last = TEST_FIRST + sectors_of(place) - 1
        write_gpt(image, SECTORS, [(LINUX_DATA, "test", 64, 1063), (LINUX_DATA, "test", 2048, 4095), None,
                                   (LINUX_DATA, "test", TEST_FIRST, last)])
        image.seek(2048 * SECTOR)
        image.write(b"foreign")  # Not blank: fs must leave it alone.
        image.seek(TEST_FIRST * SECTOR)
        image.write(MARK)


def outside(path, place):
    content = path.read_bytes()
    return content[:TEST_FIRST * SECTOR] + content[(TEST_FIRST + sectors_of(place)) * SECTOR:]


def name_of(driver, number):
    return driver if number == 0 else f"{driver}:{number + 1}"


@contextmanager
def machine_with(counts, **options):
    """A machine with so many disks of each driver, by name and size of the partition for tests. In the end all of
    these were written, and nothing else."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        extra = list(CONTROLLER) if "ahci" in counts else []
        images, disks = [], {}
        for driver, count in counts.items():
            for number in range(count):
                place, path = len(images), Path(folder) / f"{driver}{number}"
                make(path, place)
                images.append(path)
                disks[name_of(driver, number)] = sectors_of(place)
                extra += ["-drive", f"if=none,id=d{place},format=raw,discard=unmap,file={path}"]
                extra += [part.format(f"d{place}", place, PORTS[number % len(PORTS)]) for part in DEVICES[driver]]
        before = [outside(path, place) for place, path in enumerate(images)]
        machine = stack.enter_context(booted(extra=extra, **options))
        free = free_bytes(machine)
        yield machine, disks
        equal("free memory", free_bytes(machine), free)
        machine.halt()
        for place, path in enumerate(images):
            equal("outside", outside(path, place) == before[place], True)
            with path.open("rb") as image:
                image.seek((TEST_FIRST + 200) * SECTOR)
                assert any(image.read(SECTOR)), f"{path.name}: nothing arrived on the disk"


def check(machine, name, sectors):
    output = machine.run(f"run disktest {name}").splitlines()
    assert output[0].startswith(f"{name}: ") and output[0].endswith(f" {sectors} sectors"), output
    assert len(output) == 6 and all(line.endswith(" good") for line in output[1:]), output


def check_all(counts, **options):
    """Each disk is found under its number, also by a driver that was started anew, and keeps its data."""
    with machine_with(counts, **options) as (machine, disks):
        shown = machine.run("part").splitlines()
        equal("disks", [line.split(": ")[0] for line in shown if not line.startswith(" ")], list(disks))
        for name, sectors in disks.items():
            check(machine, name, sectors)
        for driver, count in counts.items():
            machine.run(f"restart {driver}")
            check(machine, name_of(driver, count - 1), disks[name_of(driver, count - 1)])  # Waits until it is there.
            said = machine.run("log")
            assert re.search(rf" {driver} .*disk {count}: .*partition table GPT: 3 partitions$", said, re.M), said
            status, output = machine.status(f"run disktest {name_of(driver, count)}")
            equal("behind the last one", (status, output), (1, f"{name_of(driver, count)}: no such name\n"))


def test_five_disks():
    check_all({"virtio-blk": 2, "nvme": 1, "ahci": 2})


# --- In the name space.

KINDS = ("virtio-blk", "nvme", "ahci")  # In the order of needs.disks in boot/system.toml.
PLACES = 4  # For disks, of each kind of file system.
LABELS = ("red", "green", "blue", "grey", "black", "white", "brown", "pink")


def make_formatted(path, label):
    """A disk as scripts/lib/disk.py makes it, but smaller, and with a label of its own."""
    middle, end = SECTORS // 2, SECTORS - ALIGN
    with path.open("xb+") as image:
        image.truncate(SECTORS * SECTOR)
        write_gpt(image, SECTORS, [(BASIC_DATA, "exchange", ALIGN, middle - 1), (TRUSTOS, label, middle, end - 1)])
        make_fat(image, ALIGN, middle - ALIGN)


def path_of(kind, place):
    return kind if place == 0 else f"{kind}{place + 1}"


@contextmanager
def formatted(counts):
    """(QEMU's arguments, (name, label, image) of each disk in their order) for so many disks of each driver."""
    with tempfile.TemporaryDirectory() as folder:
        extra, disks = list(CONTROLLER) if "ahci" in counts else [], []
        for driver in KINDS:
            for number in range(counts.get(driver, 0)):
                place, image = len(disks), Path(folder) / f"{driver}{number}"
                make_formatted(image, LABELS[place])
                disks.append((name_of(driver, number), LABELS[place], image))
                extra += ["-drive", f"if=none,id=d{place},format=raw,file={image}"]
                extra += [part.format(f"d{place}", place, PORTS[number % len(PORTS)]) for part in DEVICES[driver]]
        yield extra, disks


def mounted(machine, expected):
    """What `mount` says of disks, {path: disk}, when that is expected; further ones come behind the first prompt."""
    for _ in range(20):
        found = dict(re.findall(r" on (\S+), (\S+)$", machine.run("mount"), re.M))
        if found == expected:
            break
        machine.run("sleep 1")
    equal("mounted", found, expected)


def by_default(disks):
    return {path_of(kind, place): name for kind in ("/disk", "/fat") for place, (name, _, _) in enumerate(disks[:PLACES])}


def check_mounted(counts):
    """Each disk has its place, and its own files there, whatever is started anew, and after another boot."""
    with formatted(counts) as (extra, disks):
        places = by_default(disks)
        with booted(extra=extra) as machine:
            mounted(machine, places)
            free = free_bytes(machine)
            for path, name in places.items():
                machine.run(f"echo {path} {name} > {path}/mine")
            machine.run("sync")
            for server in ("virtio-blk", "nvme", "ahci", "vfs", "fs2", "fat2", "mount"):
                machine.status(f"restart {server}")
                for path, name in places.items():
                    equal(f"file of {path} behind `restart {server}`", machine.run(f"cat {path}/mine"), f"{path} {name}\n")
            mounted(machine, places)
            if len(disks) > PLACES:
                check_others(machine, disks)
            check_words(machine, disks)
            mounted(machine, places)
            equal("free memory", free_bytes(machine), free)
            machine.halt()
        for place, (_, _, image) in enumerate(disks[:PLACES]):
            held = subprocess.run(["mtype", "-i", f"{image}@@1M", "::mine"], check=True, stdout=subprocess.PIPE, text=True)
            path = path_of("/fat", place)
            equal(f"file of {path} from outside", held.stdout, f"{path} {places[path]}\n")
        with booted(extra=extra) as machine:
            mounted(machine, places)
            for path, name in places.items():
                equal(f"file of {path} after another boot", machine.run(f"cat {path}/mine"), f"{path} {name}\n")
            machine.halt()


def check_others(machine, disks):
    """Those for which there was no place come into one by command, and keep what was written; then as before."""
    for name, label, _ in disks[PLACES:]:
        for path, disk in (("/disk2", label), ("/fat2", name)):
            equal("status", machine.status(f"umount {path}; mount {disk} {path}"), (0, ""))
            machine.run(f"echo {name} > {path}/mine")
    for name, _, _ in disks[PLACES:]:
        for path in ("/disk2", "/fat2"):
            machine.run(f"umount {path}; mount {name} {path}")
            equal(f"file of {name}", machine.run(f"cat {path}/mine"), f"{name}\n")
            machine.run(f"restart {path.replace('/disk', 'fs').replace('/fat', 'fat')}")
            equal(f"file of {name}", machine.run(f"cat {path}/mine"), f"{name}\n")
    for path in ("/disk2", "/fat2"):
        machine.run(f"umount {path}; mount {disks[1][0]} {path}")


def check_words(machine, disks):
    """What `mount` says to who asks for what cannot be."""
    first, second = disks[0][0], disks[1][0]
    for line, words in ((f"mount {first} /disk2", "/disk2: it is mounted already"),
                        (f"mount {first} /etc", "/etc: no disk can be mounted there"),
                        (f"umount /disk2; mount {first} /disk2", f"{first} is mounted already"),
                        ("mount none /disk2", "none: there is no such disk, or it has no partition for /disk2"),
                        ("umount /fat2; mount exchange /fat2",
                         f"exchange: {len(disks)} disks have a partition of this label")):
        equal(line, machine.status(line), (1, f"error: mount: {words}\n"))
    equal("all put back", machine.status(f"mount /disk2 && mount {second} /fat2"), (0, ""))
    if len(disks) < PLACES:
        equal("no more disks", machine.status("mount /disk4"),
              (1, "error: mount: /disk4: there is no disk for it that is not in use\n"))


def test_two_disks_are_mounted():
    check_mounted({"virtio-blk": 1, "nvme": 1})


def test_three_disks_are_mounted():
    check_mounted({"virtio-blk": 1, "nvme": 1, "ahci": 1})


def test_eight_disks_are_mounted():
    check_mounted({"virtio-blk": 3, "nvme": 3, "ahci": 2})


for scenario in (test_five_disks, test_two_disks_are_mounted, test_three_disks_are_mounted, test_eight_disks_are_mounted):
    scenario.limit = 400
