// Attacks that raise exceptions of the processor (Intel SDM volume 3, table 6-1).
// SPDX-License-Identifier: BSD-2-Clause
#include "attacks.hpp"

namespace attack {

bool divide_by_zero() {
    u64 high = 0, low = 1;
    asm volatile("div %2" : "+a"(low), "+d"(high) : "r"(u64{0}));
    return false;
}

bool single_step() {
    asm volatile("pushf; orq $0x100, (%%rsp); popf; nop; nop" : : : "memory", "cc");
    return false;
}

bool breakpoint() {
    asm volatile("int3");
    return false;
}

bool invalid_opcode() {
    asm volatile("ud2");
    return false;
}

bool use_vectors() {
    asm volatile("pxor %xmm0, %xmm0");
    return false;
}

bool load_segment() {
    asm volatile("mov %0, %%ds" : : "r"(0xfff8));
    return false;
}

bool non_canonical() {
    u64 value;
    asm volatile("mov (%1), %0" : "=r"(value) : "r"(0x8000000000000000));
    return false;
}

bool privileged() {
    asm volatile("cli");
    return false;
}

bool use_ports() {
    u8 value;
    asm volatile("inb $0x60, %0" : "=a"(value));
    return false;
}

bool raise_interrupt() {
    asm volatile("int $0x80");
    return false;
}

} // namespace attack
