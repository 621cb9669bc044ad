// How each operation is made as long as possible.
// SPDX-License-Identifier: BSD-2-Clause
#include "apps/bench/worst_cases.hpp"

extern "C" char peer_echo_capability[], peer_fault[], peer_wait[], peer_call[], peer_forward[],
    peer_timeout[];

namespace bench {
namespace {

constexpr u64 kPlace = 0x500000000000;  // In another address space: the first byte of a directory.
constexpr u64 kBuffer = 0x4e0000000000; // In the own one.
constexpr u64 kEntries = 512;           // Of a page table.
constexpr u64 kLong = 1 << 30;          // Ticks: for ever.
constexpr u8 kLow = 1;

struct Arguments {
    u64 a0 = 0, a1 = 0, a2 = 0, a3 = 0;
};

Prepared call(call_t number, cptr_t cptr, const Arguments &arguments = {}) {
    const auto [a0, a1, a2, a3] = arguments;
    return {{number, cptr, 0, {a0, a1, a2, a3}}};
}

Prepared remove(cptr_t cptr) {
    return call(CALL_CAP_DELETE, cptr);
}

void copy(cptr_t from, cptr_t to) {
    check(sel::Capability{from}.copy(to), "copy");
}

sel::SchedContext context(Fixture &f) {
    sel::SchedContext made{f.make(CAP_SCHED_CONTEXT)};
    check(f.means().machine->control.configure(made, kLong, kLong), "configure");
    return made;
}

struct Registers {
    u64 r12, r13 = 0, r14 = 0;
};

// A thread with all that a thread can have. It runs until it waits, and is of low priority then.
sel::Tcb thread(Fixture &f, const char *entry, const Registers &registers, sel::Frame buffer = {}) {
    Fixture::Start start{f.means().space, address_of(entry), f.above()};
    start.r12 = registers.r12;
    start.r13 = registers.r13;
    start.r14 = registers.r14;
    start.shared_buffer = buffer;
    start.context = context(f);
    start.fault_endpoint = f.make(CAP_ENDPOINT);
    sel::Tcb made = f.start(start);
    check(made.priority(kLow, kLow), "priority");
    return made;
}

// Threads that make a call on `cptr` for ever, which waits.
void callers(Fixture &f, u64 count, call_t number, cptr_t cptr, u64 info = 0) {
    for (u64 i = 0; i < count; i++) {
        (void)thread(f, peer_call, {cptr, number, info});
    }
}

// --- Memory.

Prepared retype(Fixture &f, const WorstCase &w, cptr_t) {
    return call(CALL_UNTYPED_RETYPE, f.means().memory.cptr(),
                {w.number, w.size, f.slots(w.count), w.count});
}

Prepared reset(Fixture &f, const WorstCase &w, cptr_t) {
    sel::Untyped memory{f.make(CAP_UNTYPED, w.count * PAGE_BYTES)};
    check(memory.retype(CAP_FRAME, FRAME_4K, f.slots(w.count), w.count), "retype");
    check(memory.revoke(), "revoke");
    return call(CALL_UNTYPED_RESET, memory.cptr());
}

// --- Capabilities.

// `count` copies of one, or each of the one before.
cptr_t family(Fixture &f, u64 count, bool chain) {
    cptr_t first = f.make(CAP_ENDPOINT), from = first;
    for (u64 i = 0; i < count; i++) {
        cptr_t to = f.slot();
        copy(from, to);
        from = chain ? to : first;
    }
    return first;
}

Prepared revoke_copies(Fixture &f, const WorstCase &w, cptr_t) {
    return call(CALL_CAP_REVOKE, family(f, w.count, false));
}

Prepared revoke_chain(Fixture &f, const WorstCase &w, cptr_t) {
    return call(CALL_CAP_REVOKE, family(f, w.count, true));
}

Prepared delete_parent(Fixture &f, const WorstCase &w, cptr_t) {
    return remove(family(f, w.count, false));
}

// Every object is another one, which dies with the Untyped's revoke.
Prepared revoke_objects(Fixture &f, const WorstCase &w, cptr_t) {
    sel::Untyped memory{f.make(CAP_UNTYPED, 512 * PAGE_BYTES)};
    check(memory.retype(static_cast<cap_type_t>(w.number), w.size, f.slots(w.count), w.count),
          "retype");
    return call(CALL_CAP_REVOKE, memory.cptr());
}

// Full CNode, with the last capability of an object in every slot.
Prepared delete_cnode(Fixture &f, const WorstCase &w, cptr_t spare) {
    sel::Capability made{f.make(CAP_CNODE, w.count + 1)};
    check(made.move(spare), "move");
    check(f.means().memory.retype(static_cast<cap_type_t>(w.number), w.size,
                                  sel::in_cnode(spare, 1), w.count),
          "retype");
    return remove(spare);
}

Prepared delete_empty_cnode(Fixture &f, const WorstCase &w, cptr_t) {
    return remove(f.make(CAP_CNODE, w.count));
}

// CNodes that hold nothing but each the next one.
Prepared delete_nested_cnodes(Fixture &f, const WorstCase &w, cptr_t spare) {
    cptr_t inner = f.make(CAP_CNODE, 2);
    for (u64 i = 0; i < w.count; i++) {
        cptr_t outer = f.make(CAP_CNODE, 2);
        check(sel::Capability{outer}.move(spare), "move");
        check(sel::Capability{inner}.move(sel::in_cnode(spare, 1)), "move");
        check(sel::Capability{spare}.move(outer), "move");
        inner = outer;
    }
    return remove(inner);
}

Prepared mint(Fixture &f, const WorstCase &w, cptr_t) {
    return call(CALL_CAP_MINT, family(f, w.count, true), {f.slot(), RIGHT_ALL, 5});
}

Prepared swap(Fixture &f, const WorstCase &w, cptr_t) {
    return call(CALL_CAP_SWAP, family(f, w.count, true), {family(f, w.count, false)});
}

// --- Queues.

Prepared delete_endpoint(Fixture &f, const WorstCase &w, cptr_t) {
    cptr_t ep = f.make(CAP_ENDPOINT);
    callers(f, w.count, CALL_CALL, ep);
    return remove(ep);
}

Prepared revoke_badged(Fixture &f, const WorstCase &w, cptr_t) {
    cptr_t ep = f.make(CAP_ENDPOINT);
    callers(f, w.count, CALL_CALL, f.make_signal(ep, 7));
    return call(CALL_CAP_REVOKE, ep);
}

Prepared delete_notification(Fixture &f, const WorstCase &w, cptr_t) {
    cptr_t notification = f.make(CAP_NOTIFICATION);
    callers(f, w.count, CALL_WAIT, notification);
    return remove(notification);
}

Prepared signal(Fixture &f, const WorstCase &w, cptr_t) {
    cptr_t notification = f.make(CAP_NOTIFICATION);
    callers(f, w.count, CALL_WAIT, notification);
    return call(CALL_SIGNAL, f.make_signal(notification, 1));
}

// --- Threads, contexts and answers.

sel::Tcb full_thread(Fixture &f) {
    sel::Frame buffer = f.map_page(f.means().space, kBuffer, RIGHT_READ | RIGHT_WRITE);
    return thread(f, peer_timeout,
                  {f.make(CAP_NOTIFICATION), (counter() >> CLOCK_SHIFT) + kLong, kBuffer}, buffer);
}

Prepared of_thread(Fixture &f, const WorstCase &w, cptr_t) {
    sel::Tcb tcb = full_thread(f);
    if (w.number == CALL_TCB_WRITE || w.number == CALL_TCB_RESUME || w.number == CALL_TCB_READ) {
        check(tcb.suspend(), "suspend");
    }
    if (w.number == CALL_TCB_WRITE) {
        for (u32 i = 0; i < REGS_WORDS; i++) {
            sel::ipc_buffer()[i] = 0;
        }
    }
    return call(static_cast<call_t>(w.number), tcb.cptr());
}

// The slot holds the last capability of a CNode that is full.
Prepared rebind(Fixture &f, const WorstCase &w, cptr_t spare) {
    sel::Tcb tcb = full_thread(f);
    check(sel::Capability{f.make(CAP_CNODE, w.count + 1)}.move(spare), "move");
    check(f.means().memory.retype(CAP_ENDPOINT, 0, sel::in_cnode(spare, 1), w.count), "retype");
    check(tcb.bind(TCB_SLOT_CSPACE, sel::Capability{spare}), "bind");
    check(sel::Capability{spare}.remove(), "delete");
    return call(CALL_TCB_BIND, tcb.cptr(), {TCB_SLOT_CSPACE, f.means().cnode});
}

struct Chain {
    sel::SchedContext context; // Lent through all of it.
    sel::Tcb client, first, last;
};

// A client that called a passive server that called another, and so on.
Chain calls(Fixture &f, u64 depth) {
    Chain chain{};
    cptr_t ep = f.make(CAP_ENDPOINT);
    cptr_t next = f.make(CAP_ENDPOINT);         // Nobody receives from the last.
    sel::SchedContext first_steps = context(f); // Of each server, until it waits.
    for (u64 i = 0; i < depth; i++) {
        Fixture::Start start{f.means().space, address_of(peer_forward), f.above()};
        start.r12 = ep;
        start.r13 = next;
        start.context = first_steps;
        start.passive = true;
        sel::Tcb server = f.start(start);
        chain.first = server;
        chain.last = i == 0 ? server : chain.last;
        next = ep;
        ep = f.make(CAP_ENDPOINT);
    }
    Fixture::Start start{f.means().space, address_of(peer_call), f.above()};
    start.r12 = next;
    start.r13 = CALL_CALL;
    start.context = chain.context = context(f);
    chain.client = f.start(start);
    return chain;
}

Prepared delete_context(Fixture &f, const WorstCase &w, cptr_t) {
    return remove(calls(f, w.count).context.cptr());
}

Prepared delete_client(Fixture &f, const WorstCase &w, cptr_t) {
    return remove(calls(f, w.count).client.cptr());
}

Prepared delete_server(Fixture &f, const WorstCase &w, cptr_t) {
    return remove(calls(f, w.count).last.cptr());
}

Prepared configure(Fixture &f, const WorstCase &w, cptr_t) {
    return call(CALL_SC_CONFIGURE, f.means().machine->control.cptr(),
                {calls(f, w.count).context.cptr(), kLong / 2, kLong});
}

// --- Messages.

// As long as can be, with a capability, both ways; the server has a context of its own.
Prepared message(Fixture &f, const WorstCase &w, cptr_t) {
    cptr_t ep = f.make(CAP_ENDPOINT);
    sel::Frame buffer = f.map_page(f.means().space, kBuffer, RIGHT_READ | RIGHT_WRITE);
    reinterpret_cast<u64 *>(kBuffer)[BUFFER_CAP_RECV] = f.slot();
    Fixture::Start start{f.means().space, address_of(peer_echo_capability), f.above()};
    start.r12 = ep;
    start.shared_buffer = buffer;
    start.context = context(f);
    start.passive = w.number == 0;
    (void)f.start(start);
    sel::ipc_buffer()[BUFFER_CAP_SEND] = family(f, w.count, true);
    sel::ipc_buffer()[BUFFER_TIMEOUT] = kLong;
    Prepared sent = call(CALL_CALL, ep);
    sent.call.info =
        u64{MESSAGE_WORDS} | INFO_CAP | INFO_TIMEOUT; // NOLINT(bugprone-suspicious-enum-usage)
    return sent;
}

Prepared fault(Fixture &f, const WorstCase &, cptr_t) {
    cptr_t ep = f.make(CAP_ENDPOINT);
    Fixture::Start start{f.means().space, address_of(peer_fault), f.above()};
    start.fault_endpoint = ep;
    start.context = context(f);
    (void)f.start(start);
    check(f.means().self.bind(TCB_SLOT_REPLY, sel::Capability{f.make(CAP_REPLY)}), "bind reply");
    Call first{CALL_RECV, ep};
    (void)timed(first);
    ensure(first.error() == OK, "fault");
    return call(CALL_REPLY_RECV, ep);
}

// --- Address spaces.

struct Tree {
    sel::VSpace space;
    cptr_t table[3]; // Level by level.
};

Tree tree(Fixture &f) {
    Tree made{sel::VSpace{f.make(CAP_VSPACE)}, {}};
    for (cptr_t &table : made.table) {
        table = f.make(CAP_PAGE_TABLE);
        check(sel::PageTable{table}.map(made.space, kPlace), "table map");
    }
    return made;
}

// Copies of `frame`, one behind the other, as far as one table reaches.
void fill_with_pages(Fixture &f, sel::VSpace space, cptr_t frame) {
    for (u64 i = 0; i < kEntries; i++) {
        cptr_t to = f.slot();
        copy(frame, to);
        check(sel::Frame{to}.map(space, kPlace + i * PAGE_BYTES, RIGHT_READ), "map");
    }
}

// Tables below the one of `level`, as many as fit.
void fill_with_tables(Fixture &f, sel::VSpace space, u64 level) {
    constexpr u32 kTopBits = 39, kBits = 9;
    for (u64 i = 1; i < kEntries; i++) {
        cptr_t table = f.make(CAP_PAGE_TABLE);
        check(sel::PageTable{table}.map(space, kPlace + (i << (kTopBits - kBits * (level + 1)))),
              "table map");
    }
}

// number: the call; count: the level of the table, 2: that of pages.
Prepared full_table(Fixture &f, const WorstCase &w, cptr_t) {
    Tree made = tree(f);
    if (w.count == 2) {
        fill_with_pages(f, made.space, f.make(CAP_FRAME, FRAME_4K));
    } else {
        fill_with_tables(f, made.space, w.count);
    }
    return call(static_cast<call_t>(w.number), made.table[w.count]);
}

Prepared delete_space(Fixture &f, const WorstCase &w, cptr_t) {
    Tree made = tree(f);
    fill_with_tables(f, made.space, w.count);
    return remove(made.space.cptr());
}

Prepared revoke_mapped(Fixture &f, const WorstCase &, cptr_t) {
    Tree made = tree(f);
    cptr_t frame = f.make(CAP_FRAME, FRAME_4K);
    fill_with_pages(f, made.space, frame);
    return call(CALL_CAP_REVOKE, frame);
}

Prepared map(Fixture &f, const WorstCase &w, cptr_t) {
    Tree made = tree(f);
    sel::Frame frame{f.make(CAP_FRAME, FRAME_4K)};
    if (w.number == CALL_FRAME_UNMAP) {
        check(frame.map(made.space, kPlace, RIGHT_READ), "map");
    }
    return call(static_cast<call_t>(w.number), frame.cptr(),
                {made.space.cptr(), kPlace, RIGHT_READ});
}

// --- Time.

// Time-outs of `count` threads of the lowest priority end in the same tick. It comes so soon after two
// borders of the timing wheel that moving all of them down a level is not done yet at the next.
Prepared storm(Fixture &f, const WorstCase &w, cptr_t) {
    constexpr u64 kTicksEach = 16; // Enough to start one.
    constexpr u64 kSlots = 64;     // Of a level of the wheel.
    cptr_t never = f.make(CAP_NOTIFICATION), faults = f.make(CAP_ENDPOINT);
    sel::Frame buffer = f.map_page(f.means().space, kBuffer, RIGHT_READ | RIGHT_WRITE);
    u64 now = counter() >> CLOCK_SHIFT;
    u64 border = ((now + w.count * kTicksEach) / (kSlots * kSlots) + 1) * kSlots * kSlots;
    u64 due = border + kSlots; // The kernel waits a tick more.
    for (u64 i = 0; i < w.count; i++) {
        Fixture::Start start{f.means().space, address_of(peer_timeout), f.above()};
        start.r12 = never;
        start.r13 = due;
        start.r14 = kBuffer;
        start.shared_buffer = buffer;
        start.fault_endpoint = faults;
        start.context = context(f);
        check(f.start(start).priority(kLow, kLow), "priority");
    }
    return {{}, due << CLOCK_SHIFT};
}

constexpr WorstCase kWorstCases[] = {
    {"retype 256 Endpoints", retype, CAP_ENDPOINT, 0, 256},
    {"retype 256 Notifications", retype, CAP_NOTIFICATION, 0, 256},
    {"retype 256 Replies", retype, CAP_REPLY, 0, 256},
    {"retype 256 SchedContexts", retype, CAP_SCHED_CONTEXT, 0, 256},
    {"retype 256 TCBs", retype, CAP_TCB, 0, 256},
    {"retype 256 CNodes of 16 slots", retype, CAP_CNODE, 16, 256},
    {"retype a CNode of 32768 slots", retype, CAP_CNODE, 32768, 1},
    {"retype 128 PageTables", retype, CAP_PAGE_TABLE, 0, 128},
    {"retype 256 Frames", retype, CAP_FRAME, FRAME_4K, 256},
    {"retype 32 Untypeds", retype, CAP_UNTYPED, PAGE_BYTES, 32},
    {"reset of 256 pages", reset, 0, 0, 256},
    {"revoke of 256 copies", revoke_copies, 0, 0, 256},
    {"revoke of a chain of 256 copies", revoke_chain, 0, 0, 256},
    {"revoke of 256 Endpoints", revoke_objects, CAP_ENDPOINT, 0, 256},
    {"revoke of 256 TCBs", revoke_objects, CAP_TCB, 0, 256},
    {"revoke of 256 SchedContexts", revoke_objects, CAP_SCHED_CONTEXT, 0, 256},
    {"revoke of 256 CNodes", revoke_objects, CAP_CNODE, 16, 256},
    {"delete of a capability with 256 children", delete_parent, 0, 0, 256},
    {"delete of a CNode of 128 Endpoints", delete_cnode, CAP_ENDPOINT, 0, 128},
    {"delete of a CNode of 32 TCBs", delete_cnode, CAP_TCB, 0, 32},
    {"delete of a CNode of 32 CNodes", delete_cnode, CAP_CNODE, 64, 32},
    {"delete of an empty CNode of 4096 slots", delete_empty_cnode, 0, 0, 4096},
    {"delete of 64 nested CNodes", delete_nested_cnodes, 0, 0, 64},
    {"mint", mint, 0, 0, 64},
    {"swap", swap, 0, 0, 64},
    {"delete of an Endpoint with 128 callers", delete_endpoint, 0, 0, 128},
    {"revoke of a badge with 128 callers", revoke_badged, 0, 0, 128},
    {"delete of a Notification with 128 waiters", delete_notification, 0, 0, 128},
    {"signal with 128 waiters", signal, 0, 0, 128},
    {"delete of a thread", of_thread, CALL_CAP_DELETE},
    {"suspend", of_thread, CALL_TCB_SUSPEND},
    {"resume", of_thread, CALL_TCB_RESUME},
    {"write of registers", of_thread, CALL_TCB_WRITE},
    {"read of registers", of_thread, CALL_TCB_READ},
    {"bind over the last capability of a full CNode", rebind, 0, 0, 64},
    {"delete of a context lent through 32 servers", delete_context, 0, 0, 32},
    {"delete of a client of 32 servers", delete_client, 0, 0, 32},
    {"delete of the last of 32 servers", delete_server, 0, 0, 32},
    {"configure a context lent through 32 servers", configure, 0, 0, 32},
    {"message of 120 words, capability, time-out", message, 0, 0, 64},
    {"the same to an active server", message, 1, 0, 64},
    {"page fault", fault},
    {"delete of a page table of 512 pages", full_table, CALL_CAP_DELETE, 0, 2},
    {"unmap of a page table of 512 pages", full_table, CALL_TABLE_UNMAP, 0, 2},
    {"delete of a directory of 512 tables", full_table, CALL_CAP_DELETE, 0, 1},
    {"unmap of a directory of 512 tables", full_table, CALL_TABLE_UNMAP, 0, 1},
    {"delete of a table of 512 directories", full_table, CALL_CAP_DELETE, 0, 0},
    {"delete of an address space with 512 tables", delete_space, 0, 0, 1},
    {"revoke of a page with 512 mapped copies", revoke_mapped},
    {"map", map, CALL_FRAME_MAP},
    {"unmap", map, CALL_FRAME_UNMAP},
    {"1,000 time-outs in one tick", storm, 0, 0, 1000},
};

} // namespace

std::span<const WorstCase> worst_cases() {
    return kWorstCases;
}

} // namespace bench
