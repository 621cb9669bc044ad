// Queues of threads: ready queues, and the queues of endpoints and notifications.
// SPDX-License-Identifier: BSD-2-Clause
//
// A queue is {head, tail}, doubly linked through LINK(t); tail means nothing while head is 0, and
// the links of a thread in no queue are 0, so that appending to an empty queue and taking the only
// thread are a few stores. LINK(t).queue names the queue while t is in one and is stale otherwise:
// whether t is in one follows from its state.
// Keeps INV-40 (kernel/spec/queue.h): oldest first, in at most one queue, links agree both ways.
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "core/view.h"
#include "spec/queue.h"

/*@ requires wf: queues;
    requires q: q != 0;
    requires t: t != 0 && g_queue[t] == 0;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[q], g_queue[t],
        g_place[t], g_back;
    ensures w0: queue_in;
    ensures w1: queue_next;
    ensures w2: queue_prev;
    ensures w3: queue_order;
    ensures w4: queue_first;
    ensures w5: queue_distinct;
    ensures w6: queue_ends;
    ensures w7: queue_alone;
    ensures in: g_queue[t] == q && g_place[t] == \old(g_back) && g_back == \old(g_back) + 1;
    ensures last: QUEUE(q).tail == t;
    ensures head: QUEUE(q).head == (\old(QUEUE(q).head) == 0 ? t : \old(QUEUE(q).head));
    ensures frame: \forall integer v; index(v) && v != t && g_queue[v] != q ==>
        LINK(v) == \old(LINK(v)); */
static inline void queue_append(u32 q, u32 t) {
    u32 last = QUEUE(q).tail;
    if (QUEUE(q).head == 0) {
        QUEUE(q).head = t;
    } else {
        LINK(last).next = t;
        LINK(t).prev = last;
    }
    QUEUE(q).tail = t;
    LINK(t).queue = q;
    //@ ghost g_queue[t] = q; g_place[t] = g_back; g_back++;
}

// In front of all others: a thread that was preempted.
/*@ requires wf: queues;
    requires q: q != 0;
    requires t: t != 0 && g_queue[t] == 0;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[q], g_queue[t],
        g_place[t], g_front;
    ensures w0: queue_in;
    ensures w1: queue_next;
    ensures w2: queue_prev;
    ensures w3: queue_order;
    ensures w4: queue_first;
    ensures w5: queue_distinct;
    ensures w6: queue_ends;
    ensures w7: queue_alone;
    ensures in: g_queue[t] == q && g_place[t] == \old(g_front) && g_front == \old(g_front) - 1;
    ensures head: QUEUE(q).head == t;
    ensures frame: \forall integer v; index(v) && v != t && g_queue[v] != q ==>
        LINK(v) == \old(LINK(v)); */
static inline void queue_push(u32 q, u32 t) {
    u32 first = QUEUE(q).head;
    if (first == 0) {
        QUEUE(q).tail = t;
    } else {
        LINK(first).prev = t;
        LINK(t).next = first;
    }
    QUEUE(q).head = t;
    LINK(t).queue = q;
    //@ ghost g_queue[t] = q; g_place[t] = g_front; g_front--;
}

// From anywhere in the queue.
/*@ requires wf: queues;
    requires t: t != 0 && q != 0 && g_queue[t] == q;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[q], g_queue[t];
    ensures w0: queue_in;
    ensures w1: queue_next;
    ensures w2: queue_prev;
    ensures w3: queue_order;
    ensures w4: queue_first;
    ensures w5: queue_distinct;
    ensures w6: queue_ends;
    ensures w7: queue_alone;
    ensures out: g_queue[t] == 0;
    ensures head: QUEUE(q).head == (\old(QUEUE(q).head) == t ? \old(LINK(t).next) : \old(QUEUE(q).head));
    ensures empty: QUEUE(q).head == 0 <==> (\forall integer v; index(v) ==> g_queue[v] != q);
    ensures frame: \forall integer v; index(v) && v != t && g_queue[v] != q ==>
        LINK(v) == \old(LINK(v)); */
static inline void queue_remove(u32 q, u32 t) {
    u32 next = LINK(t).next, prev = LINK(t).prev;
    if (prev == 0) {
        QUEUE(q).head = next;
    } else {
        LINK(prev).next = next;
    }
    if (next == 0) {
        QUEUE(q).tail = prev;
    } else {
        LINK(next).prev = prev;
    }
    LINK(t).next = 0;
    LINK(t).prev = 0;
    //@ ghost g_queue[t] = 0;
}

// t is the head.
/*@ requires wf: queues;
    requires t: t != 0 && q != 0 && QUEUE(q).head == t;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], queue_view[q], g_queue[t];
    ensures w0: queue_in;
    ensures w1: queue_next;
    ensures w2: queue_prev;
    ensures w3: queue_order;
    ensures w4: queue_first;
    ensures w5: queue_distinct;
    ensures w6: queue_ends;
    ensures w7: queue_alone;
    ensures out: g_queue[t] == 0;
    ensures oldest: \forall integer v; \old(in_queue(v, q)) ==> g_place[t] <= g_place[v];
    ensures head: QUEUE(q).head == \old(LINK(t).next);
    ensures empty: QUEUE(q).head == 0 <==> (\forall integer v; index(v) ==> g_queue[v] != q);
    ensures frame: \forall integer v; index(v) && v != t && g_queue[v] != q ==>
        LINK(v) == \old(LINK(v)); */
static inline void queue_take(u32 q, u32 t) {
    u32 next = LINK(t).next;
    QUEUE(q).head = next;
    if (next != 0) {
        LINK(next).prev = 0;
        LINK(t).next = 0;
    }
    //@ ghost g_queue[t] = 0;
}

#endif
