// Reads an ELF-64 executable (System V ABI, chapters 4 and 5).
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/boot/elf.hpp"

#include "abi/capability.h"

namespace arch {
namespace {

constexpr u64 HEADER_BYTES = 64;
constexpr u64 PROGRAM_HEADER_BYTES = 56;
constexpr u64 PROGRAM_HEADERS_MAX = 64;

Refusal check_header(Bytes file) {
    constexpr u32 MAGIC = 0x464c457f;
    constexpr u16 EXECUTABLE = 2, X86_64 = 62;
    if (!file.has(0, HEADER_BYTES)) {
        return "the root task is shorter than an ELF header";
    }
    if (file.get<u32>(0) != MAGIC || file.get<u16>(4) != 0x0102) {
        return "the root task is not a little-endian 64-bit ELF file";
    }
    if (file.get<u16>(16) != EXECUTABLE || file.get<u16>(18) != X86_64) {
        return "the root task is not a static executable for x86_64";
    }
    if (file.get<u16>(54) != PROGRAM_HEADER_BYTES || file.get<u16>(56) > PROGRAM_HEADERS_MAX ||
        !file.has(file.get<u64>(32), PROGRAM_HEADER_BYTES * file.get<u16>(56))) {
        return "the root task's program headers leave its file";
    }
    return nullptr;
}

Bytes program_header(Bytes file, u64 i) {
    return file.part(file.get<u64>(32) + i * PROGRAM_HEADER_BYTES, PROGRAM_HEADER_BYTES);
}

Refusal read_segment(Bytes file, Bytes header, u64 limit, Segment &out) {
    enum { EXECUTE = 1, WRITE = 2, READ = 4 };
    u32 flags = header.get<u32>(4);
    u64 offset = header.get<u64>(8);
    u64 bytes = header.get<u64>(32);
    out.address = header.get<u64>(16);
    out.memory = header.get<u64>(40);
    out.file = file.part(offset, bytes);
    if (!file.has(offset, bytes) || bytes > out.memory) {
        return "a segment of the root task leaves its file (truncated?)";
    }
    if (out.address < PAGE_BYTES || out.address >= limit || out.memory > limit - out.address) {
        return "a segment of the root task lies outside user memory";
    }
    if ((flags & EXECUTE) != 0 && (flags & WRITE) != 0) {
        return "a segment of the root task is both writable and executable";
    }
    out.rights = u32{RIGHT_READ} | u32{RIGHT_WRITE} * ((flags & WRITE) != 0) |
                 u32{RIGHT_GRANT} * ((flags & EXECUTE) != 0);
    return nullptr;
}

bool executable_at(const ElfImage &image, u64 address) {
    for (const Segment &s : image.segment) {
        if (address >= s.address && address - s.address < s.file.size() &&
            (s.rights & RIGHT_GRANT) != 0) {
            return true;
        }
    }
    return false;
}

} // namespace

Refusal read_elf(Bytes file, u64 limit, ElfImage &out) {
    constexpr u32 LOAD = 1;
    if (Refusal wrong = check_header(file)) {
        return wrong;
    }
    u64 free = 0; // First page that no segment uses yet.
    for (u64 i = 0; i < file.get<u16>(56); i++) {
        Bytes header = program_header(file, i);
        if (header.get<u32>(0) != LOAD || header.get<u64>(40) == 0) {
            continue;
        }
        if (out.count == ElfImage::SEGMENTS_MAX) {
            return "the root task has more than 16 segments";
        }
        Segment &segment = out.segment[out.count++];
        if (Refusal wrong = read_segment(file, header, limit, segment)) {
            return wrong;
        }
        if (segment.address < free) {
            return "two segments of the root task share a page or are out of order";
        }
        free = (segment.address + segment.memory + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    }
    out.entry = file.get<u64>(24);
    if (!executable_at(out, out.entry)) {
        return "the root task's entry point lies in no executable segment";
    }
    return nullptr;
}

u64 elf_extent(Bytes file) {
    if (check_header(file) != nullptr) {
        return 0;
    }
    u64 sections = static_cast<u64>(file.get<u16>(58)) * file.get<u16>(60);
    u64 end = file.has(file.get<u64>(40), sections) ? file.get<u64>(40) + sections : 0;
    for (u64 i = 0; i < file.get<u16>(56); i++) {
        Bytes header = program_header(file, i);
        u64 offset = header.get<u64>(8);
        u64 bytes = header.get<u64>(32);
        if (file.has(offset, bytes) && offset + bytes > end) {
            end = offset + bytes;
        }
    }
    return end;
}

} // namespace arch
