// Line: what a terminal reads and writes: a serial port, and what screens and keyboards of others have to do with it.
// SPDX-License-Identifier: BSD-2-Clause
//
// The port alone says how fast it goes. What it has taken is kept for screens, the last kKept bytes of it.
#pragma once

#include "api.hpp"
#include "uart.hpp"

namespace console {

template <typename Ports>
class Line : public Uart<Ports> {
  public:
    static constexpr u64 kKept = 16384;

    using Uart<Ports>::Uart;

    std::size_t write(std::string_view text) {
        std::size_t taken = Uart<Ports>::write(text);
        for (char c : text.substr(0, taken)) {
            kept_[end_++ % kKept] = c;
        }
        return taken;
    }

    // Position behind the last byte that was written.
    u64 end() const { return end_; }

    // Of the bytes from position `at` on as many as are kept and fit; of a line whose begin is gone nothing, unless
    // there is no other. Returns the position of the first one.
    u64 look(u64 at, stream::Chunk &out) const {
        u64 first = end_ > kKept ? end_ - kKept : 0;
        if (at < first || at > end_) {
            at = first == 0 ? 0 : line_after(first);
        }
        out.size = 0;
        while (at + out.size < end_ && out.size < out.kCapacity) {
            out.byte[out.size] = static_cast<u8>(kept_[(at + out.size) % kKept]);
            out.size++;
        }
        return at;
    }

  private:
    u64 line_after(u64 at) const {
        for (u64 i = at; i < end_; i++) {
            if (kept_[i % kKept] == '\n') {
                return i + 1 < end_ ? i + 1 : at;
            }
        }
        return at;
    }

    std::array<char, kKept> kept_{};
    u64 end_ = 0;
};

} // namespace console
