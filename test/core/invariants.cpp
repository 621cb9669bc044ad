// The invariants of the core's own memory, checked without the model.
// SPDX-License-Identifier: BSD-2-Clause
#include <set>
#include <sstream>
#include <unordered_set>
#include <vector>

#include "test/core/compare.hpp"

namespace host {

namespace {

std::string broken(const char *what, u32 id) {
    std::ostringstream out;
    out << "invariant: " << what << std::hex << " (" << id << ")";
    return out.str();
}

// The bracket list: well nested, links agree both ways, every slot in it holds a capability.
std::string check_tree(std::vector<u32> &slots) {
    std::vector<u32> open{CDT_HEAD};
    u32 item = ITEM(u32{CDT_HEAD}).link.next, before = CDT_HEAD;
    for (u64 steps = 0; steps < 1u << 22; steps++) {
        if (ITEM(item).link.prev != before)
            return broken("a bracket does not link back", item);
        if (item == open.back() + 2) {
            open.pop_back();
            if (open.empty())
                return ITEM(item).link.next == CDT_HEAD ? "" : broken("the list is no ring", item);
        } else {
            if (item % 4 != 0)
                return broken("a bracket closes that is not open", item);
            if (SLOT(item).type == CAP_NULL)
                return broken("an empty slot is in the tree", item);
            open.push_back(item);
            slots.push_back(item);
        }
        before = item;
        item = ITEM(item).link.next;
    }
    return broken("the bracket list does not end", item);
}

// Capabilities to one object are next to each other: each but the first has its like as parent,
// child or sibling.
std::string check_capability(u32 s) {
    const slot_t &c = SLOT(s);
    if (c.may != capability_may(c.type, c.rights, c.data))
        return broken("may disagrees with type, rights and badge", s);
    if (c.type == CAP_FRAME || c.type == CAP_PAGE_TABLE) {
        u32 t = mapping_table(c.data);
        if (t != 0 && TABLE(t).owner[mapping_entry(c.data)] != s)
            return broken("a mapped capability is not the owner of its entry", s);
    }
    return "";
}

std::string check_table(u32 t) {
    for (u32 e = 0; e < TABLE_ENTRIES; e++) {
        u32 s = TABLE(t).owner[e];
        bool kernel = HEADER(t).kind == CAP_VSPACE && e >= 256;
        bool present = (WORD(t - TABLE_ENTRIES + e) & ENTRY_PRESENT) != 0;
        if (!kernel && present != (s != 0))
            return broken("an entry is present without an owner, or the reverse", t);
        if (s != 0 && (mapping_table(SLOT(s).data) != t || mapping_entry(SLOT(s).data) != e))
            return broken("the owner of an entry is mapped elsewhere", s);
    }
    return "";
}

std::string check_thread(u32 t) {
    const tcb_t &c = TCB(t);
    u32 state = c.state & (STATE_SPECIAL - 1);
    bool running = t == K.run.tcb;
    if ((state == STATE_RUNNING) != running)
        return broken("the running thread is another", t);
    if (!running && c.sc != 0 && SC(c.sc).tcb != t && c.sc != K.run.sc)
        return broken("a thread's context has another user", t);
    if (!running && state == STATE_READY && SC(c.sc).left < SC_MIN)
        return broken("a ready thread has no budget", t);
    if ((state == STATE_RECV || state == STATE_REPLY) && REPLY(c.reply).caller.tcb != t)
        return broken("a thread's reply has another caller", t);
    if (c.bound != 0 && NOTIFICATION(c.bound).bound != t)
        return broken("a thread's notification is bound elsewhere", t);
    bool queued = state >= STATE_READY && state != STATE_NO_TIME && state != STATE_REPLY;
    if (!queued && (c.link.next | c.link.prev) != 0)
        return broken("a thread in no queue has links", t);
    if (queued && state != STATE_READY && QUEUE(c.link.queue).head == 0)
        return broken("a waiting thread's queue is empty", t);
    if (state == STATE_READY && running == false && K.top <= c.priority)
        return broken("a ready thread is above the highest ready priority", t);
    if (K.run.tcb != 0 && state == STATE_READY && TCB(K.run.tcb).priority < c.priority)
        return broken("a thread of higher priority than the running one is ready", t);
    return "";
}

std::string check_context(u32 sc) {
    const sched_context_t &c = SC(sc);
    bool runs = sc == K.run.sc || c.tcb == K.run.tcb; // Then the bond is stale.
    if (c.tcb != 0 && !runs && TCB(c.tcb).sc != sc)
        return broken("a context's user runs on another", sc);
    u64 pending = 0;
    for (u32 i = 0; i < REFILL_COUNT && c.amount[i] != 0; i++)
        pending += c.amount[i];
    if (c.budget != c.period && c.left + pending != c.budget)
        return broken("budget is lost or gained", sc);
    if (c.left > c.budget)
        return broken("more budget than configured", sc);
    if (c.budget != 0 && sc != K.run.sc && c.left < SC_MIN && !wheel_has(sc + SC_TIMER))
        return broken("an exhausted context waits for nothing", sc);
    return "";
}

struct Range {
    u64 begin, end;
    bool operator<(const Range &o) const { return begin < o.begin; }
};

std::string check_object(u32 type, u32 o) {
    switch (type) {
    case CAP_TCB:
        return check_thread(o);
    case CAP_SCHED_CONTEXT:
        return check_context(o);
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        return check_table(o);
    default:
        return "";
    }
}

// Memory of the object behind a capability; empty for what is no memory of its own.
Range memory_of(u32 s) {
    const slot_t &c = SLOT(s);
    u64 at = c.type == CAP_FRAME ? 0 : c.object >= OBJECT_BASE ? ADDRESS_OF(c.object) : 0;
    switch (c.type) {
    case CAP_FRAME: {
        u64 page = u64{c.object} * PAGE_BYTES;
        return {page,
                mapping_device(c.data) != 0 ? page : page + frame_bytes(mapping_size(c.data))};
    }
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        return {at - PAGE_BYTES, at + PAGE_BYTES};
    case CAP_CNODE:
        return {at, at + c.data * SLOT_BYTES};
    case CAP_TCB:
        return {at, at + TCB_BYTES};
    case CAP_SCHED_CONTEXT:
        return {at, at + SCHED_CONTEXT_BYTES};
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
    case CAP_REPLY:
        return {at, at + 32};
    case CAP_UNTYPED:
        return {at, c.object >= OBJECT_BASE ? at + UNTYPED_BYTES : at};
    default:
        return {0, 0};
    }
}

} // namespace

std::string broken_invariant() {
    std::vector<u32> slots;
    std::string error = check_tree(slots);
    std::set<Range> ranges;
    std::unordered_set<u64> seen;
    for (size_t i = 0; i < slots.size() && error.empty(); i++) {
        u32 s = slots[i];
        error = check_capability(s);
        u64 key = u64{SLOT(s).type} << 32 | SLOT(s).object;
        if (!error.empty() || !seen.insert(key).second)
            continue;
        error = check_object(SLOT(s).type, SLOT(s).object);
        Range r = memory_of(s);
        if (r.begin == r.end)
            continue;
        auto after = ranges.lower_bound(r);
        if (after != ranges.end() && after->begin < r.end)
            return broken("live objects overlap", s);
        if (after != ranges.begin() && std::prev(after)->end > r.begin)
            return broken("live objects overlap", s);
        ranges.insert(r);
    }
    return error;
}

} // namespace host
