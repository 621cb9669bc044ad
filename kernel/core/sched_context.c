// Scheduling contexts: see sched_context.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/sched_context.h"
#include "core/ready.h"
#include "core/wheel.h"

void sc_init(u32 sc, u64 budget, u64 period, u64 now) {
    SC(sc).budget = budget;
    SC(sc).period = period;
    SC(sc).left = budget;
    SC(sc).last = now;
    SC(sc).amount[0] = 0;
    SC(sc).amount[1] = 0;
    SC(sc).amount[2] = 0;
    SC(sc).amount[3] = 0;
}

// `amount`, which is not 0, comes back at time `due`, later than all others.
static void sc_refill_add(u32 sc, u64 amount, u64 due) {
    if (SC(sc).amount[0] == 0) {
        SC(sc).amount[0] = amount;
        SC(sc).due[0] = due;
    } else if (SC(sc).amount[1] == 0) {
        SC(sc).amount[1] = amount;
        SC(sc).due[1] = due;
    } else if (SC(sc).amount[2] == 0) {
        SC(sc).amount[2] = amount;
        SC(sc).due[2] = due;
    } else {
        SC(sc).amount[3] += amount;
        SC(sc).due[3] = due;
    }
}

void sc_charge(u32 sc, u64 now) {
    u64 last = SC(sc).last, ran = now - last;
    u64 cost = ran < SC(sc).left ? ran : SC(sc).left;
    SC(sc).last = now;
    SC(sc).used += ran;
    SC(sc).left -= cost;
    if (cost != 0 && SC(sc).budget != SC(sc).period) {
        sc_refill_add(sc, cost, last + SC(sc).period);
    }
}

static void sc_refill_take(u32 sc) {
    SC(sc).left += SC(sc).amount[0];
    SC(sc).amount[0] = SC(sc).amount[1];
    SC(sc).due[0] = SC(sc).due[1];
    SC(sc).amount[1] = SC(sc).amount[2];
    SC(sc).due[1] = SC(sc).due[2];
    SC(sc).amount[2] = SC(sc).amount[3];
    SC(sc).due[2] = SC(sc).due[3];
    SC(sc).amount[3] = 0;
}

void sc_replenish(u32 sc, u64 now) {
    SC(sc).last = now;
    if (SC(sc).budget == SC(sc).period) {
        if (SC(sc).left < SC_MIN) {
            SC(sc).left = SC(sc).budget;
        }
        return;
    }
    for (u32 i = 0; i < REFILL_COUNT && SC(sc).amount[0] != 0 && SC(sc).due[0] <= now; i++) {
        sc_refill_take(sc);
    }
}

void lend_remove(u32 sc, u32 reply) {
    u32 below = REPLY(reply).below, above = REPLY(reply).above;
    if (above == 0) {
        SC(sc).top = below;
    } else {
        REPLY(above).below = below;
    }
    if (below != 0) {
        REPLY(below).above = above;
    }
    REPLY(reply).above = 0;
}

// Takes sc, which is not lent, from the thread that has it.
static void sc_take(u32 sc) {
    u32 t = SC(sc).tcb;
    SC(sc).tcb = 0;
    if (K.run.sc == sc) {
        K.run.sc = 0;
    }
    if (t == 0) {
        return;
    }
    TCB(t).sc = 0;
    if (TCB(t).state == STATE_READY) {
        ready_remove(t);
        TCB(t).state = STATE_NO_TIME;
    }
}

u32 sched_context_destroy_step(u32 sc) {
    u32 reply = SC(sc).top;
    if (reply != 0) {
        lend_pop(sc, reply);
        REPLY(reply).caller.sc = 0;
        return 1;
    }
    sc_take(sc);
    if (wheel_has(sc + SC_TIMER)) {
        wheel_cancel(sc + SC_TIMER);
    }
    return 0;
}
