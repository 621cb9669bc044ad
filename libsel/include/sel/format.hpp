// format(): "{}" places filled with numbers and text, into any buffer that can append.
// SPDX-License-Identifier: BSD-2-Clause
//
//   sel::Text<80> line;
//   sel::format(line, "{} of {} pages at {:x}", used, total, address);
// In the braces, all optional: `<` (numbers to the left; text always is), `0` (fill with zeroes),
// a width, `x` (hexadecimal): {:08x} {:6} {:<10}. "{{" is a brace. A place without argument shows
// as "{?}".
#pragma once

#include <concepts>
#include <span>
#include <string_view>

#include "abi/types.h"
#include "sel/bytes.hpp"

namespace sel {

// One argument of format().
class Value {
  public:
    constexpr Value(bool b) : Value(std::string_view(b ? "true" : "false")) {}
    constexpr Value(char c) : letter_{c}, kind_{LETTER} {}
    constexpr Value(std::unsigned_integral auto n) : number_{n}, kind_{UNSIGNED} {}
    constexpr Value(std::signed_integral auto n) : number_{static_cast<u64>(n)}, kind_{SIGNED} {}
    constexpr Value(std::string_view s) : text_{s}, kind_{TEXT} {}
    constexpr Value(const char *s) : text_{s}, kind_{TEXT} {}
    template <u32 N>
    constexpr Value(const Text<N> &t) : text_{t.view()}, kind_{TEXT} {}

    // Writes it as `spec` says (what stands behind the colon); returns the length.
    u32 write(std::span<char> to, std::string_view spec) const;

  private:
    enum Kind : u8 { UNSIGNED, SIGNED, TEXT, LETTER };

    u64 number_ = 0;
    std::string_view text_;
    char letter_ = 0;
    Kind kind_;
};

// Writes into `to`, cuts what does not fit; returns the length.
u32 format_to(std::span<char> to, std::string_view pattern, std::span<const Value> values);

template <u32 N, typename... Ts>
void format(Text<N> &to, std::string_view pattern, const Ts &...values) {
    const Value list[sizeof...(Ts) + 1] = {Value{values}..., Value{0u}};
    to.size += format_to({to.byte + to.size, N - to.size}, pattern, {list, sizeof...(Ts)});
}

} // namespace sel
