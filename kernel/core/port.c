// I/O ports: reading and writing them.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/port.h"
#include "core/call.h"
#include "core/cspace.h"
#include "core/leaf.h"

u64 call_port_in(u64 cptr, u64 info) {
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

u64 call_port_out(u64 cptr, u64 info) {
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
