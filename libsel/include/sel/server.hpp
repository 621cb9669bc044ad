// serve(): the loop that every server runs. Receive, dispatch, answer, repeat.
// SPDX-License-Identifier: BSD-2-Clause
//
// What a server class may have besides its on() functions (protocol.hpp):
//   void on_signal(u64 bits)          bits of the bound notification: interrupts, doorbells
//   u64 deadline()                    time in ticks (sel::now()) of its next on_timeout(), or
//   void on_timeout()                 kForever; called once a round at most
//   void on_ended(u32 client)         this program has ended: what it had here is to be freed. Called
//                                     before any message of its next life. Nothing need be done for
//                                     its requests in hand: later.hpp
//   bool on_fault(const Fault &)      faults of other programs; true lets the thread run on, false
//                                     says that the program has been ended
#pragma once

#include "sel/ledger.hpp"
#include "sel/program.hpp"
#include "sel/protocol.hpp"

namespace sel {

// What a server receives with; caps::service in the generated NAME.caps.hpp.
struct Service {
    Endpoint endpoint;
    Tcb self;
    SlotRange replies;
};

// Exit code of a server that cannot receive any more.
inline constexpr int kExitNoEndpoint = 70;

// Bit of a server's notification that root signals when a client has ended.
inline constexpr u64 SIGNAL_ENDED = 1ull << 63;

// Which clients have ended since the last look: root's counts in the environment against those seen.
class EndedClients {
  public:
    template <typename Tell>
    void take(Tell tell) {
        for (u32 i = find(0); i < Environment::kPrograms; i = find(i + 1)) {
            seen_[i] = ends(i);
            tell(i + 1);
        }
    }

  private:
    static u32 ends(u32 i) { return __atomic_load_n(&environment().ends[i], __ATOMIC_ACQUIRE); }
    // The first from there on that has ended once more. noinline: a short loop, whatever is around it.
    [[gnu::noinline]] u32 find(u32 i) const {
        while (i < Environment::kPrograms && ends(i) == seen_[i]) {
            i++;
        }
        return i;
    }

    // As in a fresh environment.
    u32 seen_[Environment::kPrograms] = {};
};

struct Fault {
    u32 program;
    fault_t kind;
    u64 word[4]; // As fault_t says.
};

namespace detail {

template <typename Server>
concept HasDeadline = requires(Server &s) {
    s.deadline();
    s.on_timeout();
};

// Calls on_timeout() if its time has come, and bounds the next wait.
template <typename Server>
u64 tend_deadline(Server &server) {
    if constexpr (HasDeadline<Server>) {
        u64 due = server.deadline();
        u64 time = now();
        if (due <= time) {
            server.on_timeout();
            due = server.deadline();
        }
        ledger().deadline = due;
        if (due == kForever) {
            return 0;
        }
        return timeout_info(due > time ? due - time : 1);
    } else {
        ledger().deadline = kForever;
        return 0;
    }
}

// Dispatches to the Api whose place is the service number in the badge.
template <typename... Apis, typename Server, typename Replies>
bool dispatch_service(Server &server, Regs &r, Replies &replies) {
    u64 service = r.badge() >> BADGE_SERVICE_SHIFT & BADGE_SERVICE;
    u64 place = 0;
    bool now = true;
    bool known = ((service == place++ && (now = Apis::dispatch(server, r, replies), true)) || ...);
    if (!known) {
        drop_capability(r);
        store_error(r, ERR_PROTOCOL);
    }
    return now;
}

} // namespace detail

namespace detail {

template <typename Server>
void take_signal(Server &server, u64 bits, EndedClients &ended) {
    if constexpr (requires { server.on_ended(u32{}); }) {
        if ((bits & SIGNAL_ENDED) != 0) {
            ended.take([&](u32 client) { server.on_ended(client); });
        }
    }
    if constexpr (requires { server.on_signal(u64{}); }) {
        if ((bits & ~SIGNAL_ENDED) != 0) {
            server.on_signal(bits & ~SIGNAL_ENDED);
        }
    }
}

} // namespace detail

// Handles what has been received in `r`; true if `r` now holds an answer to be sent.
template <typename... Apis, typename Server, typename Replies>
bool handle(Server &server, Regs &r, Replies &replies, EndedClients &ended) {
    if (r.is_signal()) {
        detail::take_signal(server, r.badge(), ended);
        return false;
    }
    answer_count()++;
    if ((r.badge() & BADGE_FAULT) != 0) {
        if constexpr (requires { server.on_fault(Fault{}); }) {
            Fault fault{static_cast<u32>(r.badge()), static_cast<fault_t>(r.label()), {}};
            for (u32 i = 0; i < MESSAGE_REGISTERS; i++) {
                fault.word[i] = r.word[i];
            }
            r.info = 0;
            return server.on_fault(fault);
        }
        return false;
    }
    if (detail::dispatch_service<Apis...>(server, r, replies)) {
        return true;
    }
    replies.settle();
    return false;
}

// What each thread of a server does that has several which receive: with a Receiver (reply_pool.hpp).
template <typename... Apis, typename Server, typename Replies>
[[noreturn]] void receive(Endpoint endpoint, Server &server, Replies &replies) {
    EndedClients ended;
    Regs r{};
    bool answer = false;
    for (;;) {
        u64 timeout = detail::tend_deadline(server);
        r.number = answer ? CALL_REPLY_RECV : CALL_RECV;
        r.cptr = endpoint.cptr();
        r.info = (answer ? r.info : 0) | timeout;
        kernel_call(r);
        error_t received = r.error(); // `r` is the handler's then.
        answer = received == OK && handle<Apis...>(server, r, replies, ended);
        if (received != OK && received != ERR_TIMEOUT && received != ERR_GONE) {
            exit(kExitNoEndpoint);
        }
    }
}

// Serves the protocols, in the order of the manifest's [provides], for ever. If it cannot receive
// any more (its endpoint was taken away) the program ends.
template <typename... Apis, typename Server>
[[noreturn]] void serve(const Service &service, Server &server) {
    ReplySet replies{service.self, service.replies};
    receive<Apis...>(service.endpoint, server, replies);
}

} // namespace sel
