// Rows of messages, notifications, yield and faults: two threads in two address spaces.
// SPDX-License-Identifier: BSD-2-Clause
#include "apps/bench/rows.hpp"

extern "C" char peer_echo[], peer_echo_words[], peer_echo_buffer[], peer_echo_capability[],
    peer_pong[], peer_yield[], peer_fault[], peer_timeout[];

namespace bench {
namespace {

constexpr u64 kPeerBuffer = 0x600000000000; // In the peer's address space.
constexpr u64 kPeerWindow = 0x7e0000000000; // The same frame in the own one.
constexpr u64 kLabelBit = 1ull << INFO_LABEL_SHIFT;
constexpr u64 kLong = 1 << 30; // Ticks: a time-out that never comes.

// A peer whose IPC buffer can be seen.
struct Peer {
    sel::Tcb tcb;
    u64 *buffer;
};

class Messages {
  public:
    Messages(Fixture &f, sel::VSpace other) : f_{f}, other_{other} {
        buffer_ = f_.map_page(other, kPeerBuffer, RIGHT_READ | RIGHT_WRITE);
        sel::Frame mine{f_.slot()};
        check(buffer_.copy(mine.cptr()), "copy buffer");
        f_.map(f_.means().space, mine, kPeerWindow, RIGHT_READ | RIGHT_WRITE);
    }

    // A server on endpoint `ep`. Passive, it runs on the context of its caller.
    sel::Tcb serve(const char *entry, cptr_t ep, bool passive, u64 r14 = 0) {
        Fixture::Start start{other_, address_of(entry), f_.above()};
        start.r12 = ep;
        start.r14 = r14;
        start.passive = passive;
        start.shared_buffer = buffer_;
        return f_.start(start);
    }

    void end(sel::Tcb peer, bool passive) {
        check(peer.suspend(), "suspend");
        if (!passive) {
            check(peer.context(sel::SchedContext{0}), "take context");
        }
    }

    // A message without words.
    void empty(std::string_view name, bool passive, u64 info, bool two_levels = false) {
        cptr_t ep = f_.make(CAP_ENDPOINT);
        sel::Tcb peer = serve(peer_echo, ep, passive);
        cptr_t cptr = two_levels ? sel::in_cnode(f_.means().cnode, static_cast<u32>(ep)) : ep;
        sel::ipc_buffer()[BUFFER_TIMEOUT] = kLong;
        u64 label = 0;
        u64 spent = median_of([&] {
            label += 2 * kLabelBit;
            Call call{CALL_CALL, cptr, info | label};
            u64 once = timed(call);
            ensure(call.error() == OK && call.info == (label ^ kLabelBit), "echo of a label");
            return once;
        });
        row(name, spent);
        end(peer, passive);
    }

    void words(std::string_view name, u32 length) {
        cptr_t ep = f_.make(CAP_ENDPOINT);
        bool in_buffer = length > MESSAGE_REGISTERS;
        sel::Tcb peer = serve(in_buffer ? peer_echo_buffer : peer_echo_words, ep, true,
                              kPeerBuffer + (length - 1) * 8);
        u64 *mine = sel::ipc_buffer(), *theirs = reinterpret_cast<u64 *>(kPeerWindow);
        u64 seed = 0;
        row(name, median_of([&] {
                seed += 1000;
                for (u64 i = MESSAGE_REGISTERS; i < length; i++) {
                    mine[i] = seed + i;
                    theirs[i] = 0;
                }
                Call call{CALL_CALL, ep, length, {seed, seed + 1, seed + 2, seed + 3}};
                u64 once = timed(call);
                ensure(call.error() == OK && call.info == (length | kLabelBit), "echo length");
                ensure(call.word[0] == seed && call.word[1] == seed + 1 && call.word[2] == seed + 2,
                       "echo words");
                ensure(call.word[3] == (in_buffer ? seed + 3 : ~(seed + 3)), "echo last register");
                for (u64 i = MESSAGE_REGISTERS; i < length; i++) {
                    u64 expected = i == length - 1 ? ~(seed + i) : seed + i;
                    ensure(theirs[i] == expected && mine[i] == expected, "echo buffer");
                }
                return once;
            }));
        end(peer, true);
    }

    void capability() {
        cptr_t ep = f_.make(CAP_ENDPOINT), target = f_.slot();
        reinterpret_cast<u64 *>(kPeerWindow)[BUFFER_CAP_RECV] = target;
        sel::Tcb peer = serve(peer_echo_capability, ep, true);
        sel::ipc_buffer()[BUFFER_CAP_SEND] = ep;
        row("ipc_rt_diff_as_captransfer1", median_of([&] {
                Call call{CALL_CALL, ep, INFO_CAP};
                u64 once = timed(call);
                ensure(call.error() == OK && call.info == kLabelBit, "call with capability");
                auto arrived = sel::Capability{target}.info();
                ensure(arrived && arrived->type == CAP_ENDPOINT, "capability arrived");
                check(sel::Capability{target}.remove(), "remove what arrived");
                return once;
            }));
        end(peer, true);
    }

  private:
    Fixture &f_;
    sel::VSpace other_;
    sel::Frame buffer_;
};

u64 pingpong(cptr_t ring, cptr_t pong) {
    return median_of([&] {
        u64 there = timed_ok(CALL_SIGNAL, ring, "signal");
        Call wait{CALL_WAIT, pong};
        u64 back = timed(wait);
        ensure(wait.error() == OK && wait.cptr == 2, "bits of the peer");
        return there + back;
    });
}

// As in the running system: threads wait with time-outs, and the budgets of both sides are finite.
void make_time_matter(Fixture &f, bool on) {
    constexpr u64 kBudget = 1 << 26, kPeriod = 1 << 27, kAlways = 1 << 30, kSlice = 10000;
    const Machine &machine = *f.means().machine;
    check(machine.control.configure(machine.own, on ? kBudget : kSlice, on ? kPeriod : kSlice),
          "configure");
    check(machine.control.configure(f.means().context, on ? kBudget : kAlways,
                                    on ? kPeriod : kAlways),
          "configure");
}

// Threads whose time-outs are far away. They end when `memory` is revoked.
void start_waiters(Fixture &f, sel::Untyped memory) {
    constexpr u64 kWaiters = 16, kSlots = 100, kBuffers = 0x7c0000000000;
    Fixture scratch = f.inside(memory, kSlots);
    cptr_t never = scratch.make(CAP_NOTIFICATION);
    for (u64 i = 0; i < kWaiters; i++) {
        Fixture::Start start{f.means().space, address_of(peer_timeout), scratch.above()};
        start.r12 = never;
        start.r13 = (counter() >> CLOCK_SHIFT) + kLong + (1000 << i);
        start.buffer = start.r14 = kBuffers + i * PAGE_BYTES;
        start.passive = true;
        (void)scratch.start(start);
    }
}

void yield(Fixture &f, sel::VSpace other) {
    sel::Tcb peer = f.start({other, address_of(peer_yield), f.own()});
    row("yield_rt_diff_as", median_of([&] { return timed_ok(CALL_YIELD, 0, "yield"); }));
    f.stop(peer);
}

} // namespace

void rows_of_messages(Fixture &f, sel::VSpace other) {
    Messages messages{f, other};
    messages.empty("ipc_rt_diff_as_0w", true, 0);
    messages.words("ipc_rt_diff_as_4w", 4);
    messages.words("ipc_rt_diff_as_8w", 8);
    messages.words("ipc_rt_diff_as_64w", 64);
    messages.capability();
    messages.empty("ipc_rt_active_0w", false, 0);
    messages.empty("ipc_rt_timeout_0w", true, INFO_TIMEOUT);
    messages.empty("ipc_rt_active_timeout_0w", false, INFO_TIMEOUT);
    if (const Machine *machine = f.means().machine) {
        messages.empty("ipc_rt_two_level_0w", true, 0, true);
        check(machine->trace.start().error(), "start the trace");
        messages.empty("ipc_rt_traced_0w", true, 0);
        check(machine->trace.stop().error(), "stop the trace");
    }
}

void rows_of_notifications(Fixture &f, sel::VSpace other) {
    cptr_t ping = f.make(CAP_NOTIFICATION), pong = f.make(CAP_NOTIFICATION);
    cptr_t ring = f.make_signal(ping, 1), echo = f.make_signal(pong, 2);
    cptr_t unwatched = f.make(CAP_NOTIFICATION), idle = f.make_signal(unwatched, 4);
    row("signal_no_waiter", median_of([&] {
            u64 once = timed_ok(CALL_SIGNAL, idle, "signal");
            Call poll{CALL_POLL, unwatched};
            (void)timed(poll);
            ensure(poll.error() == OK && poll.cptr == 4, "bits that were set");
            return once;
        }));
    Fixture::Start start{other, address_of(peer_pong), f.above()};
    start.r12 = ping;
    start.r13 = echo;
    sel::Tcb peer = f.start(start);
    row("signal_pingpong_diff_as", pingpong(ring, pong));
    f.stop(peer);
    if (f.means().machine != nullptr) {
        sel::Untyped memory{f.make(CAP_UNTYPED, 64 * PAGE_BYTES)};
        start_waiters(f, memory);
        peer = f.start(start);
        make_time_matter(f, true);
        row("signal_pingpong_timers", pingpong(ring, pong));
        make_time_matter(f, false);
        f.stop(peer);
        check(memory.revoke(), "end of the waiters");
    }
    yield(f, other);
}

// This thread is the handler; one round is answer, resume, fault, delivery.
void rows_of_faults(Fixture &f, sel::VSpace other) {
    cptr_t ep = f.make(CAP_ENDPOINT);
    sel::Capability badge{f.slot()};
    check(sel::Capability{ep}.mint(badge.cptr(), RIGHT_ALL, 77), "mint");
    Fixture::Start start{other, address_of(peer_fault), f.above()};
    start.fault_endpoint = badge.cptr();
    sel::Tcb peer = f.start(start);
    check(f.means().self.bind(TCB_SLOT_REPLY, sel::Capability{f.make(CAP_REPLY)}), "bind reply");
    Call first{CALL_RECV, ep};
    (void)timed(first);
    ensure(first.error() == OK && first.cptr == 77, "fault badge");
    row("pagefault_rt_diff_as", median_of([&] {
            Call call{CALL_REPLY_RECV, ep};
            u64 once = timed(call);
            ensure(call.error() == OK && call.cptr == 77, "fault badge");
            ensure(call.info >> INFO_LABEL_SHIFT == FAULT_PAGE && call.word[1] == 0x1000,
                   "fault address");
            return once;
        }));
    f.stop(peer);
}

} // namespace bench
