// Invariants of capabilities and of the slots that hold them.
// SPDX-License-Identifier: BSD-2-Clause
#include "test/core/invariants.hpp"

namespace host {

namespace {

bool is_copyable(u32 type) {
    return type != CAP_NULL && type != CAP_UNTYPED && type != CAP_PAGE_TABLE &&
           type != CAP_SCHED_CONTROL && type != CAP_IRQ_CONTROL;
}

bool is_device_frame(const slot_t &c) {
    return c.type == CAP_FRAME && mapping_device(c.data) != 0;
}

u64 key_of(u32 s) {
    return u64{SLOT(s).type} << 32 | SLOT(s).object;
}

std::string check_slot(const Objects &objects, u32 s) {
    const slot_t &c = SLOT(s);
    if ((c.type != CAP_NULL) != objects.has(s))
        return broken(5, "a slot with a capability is not in the tree", s);
    if (c.type == CAP_NULL && (c.object != 0 || c.may != 0 || c.rights != 0 || c.data != 0))
        return broken(6, "an empty slot is not empty", s);
    return "";
}

// From slot `first` to before slot `end` of an object.
std::string check_slots(const Objects &objects, u32 o, u32 first, u32 end) {
    for (u32 i = first; i < end; i++)
        if (std::string error = check_slot(objects, o + 4 * i); !error.empty())
            return error;
    return "";
}

std::string check_containers(const Objects &objects) {
    std::string error = objects.each(CAP_CNODE, [&](u32 o) {
        return check_slots(objects, o, 1, HEADER(o).head); // Dying: those not yet emptied.
    });
    if (error.empty())
        error = objects.each(CAP_TCB, [&](u32 o) { return check_slots(objects, o, 1, TCB_SLOTS); });
    for (u32 i = 0; i < IRQ_COUNT && error.empty(); i++) {
        u32 o = IRQ_OBJECT(i), s = IRQ_SLOT(o);
        error = check_slot(objects, s);
        bool used = objects.is(o, CAP_IRQ_HANDLER);
        if (error.empty() && (IRQ(o).state == IRQ_FREE) == used)
            error = broken(39, "an interrupt in use is free, or the reverse", o);
        if (error.empty() && !used && SLOT(s).type != CAP_NULL)
            error = broken(39, "a free interrupt has a notification", o);
    }
    return error;
}

// b may do no more than a, from which it is derived.
bool is_less(const slot_t &b, const slot_t &a) {
    if ((b.rights & ~a.rights & RIGHT_ALL) != 0)
        return false;
    switch (b.type) {
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
        return a.data == 0 || a.data == b.data;
    case CAP_IO_PORT:
        return (a.data & 0xffff) <= (b.data & 0xffff) && b.data >> 16 <= a.data >> 16;
    case CAP_FRAME:
        return mapping_none(a.data) == mapping_none(b.data);
    default:
        return a.data == b.data;
    }
}

std::string check_capability(const Objects &objects, u32 s, u32 parent) {
    const slot_t &c = SLOT(s), &p = SLOT(parent);
    if (is_copyable(p.type) && key_of(parent) != key_of(s))
        return broken(9, "a capability is derived from one to another object", s);
    if (is_copyable(p.type) && !is_less(c, p))
        return broken(9, "a capability may do more than its parent", s);
    if (c.may != capability_may(c.type, c.rights, c.data))
        return broken(10, "may disagrees with type, rights and badge", s);
    if (c.type == CAP_CNODE && (c.data > CNODE_SLOTS_MAX || c.data != HEADER(c.object).head))
        return broken(11, "a CNode capability names slots that do not exist", s);
    if (c.type == CAP_IO_PORT && c.data >= 1ull << 32)
        return broken(61, "a port has more than 16 bits", s);
    if (c.type == CAP_VSPACE && c.rights >= RIGHT_BOUND) {
        u32 t = s - 4 * TCB_SLOT_VSPACE;
        if (!objects.is(t, CAP_TCB) || TCB(t).cr3 != table_address(c.object))
            return broken(56, "a bound address space is not the thread's", s);
    }
    return "";
}

// INV-7, INV-8: capabilities to one object are one, or lie together. Pages of device memory can be
// given out twice (kernel/spec/README.md).
std::string check_contiguity(const Objects &objects) {
    struct Span {
        size_t first, last, count;
    };
    std::unordered_map<u64, Span> spans;
    for (size_t i = 0; i < objects.brackets.size(); i++) {
        u32 s = objects.brackets[i] / 4 * 4;
        auto [at, is_new] = spans.try_emplace(key_of(s), Span{i, i, 0});
        at->second.last = i;
        at->second.count++;
        if (!is_copyable(SLOT(s).type) && at->second.count > 2)
            return broken(7, "there is a second capability to what is only moved", s);
    }
    for (u32 item : objects.brackets) {
        u32 s = item / 4 * 4;
        const Span &span = spans.at(key_of(s));
        if (is_copyable(SLOT(s).type) && !is_device_frame(SLOT(s)) &&
            span.last - span.first + 1 != span.count)
            return broken(8, "capabilities to one object lie apart", s);
    }
    return "";
}

// INV-57: what the reaper has emptied stays empty.
std::string check_dying(const Objects &objects) {
    for (auto [o, type] : objects.dying) {
        if (type == CAP_TCB)
            for (u32 k = HEADER(o).head; k < TCB_SLOTS; k++)
                if (SLOT(TCB_SLOT_INDEX(o, k)).type != CAP_NULL)
                    return broken(57, "an emptied slot is full", o);
        if ((type == CAP_TCB || type == CAP_CNODE) && HEADER(o).head == 0)
            return broken(57, "the header of a dying object is to be emptied", o);
        if (type == CAP_NOTIFICATION && NOTIFICATION(o).bound != 0)
            return broken(57, "a dying notification is bound", o);
    }
    return "";
}

} // namespace

std::string check_capabilities(const Objects &objects) {
    if (SLOT(u32{SCRATCH_SLOT}).type != CAP_NULL)
        return broken(4, "the scratch slot is in use", SCRATCH_SLOT);
    for (auto [s, parent] : objects.parent)
        if (std::string error = check_capability(objects, s, parent); !error.empty())
            return error;
    std::string error = check_containers(objects);
    if (error.empty())
        error = check_contiguity(objects);
    return error.empty() ? check_dying(objects) : error;
}

} // namespace host
