// The rows of the benchmark.
// SPDX-License-Identifier: BSD-2-Clause
#include "apps/bench/bench.hpp"

#include "sel/format.hpp"

extern "C" char peers_begin[], peer_echo[], peer_echo_words[], peer_pong[], peer_yield[],
    peer_fault[], peer_first_signal[];

namespace bench {
namespace {

constexpr u32 kSamples = 33, kWarmUps = 4;
constexpr u64 kPeerBuffer = 0x600000000000;

void (*print)(const char *, u64);
std::string_view only;
u32 printed;

inline u64 counter() {
    u32 low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return static_cast<u64>(high) << 32 | low;
}

// A kernel call in the fewest instructions: the registers are set up before the first reading.
struct Registers {
    u64 rdi, rsi, rdx, r10, r8, r9;
};

inline error_t trap(call_t number, Registers &r) {
    u64 rax = number;
    register u64 r10 asm("r10") = r.r10;
    register u64 r8 asm("r8") = r.r8;
    register u64 r9 asm("r9") = r.r9;
    asm volatile("syscall"
                 : "+a"(rax), "+D"(r.rdi), "+S"(r.rsi), "+d"(r.rdx), "+r"(r10), "+r"(r8), "+r"(r9)
                 :
                 : "rcx", "r11", "cc", "memory");
    r.r10 = r10;
    r.r8 = r8;
    r.r9 = r9;
    return static_cast<error_t>(rax);
}

inline error_t trap(call_t number, u64 cptr, u64 info = 0) {
    Registers r{cptr, info, 0, 0, 0, 0};
    return trap(number, r);
}

class Samples {
  public:
    void add(u64 value) { sample_[count_++] = value; }
    bool full() const { return count_ == kSamples; }

    u64 median() {
        for (u32 i = 1; i < count_; i++) {
            for (u32 j = i; j > 0 && sample_[j] < sample_[j - 1]; j--) {
                u64 t = sample_[j];
                sample_[j] = sample_[j - 1];
                sample_[j - 1] = t;
            }
        }
        return sample_[count_ / 2];
    }

  private:
    u64 sample_[kSamples] = {};
    u32 count_ = 0;
};

// Instructions between two readings with nothing in between.
u64 overhead() {
    Samples s;
    while (!s.full()) {
        u64 start = counter();
        s.add(counter() - start);
    }
    return s.median();
}

template <typename Body>
u64 measure(Body body) {
    Samples s;
    for (u32 i = 0; i < kWarmUps; i++) {
        body();
    }
    while (!s.full()) {
        u64 start = counter();
        body();
        s.add(counter() - start);
    }
    return s.median() - overhead();
}

void row(std::string_view name, u64 instructions) {
    if (name.find(only) == std::string_view::npos) {
        return;
    }
    sel::Text<128> line;
    sel::format(line, "{}\t{}\n", name, instructions);
    print(line.byte, line.size);
    printed++;
}

void ensure(bool right, const char *what) {
    if (!right) {
        fail(what, OK);
    }
}

u64 address(const char *label) {
    return reinterpret_cast<u64>(label);
}

// Priorities of this thread and of a peer that is to run at once.
u8 own(const Ground &g) {
    return static_cast<u8>(g.means().priority - 1);
}

u8 above(const Ground &g) {
    return g.means().priority;
}

// --- Messages.

void ipc(Ground &g, sel::VSpace other) {
    cptr_t ep = g.make(CAP_ENDPOINT);
    g.start({other, address(peer_echo), 0, ep, 0, above(g), true, 0, kPeerBuffer});
    u64 *buffer = sel::ipc_buffer();
    for (u64 i = 4; i < MESSAGE_WORDS; i++) {
        buffer[i] = 1000 + i;
    }
    struct Length {
        u32 words;
        const char *name;
    };
    constexpr Length kLengths[] = {{0, "ipc_rt_diff_as_0w"},
                                   {4, "ipc_rt_diff_as_4w"},
                                   {8, "ipc_rt_diff_as_8w"},
                                   {64, "ipc_rt_diff_as_64w"}};
    for (const Length &length : kLengths) {
        Registers r{ep, length.words, 1, 2, 3, 4};
        ensure(trap(CALL_CALL, r) == OK && r.rsi == length.words, "echo length");
        ensure(r.rdx == 1 && r.r10 == 2 && r.r8 == 3 && r.r9 == 4, "echo words");
        row(length.name, measure([&] { trap(CALL_CALL, ep, length.words); }));
    }
    for (u64 i = 4; i < 64; i++) {
        ensure(buffer[i] == 1000 + i, "echo buffer");
    }
}

void ipc_capability(Ground &g, sel::VSpace other) {
    cptr_t ep = g.make(CAP_ENDPOINT), target = g.slot();
    sel::Frame buffer{g.make(CAP_FRAME, FRAME_4K)};
    constexpr u64 kWindow = 0x7e0000000000;
    cptr_t copy = g.slot();
    // The peer's buffer, with the slot for what arrives, is written before the peer has it.
    g.map(g.means().space, buffer, kWindow, RIGHT_READ | RIGHT_WRITE);
    reinterpret_cast<u64 *>(kWindow)[BUFFER_CAP_RECV] = target;
    check(buffer.copy(copy), "copy buffer");
    sel::Tcb peer = g.start({other, address(peer_echo_words), 0, ep, 0, above(g), true, 0, 0});
    check(peer.bind(TCB_SLOT_BUFFER, sel::Capability{copy}), "bind buffer");
    sel::ipc_buffer()[BUFFER_CAP_SEND] = ep;
    Samples s;
    while (!s.full()) {
        u64 start = counter();
        error_t error = trap(CALL_CALL, ep, INFO_CAP);
        s.add(counter() - start);
        ensure(error == OK, "call with capability");
        check(sel::Capability{target}.remove(), "capability arrived");
    }
    row("ipc_rt_diff_as_captransfer1", s.median() - overhead());
}

// --- Notifications, yield.

void notifications(Ground &g, sel::VSpace other) {
    cptr_t ping = g.make(CAP_NOTIFICATION), pong = g.make(CAP_NOTIFICATION);
    cptr_t ring = g.make_signal(ping, 1), echo = g.make_signal(pong, 2);
    cptr_t idle = g.make_signal(g.make(CAP_NOTIFICATION), 4);
    row("signal_no_waiter", measure([&] { trap(CALL_SIGNAL, idle); }));
    sel::Tcb peer = g.start({other, address(peer_pong), 0, ping, echo, above(g), false, 0, 0});
    row("signal_pingpong_diff_as", measure([&] {
            trap(CALL_SIGNAL, ring);
            trap(CALL_WAIT, pong);
        }));
    g.stop(peer);
}

void yield(Ground &g, sel::VSpace other) {
    sel::Tcb peer = g.start({other, address(peer_yield), 0, 0, 0, own(g), false, 0, 0});
    row("yield_rt_diff_as", measure([&] { trap(CALL_YIELD, 0); }));
    g.stop(peer);
}

// --- Faults: this thread is the handler; one round is answer, resume, fault, delivery.

void faults(Ground &g, sel::VSpace other) {
    cptr_t ep = g.make(CAP_ENDPOINT);
    sel::Capability badge{g.slot()};
    check(sel::Capability{ep}.mint(badge.cptr(), RIGHT_ALL, 77), "mint");
    sel::Tcb peer =
        g.start({other, address(peer_fault), 0, 0, 0, above(g), false, badge.cptr(), 0});
    check(g.means().self.bind(TCB_SLOT_REPLY, sel::Capability{g.make(CAP_REPLY)}), "reply");
    Registers r{ep, 0, 0, 0, 0, 0};
    ensure(trap(CALL_RECV, r) == OK && r.rdi == 77, "fault badge");
    ensure(r.rsi >> INFO_LABEL_SHIFT == FAULT_PAGE && r.r10 == 0x1000, "fault address");
    row("pagefault_rt_diff_as", measure([&] { trap(CALL_REPLY_RECV, ep); }));
    g.stop(peer);
}

// --- Capabilities and memory.

void capabilities(Ground &g) {
    sel::Tcb self = g.means().self;
    row("smallest_invocation", measure([&] { trap(CALL_TCB_VECTOR, self.cptr()); }));
    cptr_t from = g.make(CAP_ENDPOINT), to = g.slot();
    Samples copy, mint, remove;
    while (!copy.full()) {
        Registers r{from, 0, to, RIGHT_ALL, 0, 0};
        u64 t0 = counter();
        error_t copied = trap(CALL_CAP_COPY, r);
        u64 t1 = counter();
        error_t removed = trap(CALL_CAP_DELETE, to);
        u64 t2 = counter();
        Registers m{from, 0, to, RIGHT_ALL, 5, 0};
        u64 t3 = counter();
        error_t minted = trap(CALL_CAP_MINT, m);
        u64 t4 = counter();
        ensure(copied == OK && removed == OK && minted == OK, "copy, delete, mint");
        check(sel::Capability{to}.remove(), "delete");
        copy.add(t1 - t0);
        remove.add(t2 - t1);
        mint.add(t4 - t3);
    }
    u64 o = overhead();
    row("cnode_copy", copy.median() - o);
    row("cnode_mint", mint.median() - o);
    row("cnode_delete", remove.median() - o);
}

u64 revoke_of(cptr_t from, cptr_t children, u64 count) {
    Samples s;
    while (!s.full()) {
        for (u64 i = 0; i < count; i++) {
            check(sel::Capability{from}.copy(children + i), "copy");
        }
        u64 start = counter();
        error_t revoked = trap(CALL_CAP_REVOKE, from);
        s.add(counter() - start);
        ensure(revoked == OK, "revoke");
    }
    return s.median();
}

void revoke(Ground &g) {
    constexpr u64 kChildren = 64;
    cptr_t from = g.make(CAP_ENDPOINT), children = g.slots(kChildren);
    u64 one = revoke_of(from, children, 1), many = revoke_of(from, children, kChildren);
    row("revoke_per_child", (many - one) / (kChildren - 1));
}

u64 retype_of(Ground &g, cptr_t memory, cap_type_t type, u64 count) {
    constexpr u32 kRounds = 5;
    cptr_t first = g.slots(count);
    u64 best = ~0ull;
    for (u32 i = 0; i < kRounds; i++) {
        Registers r{memory, 0, type, 0, first, count};
        u64 start = counter();
        error_t made = trap(CALL_UNTYPED_RETYPE, r);
        u64 spent = counter() - start;
        ensure(made == OK, "retype");
        best = spent < best ? spent : best;
        check(sel::Capability{memory}.revoke(), "revoke");
        check(sel::Untyped{memory}.reset(), "reset");
    }
    return best - overhead();
}

void retype(Ground &g) {
    cptr_t memory = g.make(CAP_UNTYPED, 64 * PAGE_BYTES);
    row("retype_1_endpoint", retype_of(g, memory, CAP_ENDPOINT, 1));
    row("retype_1_tcb", retype_of(g, memory, CAP_TCB, 1));
    row("retype_256_endpoints", retype_of(g, memory, CAP_ENDPOINT, 256));
}

void mapping(Ground &g) {
    constexpr u64 kPlace = 0x7d0000000000;
    sel::Frame frame = g.map_page(g.means().space, kPlace, RIGHT_READ | RIGHT_WRITE);
    check(frame.unmap(), "unmap");
    Samples map, unmap;
    while (!map.full()) {
        Registers r{frame.cptr(), 0, g.means().space.cptr(), kPlace, RIGHT_READ | RIGHT_WRITE, 0};
        u64 t0 = counter();
        error_t mapped = trap(CALL_FRAME_MAP, r);
        u64 t1 = counter();
        error_t unmapped = trap(CALL_FRAME_UNMAP, frame.cptr());
        u64 t2 = counter();
        ensure(mapped == OK && unmapped == OK, "map, unmap");
        map.add(t1 - t0);
        unmap.add(t2 - t1);
    }
    row("page_map_4k", map.median() - overhead());
    row("page_unmap_4k", unmap.median() - overhead());
}

// --- Whole threads and address spaces, from nothing to the first signal.

void creation(Ground &g) {
    constexpr u64 kPages = 48, kBase = 0x500000000000;
    cptr_t done = g.make(CAP_NOTIFICATION), signal = g.make_signal(done, 1);
    cptr_t never = g.make(CAP_NOTIFICATION);
    sel::VSpace space = g.make_space();
    u64 start = counter();
    sel::Tcb thread =
        g.start({space, address(peer_first_signal), 0, never, signal, above(g), false, 0, 0});
    ensure(trap(CALL_POLL, done) == OK, "first signal");
    row("thread_create", counter() - start - overhead());
    g.stop(thread);
    start = counter();
    space = g.make_space();
    for (u64 i = 0; i < kPages; i++) {
        g.map_page(space, kBase + i * PAGE_BYTES, RIGHT_READ | RIGHT_WRITE);
    }
    thread = g.start({space, address(peer_first_signal), 0, never, signal, above(g), false, 0, 0});
    ensure(trap(CALL_POLL, done) == OK, "first signal");
    row("vspace_create_48_pages", counter() - start - overhead());
}

} // namespace

void fail(const char *what, error_t error) {
    sel::Text<128> line;
    sel::format(line, "error: bench: {}: {}\n", what, sel::describe(error));
    print(line.byte, line.size);
    for (;;) {
        asm volatile("ud2");
    }
}

u32 run(const Means &means) {
    u64 now = counter();
    print = means.print;
    only = means.only;
    if (means.entry_tsc != 0) {
        row("boot_to_first_user", now - means.entry_tsc);
    }
    if (means.kernel_bytes != 0) {
        row("kernel_text_rodata_bytes", means.kernel_bytes);
    }
    Ground g{means};
    check(means.self.priority(own(g), above(g)), "own priority");
    sel::VSpace other = g.make_space();
    ipc(g, other);
    ipc_capability(g, other);
    notifications(g, other);
    yield(g, other);
    faults(g, other);
    capabilities(g);
    revoke(g);
    retype(g);
    mapping(g);
    creation(g);
    return printed;
}

} // namespace bench
