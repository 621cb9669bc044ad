// The trace: who may start and stop it. What it records is the arch layer's.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"
#include "core/guarded_leaf.h"
#include "core/inline.h"

/*@ requires space: wf_cspace(K.run.tcb) && ty(0) == CAP_NULL;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, tcb_view[K.run.tcb].r[R_RDX];
    ensures next: \result % 0x100000000 == K.run.tcb;
    ensures type: \result / 0x100000000 == OK ==> ty(named(K.run.tcb, cptr)) == CAP_TRACE_CONTROL; */
RARE u64 call_trace(u64 cptr, u64 info) {
    (void)info;
    if (SLOT(cspace_lookup(K.run.tcb, cptr)).type != CAP_TRACE_CONTROL) {
        return call_refuse(CALL_TRACE, ERR_TYPE, cptr, NEED(CAP_TRACE_CONTROL, 0));
    }
    if (ARG0 > 1) {
        return call_refuse_argument(CALL_TRACE, ERR_ARG, ARG0);
    }
    ARG0 = trace_set((u32)ARG0);
    return call_done();
}
