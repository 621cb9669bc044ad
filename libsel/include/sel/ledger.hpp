// Ledger: what a server says of itself, where root looks: the answers that it owes, and its threads.
// SPDX-License-Identifier: BSD-2-Clause
//
// It stands behind the message in the page of the program's first IPC buffer. libsel keeps it (later.hpp,
// server.hpp, thread.hpp); root compares it with what the kernel shows (servers/root/silence.hpp, adr/0083).
#pragma once

#include "sel/kernel.hpp"

namespace sel {

// Milliseconds within which an answer is owed, unless the message says otherwise (protocol.hpp).
inline constexpr u32 kPatienceMs = 1000;
inline constexpr u32 kNoLimit = ~u32{0}; // It waits by its nature: for a key, for a change.

// The caller that a Reply holds.
struct Debt {
    u64 since; // Ticks (now()) when it was kept waiting: no two are the same.
    u32 ms;    // Within which it is to be answered; 0: nobody is owed anything.
    u32 reserved;
};

struct Ledger {
    static constexpr u32 kDebts = 64;
    static constexpr u32 kThreads = 16;

    struct Thread {
        cptr_t tcb;  // 0: none.
        u64 answers; // What it has answered.
    };

    u64 answers;  // Messages that serve() has seen to.
    u64 deadline; // Ticks when serve() goes on by itself; kForever: never. 0: it has not begun.
    Debt debt[kDebts];
    Thread thread[kThreads]; // Besides the first one.
};

inline constexpr u64 kLedgerOffset = BUFFER_WORDS * sizeof(u64);
static_assert(kLedgerOffset + sizeof(Ledger) <= PAGE_BYTES);

#ifdef SEL_HOST
Ledger &ledger();
inline u64 &answer_count() {
    return ledger().answers;
}
#else
inline Ledger &ledger() {
    return *reinterpret_cast<Ledger *>(BOOT_IPC_BUFFER + kLedgerOffset);
}
// The calling thread's.
inline u64 &answer_count() {
    u64 *count;
    asm("mov %%fs:16, %0" : "=r"(count));
    return *count;
}
#endif

} // namespace sel
