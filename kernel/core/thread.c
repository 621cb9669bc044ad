// Threads: becoming ready, waiting, waking, stopping, choosing the next.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/thread.h"

#include "core/leaf.h"
#include "core/notification.h"
#include "core/queue.h"
#include "core/ready.h"
#include "core/reply.h"
#include "core/time.h"

static inline u32 is_queued(u32 state) {
    return state == STATE_RECV || state == STATE_SEND || state == STATE_CALL || state == STATE_WAIT;
}

void thread_ready(u32 t) {
    if (time_has_budget(TCB(t).sc)) {
        ready_append(t);
    } else {
        TCB(t).state = STATE_NO_TIME;
    }
}

void thread_take_context(u32 t) {
    u32 sc = TCB(t).sc;
    if (sc == 0) {
        return;
    }
    SC(sc).tcb = 0;
    TCB(t).sc = 0;
    if (TCB(t).state == STATE_READY) {
        ready_remove(t);
        TCB(t).state = STATE_NO_TIME;
    }
}

void thread_wait(u32 q, u32 state) {
    u32 cur = K.run.tcb;
    queue_append(q, cur);
    TCB(cur).state = (u8)state;
}

// Takes t out of whatever it waits in, and stops its timer. Its state is then up to the caller.
static void leave(u32 t) {
    u32 state = thread_state(t);
    if (is_queued(state)) {
        queue_remove(LINK(t).queue, t);
    } else if (state == STATE_READY) {
        ready_remove(t);
    }
    if (state == STATE_RECV || state == STATE_REPLY) {
        reply_release(TCB(t).reply);
    }
    time_stop(t);
}

void thread_wake(u32 t) {
    leave(t);
    TCB(t).fault = FAULT_NONE;
    thread_ready(t);
}

// The call of waiting thread t will return `error`.
static void set_error(u32 t, error_t error) {
    TCB(t).r[R_RAX] = error;
    TCB(t).r[R_RDI] = 0;
    TCB(t).r[R_RSI] = 0;
    TCB(t).mode |= MODE_IRET;
}

void thread_wake_error(u32 t, error_t error) {
    if (TCB(t).fault == FAULT_NONE) {
        set_error(t, error);
        thread_wake(t);
    } else {
        leave(t);
        TCB(t).state = STATE_INACTIVE;
    }
}

void thread_stop(u32 t) {
    u32 state = thread_state(t);
    if (TCB(t).fault == FAULT_NONE && (is_queued(state) || state == STATE_REPLY)) {
        set_error(t, ERR_GONE);
    }
    leave(t);
    TCB(t).state = STATE_INACTIVE;
}

void thread_destroy(u32 t) {
    thread_stop(t);
    vector_drop(t);
    reply_return_context(t);
    notification_unbind(TCB(t).bound);
}

void thread_arm_timeout(u64 info) {
    u32 cur = K.run.tcb;
    if ((info & INFO_TIMEOUT) == 0) {
        return;
    }
    time_start(cur, BUFFER(TCB_SLOT(cur, TCB_SLOT_BUFFER).object).word[BUFFER_TIMEOUT]);
    TCB(cur).state |= STATE_SPECIAL;
}

u32 thread_schedule(void) {
    u32 t = ready_take();
    u32 from = K.run.sc, to = TCB(t).sc;
    if (from != to) {
        time_switch(from, to);
        u32 user = SC(from).tcb;
        if (TCB(user).state == STATE_READY && !time_has_budget(from)) {
            ready_remove(user);
            TCB(user).state = STATE_NO_TIME;
        }
    }
    return t;
}
