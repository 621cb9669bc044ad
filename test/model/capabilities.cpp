// The reference model: capabilities, the derivation tree, delete and revoke.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>

#include "core/objects.h"
#include "test/model/model.hpp"

namespace model {

Model::Model() {
    root.object = nullptr;
    for (u32 i = 0; i < irqs.size(); i++) {
        u32 id = IRQ_BASE + 8 * i;
        irqs[i] = std::make_unique<Irq>(id, id + 4);
    }
}

namespace {

void delete_below(Cap &c) {
    for (Cap *child : c.children) {
        delete_below(*child);
        delete child;
    }
}

} // namespace

Model::~Model() {
    delete_below(root);
}

Slot *Model::slot_at(const Thread &t, u64 cptr) const {
    const Cap *space = t.slots[TCB_SLOT_CSPACE].cap;
    if (space == nullptr)
        return nullptr;
    u32 low = static_cast<u32>(cptr), high = static_cast<u32>(cptr >> 32);
    auto &top = static_cast<CNode *>(space->object)->slots;
    if (low == 0 || low >= top.size())
        return nullptr;
    if (high == 0)
        return &top[low];
    const Cap *c = top[low].cap;
    if (c == nullptr || c->type != CAP_CNODE)
        return nullptr;
    auto &inner = static_cast<CNode *>(c->object)->slots;
    return high < inner.size() ? &inner[high] : nullptr;
}

Cap *Model::cap_at(const Thread &t, u64 cptr) const {
    Slot *s = slot_at(t, cptr);
    return s == nullptr ? nullptr : s->cap;
}

Slot *Model::destination(u64 cptr) const {
    return slot_at(*cur, cptr);
}

bool Model::copyable(cap_type_t type) {
    return type != CAP_NULL && type != CAP_UNTYPED && type != CAP_PAGE_TABLE &&
           type != CAP_SCHED_CONTROL && type != CAP_IRQ_CONTROL;
}

Cap &Model::give(Cap &parent, Slot &slot, Cap value) {
    Cap *c = new Cap(std::move(value));
    c->parent = &parent;
    c->slot = &slot;
    c->children.clear();
    parent.children.push_front(c);
    slot.cap = c;
    if (c->object != nullptr)
        c->object->caps++;
    return *c;
}

void Model::copy(Cap &from, Slot &to, u32 rights, u64 data) {
    Cap c = from;
    c.rights &= rights;
    c.data = data;
    c.table = nullptr;
    give(from, to, std::move(c));
}

void Model::bind(Cap &from, Slot &to) {
    copy(from, to, RIGHT_ALL, from.data);
}

void Model::move(Slot &from, Slot &to) {
    to.cap = from.cap;
    to.cap->slot = &to;
    from.cap = nullptr;
}

// The capability leaves the tree; its children stand in its place.
void Model::release(Cap &c) {
    if (c.type == CAP_FRAME || c.type == CAP_PAGE_TABLE)
        unmap(c);
    if (c.type == CAP_VSPACE && c.slot->bound_to != nullptr)
        c.slot->bound_to->space = 0;
    auto &siblings = c.parent->children;
    auto place = std::find(siblings.begin(), siblings.end(), &c);
    for (Cap *child : c.children)
        child->parent = c.parent;
    siblings.splice(place, c.children);
    siblings.erase(place);
    c.slot->cap = nullptr;
    Object *o = c.object;
    delete &c;
    if (o != nullptr && --o->caps == 0)
        die(*o);
}

void Model::die(Object &o) {
    switch (o.type) {
    case CAP_UNTYPED:
        return forget(o);
    case CAP_REPLY:
        if (auto &r = static_cast<Reply &>(o); r.caller != nullptr)
            wake_error(*r.caller, ERR_GONE);
        return forget(o);
    case CAP_TCB:
        o.left = TCB_SLOTS;
        destroy(static_cast<Thread &>(o));
        break;
    case CAP_NOTIFICATION:
        unbind(static_cast<Notification &>(o));
        break;
    case CAP_VSPACE:
        static_cast<Table &>(o).closing = 256;
        break;
    case CAP_IRQ_HANDLER:
        static_cast<Irq &>(o).masked = true;
        break;
    default:
        break;
    }
    o.dying = true;
    dying.push_back(&o);
    owe(dying.size());
    if (o.type == CAP_TCB)
        owe(static_cast<Thread &>(o).first_dying);
}

// The running thread has to finish what stands at place `first` and later.
void Model::owe(u64 first) {
    if (first != 0 && (cur->first_dying == 0 || first < cur->first_dying))
        cur->first_dying = first;
}

// The object's memory belongs to its Untyped again.
void Model::forget(Object &o) {
    auto it = objects.find(o.id);
    if (it == objects.end())
        return;
    graveyard_.push_back(std::move(it->second));
    objects.erase(it);
}

bool Model::reap_slots(Object &o) {
    if (o.left == 1)
        return false;
    for (unsigned i = 0; i < REAP_LOOK && o.left > 1; i++) {
        Slot &s = o.type == CAP_CNODE ? static_cast<CNode &>(o).slots[o.left - 1]
                                      : static_cast<Thread &>(o).slots[o.left - 1];
        if (s.cap != nullptr) {
            release(*s.cap);
            break;
        }
        o.left--;
    }
    return true;
}

bool Model::reap(Object &o) {
    switch (o.type) {
    case CAP_CNODE:
    case CAP_TCB:
        return reap_slots(o);
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION: {
        auto &queue = static_cast<Endpoint &>(o).queue;
        if (queue.empty())
            return false;
        wake_error(*queue.front(), ERR_GONE);
        return true;
    }
    case CAP_SCHED_CONTEXT: {
        auto &c = static_cast<Context &>(o);
        if (!c.loans.empty()) {
            c.loans.back()->lent = nullptr;
            c.loans.pop_back();
            return true;
        }
        if (c.user != nullptr)
            take_context(*c.user);
        if (run_context == &c)
            run_context = nullptr;
        stop_timer(c);
        return false;
    }
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        return empty_step(static_cast<Table &>(o));
    default: {
        auto &irq = static_cast<Irq &>(o);
        if (irq.slot.cap != nullptr) {
            release(*irq.slot.cap);
            return true;
        }
        irq.state = Line::FREE;
        return false;
    }
    }
}

void Model::reap_step() {
    Object *o = dying.back();
    if (!reap(*o)) {
        dying.pop_back();
        o->dying = false;
        forget(*o);
    }
}

// --- Calls.

u64 Model::cap_copy(bool mint) {
    Cap *from = cap_at(*cur, cptr_);
    if (from == nullptr || !copyable(from->type))
        return refuse(ERR_TYPE, cptr_, CAP_NULL, 0);
    Slot *to = destination(arg(0));
    if (to == nullptr || to->cap != nullptr)
        return refuse(ERR_OCCUPIED, arg(0), CAP_NULL, 0);
    if (arg(1) > RIGHT_ALL)
        return refuse_argument(ERR_ARG, arg(1));
    u64 data = from->data;
    if (mint) {
        data = arg(2);
        switch (from->type) {
        case CAP_ENDPOINT:
        case CAP_NOTIFICATION:
            if (from->data != 0)
                return refuse(ERR_BADGE, cptr_, CAP_NULL, 0);
            break;
        case CAP_IO_PORT: {
            u64 first = data & 0xffff, last = data >> 16;
            if (first > last || first < (from->data & 0xffff) || last > from->data >> 16)
                return refuse_argument(ERR_ARG, data);
            break;
        }
        default:
            return refuse(ERR_TYPE, cptr_, CAP_NULL, 0);
        }
    }
    copy(*from, *to, static_cast<u32>(arg(1)), data);
    return done();
}

u64 Model::cap_move() {
    Slot *from = slot_at(*cur, cptr_), *to = destination(arg(0));
    if (from == nullptr || from->cap == nullptr)
        return refuse(ERR_CAP, cptr_, CAP_NULL, 0);
    if (to == nullptr || to->cap != nullptr)
        return refuse(ERR_OCCUPIED, arg(0), CAP_NULL, 0);
    move(*from, *to);
    return done();
}

u64 Model::cap_swap() {
    Slot *a = slot_at(*cur, cptr_), *b = slot_at(*cur, arg(0));
    if (a == nullptr || a->cap == nullptr)
        return refuse(ERR_CAP, cptr_, CAP_NULL, 0);
    if (b == nullptr || b->cap == nullptr)
        return refuse(ERR_CAP, arg(0), CAP_NULL, 0);
    std::swap(a->cap, b->cap);
    a->cap->slot = a;
    b->cap->slot = b;
    return done();
}

u64 Model::drain() {
    u64 first = cur->first_dying;
    for (int i = 0; i < REAP_STEPS && first != 0 && first <= dying.size(); i++)
        reap_step();
    if (cur->first_dying != 0 && cur->first_dying <= dying.size())
        return restart(true);
    cur->first_dying = 0;
    return finish();
}

u64 Model::cap_delete() {
    if (!goes_on()) {
        Cap *c = cap_at(*cur, cptr_);
        if (c == nullptr)
            return refuse(ERR_CAP, cptr_, CAP_NULL, 0);
        release(*c);
    }
    return drain();
}

u64 Model::cap_revoke() {
    if (!goes_on()) {
        Slot *s = slot_at(*cur, cptr_);
        if (s == nullptr || s->cap == nullptr)
            return refuse(ERR_CAP, cptr_, CAP_NULL, 0);
        Cap *c = s->cap;
        for (int i = 0; i < RELEASE_STEPS && !c->children.empty(); i++)
            release(*c->children.front());
        if (!c->children.empty())
            return restart();
    }
    return drain();
}

u64 Model::cap_info() {
    Cap *c = cap_at(*cur, cptr_);
    if (c == nullptr)
        return refuse(ERR_CAP, cptr_, CAP_NULL, 0);
    auto &siblings = c->parent->children;
    auto place = std::find(siblings.begin(), siblings.end(), c);
    u32 before = place == siblings.begin()
                     ? (c->parent == &root ? u32{CDT_HEAD} : c->parent->slot->id)
                     : (*std::prev(place))->slot->id | CAP_INFO_SIBLING;
    result(0, c->type | c->rights << 8 | (c->children.empty() ? 0 : 0x10000));
    result(1, c->type == CAP_FRAME ? c->page : c->object != nullptr ? c->object->id : 0);
    result(2, c->type == CAP_FRAME || c->type == CAP_PAGE_TABLE ? 0 : c->data);
    result(3, c->slot->id | u64{before} << 32);
    return done();
}

} // namespace model
