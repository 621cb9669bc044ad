// Bytes and Text: byte strings of bounded length that travel inside messages.
// SPDX-License-Identifier: BSD-2-Clause
//
// A message or answer whose last member is called `data` and is a Bytes or Text is sent only as
// long as its used part (message.hpp). Whatever `size` somebody has sent, view() and span() end in the
// string's own room.
#pragma once

#include <span>
#include <string_view>

#include "abi/types.h"

namespace sel {

template <u32 N>
struct Bytes {
    static constexpr u32 kCapacity = N;

    u32 size = 0;
    u8 byte[N];

    constexpr Bytes() {} // The bytes are not cleared: only the first `size` mean anything.
    constexpr Bytes(std::span<const u8> from) { assign(from); }

    // Takes what fits; false if something was cut off.
    constexpr bool assign(std::span<const u8> from) {
        size = from.size() < N ? static_cast<u32>(from.size()) : N;
        for (u32 i = 0; i < size; i++) {
            byte[i] = from[i];
        }
        return size == from.size();
    }
    constexpr std::span<const u8> span() const { return {byte, size < N ? size : N}; }
    constexpr std::span<u8> span() { return {byte, size < N ? size : N}; }
};

// Text of at most N bytes, not terminated. Grows by append(); what does not fit is cut off.
template <u32 N>
struct Text {
    static constexpr u32 kCapacity = N;

    u32 size = 0;
    char byte[N];

    constexpr Text() {}
    constexpr Text(std::string_view from) { append(from); }
    constexpr Text(const char *from) { append(from); }

    constexpr void append(std::string_view from) {
        for (char c : from) {
            append(c);
        }
    }
    constexpr void append(char c) {
        if (size < N) {
            byte[size++] = c;
        }
    }
    constexpr void clear() { size = 0; }
    constexpr bool full() const { return size >= N; }
    constexpr std::string_view view() const { return {byte, size < N ? size : N}; }
    constexpr operator std::string_view() const { return view(); }
    friend constexpr bool operator==(const Text &a, std::string_view b) { return a.view() == b; }
};

} // namespace sel
