// Messages on the wire: a plain struct becomes words, and words a struct, with every length checked.
// SPDX-License-Identifier: BSD-2-Clause
//
// Words 0 to 3 travel in registers, the rest in the IPC buffer. A struct whose last member is
// `data` (a Bytes or Text) is cut to its used part; the reader checks that the parts agree, so a
// hostile sender can give wrong content but never a wrong length. What else must hold of a struct's
// numbers says its `bool sound() const`; one that is not sound is no message, and no answer.
#pragma once

#include <cstring>
#include <type_traits>

#include "sel/bytes.hpp"
#include "sel/kernel.hpp"

namespace sel {

inline constexpr u32 kMessageBytes = MESSAGE_WORDS * 8;

// What can be a message or an answer.
template <typename T>
concept Plain = std::is_trivially_copyable_v<T> && sizeof(T) <= kMessageBytes;

// It ends with a byte string named `data`.
template <typename T>
concept HasTail = requires(const T &t) {
    t.data.size;
    t.data.byte[0];
    std::remove_cvref_t<decltype(t.data)>::kCapacity;
};

namespace detail {

template <HasTail T>
u32 tail_offset(const T &t) {
    auto at = [](const void *p) { return reinterpret_cast<const char *>(p); };
    static_assert(sizeof(t.data.byte[0]) == 1);
    return static_cast<u32>(at(&t.data.byte[0]) - at(&t));
}

template <typename T>
u32 wire_bytes(const T &t) {
    if constexpr (std::is_empty_v<T>) {
        return 0;
    } else if constexpr (HasTail<T>) {
        u32 size = t.data.size < t.data.kCapacity ? t.data.size : t.data.kCapacity;
        return tail_offset(t) + size;
    } else {
        return sizeof(T);
    }
}

} // namespace detail

// Puts `t` into the words of `r` and of the IPC buffer, with `label`. With `rest` false only into those of `r`: who
// passes a message on that it has loaded finds the rest in the buffer still.
template <bool rest = true, Plain T>
void store(Regs &r, u32 label, const T &t) {
    u32 bytes = detail::wire_bytes(t);
    u32 words = (bytes + 7) / 8;
    auto from = reinterpret_cast<const char *>(&t);
    u32 head = bytes < sizeof r.word ? bytes : static_cast<u32>(sizeof r.word);
    if (head % 8 != 0) {
        r.word[head / 8] = 0;
    }
    std::memcpy(r.word, from, head);
    if (rest && bytes > sizeof r.word) {
        ipc_buffer()[words - 1] = 0;
        std::memcpy(ipc_buffer() + MESSAGE_REGISTERS, from + sizeof r.word, bytes - sizeof r.word);
    }
    r.info = words | static_cast<u64>(label) << INFO_LABEL_SHIFT;
}

// Takes a T out of the message in `r`; false if its length is not that of a T, or it is not sound. With `tail` false
// all but the bytes of its `data`, and what is said of these is not looked at: for who passes it on.
template <bool tail = true, Plain T>
bool load(const Regs &r, T &t) {
    if constexpr (std::is_empty_v<T>) {
        return r.length() == 0;
    } else {
        u32 bytes = r.length() * 8;
        if (r.length() > MESSAGE_WORDS || bytes > ((sizeof(T) + 7) & ~7ull)) {
            return false;
        }
        u32 used = bytes < sizeof(T) ? bytes : static_cast<u32>(sizeof(T));
        u32 taken = used;
        if constexpr (HasTail<T> && !tail) {
            taken = used < detail::tail_offset(t) ? used : detail::tail_offset(t);
        }
        auto to = reinterpret_cast<char *>(&t);
        std::memcpy(to, r.word, taken < sizeof r.word ? taken : sizeof r.word);
        if (taken > sizeof r.word) {
            std::memcpy(to + sizeof r.word, ipc_buffer() + MESSAGE_REGISTERS,
                        taken - sizeof r.word);
        }
        if constexpr (HasTail<T>) {
            u32 offset = detail::tail_offset(t);
            if (used < offset || t.data.size > t.data.kCapacity || offset + t.data.size > used) {
                return false;
            }
        } else if (used != sizeof(T)) {
            return false;
        }
        if constexpr (tail && requires { t.sound(); }) {
            return t.sound();
        }
        return true;
    }
}

} // namespace sel
