// Attacks on itself: time, capabilities, spaces, thread.
// SPDX-License-Identifier: BSD-2-Clause
#include "attack.caps.hpp"
#include "attacks.hpp"

namespace attack {

bool run_for_ever() {
    for (volatile u64 i = 0;;) {
        i = i + 1;
    }
}

// The thread goes on, and can do nothing but end.
bool delete_slots() {
    constexpr u32 kSlots = 4096;
    for (cptr_t slot = 1; slot < kSlots; slot++) {
        [[maybe_unused]] auto gone = sel::Capability{slot}.remove();
    }
    return caps::timer.call(timer::Uptime{}).error() == ERR_GONE;
}

bool drop_cspace() {
    [[maybe_unused]] auto revoked = caps::cnode.revoke();
    [[maybe_unused]] auto unbound = caps::self.unbind(TCB_SLOT_CSPACE);
    [[maybe_unused]] auto removed = caps::cnode.remove();
    return true;
}

bool drop_vspace() {
    [[maybe_unused]] auto revoked = caps::vspace.revoke();
    [[maybe_unused]] auto removed = caps::vspace.remove();
    [[maybe_unused]] auto unbound = caps::self.unbind(TCB_SLOT_VSPACE);
    return true;
}

bool drop_context() {
    [[maybe_unused]] auto gone = caps::self.context(sel::SchedContext{});
    return true;
}

bool suspend_self() {
    [[maybe_unused]] auto stopped = caps::self.suspend();
    return false;
}

} // namespace attack
