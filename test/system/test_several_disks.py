"""Several disks of several kinds: each has its number and its own data.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

from disk import LINUX_DATA, MARK, write_gpt
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


test_five_disks.limit = 400
