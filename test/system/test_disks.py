"""Disk drivers on QEMU's devices: data, partitions, durability, what is refused; the driver killed at work.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import tempfile
from contextlib import ExitStack, contextmanager

from disk import LINUX_DATA, MARK, write_gpt
from scene import booted, equal, free_bytes

SECTOR, SECTORS = 512, 32768
PARTITIONS = {1: (64, 1063), 2: (2048, 4095), 4: (8192, 12287)}  # Number: first and last sector.
DEVICES = {  # Driver: QEMU's arguments for its device.
    "virtio-blk": ["-device", "virtio-blk-pci,drive=virtio-blk,disable-legacy=on"],
    "nvme": ["-device", "nvme,serial=1,drive=nvme"],
    "ahci": ["-device", "ich9-ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=ahci"],
}
LINE = {"virtio-blk": ["-device", "virtio-blk-pci,drive=virtio-blk,vectors=0"]}  # Without messages.
LINES = ["data good", "offset good", "durable good", "discard good", "refused good"]


def gpt(image, partitions=PARTITIONS):
    """Write a partition table and its backup."""
    numbers = range(1, max(partitions) + 1)
    write_gpt(image, SECTORS, [(LINUX_DATA, "test", *partitions[number]) if number in partitions else None
                               for number in numbers])


def make(image):
    """A disk with a partition for tests; what is not in it must stay as it is."""
    image.truncate(SECTORS * SECTOR)
    gpt(image)
    image.seek(PARTITIONS[2][0] * SECTOR)
    image.write(b"foreign")  # Not blank: fs must leave it alone.
    image.seek((PARTITIONS[4][0] - 1) * SECTOR)
    image.write(b"before".ljust(SECTOR) + MARK)
    image.flush()


def outside(image):
    """All bytes that are not in the partition for tests."""
    image.seek(0)
    content = image.read()
    first, last = PARTITIONS[4]
    return content[:first * SECTOR] + content[(last + 1) * SECTOR:]


@contextmanager
def machine_with(devices, change=None, **options):
    """A machine with a disk for each driver; in the end only their partitions for tests have changed."""
    with ExitStack() as stack:
        images = {driver: stack.enter_context(tempfile.NamedTemporaryFile()) for driver in devices}
        extra = []
        for driver, image in images.items():
            make(image)
            if change:
                change(image)
            drive = f"if=none,id={driver},format=raw,discard=unmap,file={image.name}"
            extra += ["-drive", drive, *devices[driver]]
        before = {driver: outside(image) for driver, image in images.items()}
        with booted(extra=extra, **options) as machine:
            free = free_bytes(machine)
            yield machine
            equal("free memory", free_bytes(machine), free)
            machine.halt()
        for driver, image in images.items():
            assert outside(image) == before[driver], f"{driver} wrote outside of its partition"
            image.seek((PARTITIONS[4][0] + 200) * SECTOR)
            assert any(image.read(SECTOR)) or change, f"{driver}: nothing arrived on the disk"


def introduction(machine, driver):
    """What the driver said in the log when it started."""
    rows = [row for row in machine.run("log").splitlines() if f" {driver} " in row and "sectors" in row]
    assert rows, machine.run("log")
    return rows[0]


def check(machine, driver):
    output = machine.run(f"run disktest {driver}").splitlines()
    equal("lines", [line.removeprefix(f"{driver}: ") for line in output[1:]], LINES)
    assert output[0].endswith(" 4096 sectors"), output[0]
    said = introduction(machine, driver)
    assert said.endswith(f", {SECTORS} sectors, partition table GPT: 3 partitions"), said


def check_all(devices, signals, **options):
    with machine_with(devices, **options) as machine:
        for driver in devices:
            check(machine, driver)
        devices_shown = machine.run("lspci")
        for driver in devices:
            assert re.search(rf" {driver} \({signals}\)$", devices_shown, re.M), devices_shown
            machine.run(f"restart {driver}")
            check(machine, driver)


def test_drivers_with_bios():
    check_all(DEVICES, "msi|msi-x")


def test_drivers_with_uefi():
    check_all(DEVICES, "msi|msi-x", firmware="uefi")


def test_drivers_with_interrupt_lines():
    check_all(LINE, "line")


def test_driver_dies_at_work():
    """Requests in hand are answered ERR_RESTARTED, and nothing that was acknowledged is lost."""
    with machine_with(DEVICES) as machine:
        for driver in DEVICES:
            output = machine.run(f"run disktest {driver} restarts", timeout=150)
            assert "data good" in output and "restarts good" in output, output


def test_without_devices():
    with booted() as machine:
        for driver in DEVICES:
            status, output = machine.status(f"run disktest {driver}")
            equal("answer", (status, output), (1, f"{driver}: no such name\n"))
        machine.halt()


def overlap(image):
    """Give the table and its backup two partitions that overlap, with right check sums."""
    gpt(image, {**PARTITIONS, 3: (9000, 9100)})
    image.flush()


def test_hostile_table():
    """Partitions that overlap can be read and not written, and the reason is in the log."""
    with machine_with(DEVICES, overlap) as machine:
        for driver in DEVICES:
            status, output = machine.status(f"run disktest {driver}")
            assert status == 1 and f"{driver}: data FAILED" in output, output
            said = machine.run("log").splitlines()
            for number in 3, 4:
                assert any(f" {driver} " in row and
                           row.endswith(f"partition {number}: it overlaps another one: read-only")
                           for row in said), said


for scenario in (test_drivers_with_bios, test_drivers_with_uefi, test_driver_dies_at_work):
    scenario.limit = 400
