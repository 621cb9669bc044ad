// Attacks on the network by one who may do little there, or nothing.
// SPDX-License-Identifier: BSD-2-Clause
#include "attack.caps.hpp"
#include "attacks.hpp"

#include "sel/clock.hpp"

namespace attack {
namespace {

constexpr u64 kPatienceMs = 1000;
constexpr net::Address kHost = net::v4(10, 0, 2, 2), kOther = net::v4(10, 0, 2, 3);
constexpr u16 kMayListen = 7, kMayReach = 9;

template <typename M>
error_t ask(const M &m) {
    return caps::narrow.call_within(sel::milliseconds(kPatienceMs), m).error();
}

// Who has no right has no socket, and no name is looked up for it.
bool nothing_is_nothing() {
    for (net::Kind kind : {net::Kind::TCP, net::Kind::UDP, net::Kind::ECHO}) {
        if (caps::nothing.call(net::Open{.kind = kind}).error() != ERR_RIGHT) {
            return false;
        }
    }
    return caps::nothing.call(net::Resolve{.data = "test.example"}).error() == ERR_RIGHT;
}

bool stays_where_it_may(u32 tcp, u32 udp, u32 echo) {
    const net::Data data{std::span{reinterpret_cast<const u8 *>("x"), 1}};
    for (net::Endpoint to : {net::Endpoint{kHost, kMayReach + 1}, net::Endpoint{kOther, kMayReach},
                             net::Endpoint{net::v4(255, 255, 255, 255), kMayReach},
                             net::Endpoint{net::v4(127, 0, 0, 1), kMayReach},
                             net::Endpoint{net::Address{}, kMayReach}}) {
        if (ask(net::Connect{.socket = tcp, .to = to}) != ERR_RIGHT ||
            ask(net::SendTo{.socket = udp, .to = to, .data = data}) != ERR_RIGHT) {
            return false;
        }
    }
    return ask(net::SendTo{.socket = echo, .to = {kOther, 0}, .data = data}) == ERR_RIGHT;
}

// A question for a name leaves the machine, too; what is in numbers gives an address, but no way there.
bool looks_up_what_it_may() {
    for (const char *name : {"secret.example", "test.example.evil.example", "example", "10.0.2"}) {
        if (ask(net::Resolve{.data = name}) != ERR_RIGHT) {
            return false;
        }
    }
    return ask(net::Resolve{.data = "10.0.2.3"}) == OK;
}

bool listens_where_it_may(u32 tcp, u32 udp) {
    for (u32 port = 1; port <= 65'535; port += port < 1024 ? 1 : 997) {
        u16 at = static_cast<u16>(port);
        if (at != kMayListen && (ask(net::Bind{.socket = udp, .port = at}) != ERR_RIGHT ||
                                 ask(net::Listen{.socket = tcp, .port = at}) != ERR_RIGHT)) {
            return false;
        }
    }
    return ask(net::Bind{.socket = udp, .port = kMayListen}) == OK &&
           ask(net::Listen{.socket = tcp, .port = kMayListen}) == OK;
}

// Its capability without rights reaches no socket of the other one that it may not use: they are the program's, but
// what may be done goes by the capability.
bool rights_are_the_capabilitys(u32 udp) {
    const net::Data data{std::span{reinterpret_cast<const u8 *>("x"), 1}};
    net::SendTo m{.socket = udp, .to = {kHost, kMayReach}, .data = data};
    return caps::nothing.call(m).error() == ERR_RIGHT;
}

} // namespace

bool leave_network() {
    sel::Result<u32> tcp = caps::narrow.call(net::Open{.kind = net::Kind::TCP});
    sel::Result<u32> udp = caps::narrow.call(net::Open{.kind = net::Kind::UDP});
    sel::Result<u32> echo = caps::narrow.call(net::Open{.kind = net::Kind::ECHO});
    if (!tcp || !udp || !echo || !nothing_is_nothing() || !stays_where_it_may(*tcp, *udp, *echo) ||
        !looks_up_what_it_may() || !rights_are_the_capabilitys(*udp) ||
        !listens_where_it_may(*tcp, *udp)) {
        return false;
    }
    constexpr u32 kMost = 48; // Of one client.
    u32 opened = 3;           // As many as it may have, then it ends with all of them.
    while (caps::narrow.call(net::Open{.kind = net::Kind::UDP})) {
        opened++;
    }
    return opened <= kMost && ask(net::Open{.kind = net::Kind::TCP}) == ERR_FULL;
}

} // namespace attack
