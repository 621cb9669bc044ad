// The ready queues: see ready.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/ready.h"
#include "core/bits.h"
#include "core/leaf.h"

static void ready_mark(u32 priority) {
    u32 w = priority / 64u;
    K.ready_bitmap[w] = bit_set(K.ready_bitmap[w], priority % 64u);
    K.ready_summary = bit_set(K.ready_summary, w);
    if (K.top <= priority) {
        K.top = priority + 1u;
    }
}

// Highest priority marked + 1, 0: none.
static u32 ready_top(void) {
    u32 w = bit_top(K.ready_summary);
    if (w == 64u) {
        return 0;
    }
    return w * 64u + bit_top(K.ready_bitmap[w]) + 1u;
}

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

void ready_remove(u32 t) {
    u32 priority = TCB(t).priority;
    queue_remove(READY_BASE + priority, t);
    TCB(t).state = STATE_INACTIVE;
    if (QUEUE(READY_BASE + priority).head == 0) {
        ready_clear(priority);
    }
}

u32 ready_take(void) {
    if (K.top == 0) {
        return 0;
    }
    u32 priority = K.top - 1u;
    u32 t = QUEUE(READY_BASE + priority).head;
    queue_take(READY_BASE + priority, t);
    TCB(t).state = STATE_RUNNING;
    if (QUEUE(READY_BASE + priority).head == 0) {
        ready_clear(priority);
    }
    return t;
}
