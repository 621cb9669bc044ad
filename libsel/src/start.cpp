// Start and end of a program: thread block, constructors, main, and the way out.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/program.hpp"

int main();

extern "C" {
extern void (*const __init_array_start[])();
extern void (*const __init_array_end[])();
[[noreturn]] void sel_start();
}

namespace sel {

void set_thread_block(ThreadBlock *block) {
    asm volatile("wrfsbase %0" : : "r"(block) : "memory");
}

void exit(int code) {
    for (;;) {
        Regs r{kExitCall, static_cast<u32>(code), 0, {}};
        kernel_call(r);
    }
}

} // namespace sel

void sel_start() {
    static sel::ThreadBlock block;
    block = {&block, reinterpret_cast<u64 *>(sel::kBufferAddress)};
    sel::set_thread_block(&block);
    for (auto f = __init_array_start; f != __init_array_end; f++) {
        (*f)();
    }
    sel::exit(main());
}
