// Protocol: the list of messages that an endpoint accepts, known to both sides at compile time.
// SPDX-License-Identifier: BSD-2-Clause
//
//   struct Add : sel::Asks<u64> { u64 amount; };     a message, and the type of its answer
//   struct Read : sel::Asks<u64> {};
//   using Api = sel::Protocol<Add, Read>;            label of a message: its place, from 1
//
// The server has, for each message M of the list, one of
//   Result<R> on(const M &)                          answers at once
//   Result<R> on(const M &, Caller)                  and wants to know who asks
//   void on(const M &, Caller, Later<M>)             answers when it likes (later.hpp)
//   bool on(const M &, Caller, Regs &)               makes the answer itself; false: there is none now
// A message that it does not handle is a compile error. A capability may come along with those messages which say so
// (brings); from all others it is taken.
#pragma once

#include "sel/later.hpp"
#include "sel/message.hpp"
#include "sel/result.hpp"

namespace sel {

// `ms`: a caller that is kept waiting (Later) is answered within so many milliseconds, or the server is
// restarted (ledger.hpp). Where that depends on what is asked, the message has `u32 patience_ms() const`.
template <typename R = void, u32 ms = kPatienceMs>
struct Asks {
    using Answer = R;
    static constexpr u32 kAnswerMs = ms;
};

template <typename M>
u32 patience_of(const M &m) {
    if constexpr (requires { m.patience_ms(); }) {
        return m.patience_ms();
    } else {
        return M::kAnswerMs;
    }
}

// `static constexpr bool kBrings = true` in a message: its handler, which is told who asks, takes the capability that
// came along, or removes it.
template <typename M>
inline constexpr bool brings = requires {
    requires M::kBrings;
};

template <typename M>
concept Request = Plain<M> && requires {
    typename M::Answer;
};

// Who sent a message: the badge of the capability that it came through, set by root.
struct Caller {
    u32 client;      // Number of the program (environment.hpp).
    bool capability; // One came along, into the slot named by receive_slot().
    u8 part = 0;     // Of the server, for this client: a partition; 0: all, or there are none.
};

// Bits of a badge.
enum : u64 {
    BADGE_CLIENT = 0xffffffff,
    BADGE_SERVICE_SHIFT = 32, // Which of the server's protocols the client may speak.
    BADGE_SERVICE = 0xff,
    BADGE_PART_SHIFT = 40,   // Which part of what the server has: 8 bits.
    BADGE_FAULT = 1ull << 63 // A fault of the program `client`.
};

namespace detail {

// A capability that came with a message which nobody handles must not lie where that of the next one comes.
inline void drop_capability(const Regs &r) {
    if (r.has_capability()) {
        call(CALL_CAP_DELETE, ipc_buffer()[BUFFER_CAP_RECV]);
    }
}

} // namespace detail

template <typename... Ms>
struct Protocol {
    static_assert((Request<Ms> && ...), "a message is plain data of at most 960 bytes that names "
                                        "its answer: struct M : sel::Asks<R>");

    template <typename M>
    static constexpr bool has = (std::is_same_v<M, Ms> || ...);

    // The number of M on the wire.
    template <typename M>
    static constexpr u32 label() {
        u32 place = 0, found = 0;
        ((place++, found = std::is_same_v<M, Ms> ? place : found), ...);
        return found;
    }

    // Gives the message in `r` to `server.on` and puts the answer into `r`; false if the server
    // keeps it for later. Messages that are not of this protocol are answered ERR_PROTOCOL.
    template <typename Server, typename Replies>
    static bool dispatch(Server &server, Regs &r, Replies &replies) {
        Caller caller{static_cast<u32>(r.badge() & BADGE_CLIENT), r.has_capability(),
                      static_cast<u8>(r.badge() >> BADGE_PART_SHIFT)};
        bool now = true;
        u32 label = r.label();
        bool known = ((label == Protocol::label<Ms>() &&
                       (now = handle<Ms>(server, r, caller, replies), true)) ||
                      ...);
        if (!known) {
            detail::drop_capability(r);
            store_error(r, ERR_PROTOCOL);
        }
        return now;
    }

  private:
    template <typename M, typename Server, typename Replies>
    static bool handle(Server &server, Regs &r, Caller caller, Replies &replies) {
        M message;
        if (!load(r, message)) {
            detail::drop_capability(r);
            store_error(r, ERR_PROTOCOL);
            return true;
        }
        if constexpr (!brings<M>) {
            detail::drop_capability(r);
            caller.capability = false;
        }
        if constexpr (requires { server.on(message, caller, r); }) {
            return server.on(message, caller, r);
            // cppcheck-suppress identicalConditionAfterEarlyExit // It takes both `requires` for one.
        } else if constexpr (requires { server.on(message, caller, Later<M>{}); }) {
            if (!replies.spare()) {
                if constexpr (brings<M>) {
                    detail::drop_capability(r);
                }
                store_error(r, ERR_FULL);
                return true;
            }
            replies.allow(patience_of(message));
            server.on(message, caller, Later<M>{replies});
            return false;
        } else if constexpr (requires { server.on(message, caller); }) {
            Result<typename M::Answer> answer = server.on(message, caller);
            store_answer(r, answer);
        } else {
            static_assert(!brings<M>, "who takes a capability is told who asks");
            Result<typename M::Answer> answer = server.on(message);
            store_answer(r, answer);
        }
        return true;
    }
};

} // namespace sel
