// Program files for tests: an ELF header, program headers, and bytes that all differ from zero.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstring>
#include <vector>

#include "abi/types.h"

namespace sel::test {

constexpr std::size_t kElfHeader = 64, kElfProgram = 56, kElfBytes = 0x3000;

using Bytes = std::vector<u8>;

template <typename T>
void put(Bytes &b, std::size_t at, T value) {
    std::memcpy(b.data() + at, &value, sizeof value);
}

struct Load {
    u32 flags;
    u64 offset, address, file, memory;
};

inline const Load kText{5, 0x1000, 0x400000, 0x800, 0x800};
inline const Load kData{6, 0x2000, 0x401010, 0x100, 0x3000};

inline Bytes make_elf(const std::vector<Load> &loads, u64 entry = 0x400010) {
    Bytes b(kElfBytes);
    for (std::size_t i = 0x1000; i < b.size(); i++) {
        b[i] = static_cast<u8>(1 + i % 255);
    }
    const u8 ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    std::memcpy(b.data(), ident, sizeof ident);
    put<u16>(b, 16, 2);
    put<u16>(b, 18, 62);
    put<u64>(b, 24, entry);
    put<u64>(b, 32, kElfHeader);
    put<u16>(b, 54, kElfProgram);
    put<u16>(b, 56, static_cast<u16>(loads.size()));
    for (std::size_t i = 0; i < loads.size(); i++) {
        std::size_t p = kElfHeader + i * kElfProgram;
        put<u32>(b, p, 1);
        put<u32>(b, p + 4, loads[i].flags);
        put<u64>(b, p + 8, loads[i].offset);
        put<u64>(b, p + 16, loads[i].address);
        put<u64>(b, p + 32, loads[i].file);
        put<u64>(b, p + 40, loads[i].memory);
    }
    return b;
}

} // namespace sel::test
