// I/O ports: an IoPort capability allows the ports first..last (its data: first | last << 16).
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"
#include "core/leaf.h"

// May `bytes` bytes at `port` be used with the capability whose data is `range`?
/*@ requires range: range / 0x10000 <= 0xffff;
    terminates \true; exits \false; assigns \nothing;
    ensures inside: \result != 0 <==> (bytes == 1 || bytes == 2 || bytes == 4) &&
        range % 0x10000 <= port && port + bytes - 1 <= range / 0x10000;
*/
static u32 port_allowed(u64 range, u64 port, u64 bytes) {
    return (bytes == 1 || bytes == 2 || bytes == 4) && port >= range % 0x10000 &&
           port <= range / 0x10000 && bytes - 1 <= range / 0x10000 - port;
}

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
