// Scheduling contexts: budgets, and who has lent which context to whom.
// SPDX-License-Identifier: BSD-2-Clause
//
// Contexts are charged in cycles of the time-stamp counter, from the reading of the clock that let them run
// to the one that took the processor away: there is no stretch that is too short to be paid for.
//
// What is consumed in a stretch that began at time x comes back at x + period, through a list of at
// most REFILL_COUNT refills, oldest first. When the list is full, its newest entry absorbs the next
// and moves later: the thread waits longer, never shorter. So for every time T, at most `budget` is
// charged in [T, T + period) (INV-43).
// A context whose budget is its period can never overdraw and is never exhausted: `left` counts its
// time slice, and it has no refills.
// A context with less than SC_MIN left is exhausted. SC_MIN covers one kernel entry; what a late
// timer interrupt lets it consume beyond `left` is counted in `used`, but not charged.
//
// Lend stack: a caller lends its context through the Reply that its server received with. The loans
// of a context form a stack, SC(sc).top the youngest, linked by REPLY(r).below and above; a reply
// through the youngest loan gives the context back to that caller (INV-44).
#ifndef CORE_SCHED_CONTEXT_H
#define CORE_SCHED_CONTEXT_H

#include "core/view.h"
#include "spec/lend.h"
#include "spec/ready.h"
#include "spec/sched_context.h"
#include "spec/wheel.h"

enum { SC_MIN = 16 * TICK };            // Cycles; the smallest budget.
#define PERIOD_LIMIT 0x100000000000000u // Cycles; periods are below it.

// The parts of budget(sc) and window(sc), one a goal. In contracts.
// clang-format off
#define ENSURES_BUDGET \
    ensures b1: sc_limits(sc); \
    ensures b2: sc_sum(sc); \
    ensures b3: sc_list(sc); \
    ensures b4: sc_order(sc); \
    ensures b5: sc_soon(sc); \
    ensures v1: win_start(sc); \
    ensures v2: win_before(sc); \
    ensures v3: win_debt(sc); \
    ensures v4: win_theorem(sc);
// clang-format on

// sc begins anew with a full budget at time `now`; what it has used in all remains counted.
/*@ requires s: context(sc);
    requires b: SC_MIN <= budget <= period < 0x100000000000000 && SC(sc).used <= now < 0x200000000000000;
    requires window: g_spent[sc] == 0 && g_before[sc] == 0 && g_T1 < 0x200000000000000;
    terminates \true; exits \false;
    assigns sc_view[sc].budget, sc_view[sc].period, sc_view[sc].left, sc_view[sc].last,
        sc_view[sc].amount[0 .. 3];
    ensures set: SC(sc).budget == budget && SC(sc).period == period && SC(sc).left == budget && SC(sc).last == now;
    ENSURES_BUDGET */
void sc_init(u32 sc, u64 budget, u64 period, u64 now);

// It has run since SC(sc).last: pay for it.
/*@ requires wf: context(sc) && budget(sc) && window(sc);
    requires now: SC(sc).last <= now < 0x200000000000000;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].used, sc_view[sc].amount[0 .. 3],
        sc_view[sc].due[0 .. 3], g_spent[sc], g_before[sc];
    ensures last: SC(sc).last == now;
    ensures paid: SC(sc).left == \max(0, \old(SC(sc).left) - (now - \old(SC(sc).last)));
    ensures first: \old(SC(sc).amount[0]) != 0 ==>
        SC(sc).amount[0] == \old(SC(sc).amount[0]) && SC(sc).due[0] == \old(SC(sc).due[0]);
    ensures used: SC(sc).used == \old(SC(sc).used) + (now - \old(SC(sc).last));
    ENSURES_BUDGET */
void sc_charge(u32 sc, u64 now);

// The same where it keeps enough to run on.
/*@ requires wf: context(sc) && budget(sc) && window(sc);
    requires now: SC(sc).last <= now < 0x200000000000000;
    requires enough: now - SC(sc).last + SC_MIN <= SC(sc).left;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].used, sc_view[sc].amount[0 .. 3],
        sc_view[sc].due[0 .. 3], g_spent[sc], g_before[sc];
    ensures last: SC(sc).last == now;
    ensures paid: SC(sc).left == \old(SC(sc).left) - (now - \old(SC(sc).last));
    ensures first: \old(SC(sc).amount[0]) != 0 ==>
        SC(sc).amount[0] == \old(SC(sc).amount[0]) && SC(sc).due[0] == \old(SC(sc).due[0]);
    ensures used: SC(sc).used == \old(SC(sc).used) + (now - \old(SC(sc).last));
    ENSURES_BUDGET */
void sc_spend(u32 sc, u64 now);

// Accounts sc up to now without charging it: it did not run. Takes back what is due.
/*@ requires wf: context(sc) && budget(sc) && window(sc);
    requires now: SC(sc).last <= now < 0x200000000000000;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3];
    ensures last: SC(sc).last == now;
    ensures more: \old(SC(sc).left) <= SC(sc).left;
    ensures all: SC(sc).amount[0] == 0 || now < SC(sc).due[0];
    ENSURES_BUDGET */
void sc_begin(u32 sc, u64 now);

// The same; a context that is always full begins its next time slice if this one is over.
/*@ requires wf: context(sc) && budget(sc) && window(sc);
    requires now: SC(sc).last <= now < 0x200000000000000;
    terminates \true; exits \false;
    assigns sc_view[sc].left, sc_view[sc].last, sc_view[sc].amount[0 .. 3], sc_view[sc].due[0 .. 3];
    ensures last: SC(sc).last == now;
    ensures more: \old(SC(sc).left) <= SC(sc).left;
    ensures all: SC(sc).amount[0] == 0 || now < SC(sc).due[0];
    ensures wait: SC(sc).left < SC_MIN ==> SC(sc).amount[0] != 0;
    ENSURES_BUDGET */
void sc_replenish(u32 sc, u64 now);

// An exhausted context always has a refill to wait for: this is when it comes.
/*@ requires wf: context(sc) && budget(sc);
    requires out: SC(sc).amount[0] != 0;
    terminates \true; exits \false; assigns \nothing;
    ensures first: \result == SC(sc).due[0] && \result <= SC(sc).last + SC(sc).period;
    ensures least: (SC(sc).amount[1] != 0 ==> \result <= SC(sc).due[1]) &&
        (SC(sc).amount[2] != 0 ==> \result <= SC(sc).due[2]) &&
        (SC(sc).amount[3] != 0 ==> \result <= SC(sc).due[3]); */
static inline u64 sc_due(u32 sc) {
    return SC(sc).due[0];
}

// The loan through `reply` becomes the youngest of sc; its caller.sc names sc, before or after.
/*@ requires wf: loans;
    requires r: reply != 0 && sc != 0 && g_lent[reply] == 0;
    requires room: lend_room;
    terminates \true; exits \false;
    assigns reply_view[0 .. 0xffffffff].below, reply_view[0 .. 0xffffffff].above, sc_view[sc].top,
        g_lent[reply], g_turn[reply], g_turns;
    ensures l1: lend_in;
    ensures l3: lend_below;
    ensures l4: lend_above;
    ensures l5: lend_order;
    ensures l6: lend_top;
    ensures l7: lend_distinct;
    ensures l8: lend_ends;
    ensures l9: lend_free;
    ensures in: g_lent[reply] == sc && SC(sc).top == reply && REPLY(reply).below == \old(SC(sc).top);
    ensures once: g_turns == \old(g_turns) + 1; */
static inline void lend_push(u32 sc, u32 reply) {
    u32 below = SC(sc).top;
    REPLY(reply).below = below;
    if (below != 0) {
        REPLY(below).above = reply;
    }
    SC(sc).top = reply;
    //@ ghost g_lent[reply] = sc; g_turn[reply] = g_turns; g_turns++;
}

// The youngest loan of sc, which is through `reply`, ends.
/*@ requires wf: loans;
    requires r: sc != 0 && SC(sc).top == reply && reply != 0;
    terminates \true; exits \false;
    assigns reply_view[0 .. 0xffffffff].above, sc_view[sc].top, g_lent[reply];
    ensures l1: lend_in;
    ensures l3: lend_below;
    ensures l4: lend_above;
    ensures l5: lend_order;
    ensures l6: lend_top;
    ensures l7: lend_distinct;
    ensures l8: lend_ends;
    ensures l9: lend_free;
    ensures out: g_lent[reply] == 0 && SC(sc).top == REPLY(reply).below;
    ensures youngest: \forall integer r; \old(lent(r)) && \old(g_lent[r]) == sc ==> g_turn[r] <= g_turn[reply];
    ensures empty: SC(sc).top == 0 ==> (\forall integer r; reply(r) ==> g_lent[r] != sc); */
static inline void lend_pop(u32 sc, u32 reply) {
    u32 below = REPLY(reply).below;
    SC(sc).top = below;
    if (below != 0) {
        REPLY(below).above = 0;
    }
    //@ ghost g_lent[reply] = 0;
}

// The loan of sc through `reply`, anywhere in the stack, ends.
/*@ requires wf: loans;
    requires r: sc != 0 && lent(reply) && g_lent[reply] == sc;
    terminates \true; exits \false;
    assigns reply_view[0 .. 0xffffffff].below, reply_view[0 .. 0xffffffff].above, sc_view[sc].top,
        g_lent[reply];
    ensures l1: lend_in;
    ensures l3: lend_below;
    ensures l4: lend_above;
    ensures l5: lend_order;
    ensures l6: lend_top;
    ensures l7: lend_distinct;
    ensures l8: lend_ends;
    ensures l9: lend_free;
    ensures out: g_lent[reply] == 0;
    ensures top: SC(sc).top == (\old(SC(sc).top) == reply ? \old(REPLY(reply).below) : \old(SC(sc).top)); */
void lend_remove(u32 sc, u32 reply);

// The end of a context sc is context_drop_loan() until it has lent nothing, then context_end(). The bond
// of the running thread with its context is exact (thread_park).

// The youngest loan of sc ends; its caller keeps waiting for its answer, and gets no context back with it.
/*@ requires wf: loans && lend_bond;
    requires sc: sc != 0 && SC(sc).top != 0;
    requires lent: \forall integer r; reply(r) && REPLY(r).caller.sc == sc ==> g_lent[r] == sc;
    terminates \true; exits \false;
    assigns reply_view[0 .. 0xffffffff].above, reply_view[SC(sc).top].caller.sc, sc_view[sc].top,
        g_lent[SC(sc).top];
    ensures l1: lend_in;
    ensures l2: lend_below;
    ensures l3: lend_above;
    ensures l4: lend_order;
    ensures l5: lend_top;
    ensures l6: lend_distinct;
    ensures l7: lend_ends;
    ensures l8: lend_free;
    ensures l9: lend_bond;
    ensures lent: \forall integer r; reply(r) && REPLY(r).caller.sc == sc ==> g_lent[r] == sc;
    ensures step: \let r = \old(SC(sc).top); g_lent[r] == 0 && REPLY(r).caller.sc == 0; */
void context_drop_loan(u32 sc);

#endif
