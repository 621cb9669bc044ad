// Fuzz: random messages to a server and random answers to a client, of any protocol.
// SPDX-License-Identifier: BSD-2-Clause
//
//   TEST_CASE("...") {
//       sel::fuzz::clients<counter::Api>();
//       sel::fuzz::server<counter::Api>(server);
//   }
// Lengths, labels and words are chosen near their bounds. What must not happen is seen by the sanitizers,
// by REQUIRE here, and by what a message says of itself (sound(), accepts()): a client takes no other answer, and
// a server gives none. For server() the test has set sel::host::kernel.
#pragma once

#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "sel/client.hpp"
#include "sel/host.hpp"

namespace sel::fuzz {

class Source {
  public:
    explicit Source(u64 seed) : random_{seed} {}

    u64 below(u64 end) { return random_() % end; }

    u64 word() {
        constexpr u64 kNear[] = {0, 1, 2, 7, 8, 63, 64, 255, 256, 896, 960, 65535, 0xffffffff};
        auto half = [&] {
            return below(3) == 0 ? below(1u << 10) : kNear[below(std::size(kNear))];
        };
        return below(8) == 0 ? random_() : half() | half() << 32;
    }

    // A message, or an answer, with one of `labels` labels or one too many.
    void fill(Regs &r, u32 labels) {
        u64 length = below(4) == 0 ? below(MESSAGE_WORDS + 1) : below(8);
        for (u64 &w : r.word) {
            w = word();
        }
        for (u32 i = 0; i < MESSAGE_WORDS; i++) {
            ipc_buffer()[i] = word();
        }
        r.info = length | below(labels + 1) << INFO_LABEL_SHIFT;
    }

  private:
    std::mt19937_64 random_;
};

namespace detail {

template <typename M>
M zeroed() {
    M m;
    std::memset(static_cast<void *>(&m), 0, sizeof m);
    return m;
}

// A client's request and its random answer.
template <typename Api, typename M>
void client_once(Source &source) {
    M m = zeroed<M>();
    auto before = std::exchange(host::kernel, [&](Regs &r) {
        bool answered = r.number == CALL_CALL;
        source.fill(r, 1);
        r.number = answered ? u64{OK} : source.below(ERR_COUNT);
    });
    auto answer = Client<Api>{1}.call(m);
    host::kernel = before;
    using Answer = typename M::Answer;
    if constexpr (!std::is_void_v<Answer>) {
        if (!answer) {
            return;
        }
        if constexpr (HasTail<Answer>) {
            REQUIRE(answer->data.size <= answer->data.kCapacity);
        }
        if constexpr (requires { answer->sound(); }) {
            REQUIRE(answer->sound());
        }
        if constexpr (requires { m.accepts(*answer); }) {
            REQUIRE(m.accepts(*answer));
        }
    }
}

template <typename... Ms>
constexpr u32 count(Protocol<Ms...>) {
    return sizeof...(Ms);
}

template <typename Api, typename... Ms>
void clients(Protocol<Ms...>, u32 rounds, Source &source) {
    for (u32 i = 0; i < rounds; i++) {
        (client_once<Api, Ms>(source), ...);
    }
}

// True: this is the message, and what the server answers at once, if it does, is what its client takes for an answer.
template <typename Api, typename M, typename Server, typename Replies>
bool server_once(Server &server, Regs &r, Replies &replies) {
    if (r.label() != Api::template label<M>()) {
        return false;
    }
    using Answer = typename M::Answer;
    M m = zeroed<M>();
    [[maybe_unused]] bool sound = load(r, m);
    if (!Api::dispatch(server, r, replies)) {
        replies.settle();
        return true;
    }
    REQUIRE(r.label() < ERR_COUNT);
    REQUIRE(r.length() <= MESSAGE_WORDS);
    if constexpr (!std::is_void_v<Answer>) {
        if (r.label() == OK) {
            Answer answer = zeroed<Answer>();
            REQUIRE(sound);
            REQUIRE(load(r, answer));
            if constexpr (requires { m.accepts(answer); }) {
                REQUIRE(m.accepts(answer));
            }
        }
    }
    return true;
}

// One of no message is refused.
template <typename Api, typename Server, typename Replies, typename... Ms>
void server_of(Protocol<Ms...>, Server &server, Regs &r, Replies &replies) {
    if (!(server_once<Api, Ms>(server, r, replies) || ...)) {
        REQUIRE(Api::dispatch(server, r, replies));
        REQUIRE(r.label() == ERR_PROTOCOL);
    }
}

} // namespace detail

template <typename Api>
void clients(u32 rounds = 2000, u64 seed = 1) {
    Source source{seed};
    detail::clients<Api>(Api{}, rounds, source);
}

// Like a program's: one for all its protocols, and it outlives what its server holds of it.
inline ReplySet &replies() {
    static ReplySet set{Tcb{1}, {100, 16}};
    return set;
}

// `clients`: their numbers are 1 to `clients`, their parts 0 to `parts` - 1. `replies`: what the server receives with.
template <typename Api, typename Server, typename Replies>
void server_of(Server &server, Replies &replies, u32 clients, u32 parts, u32 rounds = 20000,
               u64 seed = 1) {
    Source source{seed};
    for (u32 i = 0; i < rounds; i++) {
        Regs r{};
        source.fill(r, detail::count(Api{}));
        r.cptr = (1 + source.below(clients)) | source.below(parts) << BADGE_PART_SHIFT;
        r.info |= source.below(8) == 0 ? u64{INFO_CAP} : 0;
        detail::server_of<Api>(Api{}, server, r, replies);
        if constexpr (requires { server.on_ended(1u); }) {
            if (source.below(64) == 0) {
                server.on_ended(static_cast<u32>(1 + source.below(clients)));
            }
        }
    }
}

template <typename Api, typename Server>
void server(Server &server, u32 clients = 4, u32 parts = 1, u32 rounds = 20000, u64 seed = 1) {
    server_of<Api>(server, replies(), clients, parts, rounds, seed);
}

// Of a protocol that one server has alone.
template <typename Api, typename Server>
void both(Server &its) {
    server<Api>(its);
    clients<Api>();
}

} // namespace sel::fuzz
