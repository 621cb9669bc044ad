// Bounds-checked views of bytes that somebody else wrote: boot data, ACPI tables, ELF files.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef ARCH_BYTES_HPP
#define ARCH_BYTES_HPP

#include "abi/types.h"

namespace arch {

// What is wrong with the data, for a person to read; nullptr: nothing.
using Refusal = const char *;

class Bytes {
  public:
    constexpr Bytes() = default;
    constexpr Bytes(const u8 *data, u64 size) : data_(data), size_(size) {}

    constexpr u64 size() const { return size_; }
    constexpr const u8 *data() const { return data_; }
    constexpr bool has(u64 offset, u64 bytes) const {
        return offset <= size_ && bytes <= size_ - offset;
    }
    // Empty if it does not lie inside.
    constexpr Bytes part(u64 offset, u64 bytes) const {
        return has(offset, bytes) ? Bytes(data_ + offset, bytes) : Bytes();
    }
    // Little-endian; 0 if it does not lie inside.
    template <typename T>
    constexpr T get(u64 offset) const {
        u64 value = 0;
        if (has(offset, sizeof(T))) {
            for (u64 i = 0; i < sizeof(T); i++) {
                value |= static_cast<u64>(data_[offset + i]) << (8 * i);
            }
        }
        return static_cast<T>(value);
    }

  private:
    const u8 *data_ = nullptr;
    u64 size_ = 0;
};

// The physical addresses [base, base + bytes.size()) as the kernel can read them while it boots.
struct Memory {
    Bytes bytes;
    u64 base = 0;

    // Empty if it does not lie inside.
    constexpr Bytes at(u64 address, u64 size) const {
        return address >= base ? bytes.part(address - base, size) : Bytes();
    }
};

// Copies a text that ends with 0 or with the bytes, cut to fit `out`.
template <u64 N>
void copy_text(Bytes from, char (&out)[N]) {
    u64 i = 0;
    for (; i < N - 1 && i < from.size() && from.data()[i] != 0; i++) {
        out[i] = static_cast<char>(from.data()[i]);
    }
    out[i] = 0;
}

} // namespace arch

#endif
