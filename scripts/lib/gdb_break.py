"""For gdb: `break-in FUNCTION` stops there in this program alone, though all programs stand at the same addresses.
SPDX-License-Identifier: BSD-2-Clause

A stop is the program's if the code there is that of its ELF file. Used by scripts/gdb.
"""

import struct
from pathlib import Path

import gdb

COMPARED = 64  # Bytes of code.
HEADERS_AT, HEADER_BYTES, HEADERS = 32, 54, 56
SEGMENT = struct.Struct("<IIQQQQ")  # Type, flags, offset, address, physical address, bytes in the file.


def code_at(elf, address):
    """What the file has for an address, to the end of its segment at most."""
    first, = struct.unpack_from("<Q", elf, HEADERS_AT)
    size, count = struct.unpack_from("<HH", elf, HEADER_BYTES)
    for i in range(count):
        kind, _, offset, start, _, length = SEGMENT.unpack_from(elf, first + i * size)
        if kind == 1 and start <= address < start + length:
            at = offset + address - start
            return elf[at:min(at + COMPARED, offset + length)]
    return b""


class BreakIn(gdb.Breakpoint):
    """One place of a program."""

    def __init__(self, address, code):
        super().__init__(f"*{address:#x}", gdb.BP_HARDWARE_BREAKPOINT)
        self.address, self.code = address, code

    def stop(self):
        try:
            return gdb.selected_inferior().read_memory(self.address, len(self.code)).tobytes() == self.code
        except gdb.MemoryError:
            return False


class BreakInCommand(gdb.Command):
    """break-in FUNCTION | FILE:LINE: stop there, in this program alone."""

    def __init__(self):
        super().__init__("break-in", gdb.COMMAND_BREAKPOINTS, gdb.COMPLETE_LOCATION)

    def invoke(self, argument, from_tty):
        elf = Path(gdb.current_progspace().filename).read_bytes()
        places = gdb.decode_line(argument)[1] or ()
        for address in {place.pc for place in places}:
            BreakIn(address, code_at(elf, address))


BreakInCommand()
