// Delete and revoke: bounded steps that are restarted until nothing is left to do.
// SPDX-License-Identifier: BSD-2-Clause
//
// Both end by emptying the list of dying objects, also of those that others left there. If the caller
// itself dies on the way, the rest is done by the next delete, revoke or reset of anybody.
#include "core/call.h"
#include "core/cspace.h"
#include "core/object.h"
#include "core/thread.h"

enum { DELETE_STEPS = 8 }; // Capabilities released, and steps of the reaper, in one kernel entry.

static u64 drain(u32 call, u64 cptr) {
    for (u32 i = 0; i < DELETE_STEPS; i++) {
        if (reaper_step() == 0) {
            return call_finish();
        }
    }
    return call_restart(call, cptr, CALL_CONTINUED);
}

u64 call_cap_delete(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (info != CALL_CONTINUED && SLOT(s).type == CAP_NULL) {
        return call_refuse(CALL_CAP_DELETE, ERR_CAP, cptr, 0);
    }
    thread_park();
    if (info != CALL_CONTINUED) {
        object_release(s);
    }
    return drain(CALL_CAP_DELETE, cptr);
}

// Releases some descendants of `s`. 0: none is left.
static u32 revoke_some(u32 s) {
    for (u32 i = 0; i < DELETE_STEPS; i++) {
        u32 child = cdt_first_child(s);
        if (child == 0) {
            return 0;
        }
        object_release(child);
    }
    return cdt_first_child(s);
}

u64 call_cap_revoke(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (info != CALL_CONTINUED && SLOT(s).type == CAP_NULL) {
        return call_refuse(CALL_CAP_REVOKE, ERR_CAP, cptr, 0);
    }
    thread_park();
    if (info != CALL_CONTINUED && revoke_some(s) != 0) {
        return call_restart(CALL_CAP_REVOKE, cptr, info);
    }
    return drain(CALL_CAP_REVOKE, cptr);
}
