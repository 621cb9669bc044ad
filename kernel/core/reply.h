// Reply objects: who is to be answered, and the context that the caller lent with its call.
// SPDX-License-Identifier: BSD-2-Clause
//
//            reply_claim          reply_arm             reply_send, reply_release
//   FREE ----------------> CLAIMED ---------> ARMED ----------------------------> FREE
//   tcb 0                  tcb receives       tcb waits for its answer
//
// The bond tcb.reply <-> reply.tcb is exact while the thread is in state RECV or REPLY.
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include "abi/error.h"
#include "core/view.h"
#include "spec/thread.h"

// The Reply that thread t receives with, 0: it has none.
/*@ requires t: thread(t);
    terminates \true; exits \false; assigns \nothing;
    ensures slot: \result == slot_view[t + 4 * TCB_SLOT_REPLY].object; */
static inline u32 reply_of(u32 t) {
    return TCB_SLOT(t, TCB_SLOT_REPLY).object;
}

// A caller waits for the answer through r.
static inline u32 reply_is_armed(u32 r) {
    return (TCB(REPLY(r).caller.tcb).state & (STATE_SPECIAL - 1u)) == STATE_REPLY;
}

// Breaks the bond of r, whatever it was; a context lent through it goes back to the caller if that
// was the youngest loan, else it stays with its user. The caller's state is not changed.
void reply_release(u32 r);

// Caller c begins to wait for its answer through r, which server t claimed. It lends its context if
// t has none; its wait is then bounded no longer, so that it cannot take away what t runs on.
void reply_arm(u32 r, u32 c, u32 t);

// Thread t ends: the context that it was lent goes to the youngest caller, who gets ERR_GONE.
void reply_return_context(u32 t);

// r has lost its last capability: who receives or waits with it gets ERR_GONE.
void reply_destroy(u32 r);

#endif
