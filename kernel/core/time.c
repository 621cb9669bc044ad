// Time: see time.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/time.h"
#include "core/leaf.h"

#define TICKS_LIMIT                                                                                \
    0x800000000000u // The longest wait, and more than any time that the clock gives.

// An exhausted context waits for its first refill, at least until the next tick.
static void time_wait_refill(u32 sc, u64 now) {
    u64 due = sc_due(sc);
    if (due <= now) {
        due = now + 1u;
    }
    TIMER(sc + SC_TIMER).kind = TIMER_CONTEXT;
    wheel_insert(sc + SC_TIMER, due);
}

// Charges sc, which has run; if that exhausts it, it waits. Not 0: its budget or slice is over.
static u32 time_charge(u32 sc, u64 now) {
    sc_charge(sc, now);
    u32 over = SC(sc).left < SC_MIN;
    if (over) {
        sc_replenish(sc, now);
        if (!time_has_budget(sc) && !wheel_has(sc + SC_TIMER)) {
            time_wait_refill(sc, now);
        }
    }
    return over;
}

static void time_set_alarm(u32 sc) {
    u64 alarm = wheel_next();
    if (sc != 0) {
        u64 end = SC(sc).last + SC(sc).left;
        if (end < alarm) {
            alarm = end;
        }
    }
    clock_alarm(alarm);
}

void time_switch(u32 from, u32 to) {
    u64 now = clock_now();
    if (from != 0) {
        time_charge(from, now);
    }
    if (to != 0) {
        sc_replenish(to, now);
    }
    K.run.sc = to;
    time_set_alarm(to);
}

u32 time_charge_running(void) {
    u32 sc = K.run.sc;
    return sc == 0 ? 0 : time_charge(sc, clock_now());
}

void time_alarm(void) {
    time_set_alarm(K.run.sc);
}

u32 time_step(void) {
    u64 now = clock_now();
    u32 n = wheel_step(now);
    if (n > WHEEL_MORE && timer_is_context(n)) {
        u32 sc = timer_context(n);
        if (sc == K.run.sc) {
            sc_charge(sc, now);
        }
        sc_replenish(sc, now);
        if (!time_has_budget(sc)) {
            time_wait_refill(sc, now);
        }
    }
    return n;
}

void time_start(u32 t, u64 ticks) {
    u64 now = clock_now();
    u64 due = now + 1u + (ticks < TICKS_LIMIT ? ticks : TICKS_LIMIT - 2u);
    wheel_insert(t + TCB_TIMER, due);
    time_alarm();
}
