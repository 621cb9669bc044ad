// Ifconfig: shows the card, its link and its address.
// SPDX-License-Identifier: BSD-2-Clause
//
//   ifconfig      waits a while for an address if one is being asked for
#include "ifconfig.caps.hpp"

#include <algorithm>

#include "servers/nic/api.hpp"
#include "servers/socket/command.hpp"

namespace {

constexpr u64 kPatienceMs = 10'000, kStepMs = 50;

const socket::Command command{"ifconfig", "nothing", caps::console};

// A machine that has just begun has no address yet.
sel::Result<net::Interface> look() {
    sel::Result<net::Interface> i = caps::net.call(net::GetInterface{});
    for (u64 ms = 0; i && i->asks != 0 && ms < kPatienceMs; ms += kStepMs) {
        [[maybe_unused]] auto slept = caps::signals.wait(sel::milliseconds(kStepMs));
        i = caps::net.call(net::GetInterface{});
    }
    return i;
}

void show(const net::Interface &i) {
    nic::Mac mac;
    std::copy_n(i.mac, sizeof mac.byte, mac.byte);
    sel::Text<20> hardware;
    nic::write_mac(hardware, mac);
    command.print("{}: {}, link {}\n", i.data, hardware, i.up != 0 ? "up" : "down");
    if (i.up != 0 && i.asks == 0) {
        command.print("  address {} mask {} router {} names {}\n", socket::text_of(i.address),
                      socket::text_of(i.mask), socket::text_of(i.router), socket::text_of(i.names));
    } else if (i.up != 0) {
        command.print("  no address: nobody gives one (DHCP)\n");
    }
    command.print("  in {} frames, {} bytes, {} lost; out {} frames, {} bytes, {} lost\n",
                  i.frames_in, i.bytes_in, i.lost_in, i.frames_out, i.bytes_out, i.lost_out);
}

} // namespace

int main() {
    if (!socket::Words{}.next().empty()) {
        return command.usage();
    }
    sel::Result<net::Interface> i = look();
    if (!i) {
        return command.fail("{}", sel::describe(i.error()));
    }
    if (i->there == 0) {
        return command.fail("there is no network card");
    }
    show(*i);
    return socket::kGood;
}
