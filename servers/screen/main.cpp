// Screen: shows what the console's terminal shows on the boot loader's frame buffer.
// SPDX-License-Identifier: BSD-2-Clause
//
// It asks the console for what there is to see, again and again: whoever prints waits for nothing here, and a screen
// that starts anew gets what it showed before.
#include "view.hpp"

#include "screen.caps.hpp"

#include "sel/clock.hpp"

namespace {

screen::Cells cells, painted;

// Until a console that ended is asked anew: the next one, or none for a while.
u64 retry_ticks() {
    constexpr u64 kMilliseconds = 20;
    return sel::milliseconds(kMilliseconds);
}

[[noreturn]] void show(const sel::Painter &painter) {
    screen::Terminal terminal{cells};
    screen::View view{painter, terminal, painted};
    console::Show ask{.life = 0, .at = 0, .columns = terminal.columns(), .rows = terminal.rows()};
    for (;;) {
        sel::Result<console::Shown> shown = caps::console.call(ask);
        if (!shown) {
            [[maybe_unused]] auto later = caps::signals.wait(retry_ticks());
            continue;
        }
        if (shown->life != ask.life || shown->at != ask.at) {
            terminal.restart();
        }
        std::span<const u8> bytes = shown->data.span();
        terminal.write({reinterpret_cast<const char *>(bytes.data()), bytes.size()});
        view.paint();
        ask.life = shown->life;
        ask.at = shown->at + bytes.size();
    }
}

} // namespace

int main() {
    sel::Painter painter;
    if (painter.begin(caps::display.view())) {
        show(painter);
    }
    for (;;) { // There is no screen.
        [[maybe_unused]] auto never = caps::signals.wait();
    }
}
