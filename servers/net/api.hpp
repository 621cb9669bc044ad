// Net: TCP, UDP and echo over IP, and what the network is. The only header for its clients, with sockets.hpp of libsel.
// SPDX-License-Identifier: BSD-2-Clause
//
// A socket is a number that belongs to the program that opened it, and ends with it. What it may do stands in
// boot/system.toml (rights.hpp): whom it may reach, at which ports it may listen. Nothing is sent that they do not allow.
//
//   TCP   Open -> Connect -> Send, Receive, ... -> Finish -> Close
//         Open -> Listen -> Accept, which opens a socket for each that comes -> ...
//   UDP   Open -> SendTo, ReceiveFrom, ...; before it Bind, to be reached at a port that is known
//   ECHO  Open -> SendTo -> ReceiveFrom: the data of echo requests and of their answers (ICMP)
//
// Whatever waits is answered when it can go on, and may be given up (call_within()): nothing is lost by that. One
// request of each kind waits at a time for a socket; another one takes its place (ERR_GONE).
// Errors: ERR_NAME no such socket of this client, ERR_RIGHT its rights do not allow that, ERR_FULL it has too many sockets,
// or net has no more, ERR_BUSY the socket is in another state, ERR_EXISTS the port is taken, ERR_ARG what makes no
// sense, ERR_IO the network said no: GetCause says what. ERR_RESTARTED: net died, with all sockets.
#pragma once

#include "sel/client.hpp"
#include "sel/format.hpp"

namespace net {

// An address of IPv6; those of IPv4 are in it as RFC 4291 (2.5.5.2) says.
struct Address {
    u8 byte[16];
    bool operator==(const Address &) const = default;
};
constexpr Address v4(u8 a, u8 b, u8 c, u8 d) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
}
constexpr bool is_v4(const Address &a) {
    Address head = v4(a.byte[12], a.byte[13], a.byte[14], a.byte[15]);
    return a == head;
}

struct Endpoint {
    Address address;
    u16 port;
    u16 unused = 0;
    bool operator==(const Endpoint &) const = default;
};

inline constexpr u32 kChunk = 896; // Bytes in a message; a datagram is no longer than that.
using Data = sel::Bytes<kChunk>;
using Name = sel::Text<127>;

enum class Kind : u32 { TCP, UDP, ECHO };

// Why ERR_IO.
enum class Cause : u32 {
    NONE,
    NO_NETWORK,  // There is no card, no link, or no address yet.
    UNREACHABLE, // No way leads there.
    REFUSED,     // Nobody listens there, or it was reset at once.
    RESET,       // The other side has broken it off, or is another one by now.
    TIMED_OUT,   // It does not answer.
    NO_MEMORY,   // Too much is to be sent at the same time.
    NO_NAME      // Nobody knows this name.
};

struct Open : sel::Asks<u32> {
    Kind kind;
};

struct Connect : sel::Asks<void, sel::kNoLimit> {
    u32 socket;
    Endpoint to;
};

struct Bind : sel::Asks<> {
    u32 socket;
    u16 port;
};

struct Listen : sel::Asks<> {
    u32 socket;
    u16 port;
};

struct Accepted {
    u32 socket;
    Endpoint from;
};
struct Accept : sel::Asks<Accepted, sel::kNoLimit> {
    u32 socket;
};

// Answered with how many bytes were taken, at least one, when there is room for some.
struct Send : sel::Asks<u32, sel::kNoLimit> {
    u32 socket;
    Data data;

    bool accepts(u32 count) const { return count != 0 && count <= data.size; }
};

// What has come, at least a byte; none: the other side has finished.
struct Received {
    Data data;
};
struct Receive : sel::Asks<Received, sel::kNoLimit> {
    u32 socket;
};

struct SendTo : sel::Asks<> {
    u32 socket;
    Endpoint to; // Of ECHO: without a port.
    Data data;
};

// The next datagram; of those that find no room here the last one is lost, and what is longer than kChunk is cut.
struct Datagram {
    Endpoint from;
    u32 cut; // Bytes that were left out.
    u32 ttl; // How many more routers it could have passed.
    Data data;
};
struct ReceiveFrom : sel::Asks<Datagram, sel::kNoLimit> {
    u32 socket;
};

// Nothing more is sent; it can still receive.
struct Finish : sel::Asks<> {
    u32 socket;
};

// The socket is gone; what was sent still arrives, if the other side lets it.
struct Close : sel::Asks<> {
    u32 socket;
};

struct GetCause : sel::Asks<Cause> {
    u32 socket; // ~0: of this client's last Resolve.
};

// The address of a name; an address in numbers is answered at once.
struct Resolve : sel::Asks<Address, sel::kNoLimit> {
    Name data;
};

// --- View: looking.

struct Interface {
    u8 mac[6];
    u8 there, up;      // A card; a link. 0 or 1.
    u8 asks, reserved; // For an address.
    Address address, mask, router, names;
    u64 frames_in, bytes_in, frames_out, bytes_out, lost_in, lost_out;
    sel::Text<40> data; // The card, for people.
};
struct GetInterface : sel::Asks<Interface> {};

// What net has of one kind of memory; all that it has is this. ERR_NAME behind the last one.
struct Pool {
    u32 bytes; // Of one.
    u32 used, most, all;
    sel::Text<24> data;
};
struct GetPool : sel::Asks<Pool> {
    u32 place;
};

enum class State : u32 { FREE, OPEN, CONNECTING, CONNECTED, LISTENING, ENDED };
struct SocketInfo {
    u32 next; // Place to ask for behind it.
    u32 client;
    Kind kind;
    State state;
    Endpoint local, remote;
    u32 to_read, to_send; // Bytes.

    bool sound() const { return kind <= Kind::ECHO && state <= State::ENDED; }
};
// The first one from `place` on, from 0. ERR_EMPTY: there is none.
struct GetSocket : sel::Asks<SocketInfo> {
    u32 place;

    bool accepts(const SocketInfo &info) const { return info.next > place; }
};

using Api = sel::Protocol<Open, Connect, Bind, Listen, Accept, Send, Receive, SendTo, ReceiveFrom,
                          Finish, Close, GetCause, Resolve>;
using View = sel::Protocol<GetInterface, GetPool, GetSocket>;

// --- Control: for who waits for the card (apps/netwatch).

// The card, its driver or its link may be another one.
struct Look : sel::Asks<> {};

using Control = sel::Protocol<Look>;

// --- Text.

constexpr std::string_view describe(Cause cause) {
    constexpr std::string_view kText[] = {"nothing",
                                          "there is no network",
                                          "no way leads there",
                                          "connection refused",
                                          "the connection was broken off",
                                          "no answer in time",
                                          "too much is being sent",
                                          "nobody knows this name"};
    u32 i = static_cast<u32>(cause);
    return i < std::size(kText) ? kText[i] : "unknown";
}

template <u32 N>
void write_address(sel::Text<N> &to, const Address &a) {
    if (is_v4(a)) {
        sel::format(to, "{}.{}.{}.{}", a.byte[12], a.byte[13], a.byte[14], a.byte[15]);
        return;
    }
    for (u32 i = 0; i < 8; i++) {
        sel::format(to, i == 0 ? "{:x}" : ":{:x}", a.byte[2 * i] << 8 | a.byte[2 * i + 1]);
    }
}

// A number below `end`, in decimal digits, all of the text.
constexpr bool read_number(std::string_view text, u32 end, u32 &number) {
    constexpr u32 kDigitsMost = 9;
    number = 0;
    for (char c : text) {
        if (c < '0' || c > '9' || text.size() > kDigitsMost) {
            return false;
        }
        number = number * 10 + static_cast<u32>(c - '0');
    }
    return !text.empty() && number < end;
}

// "10.0.2.2".
constexpr bool read_address(std::string_view text, Address &address) {
    u32 part[4] = {};
    for (u32 i = 0; i < 4; i++) {
        std::size_t end = i < 3 ? text.find('.') : text.size();
        if (end == text.npos || !read_number(text.substr(0, end), 256, part[i])) {
            return false;
        }
        text.remove_prefix(i < 3 ? end + 1 : end);
    }
    address = v4(static_cast<u8>(part[0]), static_cast<u8>(part[1]), static_cast<u8>(part[2]),
                 static_cast<u8>(part[3]));
    return true;
}

} // namespace net
