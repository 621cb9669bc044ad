// The ready queues: 256 priorities, oldest first within each, every operation O(1).
// SPDX-License-Identifier: BSD-2-Clause
//
// Queue of priority p: QUEUE(READY_BASE + p). Two levels of bitmaps tell which are not empty, and
// K.top keeps the answer that the message path needs: highest ready priority + 1.
// A thread is in state READY if and only if it is in the ready queue of its priority.
// Keeps INV-40 and INV-41 (kernel/spec/ready.h).
#ifndef CORE_READY_H
#define CORE_READY_H

#include "core/queue.h"
#include "spec/ready.h"

// t, which is in no queue, is ready: behind the others of its priority.
/*@ requires wf: queues && ready_queues;
    requires t: t != 0 && g_queue[t] == 0;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff],
        tcb_view[t].state, queue_view[READY_BASE + TCB(t).priority],
        K.ready_bitmap[0 .. 3], K.ready_summary, K.top, g_queue[t], g_place[t], g_back;
    ensures q0: queue_in;
    ensures q1: queue_next;
    ensures q2: queue_prev;
    ensures q3: queue_order;
    ensures q4: queue_first;
    ensures q5: queue_distinct;
    ensures q6: queue_ends;
    ensures q7: queue_alone;
    ensures r1: ready_words;
    ensures r2: ready_high;
    ensures r3: ready_best;
    ensures r4: ready_bits;
    ensures r5: ready_states;
    ensures r6: ready_places;
    ensures in: is_ready(t) && g_queue[t] == READY_BASE + TCB(t).priority && g_place[t] == \old(g_back);
    ensures once: g_back == \old(g_back) + 1;
    ensures frame: \forall integer v; index(v) && v != t && g_queue[v] != READY_BASE + TCB(t).priority ==>
        LINK(v) == \old(LINK(v)); */
void ready_append(u32 t);

// The same in front of the others: it was preempted.
/*@ requires wf: queues && ready_queues;
    requires t: t != 0 && g_queue[t] == 0;
    requires room: queue_room;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff],
        tcb_view[t].state, queue_view[READY_BASE + TCB(t).priority],
        K.ready_bitmap[0 .. 3], K.ready_summary, K.top, g_queue[t], g_place[t], g_front;
    ensures q0: queue_in;
    ensures q1: queue_next;
    ensures q2: queue_prev;
    ensures q3: queue_order;
    ensures q4: queue_first;
    ensures q5: queue_distinct;
    ensures q6: queue_ends;
    ensures q7: queue_alone;
    ensures r1: ready_words;
    ensures r2: ready_high;
    ensures r3: ready_best;
    ensures r4: ready_bits;
    ensures r5: ready_states;
    ensures r6: ready_places;
    ensures in: is_ready(t) && g_queue[t] == READY_BASE + TCB(t).priority && g_place[t] == \old(g_front);
    ensures once: g_front == \old(g_front) - 1;
    ensures frame: \forall integer v; index(v) && v != t && g_queue[v] != READY_BASE + TCB(t).priority ==>
        LINK(v) == \old(LINK(v)); */
void ready_push(u32 t);

// t, which is ready, no longer is: its state is INACTIVE.
/*@ requires wf: queues && ready_queues;
    requires t: is_ready(t);
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff],
        tcb_view[t].state, queue_view[READY_BASE + TCB(t).priority], K.ready_bitmap[0 .. 3], K.ready_summary, K.top, g_queue[t];
    ensures q0: queue_in;
    ensures q1: queue_next;
    ensures q2: queue_prev;
    ensures q3: queue_order;
    ensures q4: queue_first;
    ensures q5: queue_distinct;
    ensures q6: queue_ends;
    ensures q7: queue_alone;
    ensures r1: ready_words;
    ensures r2: ready_high;
    ensures r3: ready_best;
    ensures r4: ready_bits;
    ensures r5: ready_states;
    ensures r6: ready_places;
    ensures out: g_queue[t] == 0 && TCB(t).state == STATE_INACTIVE;
    ensures frame: \forall integer v; index(v) && v != t && g_queue[v] != READY_BASE + TCB(t).priority ==>
        LINK(v) == \old(LINK(v)); */
void ready_remove(u32 t);

// Takes out the thread to run, which is RUNNING: highest priority, oldest of it. 0: none is ready.
/*@ requires wf: queues && ready_queues;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff],
        tcb_view[0 .. 0xffffffff].state, queue_view[READY_BASE .. READY_BASE + 255],
        K.ready_bitmap[0 .. 3], K.ready_summary, K.top, g_queue[0 .. 0xffffffff];
    ensures q0: queue_in;
    ensures q1: queue_next;
    ensures q2: queue_prev;
    ensures q3: queue_order;
    ensures q4: queue_first;
    ensures q5: queue_distinct;
    ensures q6: queue_ends;
    ensures q7: queue_alone;
    ensures r1: ready_words;
    ensures r2: ready_high;
    ensures r3: ready_best;
    ensures r4: ready_bits;
    ensures r5: ready_states;
    ensures r6: ready_places;
    ensures none: \result == 0 <==> (\forall integer v; !\old(is_ready(v)));
    ensures best: \result != 0 ==> \let t = \result; \old(is_ready(t)) && (\forall integer v;
        \old(is_ready(v)) ==> TCB(v).priority < TCB(t).priority ||
        (TCB(v).priority == TCB(t).priority && g_place[t] <= g_place[v]));
    ensures out: \result != 0 ==> g_queue[\result] == 0 && TCB(\result).state == STATE_RUNNING;
    ensures null: TCB(0).state == \old(TCB(0).state);
    ensures frame: \forall integer v; index(v) && v != \result ==>
        TCB(v).state == \old(TCB(v).state) && g_queue[v] == \old(g_queue[v]) &&
        (!is_ready(v) ==> LINK(v) == \old(LINK(v))); */
u32 ready_take(void);

#endif
