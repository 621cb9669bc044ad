// Elf: nothing of a file is believed before it is checked.
// SPDX-License-Identifier: BSD-2-Clause
#include "elf.hpp"

#include <cstring>

#include "abi/capability.h"

namespace root {

namespace {

struct Header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, program_offset, section_offset;
    u32 flags;
    u16 header_bytes, program_bytes, program_count;
    u16 section_bytes, section_count, section_names;
};

struct ProgramHeader {
    u32 type, flags;
    u64 offset, address, physical, file_bytes, memory_bytes, align;
};

enum { EXECUTABLE = 2, X86_64 = 62, LOAD = 1, FLAG_EXECUTE = 1, FLAG_WRITE = 2 };
constexpr u8 kIdent[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
constexpr u32 kProgramHeaders = 32;

const char *check_header(std::span<const u8> file, Header &h) {
    if (file.size() < sizeof h) {
        return "is shorter than an ELF header";
    }
    std::memcpy(&h, file.data(), sizeof h);
    if (std::memcmp(h.ident, kIdent, sizeof kIdent) != 0 || h.type != EXECUTABLE ||
        h.machine != X86_64) {
        return "is not a static ELF executable for x86_64";
    }
    if (h.program_bytes != sizeof(ProgramHeader) || h.program_count > kProgramHeaders ||
        h.program_offset > file.size() ||
        u64{h.program_count} * sizeof(ProgramHeader) > file.size() - h.program_offset) {
        return "has program headers outside the file (truncated?)";
    }
    return nullptr;
}

const char *read_segment(std::span<const u8> file, const ProgramHeader &p, u64 low, u64 high,
                         Segment &out) {
    if (p.offset > file.size() || p.file_bytes > file.size() - p.offset ||
        p.file_bytes > p.memory_bytes) {
        return "has a segment outside the file (truncated?)";
    }
    if (p.address < low || p.address >= high || p.memory_bytes > high - p.address) {
        return "has a segment outside a program's address space";
    }
    bool write = (p.flags & FLAG_WRITE) != 0, execute = (p.flags & FLAG_EXECUTE) != 0;
    if (write && execute) {
        return "has a segment that is writable and executable";
    }
    out.skip = p.address % PAGE_BYTES;
    out.address = p.address - out.skip;
    out.pages = (out.skip + p.memory_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    out.file = file.subspan(p.offset, p.file_bytes);
    out.rights = RIGHT_READ | (write ? RIGHT_WRITE : 0) | (execute ? RIGHT_GRANT : 0);
    return nullptr;
}

const char *read_segments(std::span<const u8> file, const Header &h, u64 low, u64 high, Elf &elf) {
    u64 free = low;
    bool entry = false;
    for (u32 i = 0; i < h.program_count; i++) {
        ProgramHeader p;
        std::memcpy(&p, file.data() + h.program_offset + i * sizeof p, sizeof p);
        if (p.type != LOAD || p.memory_bytes == 0) {
            continue;
        }
        if (elf.count == Elf::kSegments) {
            return "has more than 8 segments";
        }
        Segment &s = elf.segment[elf.count++];
        if (const char *why = read_segment(file, p, low, high, s)) {
            return why;
        }
        if (s.address < free) {
            return "has segments that share a page or are out of order";
        }
        free = s.address + s.pages * PAGE_BYTES;
        entry = entry || ((s.rights & RIGHT_GRANT) != 0 && h.entry >= p.address &&
                          h.entry - p.address < p.file_bytes);
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

sel::Result<Elf> read_elf(std::span<const u8> file, u64 low, u64 high, const char *&why) {
    Elf elf;
    Header h;
    why = check_header(file, h);
    if (why == nullptr) {
        why = read_segments(file, h, low, high, elf);
    }
    if (why != nullptr) {
        return ERR_SYNTAX;
    }
    elf.entry = h.entry;
    return elf;
}

} // namespace root
