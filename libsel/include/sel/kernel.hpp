// The kernel call: one instruction, its registers, and the IPC buffer behind them.
// SPDX-License-Identifier: BSD-2-Clause
//
// Everything else in libsel goes through kernel_call(). In host tests (SEL_HOST) it is a function
// that the test supplies, so the same code runs against a simulated kernel.
#pragma once

#include "abi/boot_info.h"
#include "abi/call.h"
#include "abi/capability.h"
#include "abi/error.h"

namespace sel {

// Registers of a call, before and after: see abi/call.h.
struct Regs {
    u64 number; // After: error_t.
    u64 cptr;   // After: badge.
    u64 info;
    u64 word[MESSAGE_REGISTERS];

    error_t error() const { return static_cast<error_t>(number); }
    u64 badge() const { return cptr; }
    u32 label() const { return static_cast<u32>(info >> INFO_LABEL_SHIFT); }
    u32 length() const { return static_cast<u32>(info & INFO_LENGTH); }
    bool has_capability() const { return (info & INFO_CAP) != 0; }
    bool is_signal() const { return (info & INFO_SIGNAL) != 0; }
};

#ifdef SEL_HOST

void kernel_call(Regs &r);
u64 *ipc_buffer();
u64 now();

#else

inline void kernel_call(Regs &r) {
    register u64 w0 asm("rdx") = r.word[0];
    register u64 w1 asm("r10") = r.word[1];
    register u64 w2 asm("r8") = r.word[2];
    register u64 w3 asm("r9") = r.word[3];
    asm volatile("syscall"
                 : "+a"(r.number), "+D"(r.cptr), "+S"(r.info), "+r"(w0), "+r"(w1), "+r"(w2),
                   "+r"(w3)
                 :
                 : "rcx", "r11", "cc", "memory");
    r.word[0] = w0;
    r.word[1] = w1;
    r.word[2] = w2;
    r.word[3] = w3;
}

// The block that fs points to, one a thread.
struct ThreadBlock {
    ThreadBlock *self;
    u64 *buffer;
    u64 *answers; // Its count in the ledger (ledger.hpp).
    u64 reserved[2];
    u64 canary; // At fs:0x28, where compilers look for it (-fstack-protector).
};
static_assert(__builtin_offsetof(ThreadBlock, canary) == 0x28);

// The canary of this program: all its threads have the same.
inline u64 stack_canary() {
    u64 canary;
    asm("mov %%fs:0x28, %0" : "=r"(canary));
    return canary;
}

// The calling thread's IPC buffer: BUFFER_WORDS words.
inline u64 *ipc_buffer() {
    u64 *buffer;
    asm("mov %%fs:8, %0" : "=r"(buffer));
    return buffer;
}

// Time in ticks, as the kernel counts it for timeouts and budgets.
inline u64 now() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (static_cast<u64>(high) << 32 | low) >> CLOCK_SHIFT;
}

#endif

inline Regs call(call_t number, cptr_t cptr, u64 info = 0, u64 a0 = 0, u64 a1 = 0, u64 a2 = 0,
                 u64 a3 = 0) {
    Regs r{number, cptr, info, {a0, a1, a2, a3}};
    kernel_call(r);
    return r;
}

// The address of slot `index` of the CNode in slot `cnode` of the own CSpace.
constexpr cptr_t in_cnode(cptr_t cnode, u32 index) {
    return (cnode & 0xffffffff) | static_cast<u64>(index) << 32;
}

// A wait without end.
inline constexpr u64 kForever = ~0ull;

// Bounds the next wait of this thread to `ticks`; returns what to or into `info`.
inline u64 timeout_info(u64 ticks) {
    if (ticks == kForever) {
        return 0;
    }
    ipc_buffer()[BUFFER_TIMEOUT] = ticks;
    return INFO_TIMEOUT;
}

} // namespace sel
