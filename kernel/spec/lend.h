// Vocabulary of the proofs: the lend stack (core/sched_context.h).
// SPDX-License-Identifier: BSD-2-Clause
//
// Ghost state: g_lent[r] is the context on whose stack the loan through Reply r is (0: none),
// g_turn[r] its ticket: older loans have smaller ones.
#ifndef SPEC_LEND_H
#define SPEC_LEND_H

#include "core/view.h"

//@ ghost u32 g_lent[0x100000000]; u64 g_turn[0x100000000]; u64 g_turns;

/*@ predicate reply(integer r) = 1 <= r < 0x100000000;
    predicate lent{L}(integer r) = reply(r) && g_lent[r] != 0;
    predicate lend_room{L} = g_turns < 0xffffffffffffffff;

    predicate lend_in{L} = \forall integer r; lent(r) ==> SC(g_lent[r]).top != 0 && g_turn[r] < g_turns;
    // Not part of `loans`: who lends and returns keeps it (core/reply.c, core/endpoint.c).
    predicate lend_bond{L} = \forall integer r; lent(r) ==> REPLY(r).caller.sc == g_lent[r];
    predicate lend_back{L} = \forall integer r; reply(r) && REPLY(r).caller.sc != 0 ==>
        g_lent[r] == REPLY(r).caller.sc;
    predicate lend_below{L} = \forall integer r; lent(r) && REPLY(r).below != 0 ==>
        g_lent[REPLY(r).below] == g_lent[r] && REPLY(REPLY(r).below).above == r &&
        g_turn[REPLY(r).below] < g_turn[r];
    predicate lend_above{L} = \forall integer r; lent(r) ==>
        (REPLY(r).above == 0 ? SC(g_lent[r]).top == r :
            g_lent[REPLY(r).above] == g_lent[r] && REPLY(REPLY(r).above).below == r &&
            g_turn[r] < g_turn[REPLY(r).above]);
    predicate lend_order{L} = \forall integer r, v; lent(r) && lent(v) && g_lent[r] == g_lent[v] &&
        g_turn[v] < g_turn[r] ==> REPLY(r).below != 0 && g_turn[v] <= g_turn[REPLY(r).below];
    predicate lend_top{L} = \forall integer r; lent(r) ==> g_turn[r] <= g_turn[SC(g_lent[r]).top];
    predicate lend_distinct{L} = \forall integer r, v; lent(r) && lent(v) && g_lent[r] == g_lent[v] &&
        g_turn[r] == g_turn[v] ==> r == v;
    predicate lend_ends{L} = \forall integer s; 1 <= s < 0x100000000 && SC(s).top != 0 ==>
        g_lent[SC(s).top] == s && REPLY(SC(s).top).above == 0;
    predicate lend_free{L} = \forall integer r; reply(r) && g_lent[r] == 0 ==> REPLY(r).above == 0;
    predicate loans{L} = lend_in{L} && lend_below{L} && lend_above{L} && lend_order{L} &&
        lend_top{L} && lend_distinct{L} && lend_ends{L} && lend_free{L}; */

#endif
