// Server: requests against rights and states.
// SPDX-License-Identifier: BSD-2-Clause
#include "server.hpp"

#include "address.hpp"

namespace net {
namespace {

constexpr u32 kPlaceBits = 8; // Of a number: the place; the rest is which use of it that is.
static_assert(Server::kSockets <= 1u << kPlaceBits);

bool is_tcp(const Socket &s) {
    return s.kind == Kind::TCP;
}

} // namespace

Server::Server(Stack &stack, RightsTexts rights) : stack_{stack} {
    for (u32 i = 0; i < rights.size() && i < kParts; i++) {
        rights_[i].read(rights[i], names_);
    }
}

const Rights &Server::rights_of(const sel::Caller &caller) const {
    if (caller.part == 0 || caller.part > kParts) {
        return none_;
    }
    return rights_[caller.part - 1];
}

void Server::finish_round() {
    stack_.work();
    for (Socket &s : socket_) {
        if (s.state == State::LISTENING) {
            serve_accept(s);
        }
    }
}

sel::Result<> Server::on(const Look &) {
    look();
    return {};
}

void Server::look() {
    stack_.look();
    finish_round();
}

// --- Sockets.

Socket *Server::find_free(u32 client) {
    Socket *free = nullptr;
    u32 mine = 0;
    for (Socket &s : socket_) {
        mine += s.state != State::FREE && s.client == client ? 1 : 0;
        free = s.state == State::FREE ? &s : free;
    }
    return mine < kPerClient ? free : nullptr;
}

u32 Server::number_of(const Socket &socket) const {
    return static_cast<u32>(&socket - socket_.data()) | socket.turn << kPlaceBits;
}

sel::Result<Socket *> Server::find(u32 number, const sel::Caller &caller) {
    u32 place = number & ((1u << kPlaceBits) - 1);
    Socket *s = place < kSockets ? &socket_[place] : nullptr;
    bool his = s != nullptr && s->state != State::FREE && s->client == caller.client &&
               number == number_of(*s) && s->listener == nullptr;
    return his ? sel::Result<Socket *>{s} : ERR_NAME;
}

sel::Result<Socket *> Server::find(u32 number, const sel::Caller &caller, Kind kind, State state) {
    sel::Result<Socket *> s = find(number, caller);
    bool right = s && (*s)->kind == kind && (*s)->state == state;
    return !s || right ? s : ERR_BUSY;
}

sel::Result<u32> Server::on(const Open &m, sel::Caller caller) {
    if (!rights_of(caller).any_at_all()) {
        return ERR_RIGHT;
    }
    Socket *s = m.kind <= Kind::ECHO ? find_free(caller.client) : nullptr;
    if (s == nullptr) {
        return m.kind <= Kind::ECHO ? ERR_FULL : ERR_ARG;
    }
    if (error_t error = s->open(m.kind, *this); error != OK) {
        return error;
    }
    s->client = caller.client;
    s->part = caller.part;
    s->rights = &rights_of(caller);
    return number_of(*s);
}

void Server::on(const Connect &m, sel::Caller caller, sel::Later<Connect> later) {
    sel::Result<Socket *> s = find(m.socket, caller, Kind::TCP, State::OPEN);
    error_t error = s.error();
    if (s && !rights_of(caller).may_reach(m.to)) {
        error = ERR_RIGHT;
    } else if (s) {
        error = (*s)->connect(m.to, stack_.up(), later);
    }
    later.answer(error); // If it waits, this one owes nothing any more.
    finish_round();
}

sel::Result<> Server::on(const Bind &m, sel::Caller caller) {
    sel::Result<Socket *> s = find(m.socket, caller, Kind::UDP, State::OPEN);
    if (!s || m.port == 0) {
        return s ? ERR_ARG : s.error();
    }
    return rights_of(caller).may_listen(m.port) ? (*s)->bind(m.port) : ERR_RIGHT;
}

sel::Result<> Server::on(const Listen &m, sel::Caller caller) {
    sel::Result<Socket *> s = find(m.socket, caller, Kind::TCP, State::OPEN);
    if (!s || m.port == 0) {
        return s ? ERR_ARG : s.error();
    }
    return rights_of(caller).may_listen(m.port) ? (*s)->listen(m.port) : ERR_RIGHT;
}

sel::Result<> Server::on(const Finish &m, sel::Caller caller) {
    sel::Result<Socket *> s = find(m.socket, caller, Kind::TCP, State::CONNECTED);
    error_t error = s ? (*s)->finish() : s.error();
    finish_round();
    return error;
}

// Those that came to it and were not accepted end with it.
void Server::close(Socket &socket, bool abort) {
    for (Socket &s : socket_) {
        if (s.state != State::FREE && s.listener == &socket) {
            s.close(true);
        }
    }
    socket.close(abort);
}

sel::Result<> Server::on(const Close &m, sel::Caller caller) {
    sel::Result<Socket *> s = find(m.socket, caller);
    if (s) {
        close(**s, false);
    }
    finish_round();
    return s.error();
}

sel::Result<Cause> Server::on(const GetCause &m, sel::Caller caller) {
    if (m.socket == ~0u) {
        return failed_lookup_of_ == caller.client ? Cause::NO_NAME : Cause::NONE;
    }
    sel::Result<Socket *> s = find(m.socket, caller);
    return s ? sel::Result<Cause>{(*s)->cause} : s.error();
}

void Server::on_ended(u32 client) {
    for (Socket &s : socket_) {
        if (s.state != State::FREE && s.client == client) {
            close(s, true);
        }
    }
    for (Lookup &l : lookup_) {
        if (l.client == client) {
            l.later = {};
        }
    }
    finish_round();
}

// --- Connections that come.

Socket *Server::take(Socket &listener) {
    u32 waiting = 0;
    for (const Socket &s : socket_) {
        waiting += s.state != State::FREE && s.listener == &listener ? 1 : 0;
    }
    Socket *s = waiting < kWaiting ? find_free(listener.client) : nullptr;
    if (s != nullptr) {
        s->order = order_++;
    }
    return s;
}

// Each client may have as much as it leaves free: one has half of it at most, of n each an (n + 1)th, and never all.
bool Server::has_share(const Socket &socket) const {
    constexpr u32 kPieceBytes = TCP_MSS + 140; // With heads.
    u32 his = 0;
    for (const Socket &s : socket_) {
        his += s.state != State::FREE && s.client == socket.client ? s.queued() : 0;
    }
    const stats_mem &segments = *lwip_stats.memp[MEMP_TCP_SEG];
    auto bytes = static_cast<u32>(lwip_stats.mem.avail - lwip_stats.mem.used);
    return his < std::min(bytes / kPieceBytes, static_cast<u32>(segments.avail - segments.used));
}

Socket *Server::oldest_of(const Socket &listener) {
    Socket *oldest = nullptr;
    for (Socket &s : socket_) {
        bool waits = s.state != State::FREE && s.listener == &listener;
        oldest = waits && (oldest == nullptr || s.order < oldest->order) ? &s : oldest;
    }
    return oldest;
}

void Server::serve_accept(Socket &listener) {
    Socket *next = listener.waits_accept() ? oldest_of(listener) : nullptr;
    if (next != nullptr && listener.answer_accept({number_of(*next), next->remote()})) {
        next->leave_backlog();
    }
}

void Server::on(const Accept &m, sel::Caller caller, sel::Later<Accept> later) {
    sel::Result<Socket *> s = find(m.socket, caller, Kind::TCP, State::LISTENING);
    if (!s) {
        later.answer(s.error());
        return;
    }
    (*s)->wait_accept(std::move(later));
    serve_accept(**s);
}

// --- Data.

template <typename M, typename Go>
void Server::with_data(const M &m, sel::Caller caller, sel::Later<M> later, Kind kind, Go go) {
    sel::Result<Socket *> s = find(m.socket, caller);
    bool tcp = s && is_tcp(**s);
    bool ready = s && tcp == (kind == Kind::TCP) &&
                 (!tcp || (*s)->state == State::CONNECTED || (*s)->state == State::ENDED);
    if (!ready) {
        later.answer(s ? ERR_BUSY : s.error());
        return;
    }
    go(**s, std::move(later));
    finish_round();
}

void Server::on(const Send &m, sel::Caller caller, sel::Later<Send> later) {
    if (m.data.size == 0) {
        later.answer(ERR_ARG);
        return;
    }
    with_data(m, caller, std::move(later), Kind::TCP,
              [&](Socket &s, sel::Later<Send> owed) { s.send(m, std::move(owed)); });
}

void Server::on(const Receive &m, sel::Caller caller, sel::Later<Receive> later) {
    with_data(m, caller, std::move(later), Kind::TCP,
              [](Socket &s, sel::Later<Receive> owed) { s.receive(std::move(owed)); });
}

void Server::on(const ReceiveFrom &m, sel::Caller caller, sel::Later<ReceiveFrom> later) {
    with_data(m, caller, std::move(later), Kind::UDP,
              [](Socket &s, sel::Later<ReceiveFrom> owed) { s.receive_from(std::move(owed)); });
}

sel::Result<> Server::on(const SendTo &m, sel::Caller caller) {
    sel::Result<Socket *> s = find(m.socket, caller);
    if (!s || is_tcp(**s)) {
        return s ? ERR_BUSY : s.error();
    }
    const Rights &rights = rights_of(caller);
    bool echo = (*s)->kind == Kind::ECHO;
    if (echo ? !rights.may_reach(m.to.address) : !rights.may_reach(m.to)) {
        return ERR_RIGHT;
    }
    error_t error = echo || m.to.port != 0 ? (*s)->send_to(m, stack_.up()) : ERR_ARG;
    finish_round();
    return error;
}

// --- Names.

void Server::on_found(const char *, const ip_addr_t *address, void *lookup) {
    Lookup &l = *static_cast<Lookup *>(lookup);
    l.busy = false;
    if (address != nullptr) {
        // The first of several looks that were on their way counts, for all of them.
        l.server->names_.learn(l.name.view(), from_lwip(*address));
        std::optional<Address> kept = l.server->names_.address_of(l.name.view());
        l.later.answer(kept.value_or(from_lwip(*address)));
    } else {
        l.server->failed_lookup_of_ = l.client;
        l.later.answer(ERR_IO);
    }
}

Server::Lookup *Server::find_lookup(u32 client) {
    Lookup *free = nullptr;
    u32 his = 0;
    for (Lookup &l : lookup_) {
        his += l.busy && l.client == client ? 1 : 0;
        free = l.busy ? free : &l;
    }
    return his < kResolvesPerClient ? free : nullptr;
}

void Server::on(const Resolve &m, sel::Caller caller, sel::Later<Resolve> later) {
    const Rights &rights = rights_of(caller);
    std::string_view asked = m.data.view();
    Address address;
    if (rights.any_at_all() && read_address(asked, address)) {
        later.answer(address);
        return;
    }
    if (!rights.may_look_up(asked)) {
        later.answer(ERR_RIGHT);
        return;
    }
    if (std::optional<Address> known = names_.address_of(asked)) {
        later.answer(*known);
        return;
    }
    Lookup *free = find_lookup(caller.client);
    if (free == nullptr) {
        later.answer(ERR_FULL);
        return;
    }
    char name[Name::kCapacity + 1] = {};
    asked.copy(name, Name::kCapacity);
    ip_addr_t found;
    free->server = this;
    free->client = caller.client;
    free->name = m.data;
    free->later = std::move(later);
    err_t error = dns_gethostbyname(name, &found, &Server::on_found, free);
    free->busy = error == ERR_INPROGRESS;
    if (!free->busy) {
        on_found(name, error == ERR_OK ? &found : nullptr, free);
    }
    finish_round();
}

// --- View.

sel::Result<Interface> Server::on(const GetInterface &) {
    Interface i = stack_.interface();
    if (i.there == 0) {
        look(); // A card may have come.
        i = stack_.interface();
    }
    return i;
}

sel::Result<Pool> Server::on(const GetPool &m) {
    struct Line {
        std::string_view name;
        u32 bytes;
        const stats_mem *stats;
    };
    auto pool = [](std::string_view name, memp_t which) {
        return Line{name, memp_pools[which]->size, lwip_stats.memp[which]};
    };
    const Line lines[] = {{"to be sent (bytes)", 1, &lwip_stats.mem},
                          pool("tcp connections", MEMP_TCP_PCB),
                          pool("tcp listeners", MEMP_TCP_PCB_LISTEN),
                          pool("tcp segments", MEMP_TCP_SEG),
                          pool("udp", MEMP_UDP_PCB),
                          pool("echo", MEMP_RAW_PCB),
                          pool("packets by reference", MEMP_PBUF),
                          pool("packets", MEMP_PBUF_POOL),
                          pool("packets in parts", MEMP_REASSDATA),
                          pool("timers", MEMP_SYS_TIMEOUT)};
    if (m.place > std::size(lines)) {
        return ERR_NAME;
    }
    Pool answer{};
    if (m.place == std::size(lines)) {
        answer = {sizeof(Socket), 0, 0, kSockets, "sockets"};
        for (const Socket &s : socket_) {
            answer.used += s.state != State::FREE ? 1 : 0;
        }
        return answer;
    }
    const Line &line = lines[m.place];
    answer = {line.bytes, static_cast<u32>(line.stats->used), static_cast<u32>(line.stats->max),
              static_cast<u32>(line.stats->avail), line.name};
    return answer;
}

sel::Result<SocketInfo> Server::on(const GetSocket &m) {
    for (u32 i = m.place; i < kSockets; i++) {
        const Socket &s = socket_[i];
        if (s.state != State::FREE) {
            return SocketInfo{i + 1,     s.client,   s.kind,      s.state,
                              s.local(), s.remote(), s.to_read(), s.to_send()};
        }
    }
    return ERR_EMPTY;
}

} // namespace net
