// EarlyConsole: root's own words on the first serial port and on the screen, before and besides the console server.
// SPDX-License-Identifier: BSD-2-Clause
//
// Only for what stops the system, or for programs that nobody supervises. Polls, and gives up on a
// port that does not answer. Registers: National Semiconductor PC16550D data sheet, section 8. While a program has the
// screen, only the last row is written to: it repaints what it changes.
#pragma once

#include "screen.hpp"

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
        show(text);
    }

    // From now on, below what the kernel has written.
    void show_on(const Screen &screen) {
        sel::DisplayView view = sel::Display{kScreenWindow}.view();
        if (painter_.begin(view)) {
            screen_ = &screen;
            row_ = view.framebuffer.row;
        }
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

    void show(std::string_view text) const {
        if (screen_ == nullptr) {
            return;
        }
        u32 last = painter_.rows() - 1, length = static_cast<u32>(text.size());
        u32 row = screen_->given() || row_ > last ? last : row_++;
        for (u32 column = 0; column < painter_.columns(); column++) {
            char c = column < length ? text[column] : ' ';
            painter_.put({column, row}, static_cast<u8>(c), kColours);
        }
    }

    static constexpr sel::Painter::Colours kColours{7, 0};

    sel::IoPort ports_;
    sel::Painter painter_;
    const Screen *screen_ = nullptr;
    mutable u32 row_ = 0; // Of the screen: the next one.
};

} // namespace root
