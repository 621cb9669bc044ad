// Socket: what a client has of lwIP, with what has come for it and who waits.
// SPDX-License-Identifier: BSD-2-Clause
//
//   FREE -> OPEN -> CONNECTING -> CONNECTED -> ENDED     TCP
//              `--> LISTENING -> (one socket for each that comes: CONNECTED)
//   FREE -> OPEN                                          UDP, ECHO
// What has come is copied to the socket at once, so that no client that does not read keeps buffers of the card. A TCP
// window is no larger than the room there, and grows again when the client has read.
#pragma once

#include "api.hpp"
#include "byte_ring.hpp"
#include "lwip.hpp"
#include "rights.hpp"

#include "sel/later.hpp"

#include <optional>

namespace net {

class Socket;

// Who has the sockets: gets the next one for a connection that comes, and says who may send.
class Backlog {
  public:
    virtual Socket *take(Socket &listener) = 0;
    // Of what is to be sent its client has less than what is free for all.
    virtual bool has_share(const Socket &socket) const = 0;

  protected:
    ~Backlog() = default;
};

class Socket {
  public:
    static constexpr u32 kRoom = 8192;
    static_assert(kRoom >= TCP_WND);

    State state = State::FREE;
    Kind kind = Kind::TCP;
    u32 client = 0;
    u8 part = 0;
    u32 turn = 0;               // Which use of this socket it is.
    Socket *listener = nullptr; // That it came to, until it is accepted.
    u64 order = 0;              // Of those.
    Cause cause = Cause::NONE;
    const Rights *rights = nullptr;

    // All of them: OK, or why not. After a failure the socket is FREE.
    error_t open(Kind which, Backlog &backlog);
    error_t connect(const Endpoint &to, bool network, sel::Later<Connect> &later);
    error_t bind(u16 port);
    error_t listen(u16 port);
    error_t send_to(const SendTo &m, bool network);
    error_t finish();
    // `abort`: the other side is told that it was broken off.
    void close(bool abort);
    // A connection that has come to `from`.
    void adopt(Socket &from, tcp_pcb *connection, Backlog &backlog);

    void send(const Send &m, sel::Later<Send> later);
    void receive(sel::Later<Receive> later);
    void receive_from(sel::Later<ReceiveFrom> later);
    void wait_accept(sel::Later<Accept> later) { accepting_ = std::move(later); }
    bool waits_accept() const { return accepting_.waits(); }
    // False: nobody got it.
    bool answer_accept(const Accepted &accepted) { return accepting_.answer(accepted); }

    // Its listener's client has it: it makes room for another one there.
    void leave_backlog();

    Endpoint local() const;
    Endpoint remote() const;
    u32 to_read() const { return in_.size(); }
    u32 to_send() const {
        return tcp_ != nullptr && is_connection() ? TCP_SND_BUF - tcp_sndbuf(tcp_) : 0u;
    }

    // Pieces of memory that what is to be sent takes.
    u32 queued() const {
        return tcp_ != nullptr && is_connection() ? u32{tcp_sndqueuelen(tcp_)} : 0u;
    }

  private:
    // What stands in front of a datagram in `in_`.
    struct Head {
        Endpoint from;
        u32 bytes, cut, ttl;
    };

    static err_t on_connected(void *socket, tcp_pcb *pcb, err_t error);
    static err_t on_received(void *socket, tcp_pcb *pcb, pbuf *data, err_t error);
    static err_t on_sent(void *socket, tcp_pcb *pcb, u16_t bytes);
    static err_t on_poll(void *socket, tcp_pcb *pcb);
    static err_t on_accept(void *socket, tcp_pcb *pcb, err_t error);
    static void on_failed(void *socket, err_t error);
    static void on_datagram(void *socket, udp_pcb *pcb, pbuf *data, const ip_addr_t *from,
                            u16_t port);
    static u8_t on_packet(void *socket, raw_pcb *pcb, pbuf *packet, const ip_addr_t *from);

    bool is_connection() const { return state == State::CONNECTING || state == State::CONNECTED; }
    void watch();
    void keep(const Head &head, pbuf *data, u16 offset);
    error_t send_echo(const ip_addr_t &to, const Data &data);
    error_t failed(err_t error, bool network);
    void end(Cause why);
    void serve_send();
    void serve_receive();
    void serve_receive_from();

    tcp_pcb *tcp_ = nullptr;
    udp_pcb *udp_ = nullptr;
    raw_pcb *raw_ = nullptr;
    Backlog *backlog_ = nullptr;
    bool bound_ = false; // UDP: to be reached by all.
    bool other_finished_ = false;
    u16 echo_id_ = 0, echo_number_ = 0;
    ByteRing<kRoom> in_;
    Data out_;
    sel::Later<Connect> connecting_;
    sel::Later<Accept> accepting_;
    sel::Later<Send> sending_;
    sel::Later<Receive> receiving_;
    sel::Later<ReceiveFrom> receiving_from_;
};

} // namespace net
