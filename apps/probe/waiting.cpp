// Experiments on waiting: time-outs, and a server that runs on the time of its clients.
// SPDX-License-Identifier: BSD-2-Clause
#include "probe.hpp"

namespace probe {
namespace {

constexpr u64 kPatience = 1000; // Milliseconds until an experiment is given up.

// Microseconds that a call waits which nobody answers, 0: it did not end with ERR_TIMEOUT.
u64 wait_us(call_t call, sel::Capability on, u64 ms) {
    u64 before = sel::now();
    sel::Regs r = sel::call(call, on.cptr(), sel::timeout_info(sel::milliseconds(ms)));
    u64 time = sel::clock().nanoseconds(sel::now() - before) / 1000;
    return r.error() == ERR_TIMEOUT ? time : 0;
}

// Answers each message with its first word plus one.
void serve(void *endpoint) {
    sel::Endpoint service = *static_cast<sel::Endpoint *>(endpoint);
    sel::Regs r{};
    for (sel::Result<> got = service.receive(r); got.ok(); got = service.answer_and_receive(r)) {
        r.info = 1;
        r.word[0]++;
    }
}

bool waits_to_receive(const sel::Thread &thread) {
    for (u64 i = 0; i < kPatience; i++) {
        auto info = thread.tcb().thread_info();
        if (info && info->state == STATE_RECV) {
            return true;
        }
        sleep(1);
    }
    return false;
}

} // namespace

// Send, call and receive on an endpoint without a partner; wait on a notification without signals.
bool measure_timeouts(Line &line) {
    auto endpoint = memory.make(CAP_ENDPOINT);
    if (!endpoint) {
        return false;
    }
    sel::Endpoint alone{*endpoint};
    sel::format(line, " {} {} {} {}", wait_us(CALL_SEND, alone, 3), wait_us(CALL_CALL, alone, 5),
                wait_us(CALL_RECV, alone, 7), wait_us(CALL_WAIT, caps::signals, 11));
    return memory.free(*endpoint).ok();
}

// Calls a server whose own context has been taken away. How many answers were right, what the
// server's thread used (microseconds), and whether its state afterwards is to receive (1).
bool measure_passive(Line &line) {
    constexpr u64 kCalls = 1000;
    auto object = memory.make(CAP_ENDPOINT);
    if (!object) {
        return false;
    }
    sel::Endpoint endpoint{*object};
    sel::Thread server{memory};
    if (!start(server, 0, caps::slice, kPriority, serve, &endpoint) || !waits_to_receive(server) ||
        !server.tcb().context(sel::SchedContext{})) {
        return false;
    }
    u64 right = 0;
    for (u64 i = 0; i < kCalls; i++) {
        sel::Regs r{.number = 0, .cptr = 0, .info = 1, .word = {i}};
        right += endpoint.call(r).ok() && r.word[0] == i + 1 ? 1 : 0;
    }
    sel::format(line, " {} {} {}", right, used_us(server), waits_to_receive(server) ? 1 : 0);
    return server.end().ok() && memory.free(*object).ok();
}

} // namespace probe
