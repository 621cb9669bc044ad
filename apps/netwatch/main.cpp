// Netwatch: waits in the driver for changes of the card that net uses, and for its end, and tells net.
// SPDX-License-Identifier: BSD-2-Clause
//
// A server that waited there would be one that keeps its clients waiting (adr/0083); this program serves nobody. It looks
// for the card as net does: the first driver, from the last one on, that has one.
#include "netwatch.caps.hpp"

namespace {

constexpr u32 kCard = 0;

// False: no driver has a card.
bool find_card(u32 &used) {
    for (u32 i = 0; i < caps::cards.size(); i++) {
        u32 place = (used + i) % caps::cards.size();
        sel::Result<nic::Info> info = ERR_RESTARTED;
        while (info.error() == ERR_RESTARTED) {
            info = caps::cards[place].client.call(nic::GetInfo{.card = kCard});
        }
        if (info) {
            used = place;
            return true;
        }
    }
    return false;
}

} // namespace

int main() {
    u32 used = 0, changes = 0;
    for (u32 last = used; find_card(used); last = used) {
        changes = used == last ? changes : 0;
        sel::Result<nic::Link> link =
            caps::cards[used].client.call(nic::Wait{.card = kCard, .changes = changes});
        changes = link ? link->changes : 0;
        [[maybe_unused]] auto told = caps::control.call(net::Look{});
    }
    // There is no card, or nobody who drives it.
    [[maybe_unused]] auto told = caps::control.call(net::Look{});
    [[maybe_unused]] auto never = caps::signals.wait();
    return 0;
}
