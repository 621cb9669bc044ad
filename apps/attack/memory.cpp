// Attacks on memory: reading, writing and executing what is not there for it.
// SPDX-License-Identifier: BSD-2-Clause
#include "attacks.hpp"

namespace attack {
namespace {

constexpr u64 kKernel = 0xffffffff80000000; // Where its image is linked.
constexpr u64 kForeign = 0x7ffd00000000;    // Where root maps pages of others.
constexpr u8 kReturn = 0xc3;

volatile u64 sink;

// The same number, of which the compiler knows nothing.
u64 hidden(u64 number) {
    asm volatile("" : "+r"(number));
    return number;
}

void read(u64 address) {
    sink = *reinterpret_cast<volatile u64 *>(hidden(address));
}
void write(u64 address) {
    *reinterpret_cast<volatile u64 *>(hidden(address)) = 0;
}
void call(u64 address) {
    asm volatile("call *%0" : : "r"(address) : "memory");
}

[[gnu::noinline]] u64 recurse(u64 depth) { // NOLINT(misc-no-recursion): that is the attack.
    volatile u64 frame[64] = {depth};
    return hidden(depth) == ~u64{0} ? 0 : recurse(depth + 1) + frame[depth % 64];
}

// Writes as many bytes as it is told to, of which it has room for 16.
[[gnu::noinline]] void overflow(u64 bytes) {
    u8 buffer[16];
    volatile u8 *to = buffer;
    for (u64 i = 0; i < bytes; i++) {
        to[i] = kReturn;
    }
}

} // namespace

bool read_kernel() {
    read(kKernel);
    return false;
}

bool write_kernel() {
    write(kKernel);
    return false;
}

bool jump_to_kernel() {
    call(kKernel);
    return false;
}

bool read_foreign() {
    read(kForeign);
    return false;
}

bool follow_null() {
    read(0x10);
    return false;
}

bool write_code() {
    write(reinterpret_cast<u64>(&read_kernel));
    return false;
}

bool execute_stack() {
    volatile u8 code[16] = {kReturn};
    call(reinterpret_cast<u64>(&code[0]));
    return false;
}

bool smash_stack() {
    overflow(hidden(64));
    return false;
}

bool use_up_stack() {
    sink = recurse(0);
    return false;
}

} // namespace attack
