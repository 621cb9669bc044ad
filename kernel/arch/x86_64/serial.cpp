// A polled 16550 with bounded waits.
// SPDX-License-Identifier: BSD-2-Clause
#include "arch/x86_64/serial.hpp"

#include "arch/x86_64/instructions.h"
#include "arch/x86_64/screen.hpp"

namespace arch {
namespace {

enum { COM1 = 0x3f8, DATA = 0, INTERRUPTS = 1, FIFO = 2, LINE = 3, MODEM = 4, STATUS = 5 };
enum { DEBUG_EXIT = 0xf4, STATUS_EMPTY = 0x20 };

void send(char c) {
    constexpr u32 WAIT_MAX = 100000;
    for (u32 i = 0; i < WAIT_MAX && (port_in(COM1 + STATUS, 1) & STATUS_EMPTY) == 0; i++) {
    }
    port_out(COM1 + DATA, 1, static_cast<u8>(c));
}

void put(char c) {
    if (c == '\n') {
        send('\r');
    }
    send(c);
    screen_put(c);
}

} // namespace

void serial_init() {
    port_out(COM1 + INTERRUPTS, 1, 0);
    port_out(COM1 + LINE, 1, 0x80); // Divisor 1: 115,200 baud; 8 bits, no parity.
    port_out(COM1 + DATA, 1, 1);
    port_out(COM1 + INTERRUPTS, 1, 0);
    port_out(COM1 + LINE, 1, 3);
    port_out(COM1 + FIFO, 1, 7);
    port_out(COM1 + MODEM, 1, 3);
}

void print_one(const char *text) {
    for (; *text != 0; text++) {
        put(*text);
    }
}

void print_one(u64 number) {
    char digits[21];
    u32 i = sizeof digits - 1;
    digits[i] = 0;
    do {
        digits[--i] = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    print_one(&digits[i]);
}

void print_one(Hex number) {
    print_one("0x");
    u32 shift = number.value == 0 ? 0 : bit_top(number.value) / 4 * 4;
    for (u32 i = 0; i <= shift; i += 4) {
        put("0123456789abcdef"[number.value >> (shift - i) & 15]);
    }
}

void stop() {
    port_out(DEBUG_EXIT, 4, 1);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

} // namespace arch
