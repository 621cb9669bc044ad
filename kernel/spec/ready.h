// Vocabulary of the proofs: the ready queues (core/ready.h).
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_READY_H
#define SPEC_READY_H

#include "spec/bits.h"
#include "spec/queue.h"

/*@ predicate is_priority(integer p) = 0 <= p < 256;
    predicate marked{L}(integer p) = bit(K.ready_bitmap[p / 64], p % 64);
    predicate is_ready{L}(integer t) = index(t) && TCB(t).state == STATE_READY;

    // The two levels of bitmaps agree; K.top is what they say; they say which queues have threads.
    predicate ready_words{L} = \forall integer w; 0 <= w < 4 ==>
        (bit(K.ready_summary, w) <==> (\exists integer i; 0 <= i < 64 && bit(K.ready_bitmap[w], i)));
    predicate ready_high{L} = \forall integer w; 4 <= w < 64 ==> !bit(K.ready_summary, w);
    predicate ready_best{L} = 0 <= K.top <= 256 && (K.top != 0 ==> marked(K.top - 1)) &&
        (\forall integer p; K.top <= p < 256 ==> !marked(p));
    predicate ready_bits{L} = \forall integer p; is_priority(p) ==>
        (marked(p) <==> QUEUE(READY_BASE + p).head != 0);
    predicate ready_map{L} = ready_words{L} && ready_high{L} && ready_best{L};

    // A thread is READY if and only if it is in the ready queue of its priority; in no other one.
    predicate ready_states{L} = \forall integer t; index(t) ==>
        (TCB(t).state == STATE_READY <==> g_queue[t] == READY_BASE + TCB(t).priority);
    predicate ready_places{L} = \forall integer t; index(t) &&
        READY_BASE <= g_queue[t] < READY_BASE + 256 ==> g_queue[t] == READY_BASE + TCB(t).priority;
    predicate ready_queues{L} = ready_map{L} && ready_bits{L} && ready_states{L} && ready_places{L}; */

#endif
