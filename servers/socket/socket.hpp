// Socket: what a program does with net: calls that wait, with a time-out, and a failure in words.
// SPDX-License-Identifier: BSD-2-Clause
//
//   socket::Socket s{caps::net};
//   s.open(net::Kind::TCP); s.connect({address, 80}, 5'000); s.send_all(text, 5'000);
//   while (auto got = s.receive(5'000); got && !got->span().empty()) ...
//   if (!done) say(s.why(done.error()));
// It closes itself. After a time-out the socket is as before: the same can be asked again. Errors are those of
// servers/net/api.hpp; why() also has what net says of ERR_IO.
#pragma once

#include "servers/net/api.hpp"

#include "sel/clock.hpp"

namespace socket {

class Socket {
  public:
    explicit Socket(sel::Client<net::Api> net) : net_{net} {}
    Socket(const Socket &) = delete;
    Socket &operator=(const Socket &) = delete;
    ~Socket() { close(); }

    sel::Result<> open(net::Kind kind) {
        close();
        sel::Result<u32> number = net_.call(net::Open{.kind = kind});
        number_ = number.value_or(kNone);
        return number.error();
    }
    // One that was accepted.
    void adopt(u32 number) {
        close();
        number_ = number;
    }
    void close() {
        if (number_ != kNone) {
            [[maybe_unused]] auto closed = net_.call(net::Close{.socket = number_});
        }
        number_ = kNone;
    }

    sel::Result<> connect(const net::Endpoint &to, u64 ms) {
        return ask(ms, net::Connect{.socket = number_, .to = to});
    }
    sel::Result<> bind(u16 port) { return net_.call(net::Bind{.socket = number_, .port = port}); }
    sel::Result<> listen(u16 port) {
        return net_.call(net::Listen{.socket = number_, .port = port});
    }
    sel::Result<net::Accepted> accept(u64 ms) { return ask(ms, net::Accept{.socket = number_}); }
    sel::Result<> finish() { return net_.call(net::Finish{.socket = number_}); }

    // How many bytes were taken, at least one.
    sel::Result<u32> send(std::string_view text, u64 ms) {
        net::Send m{.socket = number_, .data = {}};
        m.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        return ask(ms, m);
    }
    // `ms`: for each piece.
    sel::Result<> send_all(std::string_view text, u64 ms) {
        while (!text.empty()) {
            sel::Result<u32> taken = send(text, ms);
            if (!taken) {
                return taken.error();
            }
            text.remove_prefix(*taken);
        }
        return {};
    }
    // At least a byte; none: the other side has finished.
    sel::Result<net::Data> receive(u64 ms) {
        sel::Result<net::Received> got = ask(ms, net::Receive{.socket = number_});
        return got ? sel::Result<net::Data>{got->data} : got.error();
    }

    sel::Result<> send_to(const net::Endpoint &to, std::span<const u8> data) {
        return net_.call(net::SendTo{.socket = number_, .to = to, .data = net::Data{data}});
    }
    sel::Result<net::Datagram> receive_from(u64 ms) {
        return ask(ms, net::ReceiveFrom{.socket = number_});
    }

    // An error of this socket, in words.
    std::string_view why(error_t error) const {
        switch (error) {
        case ERR_IO:
            return net::describe(
                net_.call(net::GetCause{.socket = number_}).value_or(net::Cause::NONE));
        case ERR_TIMEOUT:
            return net::describe(net::Cause::TIMED_OUT);
        case ERR_RIGHT:
            return "this program may not do that in the network";
        case ERR_RESTARTED:
            return "the network server was restarted";
        default:
            return sel::describe(error);
        }
    }

  private:
    static constexpr u32 kNone = ~0u;

    template <typename M>
    sel::Result<typename M::Answer> ask(u64 ms, const M &m) const {
        return net_.call_within(sel::milliseconds(ms), m);
    }

    sel::Client<net::Api> net_;
    u32 number_ = kNone;
};

// The address of a name, or of an address in numbers.
inline sel::Result<net::Address> resolve(sel::Client<net::Api> net, std::string_view name, u64 ms) {
    net::Address address;
    if (net::read_address(name, address)) {
        return address;
    }
    if (name.empty() || name.size() > net::Name::kCapacity) {
        return ERR_ARG;
    }
    return net.call_within(sel::milliseconds(ms), net::Resolve{.data = name});
}

} // namespace socket
