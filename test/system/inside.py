"""Programs changed from outside while they run: the guest's RAM as a file, QEMU's gdb stub to write there.
SPDX-License-Identifier: BSD-2-Clause

A program's pages are found without its help: the first page of its text stands in RAM, and four levels of
page tables lead there. A restarted program is made of the same memory in the same order: its pages stay.
"""

import mmap
import re
import socket
import struct
import tempfile
from pathlib import Path

from archive import original, segments, unpack
from scene import PAGE, DirectMachine

IMAGE, TEXT_LIMIT = 0x400000, 0x7FFC00000000  # Where programs are linked; what root maps for all is above.
BUFFER, STACK_END = 0x7FFF00001000, 0x7FFF00200000
ENTRIES, TABLE_BITS, FRAME = 512, 9, 0x000FFFFFFFFFF000
PRESENT, USER = 1, 4
SYSCALL = b"\x0f\x05"


class Gdb:
    """A connection to QEMU's gdb stub: the machine stands still as long as it is open."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.stream = self.socket.makefile("rb")

    def __enter__(self):
        self.ask("?")
        self.ask("Qqemu.PhyMemMode:1")
        return self

    def __exit__(self, *_):
        self.ask("D")
        self.stream.close()
        self.socket.close()

    def send(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) & 0xff:02x}".encode())

    def answer(self):
        while (byte := self.stream.read(1)) != b"$":
            assert byte, "QEMU has ended"
        text = bytearray()
        while (byte := self.stream.read(1)) != b"#":
            text += byte
        self.stream.read(2)
        self.socket.sendall(b"+")
        return text.decode()

    def ask(self, text):
        self.send(text)
        return self.answer()

    def write(self, physical, data):
        answer = self.ask(f"M{physical:x},{len(data):x}:{data.hex()}")
        assert answer == "OK", f"gdb stub: {answer}"


class OpenMachine(DirectMachine):
    """A machine whose programs can be looked into, and changed."""

    def __init__(self, archive=None, memory=256, **options):
        self.ram_file = tempfile.NamedTemporaryFile(prefix="trustos-ram-", dir="/dev/shm")
        self.ram_file.truncate(memory << 20)
        self.socket_folder = tempfile.TemporaryDirectory(prefix="trustos-gdb-")
        self.gdb_path = Path(self.socket_folder.name) / "gdb"
        backend = f"memory-backend-file,id=ram,size={memory}M,mem-path={self.ram_file.name},share=on"
        self.extra_arguments = ["-object", backend, "-machine", "memory-backend=ram",
                                "-gdb", f"unix:{self.gdb_path},server=on,wait=off"]
        self.files = unpack(original() if archive is None else archive)
        self.ram = mmap.mmap(self.ram_file.fileno(), 0, access=mmap.ACCESS_READ)
        self.found = {}
        super().__init__(archive, memory=memory, more=self.extra_arguments, **options)

    def stop(self):
        super().stop()
        self.ram.close()
        self.ram_file.close()
        self.socket_folder.cleanup()

    def gdb(self):
        return Gdb(self.gdb_path)

    # --- Where its pages are.

    def entry(self, table, index):
        return struct.unpack_from("<Q", self.ram, table + 8 * index)[0]

    def tables_with(self, physical, index):
        """Tables whose entry `index` leads to this page."""
        wanted = re.escape(struct.pack("<Q", physical)[2:6])
        for match in re.finditer(wanted, self.ram):
            at = match.start() - 2
            if at % PAGE == 8 * index:
                entry = self.entry(at - at % PAGE, index)
                if entry & FRAME == physical and entry & (PRESENT | USER) == PRESENT | USER:
                    yield at - at % PAGE

    def roots(self, physical, address):
        """Address spaces in which `address` is this page."""
        pages = [physical]
        for level in range(4):
            index = address >> (12 + TABLE_BITS * level) & (ENTRIES - 1)
            pages = [table for page in pages for table in self.tables_with(page, index)]
        return pages

    def walk(self, table, level=3, base=0):
        """(address, physical) of each page of RAM that is mapped for user code."""
        for index in range(ENTRIES // 2 if level == 3 else ENTRIES):
            entry = self.entry(table, index)
            page, address = entry & FRAME, base | index << (12 + TABLE_BITS * level)
            if entry & (PRESENT | USER) != PRESENT | USER or page >= len(self.ram):
                continue
            if level == 0:
                yield address, page
            else:
                yield from self.walk(page, level - 1, address)

    def pages(self, program):
        """{address: physical} of what belongs to a program alone: image, stack, IPC buffer."""
        if program not in self.found:
            text = next(content for address, content, _ in segments(self.files[f"bin/{program}"]) if address == IMAGE)
            first = text[:PAGE].ljust(PAGE, b"\0")
            roots, at = set(), -1
            while (at := self.ram.find(first, at + 1)) >= 0:
                if at % PAGE == 0:
                    roots |= set(self.roots(at, IMAGE))
            assert len(roots) == 1, f"{len(roots)} address spaces of {program}"
            self.found[program] = {address: page for address, page in self.walk(roots.pop())
                                   if address < TEXT_LIMIT or BUFFER <= address < STACK_END}
        return self.found[program]

    # --- Changing them.

    def spoil(self, program, code):
        """The program finds `code` at its next return from a kernel call."""
        with self.gdb() as gdb:
            for address, content, executable in segments(self.files[f"bin/{program}"]):
                for match in re.finditer(SYSCALL, content) if executable else ():
                    at = address + match.end()
                    gdb.write(self.pages(program)[at & -PAGE] + at % PAGE, code)

    def flip(self, program, address, bit):
        page = self.pages(program)[address & -PAGE] + address % PAGE
        with self.gdb() as gdb:
            gdb.write(page, bytes([self.ram[page] ^ 1 << bit]))
