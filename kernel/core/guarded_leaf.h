// Leaves that only a capability of the running thread opens: the core proves that it has one.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef CORE_GUARDED_LEAF_H
#define CORE_GUARDED_LEAF_H

#include "core/view.h"
#include "spec/cspace.h"

/*@ requires may: holds(K.run.tcb, CAP_TRACE_CONTROL);
    requires on: on <= 1;
    terminates \true; exits \false; assigns \nothing; */
u64 trace_set(u32 on); // Start or stop the trace; events written so far.

/*@ requires bytes: bytes == 1 || bytes == 2 || bytes == 4;
    requires may: holds_ports(K.run.tcb, port, bytes);
    terminates \true; exits \false; assigns \nothing; */
u32 port_in(u32 port, u32 bytes);
/*@ requires bytes: bytes == 1 || bytes == 2 || bytes == 4;
    requires may: holds_ports(K.run.tcb, port, bytes);
    terminates \true; exits \false; assigns \nothing; */
void port_out(u32 port, u32 bytes, u32 value);

#endif
