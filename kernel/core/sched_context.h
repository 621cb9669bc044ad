// Scheduling contexts: budgets, and who has lent which context to whom.
// SPDX-License-Identifier: BSD-2-Clause
//
// What is consumed in a stretch that began at time x comes back at x + period, through a list of at
// most REFILL_COUNT refills, oldest first. When the list is full, its newest entry absorbs the next
// and moves later: the thread waits longer, never shorter. So for every time T, at most `budget` is
// charged in [T, T + period) (INV-WINDOW).
// A context whose budget is its period can never overdraw and is never exhausted: `left` counts its
// time slice, and it has no refills.
// A context with less than SC_MIN left is exhausted. SC_MIN covers one kernel entry; what a late
// timer interrupt lets it consume beyond `left` is counted in `used`, but not charged.
//
// Lend stack: a caller lends its context through the Reply that its server received with. The loans
// of a context form a stack, SC(sc).top the youngest, linked by REPLY(r).below and above; a reply
// through the youngest loan gives the context back to that caller (INV-LEND).
#ifndef CORE_SCHED_CONTEXT_H
#define CORE_SCHED_CONTEXT_H

#include "core/view.h"

enum { SC_MIN = 16 };                // Ticks; the smallest budget.
#define PERIOD_LIMIT 0x400000000000u // Ticks; periods are below it.

// sc begins anew with a full budget at time `now`; what it has used in all remains counted.
void sc_init(u32 sc, u64 budget, u64 period, u64 now);

// The thread on sc begins to run.
static inline void sc_start(u32 sc, u64 now) {
    SC(sc).last = now;
}

// It has run since SC(sc).last: pay for it.
void sc_charge(u32 sc, u64 now);

// Takes back what is due (a context that is always full: begins its next time slice).
// Only after sc_charge if sc runs.
void sc_replenish(u32 sc, u64 now);

// An exhausted context always has a refill to wait for: this is when it comes.
static inline u64 sc_due(u32 sc) {
    return SC(sc).due[0];
}

// The loan through `reply`, whose caller.sc is sc, becomes the youngest of sc.
static inline void lend_push(u32 sc, u32 reply) {
    u32 below = SC(sc).top;
    REPLY(reply).below = below;
    if (below != 0) {
        REPLY(below).above = reply;
    }
    SC(sc).top = reply;
}

// The youngest loan of sc, which is through `reply`, ends.
static inline void lend_pop(u32 sc, u32 reply) {
    u32 below = REPLY(reply).below;
    SC(sc).top = below;
    if (below != 0) {
        REPLY(below).above = 0;
    }
}

// The loan of sc through `reply`, anywhere in the stack, ends.
void lend_remove(u32 sc, u32 reply);

// One step of destroying sc; 0: nothing refers to it any more. Its callers keep waiting for their
// answers, and get no context back with them. Its user, if there is one, has none from then on: a
// ready thread is NO_TIME; the running one (K.run.sc becomes 0) must not go on. The bond of the running
// thread with its context is exact (thread_park).
u32 sched_context_destroy_step(u32 sc);

#endif
