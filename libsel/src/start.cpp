// Start and end of a program: thread block, constructors, main, and the way out.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/ledger.hpp"
#include "sel/program.hpp"

int main();

extern "C" {
extern void (*const __init_array_start[])();
extern void (*const __init_array_end[])();
[[noreturn]] void sel_start(u64 told);
}

namespace sel {

Ledger *detail::ledger_of_program;

void exit(int code) {
    for (;;) {
        Regs r{kExitCall, static_cast<u32>(code), 0, {}};
        kernel_call(r);
    }
}

} // namespace sel

// No function with a buffer may stand above it on the stack: there is no canary yet. Its lowest byte is 0,
// so that no text can hold it; the others an attacker would have to read, or guess from the time.
void sel_start(u64 told) {
    constexpr u64 kSpread = 0x9e3779b97f4a7c15; // 2^64 / golden ratio.
    static_assert(sizeof(sel::ThreadBlock) <= BOOT_THREAD_BLOCK);
    sel::ThreadBlock *block; // Above the stack; whoever starts a program sets the base of fs to it.
    asm("rdfsbase %0" : "=r"(block));
    u64 canary = sel::now() * kSpread << 8, buffer = told + PAGE_BYTES;
    sel::detail::ledger_of_program = reinterpret_cast<sel::Ledger *>(buffer + sel::kLedgerOffset);
    *block = {block, reinterpret_cast<u64 *>(buffer), &sel::ledger().answers, {}, canary};
    for (auto f = __init_array_start; f != __init_array_end; f++) {
        (*f)();
    }
    sel::exit(main());
}
