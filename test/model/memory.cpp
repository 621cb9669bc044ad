// The reference model: untyped memory and address spaces.
// SPDX-License-Identifier: BSD-2-Clause
#include <stdexcept>

#include "core/objects.h"
#include "test/model/model.hpp"

namespace model {

namespace {

u64 frame_bytes(u64 size) {
    return size == FRAME_4K ? 0x1000 : size == FRAME_2M ? 0x200000 : 0x40000000;
}

u64 align_up(u64 x, u64 align) {
    return (x + align - 1) / align * align;
}

struct Shape {
    u64 bytes, align; // bytes 0: there is no such object.
};

Shape shape_of(u64 type, u64 size) {
    switch (type) {
    case CAP_UNTYPED:
        return {size % PAGE_BYTES == 0 && size < u64{1} << 44 ? size : 0, PAGE_BYTES};
    case CAP_CNODE:
        return {size >= 2 && size <= CNODE_SLOTS_MAX ? size * SLOT_BYTES : 0, OBJECT_ALIGN};
    case CAP_FRAME:
        return size <= FRAME_1G ? Shape{frame_bytes(size), frame_bytes(size)} : Shape{0, 1};
    default:
        break;
    }
    if (size != 0)
        return {0, 1};
    switch (type) {
    case CAP_TCB:
        return {TCB_BYTES, TCB_BYTES};
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
    case CAP_REPLY:
        return {32, OBJECT_ALIGN};
    case CAP_SCHED_CONTEXT:
        return {SCHED_CONTEXT_BYTES, OBJECT_ALIGN};
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        return {TABLE_BYTES, TABLE_BYTES};
    default:
        return {0, 1};
    }
}

u32 index_of(u64 address) {
    return OBJECT_BASE + static_cast<u32>(address / 8);
}

} // namespace

void Model::clean(u64 from, u64 to) {
    for (auto it = pages.lower_bound(static_cast<u32>(from / PAGE_BYTES));
         it != pages.end() && u64{it->first} * PAGE_BYTES < to;)
        it = pages.erase(it);
}

void Model::make(Cap &parent, Slot &slot, cap_type_t type, u64 size, u64 address, bool device) {
    Cap c;
    c.type = type;
    c.rights = RIGHT_ALL;
    u32 id = index_of(address);
    switch (type) {
    case CAP_FRAME:
        c.page = static_cast<u32>(address / PAGE_BYTES);
        c.size = static_cast<u32>(size);
        c.device = device;
        break;
    case CAP_CNODE:
        c.data = size;
        c.object = &adopt(std::make_unique<CNode>(id, address, static_cast<unsigned>(size)));
        break;
    case CAP_TCB:
        c.object = &adopt(std::make_unique<Thread>(id, address));
        static_cast<Thread *>(c.object)->set(RFLAGS, 0x202);
        break;
    case CAP_ENDPOINT:
        c.object = &adopt(std::make_unique<Endpoint>(type, id, address));
        break;
    case CAP_NOTIFICATION:
        c.object = &adopt(std::make_unique<Notification>(id, address));
        break;
    case CAP_REPLY:
        c.object = &adopt(std::make_unique<Reply>(id, address));
        break;
    case CAP_SCHED_CONTEXT:
        c.object = &adopt(std::make_unique<Context>(id, address));
        break;
    default: {
        Table &t = adopt(std::make_unique<Table>(type, id + TABLE_ENTRIES, address));
        t.level = type == CAP_VSPACE ? 4 : 0;
        c.object = &t;
        break;
    }
    }
    give(parent, slot, std::move(c));
}

u64 Model::retype_next(unsigned made, u64 used) {
    u64 step = arg(2) >> 32 == 0 ? 1 : u64{1} << 32;
    cur->set(R8, arg(2) + made * step);
    cur->set(R9, arg(3) - used);
    if ((arg(3) & 0xffff) == 0) {
        for (auto reg : {RDX, R10, R8, R9})
            cur->forget(reg);
        return done();
    }
    return restart(true);
}

u64 Model::retype_device(Cap &parent, u64 bytes) {
    auto &ut = static_cast<Untyped &>(*parent.object);
    u64 page = arg(3) >> 16, count = arg(3) & 0xffff;
    if (arg(0) != CAP_FRAME || page >= u64{1} << 32 || (ut.base + page * PAGE_BYTES) % bytes != 0)
        return refuse_argument(ERR_ARG, arg(3));
    u64 start = ut.base + page * PAGE_BYTES;
    if (start > ut.end || ut.end - start < count * bytes)
        return refuse_argument(ERR_MEMORY, arg(3));
    unsigned n = static_cast<unsigned>(std::min<u64>(count, OBJECTS_A_STEP));
    Slot *slot = destination(arg(2));
    for (unsigned i = 0; i < n; i++)
        make(parent, slot[i], CAP_FRAME, arg(1), start + i * bytes, true);
    cur->set(R9, arg(3) + ((n * bytes / PAGE_BYTES) << 16));
    return retype_next(n, n);
}

u64 Model::retype_children(Cap &parent, u64 bytes) {
    auto &ut = static_cast<Untyped &>(*parent.object);
    u64 count = arg(3), records = align_up(ut.next, OBJECT_ALIGN);
    u64 base = align_up(records + count * UNTYPED_BYTES, PAGE_BYTES);
    if (base > ut.end || ut.end - base < count * bytes)
        return refuse_argument(ERR_MEMORY, count);
    ut.next = base + count * bytes;
    ut.zeroed = std::max(ut.zeroed, ut.next);
    Slot *slot = destination(arg(2));
    for (u64 i = 0; i < count; i++) {
        Cap c;
        c.type = CAP_UNTYPED;
        c.rights = RIGHT_ALL;
        c.data = bytes;
        u64 from = base + i * bytes, record = records + i * UNTYPED_BYTES;
        c.object = &adopt(std::make_unique<Untyped>(index_of(record), record, UNTYPED_BYTES, from,
                                                    from + bytes, false));
        give(parent, slot[i], std::move(c));
    }
    return retype_next(static_cast<unsigned>(count), count);
}

// How many of `count` objects a step makes, each of which has so many bytes to be zeroed.
u64 Model::objects_now(u64 bytes, u64 count) {
    u64 most = bytes > ZERO_BYTES / 2 ? 1 : (ZERO_BYTES + 3 * MAKING) / (bytes + MAKING);
    return std::min(std::min(count, most), u64{OBJECTS_A_STEP});
}

u64 Model::retype_objects(Cap &parent, u64 bytes, u64 align) {
    auto &ut = static_cast<Untyped &>(*parent.object);
    u64 start = align_up(ut.next, align);
    if (start > ut.end || ut.end - start < arg(3) * bytes)
        return refuse_argument(ERR_MEMORY, arg(3));
    u64 n = objects_now(bytes, arg(3));
    u64 end = start + n * bytes;
    if (ut.zeroed < end) {
        u64 from = ut.zeroed;
        if (from < start) {
            ut.next = start;
            from = start;
        }
        ut.zeroed = std::min(end, from + ZERO_BYTES);
        if (ut.zeroed < end)
            return restart(true);
    }
    ut.next = end;
    clean(start, end);
    Slot *slot = destination(arg(2));
    for (u64 i = 0; i < n; i++)
        make(parent, slot[i], static_cast<cap_type_t>(arg(0)), arg(1), start + i * bytes, false);
    return retype_next(static_cast<unsigned>(n), n);
}

u64 Model::untyped_retype() {
    bool begun = goes_on();
    Cap *parent = cap_at(*cur, cptr_);
    if (parent == nullptr || parent->type != CAP_UNTYPED)
        return refuse(ERR_TYPE, cptr_, CAP_UNTYPED, 0);
    bool device = static_cast<Untyped *>(parent->object)->device;
    u64 count = device ? arg(3) & 0xffff : arg(3);
    if (count == 0 || count > (arg(0) == CAP_UNTYPED ? u64{OBJECTS_A_STEP} : u64{RETYPE_MAX}))
        return refuse_argument(ERR_ARG, arg(3));
    if (arg(0) >= CAP_TYPE_COUNT)
        return refuse_argument(ERR_ARG, arg(0));
    Shape shape = shape_of(arg(0), arg(1));
    if (shape.bytes == 0)
        return refuse_argument(ERR_ARG, arg(1));
    u64 step = arg(2) >> 32 == 0 ? 1 : u64{1} << 32;
    if (destination(arg(2)) == nullptr || slot_at(*cur, arg(2) + (count - 1) * step) == nullptr)
        return refuse_argument(ERR_CAP, arg(2));
    u64 now = objects_now(device || arg(0) == CAP_UNTYPED ? 0 : shape.bytes, count);
    u64 look = begun ? now : count;
    for (u64 i = 0; i < look; i++)
        if (cap_at(*cur, arg(2) + i * step) != nullptr)
            return refuse_argument(ERR_OCCUPIED, arg(2));
    if (count > OBJECTS_A_STEP && !begun) // To look at so many slots is a step of its own.
        return restart(true);
    if (device)
        return retype_device(*parent, shape.bytes);
    return arg(0) == CAP_UNTYPED ? retype_children(*parent, shape.bytes)
                                 : retype_objects(*parent, shape.bytes, shape.align);
}

u64 Model::untyped_reset() {
    Cap *c = cap_at(*cur, cptr_);
    if (c == nullptr || c->type != CAP_UNTYPED)
        return refuse(ERR_TYPE, cptr_, CAP_UNTYPED, 0);
    if (!c->children.empty())
        return refuse(ERR_CHILDREN, cptr_, CAP_UNTYPED, 0);
    if (!dying.empty()) {
        for (int i = 0; i < REAP_STEPS && !dying.empty(); i++)
            reap_step();
        return restart();
    }
    auto &ut = static_cast<Untyped &>(*c->object);
    for (auto &[id, o] : objects)
        if (o.get() != &ut && o->address < ut.end && o->address + o->bytes > ut.base)
            throw std::logic_error("reset memory holds a live object");
    ut.next = ut.zeroed = ut.base;
    return done();
}

// --- Mappings.

Model::Place Model::walk(Table &top, u64 address, unsigned level) const {
    Table *t = &top;
    for (unsigned l = 4;; l--) {
        unsigned entry = static_cast<unsigned>(address >> (3 + 9 * l)) % 512;
        auto it = t->entries.find(entry);
        if (l == level || it == t->entries.end() || it->second->type != CAP_PAGE_TABLE)
            return {t, entry};
        t = static_cast<Table *>(it->second->object);
    }
}

void Model::take_out(Table &t, unsigned entry) {
    Cap &c = *t.entries.at(entry);
    c.table = nullptr;
    t.entries.erase(entry);
    t.words.erase(entry);
    if (c.type == CAP_PAGE_TABLE) {
        auto &inner = static_cast<Table &>(*c.object);
        inner.level = 0;
        inner.closing = TABLE_ENTRIES;
    }
}

void Model::unmap(Cap &c) {
    if (c.table != nullptr)
        take_out(*c.table, c.entry);
}

bool Model::empty_step(Table &t) {
    if (t.closing == 0)
        return false;
    unsigned stop = t.closing > TABLE_LOOK ? t.closing - TABLE_LOOK : 0;
    while (t.closing > stop)
        if (t.entries.count(--t.closing) != 0)
            take_out(t, t.closing);
    return true;
}

u64 Model::frame_map() {
    Cap *frame = cap_at(*cur, cptr_);
    if (frame == nullptr || frame->type != CAP_FRAME)
        return refuse(ERR_TYPE, cptr_, CAP_FRAME, 0);
    auto *space = object_at<Table>(arg(0), CAP_VSPACE);
    if (space == nullptr)
        return refuse(ERR_TYPE, arg(0), CAP_VSPACE, 0);
    u64 rights = arg(2), address = arg(1), bytes = frame_bytes(frame->size);
    if (rights > RIGHT_ALL || (rights & RIGHT_READ) == 0)
        return refuse_argument(ERR_ARG, rights);
    if ((rights & ~u64{frame->rights}) != 0)
        return refuse(ERR_RIGHT, cptr_, CAP_FRAME, static_cast<u32>(rights));
    if (address % bytes != 0 || address > 0x7ffffffff000 - bytes)
        return refuse_argument(ERR_ARG, address);
    Place p = walk(*space, address, frame->size + 1);
    auto there = p.table->entries.find(p.entry);
    if (there == p.table->entries.end() || there->second != frame) {
        if (frame->table != nullptr)
            return refuse_argument(ERR_BUSY, address);
        if (there != p.table->entries.end())
            return refuse_argument(ERR_OCCUPIED, address);
        if (p.table->level != frame->size + 1)
            return refuse_argument(ERR_TABLE, address);
    }
    p.table->entries[p.entry] = frame;
    p.table->words[p.entry] = u64{frame->page} * PAGE_BYTES | 0x5 |
                              ((rights & RIGHT_WRITE) != 0 ? 0x2 : 0) | (frame->device ? 0x18 : 0) |
                              (frame->size != FRAME_4K ? 0x80 : 0) |
                              ((rights & RIGHT_GRANT) != 0 ? 0 : u64{1} << 63);
    frame->table = p.table;
    frame->entry = p.entry;
    return done();
}

u64 Model::frame_unmap() {
    Cap *frame = cap_at(*cur, cptr_);
    if (frame == nullptr || frame->type != CAP_FRAME)
        return refuse(ERR_TYPE, cptr_, CAP_FRAME, 0);
    unmap(*frame);
    return done();
}

u64 Model::frame_info() {
    Cap *frame = cap_at(*cur, cptr_);
    if (frame == nullptr || frame->type != CAP_FRAME)
        return refuse(ERR_TYPE, cptr_, CAP_FRAME, 0);
    u64 bytes = frame_bytes(frame->size);
    bool mapped = frame->table != nullptr && frame->table->level != 0;
    result(0, u64{frame->page} * PAGE_BYTES);
    result(1, bytes);
    result(2, mapped ? frame->table->base + frame->entry * bytes : ~u64{0});
    return done();
}

u64 Model::table_map() {
    Cap *c = cap_at(*cur, cptr_);
    if (c == nullptr || c->type != CAP_PAGE_TABLE)
        return refuse(ERR_TYPE, cptr_, CAP_PAGE_TABLE, 0);
    auto *space = object_at<Table>(arg(0), CAP_VSPACE);
    if (space == nullptr)
        return refuse(ERR_TYPE, arg(0), CAP_VSPACE, 0);
    if (arg(1) >= 0x7ffffffff000)
        return refuse_argument(ERR_ARG, arg(1));
    if (c->table != nullptr)
        return refuse(ERR_BUSY, cptr_, CAP_PAGE_TABLE, 0);
    Place p = walk(*space, arg(1), 1);
    if (p.table->entries.count(p.entry) != 0 || p.table->level == 1)
        return refuse_argument(ERR_OCCUPIED, arg(1));
    auto &t = static_cast<Table &>(*c->object);
    if (empty_step(t))
        return restart();
    t.level = p.table->level - 1;
    u64 bytes = u64{1} << (3 + 9 * p.table->level);
    t.base = arg(1) / bytes * bytes;
    p.table->entries[p.entry] = c;
    p.table->words[p.entry] = t.address | 0x7;
    c->table = p.table;
    c->entry = p.entry;
    return done();
}

u64 Model::table_unmap() {
    Cap *c = cap_at(*cur, cptr_);
    if (c == nullptr || c->type != CAP_PAGE_TABLE)
        return refuse(ERR_TYPE, cptr_, CAP_PAGE_TABLE, 0);
    unmap(*c);
    if (empty_step(static_cast<Table &>(*c->object)))
        return restart();
    return done();
}

} // namespace model
