"""The boot archive with other contents: what scenarios boot to see what happens then.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import struct
import subprocess
import sys
import tempfile

from build import BUILD, ROOT
from manifests.table import HEADER, PROGRAM
from scene import equal

sys.path.insert(0, str(ROOT / "scripts"))
import pack_archive  # noqa: E402

TRAP, LOOP = b"\x0f\x0b", b"\xeb\xfe"  # ud2; a jump to itself.
# mov eax, CALL_WAIT; mov edi, SLOT_NOTIFICATION; xor esi, esi; syscall; again: it takes its signals, and no more.
STAND = bytes.fromhex("b8 08000000 bf 03000000 31f6 0f05 ebf0")
LOAD, EXECUTABLE = 1, 1  # Of a program header: its type, a flag.


def original():
    return (BUILD / "apps/archive.bin").read_bytes()


def unpack(archive):
    """{name: bytes} of an archive that is not damaged."""
    files = {}
    for i in range(pack_archive.HEADER.unpack_from(archive)[2]):
        entry = pack_archive.HEADER.size + i * pack_archive.ENTRY.size
        name, start, size, _ = pack_archive.ENTRY.unpack_from(archive, entry)
        files[name.rstrip(b"\0").decode()] = archive[start:start + size]
    return files


def repacked(system=None, **changed):
    """The archive with other contents of bin/NAME, or of the table of the system, and with right sums."""
    files = unpack(original())
    equal("the archive packed again", pack_archive.pack(files), original())
    files |= {f"bin/{name}": data for name, data in changed.items()}
    return pack_archive.pack(files | ({"system": system} if system else {}))


def with_code(program, function, code):
    """The program with these bytes at the start of each function whose (mangled) name contains `function`."""
    data = bytearray(unpack(original())[f"bin/{program}"])
    found = [address for name, address, _ in symbols(data) if function in name]
    assert found, f"{program} has no function {function}"
    for address in found:
        for offset, base, length, _ in load_headers(data):
            if base <= address < base + length:
                place = offset + address - base
                data[place:place + len(code)] = code
    return bytes(data)


def symbols(data):
    """(mangled name, address, bytes) of each function of an ELF file."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        table = subprocess.run(["nm", "--print-size", file.name], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [line.split() for line in table.splitlines()]
    return [(row[3], int(row[0], 16), int(row[1], 16)) for row in rows if len(row) == 4 and row[2] in "tTwW"]


def instructions(data, start, end):
    """(address, mnemonic) of each instruction between two addresses of an ELF file."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--start-address={start:#x}",
                               f"--stop-address={end:#x}", file.name], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [(int(found[1], 16), found[2]) for found in re.finditer(r"^ *([0-9a-f]+):\t(\S+)", text, re.M)]


def load_headers(data):
    """(offset, address, bytes in the file, executable) of each loadable segment of an ELF file."""
    start, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, flags, offset, base, _, length = struct.unpack_from("<IIQQQQ", data, start + i * size)
        if kind == LOAD:
            yield offset, base, length, flags & EXECUTABLE != 0


def segments(data):
    """(address, content, executable) of each loadable segment of an ELF file."""
    for offset, base, length, executable in load_headers(data):
        yield base, data[offset:offset + length], executable


def with_restart(program, restart):
    """The table of the system with another policy for this program: 0 never, 1 always, 2 backoff."""
    table = bytearray(unpack(original())["system"])
    for at in range(HEADER.bytes, len(table), PROGRAM.bytes):
        if table[at:at + 16].rstrip(b"\0") == program.encode():
            table[at + PROGRAM.offset("restart")] = restart
            return bytes(table)
    raise AssertionError(f"the table has no program {program}")
