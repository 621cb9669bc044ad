"""The table that root starts the system from; servers/root/system.hpp has its layout.
SPDX-License-Identifier: BSD-2-Clause
"""

from manifests.grants import Archive, is_a, kind_of, pack
from manifests.source import Layout
from manifests.words import ABI, Mistake, PAGE, PLACES, RESTART, ROOT, TABLE, budget, parse_size, period, share

ELF = "libsel/include/sel/elf.hpp"
ELF_HEADER, ELF_PROGRAM = Layout(ELF, "ElfHeader"), Layout(ELF, "ElfProgramHeader")
SYSTEM = "servers/root/system.hpp"
HEADER, PROGRAM = Layout(SYSTEM, "SystemHeader"), Layout(SYSTEM, "ProgramRecord")
ELF_LOAD = 1
VERSION = TABLE["SYSTEM_VERSION"]


def elf_pages(path, data):
    """Address and size of each loadable segment, in whole pages."""
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < ELF_HEADER.bytes:
        raise Mistake(f"{path}: not a 64-bit ELF file")
    head = ELF_HEADER.unpack_from(data)
    for i in range(head["program_count"]):
        part = ELF_PROGRAM.unpack_from(data, head["program_offset"] + i * head["program_bytes"])
        if part["type"] == ELF_LOAD and part["memory_bytes"]:
            first = part["address"] // PAGE * PAGE
            yield first, -(-(part["address"] + part["memory_bytes"]) // PAGE) * PAGE - first


def memory_needed(program, segments):
    """Bytes of untyped memory that root takes to start the program, by what for. The alignment of
    the objects is counted at its worst."""
    stack = parse_size(program.data.get("stack", "16K"))
    regions = list(segments) + [(PLACES["kEnvironmentAddress"], PAGE), (PLACES["kBufferAddress"], PAGE),
                                (PLACES["kStackTop"] - stack, stack)]
    threads = [pages for need in program.needs if (pages := kind_of(need).own_pages(need))]
    regions += threads
    image = sum(size for _, size in segments)
    frames = sum(size for _, size in regions)
    windows = [window for need in program.needs if (window := kind_of(need).window(need))]
    archive = sum(kind_of(need).window(need)[1] for need in program.needs if is_a(need, Archive))
    tables = set()
    for address, size in regions + windows:
        for shift in (39, 30, 21):
            for index in range(address >> shift, (address + size - 1 >> shift) + 1):
                tables.add((shift, index))
    objects = (program.slots * ABI["SLOT_BYTES"] + ABI["TCB_BYTES"] + ABI["SCHED_CONTEXT_BYTES"] +
               ABI["NOTIFICATION_BYTES"] + program.replies * ABI["REPLY_BYTES"] +
               sum(kind_of(need).objects(need) for need in program.needs))
    book = (frames // PAGE + archive // PAGE + program.slots + PLACES["kBookReserve"]) * ABI["SLOT_BYTES"]
    stack += sum(size for _, size in threads)
    return {"image": image, "stack": stack, "page tables": (len(tables) + 1) * ABI["TABLE_BYTES"],
            "objects": objects + book + (len(tables) + 4) * PAGE}


def check_memory(program, path, data):
    parts = memory_needed(program, list(elf_pages(path, data)))
    have, want = parse_size(program.data["memory"]), sum(parts.values())
    if have < want:
        detail = ", ".join(f"{name} {-(-size // 1024)}K" for name, size in parts.items())
        raise Mistake(f"{program.path}: memory: is {program.data['memory']!r}, expected at least "
                      f"\"{-(-want // PAGE) * PAGE // 1024}K\" ({detail})")


def table(system):
    programs, grants = [], []
    for program in system.programs.values():
        if program.name == ROOT or program.from_file:
            continue
        data = program.data
        flags = {"FLAG_BOOT": program.start in ("boot", "late"), "FLAG_LATE": program.start == "late",
                 "FLAG_VECTOR": data.get("vector", False), "FLAG_SERVES": program.receives,
                 "FLAG_FAULTS": "fault" in program.provides}
        programs.append(PROGRAM.pack(
            name=program.name.encode(), memory=parse_size(data["memory"]),
            stack=parse_size(data.get("stack", "16K")), budget_us=budget(data), period_us=period(data),
            slots=program.slots, replies=program.replies, grant_first=len(grants), grant_count=len(program.needs),
            priority=program.priority, flags=sum(TABLE[name] for name, holds in flags.items() if holds),
            restart=RESTART[data.get("restart", "never")], tries=data.get("tries", 5),
            share_us=share(data) if program.provides else 0))
        grants += [pack(need) for need in program.needs]
    if len(grants) > TABLE["GRANT_MAX"]:
        raise Mistake(f"boot/system.toml: its programs have {len(grants)} needs, expected at most {TABLE['GRANT_MAX']}")
    head = HEADER.pack(magic=b"TSYSTEM1", version=VERSION, programs=len(programs), grants=len(grants))
    return head + b"".join(programs) + b"".join(grants)
