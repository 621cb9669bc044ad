// I/O ports: an IoPort capability allows the ports first..last (its data: first | last << 16).
// SPDX-License-Identifier: BSD-2-Clause
#ifndef CORE_PORT_H
#define CORE_PORT_H

#include "core/view.h"

// May `bytes` bytes at `port` be used with the capability whose data is `range`?
/*@ terminates \true; exits \false; assigns \nothing;
    ensures inside: \result != 0 <==> (bytes == 1 || bytes == 2 || bytes == 4) &&
        range % 0x10000 <= port && port + bytes - 1 <= range / 0x10000;
*/
static inline u32 port_allowed(u64 range, u64 port, u64 bytes) {
    return (bytes == 1 || bytes == 2 || bytes == 4) && port >= range % 0x10000 &&
           port <= range / 0x10000 && bytes - 1 <= range / 0x10000 - port;
}

#endif
