// A device whose interrupt is due at a chosen instruction, and a thread that handles it.
// SPDX-License-Identifier: BSD-2-Clause
//
// The device is the first comparator of the HPET (IA-PC HPET Specification 1.0a, section 2.3), in legacy
// replacement mode: ISA line 0, and no other timer on it. Where instructions are counted, the
// time-stamp counter and the HPET count the same clock, the HPET in steps of ten: the constructor finds
// by how much they differ, to the instruction, and stops if that is not so.
#pragma once

#include "apps/bench/fixture.hpp"

namespace bench {

class DeviceInterrupt {
  public:
    // The handler will live in address space `other`, above the calling thread.
    DeviceInterrupt(Fixture &f, sel::VSpace other);

    // The handler waits on the notification, or for messages on an endpoint to which it is bound.
    void handle_in_wait();
    void handle_in_receive();

    // The interrupt comes ten instructions before `tsc` at the earliest; returns when exactly.
    u64 arm(u64 tsc);

    // Waits for the interrupt that was due at `due`: instructions until its handler ran.
    u64 delay(u64 due);

  private:
    volatile u32 &reg(u64 offset) const;
    void calibrate();
    void handle(const char *entry, cptr_t waits_for, sel::Notification bound);

    Fixture &f_;
    sel::VSpace other_;
    sel::IrqHandler irq_;
    sel::Tcb handler_{};
    u64 offset_ = 0; // HPET: (time-stamp counter + offset_) / 10
    u64 handled_ = 0;
};

} // namespace bench
