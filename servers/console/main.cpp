// Console: wires the first serial port to the terminal, and its protocols to who may use them.
// SPDX-License-Identifier: BSD-2-Clause
#include "console.hpp"

#include "console.caps.hpp"
#include "sel/server.hpp"

namespace {

struct Com1 {
    static constexpr u16 kBase = 0x3f8;

    u8 in(unsigned reg) const { return caps::uart.in8(static_cast<u16>(kBase + reg)).value_or(0); }
    void out(unsigned reg, u8 value) const {
        [[maybe_unused]] auto done = caps::uart.out8(static_cast<u16>(kBase + reg), value);
    }
};

class Server : public console::Console<Com1> {
  public:
    using Console::Console;
    void on_signal(u64) {
        [[maybe_unused]] auto unmasked = caps::irq.acknowledge();
        interrupted();
    }
};

Server server{Com1{}};

} // namespace

int main() {
    server.start();
    sel::serve<stream::Terminal, stream::Out, stream::In, stream::Control, console::Screen,
               console::Keyboard>(caps::service, server);
}
