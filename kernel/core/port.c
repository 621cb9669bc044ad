// I/O ports: reading and writing them.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/port.h"
#include "core/call.h"
#include "core/cspace.h"
#include "core/guarded_leaf.h"
#include "core/inline.h"

// clang-format off
// What of a call on ports holds, whatever its arguments are.
#define REQUIRES_PORT                                                                              \
    requires space: wf_cspace(K.run.tcb) && ty(0) == CAP_NULL;                                     \
    requires ports: port_ranges;

#define ENSURES_PORT                                                                               \
    ensures next: \result % 0x100000000 == K.run.tcb;                                              \
    ensures type: \result / 0x100000000 == OK ==> ty(named(K.run.tcb, cptr)) == CAP_IO_PORT;       \
    ensures range: \let s = named(K.run.tcb, cptr); ty(s) == CAP_IO_PORT && \result / 0x100000000 == OK ==> \
        dt(s) % 0x10000 <= \old(ARG0) && \old(ARG0) + \old(ARG1) - 1 <= dt(s) / 0x10000;
// clang-format on

/*@ REQUIRES_PORT
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, tcb_view[K.run.tcb].r[R_RDX];
    ENSURES_PORT */
RARE u64 call_port_in(u64 cptr, u64 info) {
    (void)info;
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(s).type != CAP_IO_PORT) {
        return call_refuse(CALL_PORT_IN, ERR_TYPE, cptr, NEED(CAP_IO_PORT, 0));
    }
    if (!port_allowed(SLOT(s).data, ARG0, ARG1)) {
        return call_refuse_argument(CALL_PORT_IN, ERR_ARG, ARG0);
    }
    ARG0 = port_in((u32)ARG0, (u32)ARG1);
    return call_done();
}

/*@ REQUIRES_PORT
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial;
    ENSURES_PORT */
RARE u64 call_port_out(u64 cptr, u64 info) {
    (void)info;
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(s).type != CAP_IO_PORT) {
        return call_refuse(CALL_PORT_OUT, ERR_TYPE, cptr, NEED(CAP_IO_PORT, 0));
    }
    if (!port_allowed(SLOT(s).data, ARG0, ARG1)) {
        return call_refuse_argument(CALL_PORT_OUT, ERR_ARG, ARG0);
    }
    port_out((u32)ARG0, (u32)ARG1, (u32)ARG2);
    return call_done();
}
