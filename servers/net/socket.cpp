// Socket: calls of lwIP, and its calls of us.
// SPDX-License-Identifier: BSD-2-Clause
#include "socket.hpp"

#include "address.hpp"
#include "port.hpp"

namespace net {
namespace {

constexpr u8 kPollHalfSeconds = 1; // How often one that cannot send looks again.
constexpr u8 kBacklog = 24;        // Connections that come and are not accepted.

Cause cause_of(err_t error, bool network) {
    switch (error) {
    case ERR_RTE:
        return network ? Cause::UNREACHABLE : Cause::NO_NETWORK;
    case ERR_MEM:
    case ERR_BUF:
        return Cause::NO_MEMORY;
    case ERR_ABRT:
    case LWIP_ERR_TIMEOUT:
        return Cause::TIMED_OUT;
    default:
        return Cause::RESET;
    }
}

Socket &of(void *socket) {
    return *static_cast<Socket *>(socket);
}

} // namespace

error_t Socket::open(Kind which, Backlog &backlog) {
    kind = which;
    cause = Cause::NONE;
    backlog_ = &backlog;
    bound_ = other_finished_ = false;
    in_.clear();
    if (kind == Kind::TCP) {
        tcp_ = tcp_new_ip_type(IPADDR_TYPE_V4);
        watch();
    } else if (kind == Kind::UDP) {
        udp_ = udp_new_ip_type(IPADDR_TYPE_V4);
        if (udp_ != nullptr) {
            udp_recv(udp_, &Socket::on_datagram, this);
        }
    } else {
        raw_ = raw_new_ip_type(IPADDR_TYPE_V4, IP_PROTO_ICMP);
        echo_id_ = static_cast<u16>(random().next());
        if (raw_ != nullptr) {
            raw_recv(raw_, &Socket::on_packet, this);
        }
    }
    bool opened = tcp_ != nullptr || udp_ != nullptr || raw_ != nullptr;
    state = opened ? State::OPEN : State::FREE;
    return opened ? OK : ::ERR_FULL;
}

// lwIP calls us for this connection.
void Socket::watch() {
    if (tcp_ == nullptr) {
        return;
    }
    tcp_arg(tcp_, this);
    tcp_err(tcp_, &Socket::on_failed);
    tcp_recv(tcp_, &Socket::on_received);
    tcp_sent(tcp_, &Socket::on_sent);
    tcp_poll(tcp_, &Socket::on_poll, kPollHalfSeconds);
}

void Socket::adopt(Socket &from, tcp_pcb *connection, Backlog &backlog) {
    kind = Kind::TCP;
    cause = Cause::NONE;
    backlog_ = &backlog;
    bound_ = other_finished_ = false;
    in_.clear();
    client = from.client;
    part = from.part;
    rights = from.rights;
    listener = &from;
    tcp_ = connection;
    state = State::CONNECTED;
    watch();
    tcp_backlog_delayed(tcp_); // lwIP answers no more of them than there is room for.
}

void Socket::leave_backlog() {
    listener = nullptr;
    if (tcp_ != nullptr) {
        tcp_backlog_accepted(tcp_);
    }
}

error_t Socket::failed(err_t error, bool network) {
    cause = cause_of(error, network);
    return ::ERR_IO;
}

error_t Socket::connect(const Endpoint &to, bool network, sel::Later<Connect> &later) {
    ip_addr_t address;
    if (!to_lwip(to.address, address)) {
        return failed(ERR_RTE, true);
    }
    err_t error = tcp_connect(tcp_, &address, to.port, &Socket::on_connected);
    if (error != ERR_OK) {
        return failed(error, network);
    }
    state = State::CONNECTING;
    connecting_ = std::move(later);
    return OK;
}

error_t Socket::bind(u16 port) {
    err_t error = udp_bind(udp_, IP4_ADDR_ANY, port);
    bound_ = error == ERR_OK;
    return bound_ ? OK : ::ERR_EXISTS;
}

error_t Socket::listen(u16 port) {
    if (tcp_bind(tcp_, IP4_ADDR_ANY, port) != ERR_OK) {
        return ::ERR_EXISTS;
    }
    tcp_pcb *listening = tcp_listen_with_backlog(tcp_, kBacklog);
    if (listening == nullptr) {
        return ::ERR_FULL;
    }
    tcp_ = listening;
    tcp_arg(tcp_, this);
    tcp_accept(tcp_, &Socket::on_accept);
    state = State::LISTENING;
    return OK;
}

error_t Socket::finish() {
    err_t error = tcp_shutdown(tcp_, 0, 1);
    return error == ERR_OK ? OK : failed(error, true);
}

void Socket::close(bool abort) {
    if (udp_ != nullptr) {
        udp_remove(udp_);
    }
    if (raw_ != nullptr) {
        raw_remove(raw_);
    }
    if (tcp_ != nullptr) {
        tcp_arg(tcp_, nullptr);
        if (state != State::LISTENING) {
            tcp_err(tcp_, nullptr);
            tcp_recv(tcp_, nullptr);
            tcp_sent(tcp_, nullptr);
            tcp_poll(tcp_, nullptr, 0);
        }
        bool gone = !(abort && state != State::LISTENING) && tcp_close(tcp_) == ERR_OK;
        if (!gone) {
            tcp_abort(tcp_);
        }
    }
    tcp_ = nullptr;
    udp_ = nullptr;
    raw_ = nullptr;
    listener = nullptr;
    state = State::FREE;
    client = 0;
    turn++;
    connecting_ = {}; // Whoever waits is answered ERR_GONE.
    accepting_ = {};
    sending_ = {};
    receiving_ = {};
    receiving_from_ = {};
}

// --- TCP.

err_t Socket::on_connected(void *socket, tcp_pcb *, err_t) {
    Socket &s = of(socket);
    s.state = State::CONNECTED;
    s.connecting_.answer({});
    return ERR_OK;
}

// lwIP has freed the connection.
void Socket::on_failed(void *socket, err_t error) {
    if (socket == nullptr) {
        return;
    }
    Socket &s = of(socket);
    s.tcp_ = nullptr;
    bool refused = error == ERR_RST && s.state == State::CONNECTING;
    s.end(refused ? Cause::REFUSED : cause_of(error, true));
}

void Socket::end(Cause why) {
    cause = why;
    state = State::ENDED;
    connecting_.answer(::ERR_IO);
    serve_send();
    serve_receive();
}

err_t Socket::on_received(void *socket, tcp_pcb *, pbuf *data, err_t) {
    Socket &s = of(socket);
    if (data == nullptr) {
        s.other_finished_ = true;
        s.serve_receive();
        return ERR_OK;
    }
    if (data->tot_len > s.in_.room()) {
        return ERR_MEM; // Not with this window; lwIP keeps it.
    }
    for (pbuf *part = data; part != nullptr; part = part->next) {
        s.in_.put({static_cast<const u8 *>(part->payload), part->len});
    }
    pbuf_free(data);
    s.serve_receive();
    return ERR_OK;
}

err_t Socket::on_sent(void *socket, tcp_pcb *, u16_t) {
    of(socket).serve_send();
    return ERR_OK;
}

err_t Socket::on_poll(void *socket, tcp_pcb *) {
    if (socket != nullptr) {
        of(socket).serve_send();
    }
    return ERR_OK;
}

err_t Socket::on_accept(void *socket, tcp_pcb *pcb, err_t error) {
    if (socket == nullptr || pcb == nullptr || error != ERR_OK) {
        return ERR_VAL;
    }
    Socket &listener = of(socket);
    Socket *next = listener.backlog_->take(listener);
    if (next == nullptr) {
        return ERR_MEM; // lwIP breaks it off.
    }
    next->adopt(listener, pcb, *listener.backlog_);
    return ERR_OK;
}

void Socket::send(const Send &m, sel::Later<Send> later) {
    sending_ = std::move(later);
    out_ = m.data;
    serve_send();
}

void Socket::serve_send() {
    if (!sending_) {
        return;
    }
    if (state == State::ENDED) {
        sending_.answer(::ERR_IO);
        return;
    }
    if (!sending_.waits()) {
        sending_ = {}; // It was given up, and nothing of it was sent.
        return;
    }
    u32 count = std::min<u32>(out_.size, tcp_sndbuf(tcp_));
    if (count == 0 || !backlog_->has_share(*this) ||
        tcp_write(tcp_, out_.byte, static_cast<u16>(count), TCP_WRITE_FLAG_COPY) != ERR_OK) {
        return; // When something was acknowledged, or after a while.
    }
    tcp_output(tcp_);
    sending_.answer(count);
}

void Socket::receive(sel::Later<Receive> later) {
    receiving_ = std::move(later);
    serve_receive();
}

void Socket::serve_receive() {
    bool over = other_finished_ || state == State::ENDED;
    if (!receiving_ || (in_.size() == 0 && !over)) {
        return;
    }
    if (in_.size() == 0 && !other_finished_) {
        receiving_.answer(::ERR_IO);
        return;
    }
    Received received;
    received.data.size = std::min(in_.size(), kChunk);
    in_.peek(received.data.span());
    if (receiving_.answer(received)) {
        in_.drop(received.data.size);
        if (tcp_ != nullptr) {
            tcp_recved(tcp_, static_cast<u16>(received.data.size));
        }
    }
}

// --- Datagrams.

void Socket::receive_from(sel::Later<ReceiveFrom> later) {
    receiving_from_ = std::move(later);
    serve_receive_from();
}

void Socket::serve_receive_from() {
    if (!receiving_from_ || in_.size() == 0 || !receiving_from_.waits()) {
        return;
    }
    Head head;
    in_.take({reinterpret_cast<u8 *>(&head), sizeof head});
    Datagram datagram{head.from, head.cut, head.ttl, {}};
    datagram.data.size = head.bytes;
    in_.take(datagram.data.span());
    receiving_from_.answer(datagram);
}

void Socket::keep(const Head &head, pbuf *data, u16 offset) {
    if (sizeof head + head.bytes > in_.room()) {
        return;
    }
    u8 bytes[kChunk];
    pbuf_copy_partial(data, bytes, static_cast<u16>(head.bytes), offset);
    in_.put({reinterpret_cast<const u8 *>(&head), sizeof head});
    in_.put({bytes, head.bytes});
    serve_receive_from();
}

void Socket::on_datagram(void *socket, udp_pcb *, pbuf *data, const ip_addr_t *from, u16_t port) {
    Socket &s = of(socket);
    Endpoint source{from_lwip(*from), port};
    u32 bytes = std::min<u32>(data->tot_len, kChunk);
    if (s.bound_ || s.rights->may_reach(source)) {
        s.keep({source, bytes, data->tot_len - bytes, IPH_TTL(ip4_current_header())}, data, 0);
    }
    pbuf_free(data);
}

u8_t Socket::on_packet(void *socket, raw_pcb *, pbuf *packet, const ip_addr_t *from) {
    Socket &s = of(socket);
    u16 head = ip_current_header_tot_len();
    icmp_echo_hdr echo;
    if (pbuf_copy_partial(packet, &echo, sizeof echo, head) != sizeof echo ||
        ICMPH_TYPE(&echo) != ICMP_ER || echo.id != lwip_htons(s.echo_id_)) {
        return 0;
    }
    u32 all = packet->tot_len - head - static_cast<u32>(sizeof echo);
    u32 bytes = std::min<u32>(all, kChunk);
    s.keep({{from_lwip(*from), 0}, bytes, all - bytes, IPH_TTL(ip4_current_header())}, packet,
           static_cast<u16>(head + sizeof echo));
    pbuf_free(packet);
    return 1;
}

error_t Socket::send_to(const SendTo &m, bool network) {
    ip_addr_t to;
    if (!to_lwip(m.to.address, to)) {
        return failed(ERR_RTE, true);
    }
    if (kind == Kind::ECHO) {
        error_t error = send_echo(to, m.data);
        return error == OK ? OK : failed(network ? ERR_MEM : ERR_RTE, network);
    }
    pbuf *data = pbuf_alloc(PBUF_TRANSPORT, static_cast<u16>(m.data.span().size()), PBUF_RAM);
    if (data == nullptr) {
        return failed(ERR_MEM, network);
    }
    pbuf_take(data, m.data.byte, data->len);
    err_t error = udp_sendto(udp_, data, &to, m.to.port);
    pbuf_free(data);
    return error == ERR_OK ? OK : failed(error, network);
}

error_t Socket::send_echo(const ip_addr_t &to, const Data &data) {
    u16 bytes = static_cast<u16>(data.span().size());
    pbuf *packet = pbuf_alloc(PBUF_IP, static_cast<u16>(sizeof(icmp_echo_hdr) + bytes), PBUF_RAM);
    if (packet == nullptr) {
        return ::ERR_FULL;
    }
    icmp_echo_hdr echo{};
    ICMPH_TYPE_SET(&echo, ICMP_ECHO);
    echo.id = lwip_htons(echo_id_);
    echo.seqno = lwip_htons(++echo_number_);
    pbuf_take(packet, &echo, sizeof echo);
    pbuf_take_at(packet, data.byte, bytes, sizeof echo);
    echo.chksum = inet_chksum_pbuf(packet);
    pbuf_take(packet, &echo, sizeof echo);
    err_t error = raw_sendto(raw_, packet, &to);
    pbuf_free(packet);
    return error == ERR_OK ? OK : ::ERR_IO;
}

Endpoint Socket::local() const {
    if (tcp_ != nullptr) {
        return {from_lwip(tcp_->local_ip), tcp_->local_port};
    }
    return udp_ != nullptr ? Endpoint{from_lwip(udp_->local_ip), udp_->local_port}
                           : Endpoint{v4(0, 0, 0, 0), 0};
}

Endpoint Socket::remote() const {
    return tcp_ != nullptr && is_connection()
               ? Endpoint{from_lwip(tcp_->remote_ip), tcp_->remote_port}
               : Endpoint{v4(0, 0, 0, 0), 0};
}

} // namespace net
