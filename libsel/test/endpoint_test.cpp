// Endpoint and Reply: which call each member makes, with what, and what it brings back.
// SPDX-License-Identifier: BSD-2-Clause
#include <catch2/catch.hpp>

#include "sel/capability.hpp"
#include "sel/host.hpp"

namespace {

// The kernel notes the call and answers with `error`, a badge and one word.
struct OneCall {
    sel::Regs seen{};
    error_t error = OK;
    OneCall() {
        sel::host::kernel = [this](sel::Regs &r) {
            seen = r;
            r = {.number = error, .cptr = 77, .info = 1, .word = {42}};
        };
    }
    ~OneCall() { sel::host::kernel = nullptr; }
};

constexpr u64 kInfo = 2 | u64{9} << INFO_LABEL_SHIFT;
constexpr sel::Endpoint kEndpoint{5};

} // namespace

TEST_CASE("members that send pass the message on, and bring back what arrived") {
    OneCall kernel;
    using Member = sel::Result<> (sel::Endpoint::*)(sel::Regs &, u64) const;
    for (auto [member, number] : {std::pair<Member, call_t>{&sel::Endpoint::call, CALL_CALL},
                                  {&sel::Endpoint::send, CALL_SEND},
                                  {&sel::Endpoint::answer_and_receive, CALL_REPLY_RECV}}) {
        sel::Regs r{.number = 0, .cptr = 0, .info = kInfo, .word = {1, 2}};
        CHECK((kEndpoint.*member)(r, sel::kForever).ok());
        CHECK((kernel.seen.number == number && kernel.seen.cptr == 5 && kernel.seen.info == kInfo));
        CHECK((kernel.seen.word[0] == 1 && kernel.seen.word[1] == 2));
        CHECK((r.badge() == 77 && r.length() == 1 && r.word[0] == 42));
        r.info = kInfo;
        CHECK((kEndpoint.*member)(r, 300).ok());
        CHECK(kernel.seen.info == (kInfo | INFO_TIMEOUT));
        CHECK(sel::ipc_buffer()[BUFFER_TIMEOUT] == 300);
    }
}

TEST_CASE("members that only receive send nothing") {
    OneCall kernel;
    sel::Regs r{.number = 0, .cptr = 0, .info = kInfo, .word = {}};
    CHECK(kEndpoint.receive(r).ok());
    CHECK((kernel.seen.number == CALL_RECV && kernel.seen.info == 0));
    r.info = kInfo;
    CHECK(kEndpoint.receive(r, 300).ok());
    CHECK(kernel.seen.info == INFO_TIMEOUT);
    kernel.error = ERR_EMPTY;
    r.info = kInfo;
    CHECK(kEndpoint.receive_now(r).error() == ERR_EMPTY);
    CHECK((kernel.seen.number == CALL_NB_RECV && kernel.seen.info == 0));
}

TEST_CASE("what cannot be sent at once is said") {
    OneCall kernel;
    kernel.error = ERR_EMPTY;
    sel::Regs r{.number = 0, .cptr = 0, .info = kInfo, .word = {}};
    CHECK(kEndpoint.send_now(r).error() == ERR_EMPTY);
    CHECK((kernel.seen.number == CALL_NB_SEND && kernel.seen.info == kInfo));
}

TEST_CASE("a Reply answers its caller, and shows whether there is one") {
    OneCall kernel;
    sel::Regs r{.number = 0, .cptr = 0, .info = kInfo, .word = {}};
    CHECK(sel::Reply{6}.answer(r).ok());
    CHECK((kernel.seen.number == CALL_REPLY && kernel.seen.cptr == 6 && kernel.seen.info == kInfo));
    kernel.error = ERR_ARG; // Refused for its length: somebody waits.
    CHECK(sel::Reply{6}.waits());
    CHECK(kernel.seen.length() > MESSAGE_WORDS);
    kernel.error = ERR_EMPTY;
    CHECK(!sel::Reply{6}.waits());
}
