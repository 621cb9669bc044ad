// Netwatch: waits in the driver for changes of its card, and for its end, and tells net.
// SPDX-License-Identifier: BSD-2-Clause
//
// A server that waited there would be one that keeps its clients waiting (adr/0083); this program serves nobody.
#include "netwatch.caps.hpp"

int main() {
    sel::Result<nic::Link> link = ERR_RESTARTED;
    u32 changes = 0;
    do {
        link = caps::card.call(nic::Wait{.card = 0, .changes = changes});
        changes = link ? link->changes : 0;
        [[maybe_unused]] auto told = caps::control.call(net::Look{});
    } while (link || link.error() == ERR_RESTARTED);
    // There is no card, or nobody who drives it.
    [[maybe_unused]] auto never = caps::signals.wait();
    return 0;
}
