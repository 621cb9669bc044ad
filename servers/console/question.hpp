// Question: what the terminal itself asks, so that the answer is a person's, and an answer to this.
// SPDX-License-Identifier: BSD-2-Clause
//
//   ask()  all that was written before leaves first: until then it is not shown
//   shown  it leaves, and what has been typed until then is thrown away: nobody had read it
//   open   the first key is the answer: `y` is yes; all else is no, and so is silence
// The mark is a control sequence (ECMA-48: reverse video), which nobody else can send to a terminal.
#pragma once

#include "servers/stream/api.hpp"

#include "sel/clock.hpp"
#include "sel/format.hpp"
#include "sel/printable.hpp"

namespace console {

// Of what others say only text.
template <typename Text>
void append_printable(Text &to, std::string_view from) {
    sel::Printable printable{"", '?'};
    auto put = [&](char c) { to.append(c); };
    for (char c : from) {
        printable.put(c, put);
    }
    printable.end(put);
}

class Question {
  public:
    static constexpr std::string_view kMark = "\x1b[7m[?]\x1b[0m ";

    // Until it is answered.
    bool is_open() const { return state_ != State::None; }
    u64 due() const { return is_open() ? due_ : sel::kForever; }

    void ask(const stream::Ask &m, u32 client, sel::Later<stream::Ask> later) {
        text_.clear();
        text_.append('\n');
        text_.append(kMark);
        append_printable(text_, m.data);
        text_.append(" asks for ");
        append_printable(text_, m.what);
        text_.append(". May it have that, this once? (y/n) ");
        client_ = client;
        later_ = std::move(later);
        due_ = sel::now() + sel::milliseconds(stream::kAskMs);
        state_ = State::Asked;
    }

    void forget(u32 client) {
        if (is_open() && client == client_) {
            later_ = {};
            state_ = State::None;
        }
    }

    // As far as it can.
    template <typename Uart>
    void go_on(Uart &uart) {
        if (state_ == State::Asked && uart.idle()) {
            uart.write(text_);
            state_ = State::Shown;
        }
        if (state_ == State::Shown) {
            drop_input(uart);
            state_ = uart.idle() ? State::Open : State::Shown;
        }
        if (state_ == State::Open && uart.can_read()) {
            u8 key = uart.typed(0);
            drop_input(uart);
            end(uart, key == 'y' || key == 'Y');
        } else if (is_open() && (due_ <= sel::now() || !later_.waits())) {
            end(uart, false);
        }
    }

  private:
    enum class State : u8 { None, Asked, Shown, Open };

    // Also what the chip still has.
    template <typename Uart>
    static void drop_input(Uart &uart) {
        constexpr u32 kTimes = 64; // A sender that does not stop does not hold us.
        uart.service();
        for (u32 i = 0; i < kTimes && uart.can_read(); i++) {
            uart.drop(uart.input());
        }
    }

    template <typename Uart>
    void end(Uart &uart, bool given) {
        state_ = State::None;
        uart.write(given ? "yes\n" : "no\n");
        later_.answer(stream::Consent{given ? 1u : 0u});
    }

    State state_ = State::None;
    u32 client_ = 0; // Who wants to know.
    u64 due_ = 0;    // Ticks.
    sel::Later<stream::Ask> later_;
    sel::Text<256> text_;
};

} // namespace console
