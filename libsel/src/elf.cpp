// Elf: nothing of a file is believed before it is checked.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/elf.hpp"

namespace sel {

namespace {

constexpr u32 kProgramHeaders = 32;

const char *check_header(std::span<const u8> file, ElfFile &elf) {
    if (file.size() < sizeof(ElfHeader)) {
        return "is shorter than an ELF header";
    }
    Result<ElfFile> opened = ElfFile::open(file);
    if (!opened || opened->header().type != kElfExecutable ||
        opened->header().machine != kElfX86_64) {
        return "is not a static ELF executable for x86_64";
    }
    elf = *opened;
    const ElfHeader &h = elf.header();
    if (h.program_bytes != sizeof(ElfProgramHeader)) {
        return "has program headers of another size";
    }
    if (h.program_count > kProgramHeaders) {
        return "has more than 32 program headers";
    }
    if (!elf.holds(h.program_offset, h.program_count * sizeof(ElfProgramHeader))) {
        return "has program headers outside the file (truncated?)";
    }
    return nullptr;
}

const char *read_segment(const ElfFile &file, const ElfProgramHeader &p, Segment &out) {
    if (!file.holds(p.offset, p.file_bytes) || p.file_bytes > p.memory_bytes) {
        return "has a segment outside the file (truncated?)";
    }
    if (p.address < kImageLow || p.address >= kImageEnd || p.memory_bytes > kImageEnd - p.address) {
        return "has a segment outside a program's address space";
    }
    bool write = (p.flags & ELF_WRITE) != 0, execute = (p.flags & ELF_EXECUTE) != 0;
    if (write && execute) {
        return "has a segment that is writable and executable";
    }
    out.skip = p.address % PAGE_BYTES;
    out.address = p.address - out.skip;
    out.pages = (out.skip + p.memory_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    out.file = file.bytes(p.offset, p.file_bytes);
    out.rights = RIGHT_READ | (write ? RIGHT_WRITE : 0) | (execute ? RIGHT_GRANT : 0);
    return nullptr;
}

const char *read_segments(const ElfFile &file, Elf &elf) {
    u64 free = kImageLow;
    bool entry = false;
    ElfProgramHeader p;
    for (u32 i = 0; file.program(i, p); i++) {
        if (p.type == ELF_INTERPRETER) {
            return "is linked dynamically";
        }
        if (p.type != ELF_LOAD || p.memory_bytes == 0) {
            continue;
        }
        if (elf.count == Elf::kSegments) {
            return "has more than 8 segments";
        }
        Segment &s = elf.segment[elf.count++];
        if (const char *why = read_segment(file, p, s)) {
            return why;
        }
        if (s.address < free) {
            return "has segments that share a page or are out of order";
        }
        free = s.address + s.pages * PAGE_BYTES;
        entry = entry || ((s.rights & RIGHT_GRANT) != 0 && elf.entry >= p.address &&
                          elf.entry - p.address < p.file_bytes);
    }
    return entry ? nullptr : "has its entry point outside executable segments";
}

} // namespace

u64 Elf::pages() const {
    u64 sum = 0;
    for (u32 i = 0; i < count; i++) {
        sum += segment[i].pages;
    }
    return sum;
}

Result<Elf> read_elf(std::span<const u8> file, const char *&why) {
    ElfFile tables;
    Elf elf;
    why = check_header(file, tables);
    if (why == nullptr) {
        elf.entry = tables.header().entry;
        why = read_segments(tables, elf);
    }
    return why == nullptr ? Result<Elf>{elf} : ERR_SYNTAX;
}

} // namespace sel
