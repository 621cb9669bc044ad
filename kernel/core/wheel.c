// The wheel of timers: see wheel.h.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/wheel.h"
#include "core/bits.h"
#include "core/leaf.h"

// x without its lowest `level` base-64 digits.
static u64 wheel_floor(u64 x, u32 level) {
    switch (level) {
    case 0:
        return x;
    case 1:
        return x - x % 0x40u;
    case 2:
        return x - x % 0x1000u;
    case 3:
        return x - x % 0x40000u;
    case 4:
        return x - x % 0x1000000u;
    case 5:
        return x - x % 0x40000000u;
    case 6:
        return x - x % 0x1000000000u;
    default:
        return x - x % 0x40000000000u;
    }
}

static void wheel_mark(u32 level, u32 slot) {
    K.wheel.bitmap[level] = bit_set(K.wheel.bitmap[level], slot);
    K.wheel.summary = bit_set(K.wheel.summary, level);
}

static void wheel_clear(u32 level, u32 slot) {
    u64 left = bit_clear(K.wheel.bitmap[level], slot);
    K.wheel.bitmap[level] = left;
    if (bit_low(left) == 64u) {
        K.wheel.summary = bit_clear(K.wheel.summary, level);
    }
}

static void wheel_link(u32 q, u32 n) {
    u32 last = K.wheel.queue[q].tail;
    TIMER(n).next = 0;
    TIMER(n).queue = q;
    if (K.wheel.queue[q].head == 0) {
        K.wheel.queue[q].head = n;
        TIMER(n).prev = 0;
    } else {
        TIMER(last).next = n;
        TIMER(n).prev = last;
    }
    K.wheel.queue[q].tail = n;
}

static void wheel_unlink(u32 q, u32 n) {
    u32 next = TIMER(n).next, prev = TIMER(n).prev;
    if (prev == 0) {
        K.wheel.queue[q].head = next;
    } else {
        TIMER(prev).next = next;
    }
    if (next == 0) {
        K.wheel.queue[q].tail = prev;
    } else {
        TIMER(next).prev = prev;
    }
    TIMER(n).queue = 0;
}

// The queue in which a timer due at `due` belongs at time `now`.
static u32 wheel_place(u64 now, u64 due) {
    u32 level = 0;
    u64 a = now, b = due;
    while (a / 64u != b / 64u) {
        a = a / 64u;
        b = b / 64u;
        level++;
    }
    return 64u * (level + 1u) + (u32)(b % 64u);
}

void wheel_insert(u32 n, u64 due) {
    u32 q = wheel_place(K.wheel.now, due);
    TIMER(n).due = due;
    wheel_link(q, n);
    wheel_mark(q / 64u - 1u, q % 64u);
}

void wheel_cancel(u32 n) {
    u32 q = TIMER(n).queue;
    wheel_unlink(q, n);
    if (K.wheel.queue[q].head == 0) {
        wheel_clear(q / 64u - 1u, q % 64u);
    }
}

// The queue of the first slot in time, 0: the wheel is empty.
static u32 wheel_first(void) {
    u32 level = bit_low(K.wheel.summary);
    if (level == 64u) {
        return 0;
    }
    return 64u * (level + 1u) + bit_low(K.wheel.bitmap[level]);
}

// The time at which that slot begins.
static u64 wheel_start(u32 q) {
    return wheel_floor(TIMER(K.wheel.queue[q].head).due, q / 64u - 1u);
}

// Lets the wheel's clock run to `now` (0), or to the next slot that has to be emptied (its queue).
static u32 wheel_advance(u64 now) {
    u32 q = wheel_first();
    if (q == 0) {
        K.wheel.level = 0;
        K.wheel.now = now;
        return 0;
    }
    u64 start = wheel_start(q);
    if (now < start) {
        K.wheel.level = 0;
        K.wheel.now = now;
        return 0;
    }
    K.wheel.now = start;
    K.wheel.level = q / 64u;
    K.wheel.slot = q % 64u;
    return q;
}

u32 wheel_step(u64 now) {
    u32 q = 64u * K.wheel.level + K.wheel.slot;
    if (K.wheel.level == 0 || K.wheel.queue[q].head == 0) {
        q = wheel_advance(now);
        if (q == 0) {
            return WHEEL_DONE;
        }
    }
    u32 n = K.wheel.queue[q].head;
    u64 due = TIMER(n).due;
    wheel_cancel(n);
    if (due <= K.wheel.now) {
        return n;
    }
    wheel_insert(n, due);
    return WHEEL_MORE;
}

u64 wheel_next(void) {
    u32 q = 64u * K.wheel.level + K.wheel.slot;
    if (K.wheel.level != 0 && K.wheel.queue[q].head != 0) {
        return K.wheel.now;
    }
    q = wheel_first();
    return q == 0 ? WHEEL_NEVER : wheel_start(q);
}
