// Threads: who is runnable, on which scheduling context, and how a wait begins and ends.
// SPDX-License-Identifier: BSD-2-Clause
//
// States (thread_state_t) and who changes them:
//   RUNNING  -> RECV SEND CALL REPLY WAIT   thread_wait()        a wait begins
//   waiting  -> READY or NO_TIME            thread_wake()        it ends with a message or an error
//   any      -> INACTIVE                    thread_stop()        suspended or destroyed
//   READY   <-> RUNNING                     thread_schedule(), call_finish()
//   READY   <-> NO_TIME                     thread_ready(), thread_schedule(): context gone or empty
//
// While a thread runs, which context it uses is K.run.sc alone: tcb.sc and sc.tcb of those two are
// stale, so that a call can lend the context by leaving it where it is. thread_park() writes them;
// everything but the message path of endpoint.c begins with it and then works on bonds that are exact.
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include "abi/error.h"
#include "core/ready.h"
#include "core/view.h"

// The state of t, without STATE_SPECIAL.
static inline u32 thread_state(u32 t) {
    return TCB(t).state & (STATE_SPECIAL - 1u);
}

// Makes the bond between the running thread and its context exact.
static inline void thread_park(void) {
    if (K.run.sc != 0) {
        TCB(K.run.tcb).sc = K.run.sc;
        SC(K.run.sc).tcb = K.run.tcb;
    }
}

// Binds context sc (not 0, free) to thread t (which has none).
static inline void thread_give_context(u32 t, u32 sc) {
    TCB(t).sc = sc;
    SC(sc).tcb = t;
}

// Takes its context from a thread that is not waiting; a ready thread becomes NO_TIME.
/*@ requires wf: queues && ready_queues;
    requires null: t != 0 || TCB(t).sc == 0;
    terminates \true; exits \false;
    assigns link_view[0 .. 0xffffffff], tcb_view[t].state, tcb_view[t].sc, sc_view[TCB(t).sc].tcb,
        queue_view[READY_BASE + TCB(t).priority], K.ready_bitmap[0 .. 3], K.ready_summary, K.top,
        g_queue[t];
    ensures q: queues;
    ensures r1: ready_map;
    ensures r2: ready_bits;
    ensures r3: ready_states;
    ensures r4: ready_places;
    ensures off: TCB(t).sc == 0;
    ensures bond: \old(TCB(t).sc) != 0 ==> SC(\old(TCB(t).sc)).tcb == 0;
    ensures state: TCB(t).state == (\old(TCB(t).sc) != 0 && \old(TCB(t).state) == STATE_READY ?
        STATE_NO_TIME : \old(TCB(t).state)); */
void thread_take_context(u32 t);

// Lets t compete for the processor: READY if it has budget, else NO_TIME. It is in no queue.
void thread_ready(u32 t);

// Begins a wait of the running thread in queue q.
void thread_wait(u32 q, u32 state);

// Ends any wait of t (removed from its queue, timer off); its registers hold the result already.
void thread_wake(u32 t);

// The same, and the call returns `error`.
void thread_wake_error(u32 t, error_t error);

// Stops t: its wait ends, and when it is resumed the call it waited in returns ERR_GONE.
void thread_stop(u32 t);

// t has lost its last capability: stops it and gives back everything it is bound to.
void thread_destroy(u32 t);

// Arms the timer that bounds the wait of the running thread, if info asks for it.
void thread_arm_timeout(u64 info);

// Chooses the next thread and its context. The running thread has been parked or is waiting.
u32 thread_schedule(void);

#endif
