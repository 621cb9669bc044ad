"""Programs changed from outside while they run: the guest's RAM as a file, QEMU's gdb stub to write there.
SPDX-License-Identifier: BSD-2-Clause

A program's pages are found without its help: the first page of its text stands in RAM, and four levels of
page tables lead there. A restarted program is made of the same memory in the same order: its pages stay.
"""

import mmap
import random
import re
import select
import socket
import struct
import tempfile
import threading
import time
from pathlib import Path

from archive import instructions, original, segments, symbols, unpack
from scene import PAGE, DirectMachine

# Where a program has what is its own (libsel/include/sel/environment.hpp): windows, which others see too, follow.
BUFFER, IMAGE, WINDOWS = 0x201000, 0x400000, 0x10000000
LEDGER = BUFFER + 0x400  # Its first word is the count of answers (libsel/include/sel/ledger.hpp).
ENTRIES, TABLE_BITS, FRAME = 512, 9, 0x000FFFFFFFFFF000
PRESENT, USER = 1, 4
SYSCALL = b"\x0f\x05"
REPLY_RECV, REPLY, OK = 1, 6, 0  # CALL_REPLY_RECV and CALL_REPLY of kernel/abi/call.h.
INFO_LENGTH, INFO_TIMEOUT, MESSAGE_WORDS, MESSAGE_REGISTERS = 0x7F, 0x100, 120, 4
REGISTERS, CR3_AT = {"rax": 0, "rdx": 3, "rsi": 4, "r8": 8, "r9": 9, "r10": 10, "rip": 16}, 204  # As QEMU's gdb stub has them.
ANSWERING = ("3sel5serve", "3sel7receive", "3sel8ReplySet", "3sel9ReplyPool", "3sel5Later",
             "3sel10LaterReply")  # In names of functions.
LINE_BEFORE = 16  # Instructions.
PACKET, ANSWER_SECONDS = re.compile(rb"\$([^#]*)#[0-9a-f]{2}"), 20


class Gdb:
    """A connection to QEMU's gdb stub: the machine stands still as long as it is open."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.received = b""

    def __enter__(self):
        answer = self.ask("qSupported")
        while not answer.startswith("PacketSize"):  # First it may tell that the machine stands still.
            answer = self.answer()
        self.ask("qXfer:features:read:target.xml:0,ffb")  # Without it no register can be set.
        self.ask("Qqemu.PhyMemMode:1")
        return self

    def __exit__(self, *_):
        self.ask("D")
        self.socket.close()

    def send(self, text):
        self.socket.sendall(f"${text}#{sum(text.encode()) & 0xff:02x}".encode())

    def poll(self, seconds):
        """The next packet, if it comes within that time: else None."""
        end = time.monotonic() + seconds
        while not (match := PACKET.search(self.received)):
            if not select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
                return None
            data = self.socket.recv(4096)
            assert data, "QEMU has ended"
            self.received += data
        self.received = self.received[match.end():]
        return match[1].decode()

    def answer(self):
        packet = self.poll(ANSWER_SECONDS)
        assert packet is not None, "gdb stub: no answer"
        return packet

    def ask(self, text):
        self.send(text)
        return self.answer()

    def registers(self):
        """(those of REGISTERS, CR3)"""
        data = bytes.fromhex(self.ask("g"))
        values = {name: struct.unpack_from("<Q", data, 8 * number)[0] for name, number in REGISTERS.items()}
        return values, struct.unpack_from("<Q", data, CR3_AT)[0]

    def set_register(self, name, value):
        answer = self.ask(f"P{REGISTERS[name]:x}={struct.pack('<Q', value).hex()}")
        assert answer == "OK", f"gdb stub: {answer}"

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
        self.found, self.spaces = {}, {}
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
            self.spaces[program] = roots.pop()
            self.found[program] = {address: page for address, page in self.walk(self.spaces[program])
                                   if BUFFER <= address < WINDOWS}
        return self.found[program]

    # --- Changing them.

    def answering(self, program):
        """{address of a `syscall` instruction with which libsel answers: those of it and of what always runs before it,
        the last one first}"""
        data, found = self.files[f"bin/{program}"], {}
        calls = set(self.calls(program))
        for name, start, size in symbols(data):
            if not any(part in name for part in ANSWERING):
                continue
            block = []
            for address, mnemonic in instructions(data, start, start + size):
                block.append(address)
                if address in calls:
                    found[address] = block[:-LINE_BEFORE - 1:-1]
                if address in calls or mnemonic.startswith(("j", "call", "ret")):
                    block = []
        return found

    def calls(self, program):
        """Addresses of its `syscall` instructions."""
        for address, content, executable in segments(self.files[f"bin/{program}"]):
            for match in re.finditer(SYSCALL, content) if executable else ():
                yield address + match.start()

    def spoil(self, program, code):
        """The program finds `code` at its next return from a kernel call."""
        with self.gdb() as gdb:
            for call in self.calls(program):
                at = call + len(SYSCALL)
                gdb.write(self.pages(program)[at & -PAGE] + at % PAGE, code)

    def patch(self, program, function, code):
        """Its functions whose (mangled) name contains `function` begin with `code`."""
        found = [address for name, address, _ in symbols(self.files[f"bin/{program}"]) if function in name]
        assert found, f"{program} has no function {function}"
        with self.gdb() as gdb:
            for at in found:
                gdb.write(self.pages(program)[at & -PAGE] + at % PAGE, code)

    def flip(self, program, address, bit):
        page = self.pages(program)[address & -PAGE] + address % PAGE
        with self.gdb() as gdb:
            gdb.write(page, bytes([self.ram[page] ^ 1 << bit]))


def is_answer(registers):
    """ReplySet::waits() answers with more words than there are, to learn whether somebody waits: that is none."""
    return registers["rax"] in (REPLY, REPLY_RECV) and registers["rsi"] & INFO_LENGTH <= MESSAGE_WORDS


class Liar(threading.Thread):
    """While it lives, a program's answers are random half of the time: error, length, words.

    The machine stops at an address in whatever program comes by. Guest time goes on meanwhile, so where others come by
    again and again, in a loop, an earlier instruction of those that lead to the call is taken."""

    OTHERS = 20

    def __init__(self, machine, program, seed):
        super().__init__(daemon=True)
        self.machine, self.random, self.lies = machine, random.Random(seed), 0
        self.buffer = machine.pages(program)[BUFFER]
        self.space, self.wanted, self.failed = machine.spaces[program], True, None
        self.ways = machine.answering(program)  # To each call: where the machine may stop, from the call back.
        self.stops = {way[0]: call for call, way in self.ways.items()}
        self.others = dict.fromkeys(self.stops, 0)  # Stops in other programs.

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        self.wanted = False
        self.join()
        if self.failed:
            raise self.failed

    def run(self):
        try:
            with self.machine.gdb() as gdb:
                self.break_at(gdb, "Z")
                gdb.send("c")
                while self.wanted:
                    self.meet(gdb)
                gdb.socket.sendall(b"\x03")
                gdb.answer()
                self.break_at(gdb, "z")
        except (OSError, AssertionError) as error:
            self.failed = error

    def break_at(self, gdb, what):
        for address in self.stops:
            gdb.ask(f"{what}1,{address:x},1")

    def meet(self, gdb):
        """Whoever the machine stops at next, if it does within a moment."""
        if gdb.poll(0.05) is None:
            return
        self.break_at(gdb, "z")  # So that the steps are over these places.
        registers, space = gdb.registers()
        stop = registers["rip"]
        if space & FRAME == self.space:
            self.follow(gdb, registers)
        elif stop in self.stops:
            self.others[stop] += 1
            if self.others[stop] > self.OTHERS:
                self.step_back(stop)
        gdb.ask("s")
        self.break_at(gdb, "Z")
        gdb.send("c")

    def step_back(self, stop):
        """Stop earlier on the way to this call."""
        call = self.stops.pop(stop)
        way = self.ways[call] = self.ways[call][1:]
        if way:
            self.stops[way[0]] = call
            self.others[way[0]] = 0

    def follow(self, gdb, registers):
        """To the call, and lie there."""
        call = self.stops.get(registers["rip"])
        for _ in range(LINE_BEFORE):
            if registers["rip"] == call:
                self.lie(gdb, registers)
                return
            gdb.ask("s")
            registers, space = gdb.registers()
            if space & FRAME != self.space:
                return

    def lie(self, gdb, registers):
        if not is_answer(registers) or self.random.random() < 0.5:
            return
        self.lies += 1
        for name in ("rdx", "r10", "r8", "r9"):
            gdb.set_register(name, self.random.getrandbits(64))
        label = self.random.choice((0, self.random.getrandbits(32), self.random.randrange(32)))
        gdb.set_register("rsi", label << 32 | registers["rsi"] & INFO_TIMEOUT | self.random.randint(0, MESSAGE_WORDS))
        words = MESSAGE_WORDS - MESSAGE_REGISTERS
        gdb.write(self.buffer + 8 * MESSAGE_REGISTERS, self.random.randbytes(8 * words))


class Loser(Liar):
    """The first answer to a caller that was kept waiting does not reach it: the program goes on behind the call, and
    believes that it has answered."""

    def lie(self, gdb, registers):
        if self.lies == 0 and registers["rax"] == REPLY and is_answer(registers):
            self.lies, self.wanted = 1, False
            gdb.set_register("rax", OK)
            gdb.set_register("rip", registers["rip"] + len(SYSCALL))
