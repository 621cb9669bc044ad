// EarlyConsole: root's own words on the first serial port, before and besides the console server.
// SPDX-License-Identifier: BSD-2-Clause
//
// Only for what stops the system, or for programs that nobody supervises. Polls, and gives up on a
// port that does not answer. Registers: National Semiconductor PC16550D data sheet, section 8.
#pragma once

#include "sel/capability.hpp"
#include "sel/format.hpp"

namespace root {

class EarlyConsole {
  public:
    explicit constexpr EarlyConsole(sel::IoPort ports) : ports_{ports} {}

    template <typename... Ts>
    void line(std::string_view pattern, const Ts &...values) const {
        sel::Text<400> text{"root: "};
        sel::format(text, pattern, values...);
        write(text);
        write("\r\n");
    }

  private:
    static constexpr u16 kData = 0x3f8, kStatus = 0x3f8 + 5;
    static constexpr u8 kEmpty = 0x20;
    static constexpr u32 kTries = 100'000;

    void write(std::string_view text) const {
        for (char c : text) {
            for (u32 i = 0; i < kTries && (ports_.in8(kStatus).value_or(kEmpty) & kEmpty) == 0;
                 i++) {
            }
            [[maybe_unused]] auto sent = ports_.out8(kData, static_cast<u8>(c));
        }
    }

    sel::IoPort ports_;
};

} // namespace root
