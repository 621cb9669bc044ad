"""Disk drivers on QEMU's devices: data, partitions, durability, what is refused; the driver killed at work.
SPDX-License-Identifier: BSD-2-Clause
"""

import struct
import tempfile
import zlib
from contextlib import contextmanager

from scene import booted, equal, free_bytes

SECTOR, SECTORS = 512, 32768
MARK = b"TRustOs disktest"
PARTITIONS = {1: (64, 1063), 2: (2048, 4095), 4: (8192, 12287)}  # Number: first and last sector.
DEVICES = {  # Driver: QEMU's arguments for its device.
    "virtio-blk": ["-device", "virtio-blk-pci,drive=disk,disable-legacy=on"],
    "nvme": ["-device", "nvme,serial=1,drive=disk"],
    "ahci": ["-device", "ich9-ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=disk"],
}
LINE = {"virtio-blk": ["-device", "virtio-blk-pci,drive=disk,vectors=0"]}  # Without messages.
LINES = ["data good", "offset good", "durable good", "discard good", "refused good"]


def gpt(image):
    """Write a partition table and its backup."""
    entries = bytearray(128 * 128)
    for number, (first, last) in PARTITIONS.items():
        kind = bytes.fromhex("af3dc60f838472478e793d69d8477de4")
        struct.pack_into("<16s16sQQ", entries, (number - 1) * 128, kind, bytes([number] * 16), first, last)
    for place, other, array in ((1, SECTORS - 1, 2), (SECTORS - 1, 1, SECTORS - 33)):
        head = bytearray(struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, place, other, 34,
                                     SECTORS - 34, bytes(16), array, 128, 128, zlib.crc32(entries)))
        struct.pack_into("<I", head, 16, zlib.crc32(head))
        image.seek(place * SECTOR)
        image.write(head)
        image.seek(array * SECTOR)
        image.write(entries)
    mbr = bytearray(SECTOR)
    struct.pack_into("<BBBBBBBBII", mbr, 446, 0, 0, 2, 0, 0xee, 0xff, 0xff, 0xff, 1, SECTORS - 1)
    mbr[510:] = b"\x55\xaa"
    image.seek(0)
    image.write(mbr)


@contextmanager
def disk():
    """A disk image with a partition for tests; what is not in it must stay as it is."""
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(SECTORS * SECTOR)
        gpt(image)
        first = PARTITIONS[4][0]
        image.seek((first - 1) * SECTOR)
        image.write(b"before".ljust(SECTOR) + MARK)
        image.flush()
        yield image


def drive(image):
    return ["-drive", f"if=none,id=disk,format=raw,discard=unmap,file={image.name}"]


def outside(image):
    """All bytes that are not in the partition for tests."""
    image.seek(0)
    content = image.read()
    first, last = PARTITIONS[4]
    return content[:first * SECTOR] + content[(last + 1) * SECTOR:]


def check(driver, arguments, **options):
    with disk() as image:
        before = outside(image)
        with booted(extra=[*drive(image), *arguments], **options) as machine:
            free = free_bytes(machine)
            assert f"{driver}" in machine.run("lspci")
            output = machine.run(f"run disktest {driver}").splitlines()
            equal("lines", [line.removeprefix(f"{driver}: ") for line in output[1:]], LINES)
            log = [line for line in machine.run("log").splitlines() if f" {driver} " in line]
            assert len(log) == 1 and log[0].endswith(
                f", {SECTORS} sectors, partition table GPT: 3 partitions"), log
            assert output[0].endswith(" 4096 sectors"), output[0]
            machine.run(f"restart {driver}")
            assert machine.run(f"run disktest {driver}").count("good") == len(LINES)
            equal("free memory", free_bytes(machine), free)
            machine.halt()
        assert outside(image) == before, "something was written outside the partition"
        image.seek((PARTITIONS[4][0] + 200) * SECTOR)
        assert any(image.read(SECTOR)), "nothing arrived on the disk"


def each(**options):
    for driver, arguments in DEVICES.items():
        check(driver, arguments, **options)


def test_drivers_with_bios():
    each()


def test_drivers_with_uefi():
    each(firmware="uefi")


def test_drivers_with_interrupt_lines():
    for driver, arguments in LINE.items():
        check(driver, arguments)


def test_driver_dies_at_work():
    """Requests in hand are answered ERR_RESTARTED, and nothing that was acknowledged is lost."""
    for driver, arguments in DEVICES.items():
        with disk() as image:
            before = outside(image)
            with booted(extra=[*drive(image), *arguments]) as machine:
                free = free_bytes(machine)
                output = machine.run(f"run disktest {driver} restarts", timeout=100)
                assert "data good" in output and "restarts good" in output, output
                equal("free memory", free_bytes(machine), free)
                machine.halt()
            assert outside(image) == before, "something was written outside the partition"


def test_without_devices():
    with booted() as machine:
        for driver in DEVICES:
            status, output = machine.status(f"run disktest {driver}")
            equal("answer", (status, output), (1, f"{driver}: no such name\n"))
        machine.halt()


def test_hostile_table():
    """A table that is not believed gives no partitions, and the reason is in the log."""
    with disk() as image:
        for place in (2, SECTORS - 33):
            image.seek(place * SECTOR + 32)
            image.write(b"\1")
        image.flush()
        with booted(extra=[*drive(image), *DEVICES["virtio-blk"]]) as machine:
            assert "sectors, partition table" in machine.run("log"), machine.run("log")
            status, output = machine.status("run disktest virtio-blk")
            equal("answer", (status, output), (1, "virtio-blk: no such name\n"))
            machine.halt()


test_drivers_with_bios.limit = test_drivers_with_uefi.limit = test_driver_dies_at_work.limit = 300
