// The last words of the kernel: registers, the running thread, the trace's tail.
// SPDX-License-Identifier: BSD-2-Clause
//
// After an exception of its own code (a bug), an NMI or a machine check.
#include "arch/x86_64/machine.h"
#include "arch/x86_64/screen.hpp"
#include "arch/x86_64/serial.hpp"
#include "arch/x86_64/trace.hpp"

namespace arch {
namespace {

// As exception_kernel of entry.S leaves it on the stack.
struct Frame {
    u64 rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    u64 vector, error, rip, cs, rflags, rsp, ss;
};

u64 read_cr2() {
    u64 value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

void print_registers(const Frame &f) {
    print("rip ", Hex{f.rip}, " rsp ", Hex{f.rsp}, " rflags ", Hex{f.rflags}, " cr2 ",
          Hex{read_cr2()}, "\n");
    print("rax ", Hex{f.rax}, " rbx ", Hex{f.rbx}, " rcx ", Hex{f.rcx}, " rdx ", Hex{f.rdx}, "\n");
    print("rsi ", Hex{f.rsi}, " rdi ", Hex{f.rdi}, " rbp ", Hex{f.rbp}, " r8 ", Hex{f.r8}, "\n");
    print("r9 ", Hex{f.r9}, " r10 ", Hex{f.r10}, " r11 ", Hex{f.r11}, " r12 ", Hex{f.r12}, "\n");
    print("r13 ", Hex{f.r13}, " r14 ", Hex{f.r14}, " r15 ", Hex{f.r15}, "\n");
}

} // namespace

extern "C" [[noreturn]] void panic_exception(const Frame &frame) {
    constexpr u32 TAIL = 16;
    static bool again; // In what follows, too, something may be wrong.
    if (again) {
        screen.rows = screen.height = 0;
    }
    again = true;
    screen_begin(screen.alarm);
    print("\nTRustOs panic: exception ", frame.vector, (frame.cs & 3) == 0 ? " in the kernel" : "",
          ", error code ", Hex{frame.error}, "\n");
    print_registers(frame);
    print("thread ", Hex{K.run.tcb}, " context ", Hex{K.run.sc}, "\n");
    trace_print(TAIL);
    stop();
}

} // namespace arch
