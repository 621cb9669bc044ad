// Elf: a program file, checked: what goes where, with which rights.
// SPDX-License-Identifier: BSD-2-Clause
//
// Source: System V ABI, chapters 4 and 5 (ELF-64, static executable for x86_64).
#pragma once

#include <span>

#include "sel/result.hpp"

namespace root {

struct Segment {
    u64 address; // First page.
    u64 pages;
    u64 skip;                 // Bytes of the first page before the content.
    std::span<const u8> file; // The rest of the pages is zero.
    u64 rights;               // RIGHT_*; never both WRITE and GRANT (execute).
};

struct Elf {
    static constexpr u32 kSegments = 8;

    Segment segment[kSegments];
    u32 count = 0;
    u64 entry = 0;

    u64 pages() const;
};

// Segments come in ascending order, share no page and lie between `low` and `high`. A refusal says
// in `why` what is wrong, in words that follow the file's name.
sel::Result<Elf> read_elf(std::span<const u8> file, u64 low, u64 high, const char *&why);

} // namespace root
