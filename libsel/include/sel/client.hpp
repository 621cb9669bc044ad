// Client: the caller's side of a protocol.
// SPDX-License-Identifier: BSD-2-Clause
//
//   Result<u64> total = caps::counter.call(counter::Add{.amount = 5});
//
// Errors besides the server's own:
//   ERR_RESTARTED  the server died with this request in hand; it may be asked again, but what was
//                  held there (open files, positions) is gone
//   ERR_GONE       there is no such server any more
//   ERR_TIMEOUT    call_within(): no answer in time
//   ERR_PROTOCOL   the two sides do not speak the same protocol, or the answer is none to this request:
//                  a message may say which are, with `bool accepts(const Answer &) const`
#pragma once

#include <string_view>

#include "sel/protocol.hpp"

namespace sel {

namespace detail {

inline error_t client_error(error_t kernel) {
    switch (kernel) {
    case ERR_GONE:
        return ERR_RESTARTED;
    case ERR_CAP:
        return ERR_GONE;
    default:
        return kernel;
    }
}

inline error_t server_error(u32 label) {
    return label < ERR_COUNT ? static_cast<error_t>(label) : ERR_PROTOCOL;
}

} // namespace detail

template <typename Api>
class Client : public Capability {
  public:
    using Capability::Capability;
    using Protocol = Api;

    // Sends `m` and waits for the answer as long as it takes.
    template <typename M>
    Result<typename M::Answer> call(const M &m) const {
        return call_within(kForever, m);
    }

    // The same, waiting at most `ticks` (sel/clock.hpp converts).
    template <typename M>
    Result<typename M::Answer> call_within(u64 ticks, const M &m) const {
        return exchange(m, timeout_info(ticks));
    }

    // The same as call(), with the capability at `given` sent along (the client's capability of
    // the server needs GRANT).
    template <typename M>
    Result<typename M::Answer> call_giving(cptr_t given, const M &m) const {
        return call_giving_within(kForever, given, m);
    }
    template <typename M>
    Result<typename M::Answer> call_giving_within(u64 ticks, cptr_t given, const M &m) const {
        ipc_buffer()[BUFFER_CAP_SEND] = given;
        return exchange(m, INFO_CAP | timeout_info(ticks));
    }

  private:
    template <typename M>
    Result<typename M::Answer> exchange(const M &m, u64 flags) const {
        static_assert(Api::template has<M>, "this server does not know this message");
        using Answer = typename M::Answer;
        Regs r{};
        store(r, Api::template label<M>(), m);
        r.number = CALL_CALL;
        r.cptr = cptr();
        r.info |= flags;
        kernel_call(r);
        if (r.error() != OK) {
            return detail::client_error(r.error());
        }
        if (r.label() != OK) {
            return detail::server_error(r.label());
        }
        if constexpr (std::is_void_v<Answer>) {
            return {};
        } else {
            Answer answer;
            if (!load(r, answer)) {
                return ERR_PROTOCOL;
            }
            if constexpr (requires { m.accepts(answer); }) {
                if (!m.accepts(answer)) {
                    return ERR_PROTOCOL;
                }
            }
            return answer;
        }
    }
};

// One of a list of servers that speak the same protocol.
template <typename Api>
struct Named {
    std::string_view name;
    Client<Api> client;

    constexpr Named(std::string_view server, cptr_t cptr) : name{server}, client{cptr} {}
};

// Where capabilities that arrive with messages are put: an empty slot of this thread's CSpace.
inline void receive_slot(cptr_t slot) {
    ipc_buffer()[BUFFER_CAP_RECV] = slot;
}

} // namespace sel
