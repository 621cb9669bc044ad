// The root task's ELF file, checked: what to load where, with which rights.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_ELF_HPP
#define ARCH_ELF_HPP

#include "arch/x86_64/boot/bytes.hpp"

namespace arch {

struct Segment {
    u64 address; // Where its first byte goes.
    u64 memory;  // Bytes in memory; those behind the file's are zero.
    Bytes file;
    u32 rights; // RIGHT_*; never both WRITE and GRANT (execute).
};

struct ElfImage {
    static constexpr u32 SEGMENTS_MAX = 16;
    Segment segment[SEGMENTS_MAX] = {};
    u32 count = 0;
    u64 entry = 0;
};

// Segments come in ascending order, share no page and lie in [PAGE_BYTES, limit).
Refusal read_elf(Bytes file, u64 limit, ElfImage &out);

// Bytes up to the end of all that the headers mention; 0: no ELF file.
u64 elf_extent(Bytes file);

} // namespace arch

#endif
