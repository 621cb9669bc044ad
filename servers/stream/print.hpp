// Printer: lines for a person, of a program that has nothing else to do when they cannot be shown.
// SPDX-License-Identifier: BSD-2-Clause
//
//   constexpr stream::Printer print{caps::console};
//   print("{} of {} blocks\n", done, all);
#pragma once

#include "api.hpp"

#include "sel/format.hpp"

namespace stream {

template <typename Api>
class Printer {
  public:
    static constexpr u32 kMost = 400; // Bytes at a time; what is longer is cut off.

    explicit constexpr Printer(sel::Client<Api> out) : out_{out} {}

    // `pattern` as sel::format() has it. A refusal is not told: there is nobody left whom it could be told.
    template <typename... Ts>
    void operator()(std::string_view pattern, const Ts &...values) const {
        sel::Text<kMost> text;
        sel::format(text, pattern, values...);
        [[maybe_unused]] auto printed = put_all(out_, text);
    }

  private:
    sel::Client<Api> out_;
};

} // namespace stream
