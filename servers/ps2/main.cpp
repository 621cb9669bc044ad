// Ps2: types on the console's terminal what is typed on a PS/2 keyboard.
// SPDX-License-Identifier: BSD-2-Clause
#include "controller.hpp"
#include "decoder.hpp"

#include "ps2.caps.hpp"

namespace {

struct Ports {
    static constexpr u16 kData = 0x60, kCommand = 0x64;

    u8 status() const { return caps::command.in8(kCommand).value_or(0xff); }
    u8 data() const { return caps::data.in8(kData).value_or(0); }
    void command(u8 value) const {
        [[maybe_unused]] auto done = caps::command.out8(kCommand, value);
    }
    void send(u8 value) const { [[maybe_unused]] auto done = caps::data.out8(kData, value); }
};

// What fits.
void append(stream::Chunk &text, const ps2::Typed &typed) {
    for (u32 i = 0; i < typed.size && text.size < text.kCapacity; i++) {
        text.byte[text.size++] = static_cast<u8>(typed.byte[i]);
    }
}

// What a console that ends had not taken, or has no room for, is gone.
void type(const stream::Chunk &text) {
    if (text.size != 0) {
        [[maybe_unused]] auto typed = caps::console.call(console::Type{.data = text});
    }
}

} // namespace

int main() {
    ps2::Controller controller{Ports{}};
    ps2::Decoder decoder{ps2::kUs};
    [[maybe_unused]] bool there = controller.start();
    for (;;) {
        [[maybe_unused]] auto unmasked = caps::irq.acknowledge();
        stream::Chunk text;
        controller.drain([&](u8 byte) { append(text, decoder.take(byte)); });
        controller.set_lights(decoder.lights());
        type(text);
        [[maybe_unused]] auto bits = caps::signals.wait();
    }
}
