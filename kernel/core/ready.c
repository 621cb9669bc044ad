// The ready queues: see ready.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/ready.h"
#include "core/bits.h"
#include "core/inline.h"
#include "core/leaf.h"

/*@ requires p: priority < 256;
    requires wf: ready_map;
    terminates \true; exits \false;
    assigns K.ready_bitmap[0 .. 3], K.ready_summary, K.top;
    ensures w1: ready_words;
    ensures w2: ready_high;
    ensures w3: ready_best;
    ensures s: \forall integer p; is_priority(p) ==> (marked(p) <==> p == priority || \old(marked(p))); */
static void ready_mark(u32 priority) {
    u32 w = priority / 64u;
    K.ready_bitmap[w] = bit_set(K.ready_bitmap[w], priority % 64u);
    K.ready_summary = bit_set(K.ready_summary, w);
    if (K.top <= priority) {
        K.top = priority + 1u;
    }
}

// Highest priority marked + 1, 0: none.
/*@ requires wf: ready_words && ready_high;
    terminates \true; exits \false; assigns \nothing;
    ensures range: 0 <= \result <= 256;
    ensures top: \result != 0 ==> marked(\result - 1);
    ensures above: \forall integer p; \result <= p < 256 ==> !marked(p); */
static u32 ready_top(void) {
    u32 w = bit_top(K.ready_summary);
    if (w == 64u) {
        return 0;
    }
    //@ assert w: w < 4;
    u32 b = bit_top(K.ready_bitmap[w]);
    //@ assert b: b < 64;
    //@ assert split: (w * 64 + b) / 64 == w && (w * 64 + b) % 64 == b;
    //@ assert up: \forall integer p; w * 64 + b < p < 256 ==> p / 64 > w || (p / 64 == w && p % 64 > b);
    return w * 64u + b + 1u;
}

/*@ requires p: priority < 256;
    requires wf: ready_map;
    terminates \true; exits \false;
    assigns K.ready_bitmap[0 .. 3], K.ready_summary, K.top;
    ensures w1: ready_words;
    ensures w2: ready_high;
    ensures w3: ready_best;
    ensures s: \forall integer p; is_priority(p) ==> (marked(p) <==> p != priority && \old(marked(p))); */
static void ready_clear(u32 priority) {
    u32 w = priority / 64u;
    u64 left = bit_clear(K.ready_bitmap[w], priority % 64u);
    K.ready_bitmap[w] = left;
    if (bit_top(left) == 64u) {
        K.ready_summary = bit_clear(K.ready_summary, w);
    }
    K.top = ready_top();
}

void ready_append(u32 t) {
    u32 priority = TCB(t).priority;
    queue_append(READY_BASE + priority, t);
    TCB(t).state = STATE_READY;
    ready_mark(priority);
}

void ready_push(u32 t) {
    u32 priority = TCB(t).priority;
    queue_push(READY_BASE + priority, t);
    TCB(t).state = STATE_READY;
    ready_mark(priority);
}

NOINLINE void ready_remove(u32 t) {
    u32 priority = TCB(t).priority;
    queue_remove(READY_BASE + priority, t);
    TCB(t).state = STATE_INACTIVE;
    if (QUEUE(READY_BASE + priority).head == 0) {
        ready_clear(priority);
    }
}

u32 ready_take(void) {
    //@ assert queue: \forall integer v; is_ready(v) ==> QUEUE(READY_BASE + TCB(v).priority).head != 0;
    //@ assert marked: \forall integer v; is_ready(v) ==> marked(TCB(v).priority);
    //@ assert below: \forall integer v; is_ready(v) ==> TCB(v).priority < K.top;
    if (K.top == 0) {
        return 0;
    }
    u32 priority = K.top - 1u;
    u32 t = QUEUE(READY_BASE + priority).head;
    //@ assert head: is_ready(t) && TCB(t).priority == priority;
    //@ assert oldest: \forall integer v; is_ready(v) && TCB(v).priority == priority ==> g_place[t] <= g_place[v];
    queue_take(READY_BASE + priority, t);
    TCB(t).state = STATE_RUNNING;
    if (QUEUE(READY_BASE + priority).head == 0) {
        ready_clear(priority);
    }
    return t;
}
