"""The table that root starts the system from; its layout is that of servers/root/system.hpp.
SPDX-License-Identifier: BSD-2-Clause
"""

import struct

from manifests.words import (
    ARCHIVE, ARCHIVE_BASE, BUFFER, CONTEXT, CONTEXT_BYTES, DEVICE, ENVIRONMENT, FLAG_BOOT,
    FLAG_FAULTS, FLAG_SERVES, FLAG_VECTOR, Mistake, NOTIFICATION, NOTIFICATION_BYTES, PAGE, PCI, PCI_PAGES,
    POOL, REPLY_BYTES, RESTART, RIGHT_GRANT, RIGHT_WRITE, ROOT, SLOT_BYTES, STACK_TOP,
    TABLE_BYTES, TCB_BYTES, THREAD, TRACE, UNTYPED, UNTYPED_BYTES, budget, parse_size, period, share)


def elf_pages(path, data):
    """Address and size of each loadable segment, in whole pages."""
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < 64:
        raise Mistake(f"{path}: not a 64-bit ELF file")
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, _, address, _, _, memory, _ = struct.unpack_from("<IIQQQQQQ", data, offset + i * size)
        if kind == 1 and memory:
            first = address // PAGE * PAGE
            yield first, -(-(address + memory) // PAGE) * PAGE - first


def memory_needed(program, segments):
    """Bytes of untyped memory that root takes to start the program, by what for. The alignment of
    the objects is counted at its worst."""
    stack = parse_size(program.data.get("stack", "16K"))
    regions = list(segments) + [(ENVIRONMENT, PAGE), (BUFFER, PAGE), (STACK_TOP - stack, stack)]
    threads = [(need.values[3], (need.values[2] & 0xFFFFFFFF) + PAGE)  # Stack and buffer.
               for need in program.needs if need.values[0] == THREAD]
    regions += threads
    image = sum(size for _, size in segments)
    frames = sum(size for _, size in regions)
    windows = [(need.values[3], PCI_PAGES * PAGE if need.values[0] == PCI else need.values[2])
               for need in program.needs if need.values[0] in (DEVICE, TRACE, POOL, PCI)]
    archive = any(need.values[0] == ARCHIVE for need in program.needs) * ARCHIVE_MAX
    windows += [(ARCHIVE_BASE, archive)] if archive else []
    tables = set()
    for address, size in regions + windows:
        for shift in (39, 30, 21):
            for index in range(address >> shift, (address + size - 1 >> shift) + 1):
                tables.add((shift, index))
    objects = (program.slots * SLOT_BYTES + TCB_BYTES + CONTEXT_BYTES + NOTIFICATION_BYTES +
               program.replies * REPLY_BYTES)
    for need in program.needs:
        if need.values[0] == UNTYPED:
            objects += need.values[1] + UNTYPED_BYTES + PAGE
        if need.values[0] in (CONTEXT, THREAD):
            objects += CONTEXT_BYTES
        if need.values[0] == NOTIFICATION:
            objects += NOTIFICATION_BYTES
    objects += len(threads) * (TCB_BYTES + REPLY_BYTES + PAGE)
    book = (frames // PAGE + archive // PAGE + program.slots + 2 * len(threads) + BOOK_SLOTS) * SLOT_BYTES
    stack += sum(size for _, size in threads)
    return {"image": image, "stack": stack, "page tables": (len(tables) + 1) * TABLE_BYTES,
            "objects": objects + book + (len(tables) + 4) * PAGE}


ARCHIVE_MAX = 8 << 20  # Bytes of the boot archive that fit into a program's address space.
BOOK_SLOTS = 32  # For page tables, and what there is one of.


def check_memory(program, path, data):
    parts = memory_needed(program, list(elf_pages(path, data)))
    have, want = parse_size(program.data["memory"]), sum(parts.values())
    if have < want:
        detail = ", ".join(f"{name} {-(-size // 1024)}K" for name, size in parts.items())
        raise Mistake(f"{program.path}: memory: is {program.data['memory']!r}, expected at least "
                      f"\"{-(-want // PAGE) * PAGE // 1024}K\" ({detail})")


def pack_name(name):
    return name.encode().ljust(16, b"\0")


def table(system):
    programs, grants = [], []
    for program in system.programs.values():
        if program.name == ROOT:
            continue
        data = program.data
        flags = (FLAG_BOOT * (program.start == "boot") | FLAG_VECTOR * data.get("vector", False) |
                 FLAG_SERVES * program.receives | FLAG_FAULTS * ("fault" in program.provides))
        programs.append(struct.pack(
            "<16sQIIIHHHHBBBBI12x", pack_name(program.name), parse_size(data["memory"]),
            parse_size(data.get("stack", "16K")), budget(data), period(data), program.slots,
            program.replies, len(grants), len(program.needs), program.priority, flags,
            RESTART[data.get("restart", "never")], data.get("tries", 5),
            share(data) if program.provides else 0))
        for need in program.needs:
            kind, a, b, c = need.values
            rights = RIGHT_WRITE | RIGHT_GRANT * need.give
            grants.append(struct.pack("<16sQQQHHHH", pack_name(need.name), a, b, c, kind,
                                      need.slot, need.slots, rights))
    head = struct.pack("<8sIHH", b"TSYSTEM1", 1, len(programs), len(grants))
    return head + b"".join(programs) + b"".join(grants)
