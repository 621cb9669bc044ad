// Invariants of untyped memory, of what is made of it, and of page tables.
// SPDX-License-Identifier: BSD-2-Clause
#include <set>

#include "test/core/invariants.hpp"

namespace host {

namespace {

bool is_device(u32 untyped) {
    return UNTYPED(untyped).zeroed == UNTYPED_IS_DEVICE;
}

std::string check_untyped(u32 u) {
    const untyped_t &c = UNTYPED(u);
    if (c.base > c.next || c.next > c.end)
        return broken(30, "the watermark is outside of the memory", u);
    for (u64 at = c.next; !is_device(u) && at < c.zeroed; at += 8)
        if (PHYS(at / 8) != 0)
            return broken(31, "memory that was zeroed is not zero", u);
    return "";
}

std::string check_entry(u32 t, u32 e) {
    u32 s = TABLE(t).owner[e];
    bool kernel = HEADER(t).kind == CAP_VSPACE && e >= 256;
    bool present = (WORD(t - TABLE_ENTRIES + e) & ENTRY_PRESENT) != 0;
    if (kernel && s != 0)
        return broken(34, "an entry of the kernel belongs to a capability", t);
    if (!kernel && present != (s != 0))
        return broken(35, "an entry is present without an owner, or the reverse", t);
    if (s == 0)
        return "";
    const slot_t &c = SLOT(s);
    if (mapping_table(c.data) != t || mapping_entry(c.data) != e)
        return broken(34, "the owner of an entry is mapped elsewhere", s);
    u32 level = TABLE(t).level,
        fits = c.type == CAP_FRAME ? mapping_size(c.data) + 1 : TABLE(c.object).level + 1;
    if (level != 0 && level != fits)
        return broken(36, "an entry does not fit the level of its table", s);
    if ((level == 0 || TABLE(t).left != 0) && TABLE(t).left <= e)
        return broken(37, "an entry that was taken out is in use", t);
    return "";
}

std::string check_table(const Objects &objects, u32 t) {
    for (u32 e = 0; e < TABLE_ENTRIES; e++)
        if (std::string error = check_entry(t, e); !error.empty())
            return error;
    if (objects.alive.count(t) != 0 && TABLE(t).level != 0 && TABLE(t).left != 0)
        return broken(62, "a table that can be reached is being emptied", t);
    return "";
}

std::string check_mapping(u32 s) {
    const slot_t &c = SLOT(s);
    u32 t = mapping_table(c.data);
    if (t != 0 && TABLE(t).owner[mapping_entry(c.data)] != s)
        return broken(34, "a mapped capability is not the owner of its entry", s);
    if (c.type == CAP_PAGE_TABLE && (t == 0) != (TABLE(c.object).level == 0))
        return broken(38, "a table that is not mapped translates, or the reverse", s);
    return "";
}

struct Range {
    u64 begin, end;
    bool operator<(const Range &o) const { return begin < o.begin; }
};

// Memory of what a capability names; an Untyped: its record. Empty: none that could be retyped.
Range memory_of(u32 s) {
    const slot_t &c = SLOT(s);
    u64 at = c.type == CAP_FRAME ? 0 : c.object >= OBJECT_BASE ? ADDRESS_OF(c.object) : 0;
    switch (c.type) {
    case CAP_FRAME: {
        u64 page = u64{c.object} * PAGE_BYTES;
        return {page, page + frame_bytes(mapping_size(c.data))};
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

// The Untyped that s is made of, 0: it is older than them all.
u32 origin_of(const Objects &objects, u32 s) {
    u32 p = objects.parent.at(s);
    while (p != CDT_HEAD && SLOT(p).type != CAP_UNTYPED)
        p = objects.parent.at(p);
    return p == CDT_HEAD ? 0 : SLOT(p).object;
}

std::string check_inside(const Objects &objects, u32 s, Range r) {
    u32 u = origin_of(objects, s);
    if (u == 0)
        return "";
    u64 used = is_device(u) ? UNTYPED(u).end : UNTYPED(u).next;
    if (r.begin < r.end && (r.begin < UNTYPED(u).base || r.end > used))
        return broken(58, "what is alive is not in the memory that it is made of", s);
    if (SLOT(s).type == CAP_UNTYPED &&
        (UNTYPED(SLOT(s).object).base < UNTYPED(u).base || UNTYPED(SLOT(s).object).end > used))
        return broken(58, "an Untyped is not in the memory that it is made of", s);
    return "";
}

// What is alive has its memory for itself.
std::string check_alive(const Objects &objects) {
    std::set<Range> ranges;
    std::unordered_set<u64> seen;
    for (auto [s, parent] : objects.parent) {
        u64 key = u64{SLOT(s).type} << 32 | SLOT(s).object;
        Range r = memory_of(s);
        if (std::string error = check_inside(objects, s, r); !error.empty())
            return error;
        bool device = SLOT(s).type == CAP_FRAME && mapping_device(SLOT(s).data) != 0;
        if (r.begin == r.end || device || !seen.insert(key).second)
            continue;
        auto after = ranges.lower_bound(r);
        if (after != ranges.end() && after->begin < r.end)
            return broken(58, "live objects overlap", s);
        if (after != ranges.begin() && std::prev(after)->end > r.begin)
            return broken(58, "live objects overlap", s);
        ranges.insert(r);
    }
    return "";
}

} // namespace

std::string check_memory(const Objects &objects) {
    std::string error = objects.each(CAP_UNTYPED, check_untyped);
    for (u32 type : {CAP_VSPACE, CAP_PAGE_TABLE})
        if (error.empty())
            error = objects.each(type, [&](u32 t) { return check_table(objects, t); });
    for (auto [s, parent] : objects.parent)
        if (error.empty() && (SLOT(s).type == CAP_FRAME || SLOT(s).type == CAP_PAGE_TABLE))
            error = check_mapping(s);
    return error.empty() ? check_alive(objects) : error;
}

} // namespace host
