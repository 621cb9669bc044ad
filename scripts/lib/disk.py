"""Makes an empty disk image: GPT, partition 1 FAT for exchange with other systems, partition 2 of the type
TRustOs, which is formatted with littlefs when it is first used.
SPDX-License-Identifier: BSD-2-Clause

usage: disk.py FILE [MEGABYTES]      FILE must not exist
"""

import struct
import subprocess
import sys
import tempfile
import uuid
import zlib
from pathlib import Path

SECTOR = 512
MEGABYTE = 1 << 20
ALIGN = MEGABYTE // SECTOR  # Partitions begin at multiples of this.
ENTRIES, ENTRY_BYTES = 128, 128
TABLE_SECTORS = ENTRIES * ENTRY_BYTES // SECTOR
BASIC_DATA = uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7")
LINUX_DATA = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")
TRUSTOS = uuid.UUID("983bd8d4-915d-4232-89ac-ba4cfda72dc8")  # servers/block/api.hpp: kSystemType.
DEFAULT_MEGABYTES, LEAST_MEGABYTES = 64, 8
MARK = b"TRustOs disktest"  # Begins a partition that apps may write (servers/block/scratch.hpp).


def protective_mbr(sectors):
    """One entry that covers all, so that old tools see that the disk is not empty."""
    entry = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xEE, b"\xff\xff\xff", 1, min(sectors - 1, 0xFFFFFFFF))
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def entry(kind, name, first, last):
    return struct.pack("<16s16sQQQ72s", kind.bytes_le, uuid.uuid4().bytes_le, first, last, 0,
                       name.encode("utf-16-le"))


def header(disk, sectors, here, other, table, table_crc):
    """GPT header at sector `here`, whose copy is at `other` (UEFI specification 2.10, section 5.3.2)."""
    first, last = 2 + TABLE_SECTORS, sectors - 2 - TABLE_SECTORS

    def pack(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, here, other, first,
                           last, disk, table, ENTRIES, ENTRY_BYTES, table_crc)
    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def write_gpt(image, sectors, partitions):
    """Both copies of the table; `partitions` by number: what entry() takes, None where there is none."""
    table = b"".join(entry(*partition) if partition else bytes(ENTRY_BYTES) for partition in partitions).ljust(ENTRIES * ENTRY_BYTES, b"\0")
    crc, disk, end = zlib.crc32(table), uuid.uuid4().bytes_le, sectors - 1
    for where, data in ((0, protective_mbr(sectors)), (1, header(disk, sectors, 1, end, 2, crc)),
                        (2, table), (end - TABLE_SECTORS, table),
                        (end, header(disk, sectors, end, 1, end - TABLE_SECTORS, crc))):
        image.seek(where * SECTOR)
        image.write(data)


def make_fat(image, first, sectors):
    with tempfile.NamedTemporaryFile() as part:
        part.truncate(sectors * SECTOR)
        subprocess.run(["/sbin/mkfs.vfat", "-n", "EXCHANGE", part.name], check=True,
                       stdout=subprocess.DEVNULL)
        image.seek(first * SECTOR)
        while chunk := part.read(MEGABYTE):
            if chunk.strip(b"\0"):
                image.write(chunk)
            else:
                image.seek(len(chunk), 1)  # Leaves a hole.


def make_disk(path, megabytes=DEFAULT_MEGABYTES, scratch=False):
    """Write the image; half of it is FAT. `scratch`: the last megabyte is partition 3, marked for tests."""
    if megabytes < LEAST_MEGABYTES:
        raise ValueError(f"a disk has at least {LEAST_MEGABYTES} megabytes")
    sectors = megabytes * MEGABYTE // SECTOR
    middle, end = sectors // 2 // ALIGN * ALIGN, sectors - ALIGN * (2 if scratch else 1)
    partitions = [(BASIC_DATA, "exchange", ALIGN, middle - 1), (TRUSTOS, "system", middle, end - 1)]
    partitions += [(LINUX_DATA, "scratch", end, end + ALIGN - 1)] * scratch
    made = Path(f"{path}.new")
    with made.open("xb") as image:
        image.truncate(sectors * SECTOR)
        write_gpt(image, sectors, partitions)
        if scratch:
            image.seek(end * SECTOR)
            image.write(MARK)
        make_fat(image, ALIGN, middle - ALIGN)
    made.rename(path)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or Path(sys.argv[1]).exists():
        sys.exit(__doc__)
    make_disk(*sys.argv[1:2], *map(int, sys.argv[2:]))
