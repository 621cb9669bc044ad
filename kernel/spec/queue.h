// Vocabulary of the proofs: thread queues (core/queue.h).
// SPDX-License-Identifier: BSD-2-Clause
//
// Ghost state: g_queue[t] is the queue that thread t is in (0: none), so a thread is in one queue at
// most by construction; g_place[t] is its ticket. Tickets ascend from the head of a queue to its
// tail: appending takes the next one at the back, pushing the next one at the front. Both counters
// start in the middle of 64 bits and move by one an operation, so queue_room (a `requires`) holds
// for centuries.
#ifndef SPEC_QUEUE_H
#define SPEC_QUEUE_H

#include "core/view.h"

//@ ghost u32 g_queue[0x100000000]; s64 g_place[0x100000000]; s64 g_front = -1, g_back;

/*@ predicate index(integer i) = 1 <= i < 0x100000000;
    predicate queued{L}(integer t) = index(t) && g_queue[t] != 0;
    predicate in_queue{L}(integer t, integer q) = index(t) && g_queue[t] == q;
    predicate queue_room{L} = -0x4000000000000000 < g_front < g_back < 0x4000000000000000;

    predicate queue_in{L} = \forall integer t; queued(t) ==>
        QUEUE(g_queue[t]).head != 0 && LINK(t).queue == g_queue[t] && g_front < g_place[t] < g_back;
    predicate queue_next{L} = \forall integer t; queued(t) ==>
        (LINK(t).next == 0 ? QUEUE(g_queue[t]).tail == t :
            g_queue[LINK(t).next] == g_queue[t] && LINK(LINK(t).next).prev == t &&
            g_place[t] < g_place[LINK(t).next]);
    predicate queue_prev{L} = \forall integer t; queued(t) ==>
        (LINK(t).prev == 0 ? QUEUE(g_queue[t]).head == t :
            g_queue[LINK(t).prev] == g_queue[t] && LINK(LINK(t).prev).next == t &&
            g_place[LINK(t).prev] < g_place[t]);
    predicate queue_order{L} = \forall integer t, v; queued(t) && queued(v) &&
        g_queue[t] == g_queue[v] && g_place[t] < g_place[v] ==>
        LINK(t).next != 0 && g_place[LINK(t).next] <= g_place[v];
    predicate queue_first{L} = \forall integer t; queued(t) ==>
        g_place[QUEUE(g_queue[t]).head] <= g_place[t] <= g_place[QUEUE(g_queue[t]).tail];
    predicate queue_distinct{L} = \forall integer t, v; queued(t) && queued(v) &&
        g_queue[t] == g_queue[v] && g_place[t] == g_place[v] ==> t == v;
    predicate queue_ends{L} = \forall integer q; index(q) && QUEUE(q).head != 0 ==>
        g_queue[QUEUE(q).head] == q && LINK(QUEUE(q).head).prev == 0 &&
        QUEUE(q).tail != 0 && g_queue[QUEUE(q).tail] == q && LINK(QUEUE(q).tail).next == 0;
    predicate queue_alone{L} = \forall integer t; index(t) && g_queue[t] == 0 ==>
        LINK(t).next == 0 && LINK(t).prev == 0;
    predicate queues{L} = queue_in{L} && queue_next{L} && queue_prev{L} && queue_order{L} && queue_first{L} &&
        queue_distinct{L} && queue_ends{L} && queue_alone{L}; */

#endif
