// Server: sockets of clients, and what each may do with them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "socket.hpp"
#include "stack.hpp"

#include <span>

namespace net {

// What the clients of this server may do, by part from 1 on, as boot/system.toml has it; part 0: nothing.
using RightsTexts = std::span<const std::string_view>;

class Server final : public Backlog {
  public:
    static constexpr u32 kSockets = 64;   // Of all clients,
    static constexpr u32 kPerClient = 48; // and of one.
    static constexpr u32 kResolves = 8;   // Names that are being looked up,
    static constexpr u32 kResolvesPerClient = 4;
    static constexpr u32 kParts = 64;   // Rights.
    static constexpr u32 kWaiting = 24; // Connections that came to a socket and are not accepted.

    // Texts that are none give no right.
    Server(Stack &stack, RightsTexts rights);

    sel::Result<u32> on(const Open &m, sel::Caller caller);
    void on(const Connect &m, sel::Caller caller, sel::Later<Connect> later);
    sel::Result<> on(const Bind &m, sel::Caller caller);
    sel::Result<> on(const Listen &m, sel::Caller caller);
    void on(const Accept &m, sel::Caller caller, sel::Later<Accept> later);
    void on(const Send &m, sel::Caller caller, sel::Later<Send> later);
    void on(const Receive &m, sel::Caller caller, sel::Later<Receive> later);
    sel::Result<> on(const SendTo &m, sel::Caller caller);
    void on(const ReceiveFrom &m, sel::Caller caller, sel::Later<ReceiveFrom> later);
    sel::Result<> on(const Finish &m, sel::Caller caller);
    sel::Result<> on(const Close &m, sel::Caller caller);
    sel::Result<Cause> on(const GetCause &m, sel::Caller caller);
    void on(const Resolve &m, sel::Caller caller, sel::Later<Resolve> later);

    sel::Result<Interface> on(const GetInterface &m);
    sel::Result<Pool> on(const GetPool &m);
    sel::Result<SocketInfo> on(const GetSocket &m);

    sel::Result<> on(const Look &);

    void on_ended(u32 client);
    u64 deadline() const { return stack_.deadline(); }
    void on_timeout() { finish_round(); }
    void on_signal(u64) { finish_round(); } // The card's bell.

    // The card, or its link, may be another one.
    void look();
    // Behind all that was done with lwIP.
    void finish_round();

    // Backlog.
    Socket *take(Socket &listener) override;
    bool has_share(const Socket &socket) const override;

  private:
    struct Lookup {
        Server *server = nullptr;
        u32 client = 0;
        Name name;
        sel::Later<Resolve> later;
        bool busy = false; // lwIP will call.
    };

    static void on_found(const char *name, const ip_addr_t *address, void *lookup);

    const Rights &rights_of(const sel::Caller &caller) const;
    Socket *find_free(u32 client);
    Lookup *find_lookup(u32 client);
    sel::Result<Socket *> find(u32 number, const sel::Caller &caller);
    // The same, of a kind and in a state.
    sel::Result<Socket *> find(u32 number, const sel::Caller &caller, Kind kind, State state);
    u32 number_of(const Socket &socket) const;
    void close(Socket &socket, bool abort);
    void serve_accept(Socket &listener);
    Socket *oldest_of(const Socket &listener);
    template <typename M, typename Go>
    void with_data(const M &m, sel::Caller caller, sel::Later<M> later, Kind kind, Go go);

    Stack &stack_;
    Names names_; // In rights.
    Rights none_;
    std::array<Rights, kParts> rights_;
    std::array<Socket, kSockets> socket_;
    std::array<Lookup, kResolves> lookup_;
    u64 order_ = 0;
    u32 failed_lookup_of_ = 0; // A client.
};

} // namespace net
