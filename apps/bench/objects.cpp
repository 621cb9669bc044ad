// Rows of capabilities and memory, and of whole threads and address spaces.
// SPDX-License-Identifier: BSD-2-Clause
#include "apps/bench/rows.hpp"

extern "C" char peer_first_signal[];

namespace bench {
namespace {

void copies(Fixture &f) {
    cptr_t from = f.make(CAP_ENDPOINT), to = f.slot();
    Samples copy, mint, remove;
    while (!copy.full()) {
        Call copying{CALL_CAP_COPY, from, 0, {to, RIGHT_ALL}};
        Call minting{CALL_CAP_MINT, from, 0, {to, RIGHT_ALL, 5}};
        copy.add(timed(copying));
        remove.add(timed_ok(CALL_CAP_DELETE, to, "delete"));
        mint.add(timed(minting));
        ensure(copying.error() == OK && minting.error() == OK, "copy, mint");
        auto made = sel::Capability{to}.info();
        ensure(made && made->type == CAP_ENDPOINT && made->data == 5, "minted capability");
        check(sel::Capability{to}.remove(), "delete");
    }
    row("cnode_copy", copy.median());
    row("cnode_mint", mint.median());
    row("cnode_delete", remove.median());
}

u64 revoke_of(Fixture &f, cptr_t from, cptr_t children, u64 count) {
    return median_of([&] {
        for (u64 i = 0; i < count; i++) {
            check(sel::Capability{from}.copy(f.at(children, i)), "copy");
        }
        u64 once = timed_ok(CALL_CAP_REVOKE, from, "revoke");
        for (u64 i = 0; i < count; i++) {
            ensure(sel::Capability{f.at(children, i)}.info().error() == ERR_CAP, "revoked");
        }
        return once;
    });
}

void revoke(Fixture &f) {
    constexpr u64 kChildren = 64;
    cptr_t from = f.make(CAP_ENDPOINT), children = f.slots(kChildren);
    u64 one = revoke_of(f, from, children, 1), many = revoke_of(f, from, children, kChildren);
    row("revoke_per_child", (many - one) / (kChildren - 1));
}

void retype(Fixture &f, std::string_view name, sel::Untyped memory, cap_type_t type, u64 count) {
    cptr_t first = f.slots(count);
    row(name, median_of([&] {
            Call call{CALL_UNTYPED_RETYPE, memory.cptr(), 0, {type, 0, first, count}};
            u64 once = timed(call);
            ensure(call.error() == OK, "retype");
            auto last = sel::Capability{f.at(first, count - 1)}.info();
            ensure(last && last->type == type, "last object of a retype");
            check(memory.revoke(), "revoke");
            check(memory.reset(), "reset");
            return once;
        }));
}

void mapping(Fixture &f) {
    constexpr u64 kPlace = 0x7d0000000000;
    sel::Frame frame = f.map_page(f.means().space, kPlace, RIGHT_READ | RIGHT_WRITE);
    check(frame.unmap(), "unmap");
    Samples map, unmap;
    while (!map.full()) {
        Call call{CALL_FRAME_MAP,
                  frame.cptr(),
                  0,
                  {f.means().space.cptr(), kPlace, RIGHT_READ | RIGHT_WRITE}};
        map.add(timed(call));
        ensure(call.error() == OK, "map");
        volatile u64 *word = reinterpret_cast<u64 *>(kPlace);
        *word = counter();
        auto where = frame.frame_info();
        ensure(where && where->address == kPlace, "address of a frame");
        unmap.add(timed_ok(CALL_FRAME_UNMAP, frame.cptr(), "unmap"));
        where = frame.frame_info();
        ensure(where && where->address == ~0ull, "frame that is mapped nowhere");
    }
    row("page_map_4k", map.median());
    row("page_unmap_4k", unmap.median());
}

// Without SchedControl: none, the thread runs on that for peers.
sel::SchedContext new_context(Fixture &f) {
    constexpr u64 kBudget = 1 << 20;
    sel::SchedContext context{0};
    if (f.means().machine != nullptr) {
        context = sel::SchedContext{f.make(CAP_SCHED_CONTEXT)};
        check(f.means().machine->control.configure(context, kBudget, kBudget), "configure");
    }
    return context;
}

// Creation is counted as sel::Process does it: pages in one call. Each round makes everything anew from
// `memory`, in the same slots, and gives it back.
template <typename Make>
u64 creation(Fixture &f, sel::Untyped memory, Make make) {
    constexpr u64 kSlots = 100;
    const Fixture empty = f.inside(memory, kSlots);
    return median_of([&] {
        Fixture scratch = empty;
        u64 spent = make(scratch);
        check(memory.revoke(), "revoke");
        check(memory.reset(), "reset");
        return spent;
    });
}

} // namespace

void rows_of_capabilities(Fixture &f) {
    cptr_t self = f.means().self.cptr();
    row("smallest_invocation",
        median_of([&] { return timed_ok(CALL_TCB_VECTOR, self, "smallest call"); }));
    copies(f);
    revoke(f);
}

void rows_of_memory(Fixture &f) {
    sel::Untyped memory{f.make(CAP_UNTYPED, 64 * PAGE_BYTES)};
    retype(f, "retype_1_endpoint", memory, CAP_ENDPOINT, 1);
    retype(f, "retype_1_tcb", memory, CAP_TCB, 1);
    retype(f, "retype_256_endpoints", memory, CAP_ENDPOINT, 256);
    mapping(f);
}

void rows_of_creation(Fixture &f) {
    constexpr u64 kPages = 48, kBase = 0x500000000000, kStack = 0x4f0000000000;
    constexpr u64 kBuffer = kStack + PAGE_BYTES;
    cptr_t done = f.make(CAP_NOTIFICATION), signal = f.make_signal(done, 1);
    cptr_t never = f.make(CAP_NOTIFICATION);
    sel::Untyped memory{f.make(CAP_UNTYPED, 128 * PAGE_BYTES)};
    sel::Frame code = f.make_code(), code_again{f.slot()};
    check(code.copy(code_again.cptr()), "copy");
    sel::VSpace space = f.make_space(code_again);
    // The tables below stack and buffer stay, as in a program that starts a thread.
    check(f.map_page(space, kStack, RIGHT_READ | RIGHT_WRITE).unmap(), "unmap");
    auto begin = [&](sel::VSpace in) {
        Fixture::Start start{in, address_of(peer_first_signal), f.above()};
        start.r12 = never;
        start.r13 = signal;
        start.stack = kStack + PAGE_BYTES;
        return start;
    };
    auto ended = [&](u64 start) {
        u64 spent = counter() - start - overhead();
        ensure(sel::Notification{done}.poll().ok(), "first signal");
        return spent;
    };
    row("thread_create", creation(f, memory, [&](Fixture &scratch) {
            u64 start = counter();
            Fixture::Start thread = begin(space);
            thread.context = new_context(scratch);
            cptr_t pages = scratch.make_many(CAP_FRAME, FRAME_4K, 2);
            thread.shared_buffer = sel::Frame{scratch.at(pages, 1)};
            scratch.map(space, sel::Frame{pages}, kStack, RIGHT_READ | RIGHT_WRITE);
            scratch.map(space, thread.shared_buffer, kBuffer, RIGHT_READ | RIGHT_WRITE);
            (void)scratch.start(thread);
            return ended(start);
        }));
    row("vspace_create_48_pages", creation(f, memory, [&](Fixture &scratch) {
            u64 start = counter();
            sel::VSpace made = scratch.make_space(code);
            cptr_t pages = scratch.make_many(CAP_FRAME, FRAME_4K, kPages);
            for (u64 i = 0; i < kPages; i++) {
                scratch.map(made, sel::Frame{scratch.at(pages, i)}, kBase + i * PAGE_BYTES,
                            RIGHT_READ | RIGHT_WRITE);
            }
            Fixture::Start thread = begin(made);
            thread.buffer = kBuffer;
            (void)scratch.start(thread);
            return ended(start);
        }));
}

} // namespace bench
