// lfs2_crc: the check sum of littlefs (CRC-32), eight bytes a step instead of its half a byte.
// SPDX-License-Identifier: BSD-2-Clause
//
// "Slicing by 8": M. Kounavis and F. Berry, A Systematic Approach to Building High Performance,
// Software-based, CRC Generators, 2005. littlefs sums a directory up at every look into it.
#include <array>
#include <cstddef>
#include <cstring>

#include "abi/types.h"

namespace {

constexpr u32 kSlices = 8;
constexpr u32 kPolynomial = 0xedb88320; // Bits in reverse.

using Tables = std::array<std::array<u32, 256>, kSlices>;

// table[0]: the effect of one byte; table[k]: the same with k bytes of zero behind it.
constexpr Tables make_tables() {
    Tables table{};
    for (u32 byte = 0; byte < 256; byte++) {
        u32 sum = byte;
        for (u32 bit = 0; bit < 8; bit++) {
            sum = sum >> 1 ^ (sum & 1 ? kPolynomial : 0);
        }
        table[0][byte] = sum;
    }
    for (u32 k = 1; k < kSlices; k++) {
        for (u32 byte = 0; byte < 256; byte++) {
            u32 sum = table[k - 1][byte];
            table[k][byte] = sum >> 8 ^ table[0][sum & 0xff];
        }
    }
    return table;
}

constexpr Tables kTable = make_tables();

} // namespace

extern "C" u32 lfs2_crc(u32 sum, const void *from, std::size_t size) {
    auto data = static_cast<const u8 *>(from);
    for (; size >= kSlices; size -= kSlices, data += kSlices) {
        u64 part;
        __builtin_memcpy(&part, data, sizeof part); // Not a call, as std::memcpy is here.
        part ^= sum;
        sum = 0;
        for (u32 k = 0; k < kSlices; k++) {
            sum ^= kTable[kSlices - 1 - k][part >> (8 * k) & 0xff];
        }
    }
    for (; size != 0; size--, data++) {
        sum = sum >> 8 ^ kTable[0][(sum ^ *data) & 0xff];
    }
    return sum;
}
