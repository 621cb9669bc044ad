// Scheduling contexts: see sched_context.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/sched_context.h"

#include "core/inline.h"

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

// `cost`, which sc has paid, comes back at `due`: not before what came before it.
/*@ requires sc: context(sc);
    requires fits: SC(sc).amount[3] + cost < 0x10000000000000000;
    terminates \true; exits \false;
    assigns sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3];
    ensures a0: \old(SC(sc).amount[0]) == 0 ==> SC(sc).amount[0] == cost && SC(sc).due[0] == due;
    ensures k0: \old(SC(sc).amount[0]) != 0 ==> SC(sc).amount[0] == \old(SC(sc).amount[0]) && SC(sc).due[0] == \old(SC(sc).due[0]);
    ensures a1: \old(SC(sc).amount[0]) != 0 && \old(SC(sc).amount[1]) == 0 ==> SC(sc).amount[1] == cost && SC(sc).due[1] == due;
    ensures k1: \old(SC(sc).amount[0]) == 0 || \old(SC(sc).amount[1]) != 0 ==>
        SC(sc).amount[1] == \old(SC(sc).amount[1]) && SC(sc).due[1] == \old(SC(sc).due[1]);
    ensures a2: \old(SC(sc).amount[0]) != 0 && \old(SC(sc).amount[1]) != 0 && \old(SC(sc).amount[2]) == 0 ==>
        SC(sc).amount[2] == cost && SC(sc).due[2] == due;
    ensures k2: \old(SC(sc).amount[0]) == 0 || \old(SC(sc).amount[1]) == 0 || \old(SC(sc).amount[2]) != 0 ==>
        SC(sc).amount[2] == \old(SC(sc).amount[2]) && SC(sc).due[2] == \old(SC(sc).due[2]);
    ensures a3: \old(SC(sc).amount[0]) != 0 && \old(SC(sc).amount[1]) != 0 && \old(SC(sc).amount[2]) != 0 ==>
        SC(sc).amount[3] == \old(SC(sc).amount[3]) + cost && SC(sc).due[3] == due;
    ensures k3: \old(SC(sc).amount[0]) == 0 || \old(SC(sc).amount[1]) == 0 || \old(SC(sc).amount[2]) == 0 ==>
        SC(sc).amount[3] == \old(SC(sc).amount[3]) && SC(sc).due[3] == \old(SC(sc).due[3]); */
static NOINLINE void sc_owe(u32 sc, u64 cost, u64 due) {
    if (SC(sc).amount[0] == 0) {
        SC(sc).amount[0] = cost;
        SC(sc).due[0] = due;
    } else if (SC(sc).amount[1] == 0) {
        SC(sc).amount[1] = cost;
        SC(sc).due[1] = due;
    } else if (SC(sc).amount[2] == 0) {
        SC(sc).amount[2] = cost;
        SC(sc).due[2] = due;
    } else {
        SC(sc).amount[3] += cost;
        SC(sc).due[3] = due;
    }
}

// It has run since SC(sc).last: pay `cost` for it.
/*@ requires wf: context(sc) && budget(sc) && window(sc);
    requires now: SC(sc).last <= now < 0x200000000000000;
    requires cost: cost == \min(now - SC(sc).last, SC(sc).left);
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].used, sc_view[sc].amount[0 .. 3],
        sc_view[sc].due[0 .. 3], g_spent[sc], g_before[sc];
    ensures last: SC(sc).last == now;
    ensures paid: SC(sc).left == \old(SC(sc).left) - cost;
    ensures first: \old(SC(sc).amount[0]) != 0 ==>
        SC(sc).amount[0] == \old(SC(sc).amount[0]) && SC(sc).due[0] == \old(SC(sc).due[0]);
    ensures used: SC(sc).used == \old(SC(sc).used) + (now - \old(SC(sc).last));
    ENSURES_BUDGET */
INLINE void sc_pay(u32 sc, u64 now, u64 cost) {
    u64 last = SC(sc).last;
    //@ ghost ghost_charged(sc, last, (u64)(last + cost));
    SC(sc).last = now;
    SC(sc).used += now - last;
    SC(sc).left -= cost;
    if (SC(sc).budget != SC(sc).period && cost != 0) {
        sc_owe(sc, cost, last + SC(sc).period);
    }
}

void sc_charge(u32 sc, u64 now) {
    u64 ran = now - SC(sc).last;
    sc_pay(sc, now, ran < SC(sc).left ? ran : SC(sc).left);
}

void sc_spend(u32 sc, u64 now) {
    sc_pay(sc, now, now - SC(sc).last);
}

// Takes back the oldest refill, which is due.
/*@ requires wf: context(sc) && budget(sc) && window(sc) && !full(sc);
    requires due: SC(sc).amount[0] != 0 && SC(sc).due[0] <= SC(sc).last;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3];
    ensures more: SC(sc).left == \old(SC(sc).left) + \old(SC(sc).amount[0]);
    ensures next: SC(sc).amount[0] == \old(SC(sc).amount[1]) && SC(sc).amount[1] == \old(SC(sc).amount[2]) &&
        SC(sc).amount[2] == \old(SC(sc).amount[3]) && SC(sc).amount[3] == 0;
    ENSURES_BUDGET */
static void sc_refill(u32 sc) {
    SC(sc).left += SC(sc).amount[0];
    SC(sc).amount[0] = SC(sc).amount[1];
    SC(sc).due[0] = SC(sc).due[1];
    SC(sc).amount[1] = SC(sc).amount[2];
    SC(sc).due[1] = SC(sc).due[2];
    SC(sc).amount[2] = SC(sc).amount[3];
    SC(sc).due[2] = SC(sc).due[3];
    SC(sc).amount[3] = 0;
}

// sc takes back what is due.
/*@ requires wf: context(sc) && budget(sc) && window(sc) && !full(sc);
    requires now: SC(sc).last == now;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3];
    ensures more: \old(SC(sc).left) <= SC(sc).left;
    ensures all: SC(sc).amount[0] == 0 || now < SC(sc).due[0];
    ENSURES_BUDGET */
static NOINLINE void sc_take_back(u32 sc, u64 now) {
    /*@ loop invariant i: 0 <= i <= REFILL_COUNT;
        loop invariant wf: budget(sc) && window(sc);
        loop invariant more: \at(SC(sc).left, Pre) <= SC(sc).left;
        loop invariant taken: (i >= 1 ==> SC(sc).amount[3] == 0) && (i >= 2 ==> SC(sc).amount[2] == 0) &&
            (i >= 3 ==> SC(sc).amount[1] == 0) && (i >= 4 ==> SC(sc).amount[0] == 0);
        loop assigns i, sc_view[sc].left, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3];
        loop variant REFILL_COUNT - i; */
    for (u32 i = 0; i < REFILL_COUNT && SC(sc).amount[0] != 0 && SC(sc).due[0] <= now; i++) {
        sc_refill(sc);
    }
}

void sc_begin(u32 sc, u64 now) {
    SC(sc).last = now;
    if (SC(sc).budget != SC(sc).period) {
        sc_take_back(sc, now);
    }
}

void sc_replenish(u32 sc, u64 now) {
    sc_begin(sc, now);
    if (SC(sc).budget == SC(sc).period && SC(sc).left < SC_MIN) {
        SC(sc).left = SC(sc).budget;
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
    //@ ghost g_lent[reply] = 0;
}

void context_drop_loan(u32 sc) {
    u32 reply = SC(sc).top;
    lend_pop(sc, reply);
    REPLY(reply).caller.sc = 0;
}
