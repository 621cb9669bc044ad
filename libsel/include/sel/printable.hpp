// Printable: text that may be shown on a terminal, made of bytes that somebody else chose.
// SPDX-License-Identifier: BSD-2-Clause
//
// UTF-8 passes (Unicode 15, table 3-7); bytes that are none, control characters (also C1, which terminals
// take for the start of a command) and DEL become `substitute`, but for those in `keep`.
#pragma once

#include <string_view>

#include "abi/types.h"

namespace sel {

class Printable {
  public:
    constexpr Printable(std::string_view keep, char substitute)
        : keep_{keep}, substitute_{substitute} {}

    // `out(char)` gets what may be shown. The start of a character is kept until the rest of it comes.
    template <typename Out>
    void put(char c, Out out) {
        u8 byte = static_cast<u8>(c);
        if (size_ != 0 && continues(byte)) {
            held_[size_++] = c;
            if (size_ == need_) {
                pass(out);
            }
            return;
        }
        end(out);
        need_ = length_of(byte);
        if (need_ > 1) {
            held_[size_++] = c;
        } else {
            out(need_ == 1 && is_shown(c) ? c : substitute_);
        }
    }

    // A character has begun whose end has not come.
    bool holds() const { return size_ != 0; }

    // No more comes: what has begun is none.
    template <typename Out>
    void end(Out out) {
        for (u32 i = 0; i < size_; i++) {
            out(substitute_);
        }
        size_ = 0;
    }

  private:
    // Of the character that begins with `byte`; 0: none does.
    static constexpr u32 length_of(u8 byte) {
        return byte < 0x80   ? 1
               : byte < 0xc2 ? 0
               : byte < 0xe0 ? 2
               : byte < 0xf0 ? 3
               : byte < 0xf5 ? 4
                             : 0;
    }

    // May `byte` come next in what is held?
    bool continues(u8 byte) const {
        u8 first = size_ == 1 ? static_cast<u8>(held_[0]) : 0;
        u8 low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        u8 high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        return byte >= low && byte <= high;
    }

    bool is_shown(char c) const {
        constexpr char kDelete = 0x7f;
        return (c >= ' ' && c != kDelete) || keep_.find(c) != keep_.npos;
    }

    // All of a character is there: a C1 control is two bytes, c2 80 to c2 9f.
    template <typename Out>
    void pass(Out out) {
        bool control = held_[0] == '\xc2' && static_cast<u8>(held_[1]) < 0xa0;
        if (control) {
            out(substitute_);
        }
        for (u32 i = 0; i < size_ && !control; i++) {
            out(held_[i]);
        }
        size_ = 0;
    }

    std::string_view keep_;
    char substitute_;
    char held_[4] = {};
    u32 size_ = 0, need_ = 0;
};

} // namespace sel
