// Capabilities in slots: making, deriving, moving, removing.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/capability.h"

enum { PORT_FIRST = 0x10000 }; // IoPort: data = first | last << 16.

static error_t check_range(u64 have, u64 want) {
    u64 first = want % PORT_FIRST, last = want / PORT_FIRST;
    if (first > last || first < have % PORT_FIRST || last > have / PORT_FIRST)
        return ERR_ARG;
    return OK;
}

error_t capability_check_mint(u32 s, u64 data) {
    switch (SLOT(s).type) {
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
        return SLOT(s).data == 0 ? OK : ERR_BADGE;
    case CAP_IO_PORT:
        return check_range(SLOT(s).data, data);
    default:
        return ERR_TYPE;
    }
}

static inline void slot_write(u32 s, u32 type, u32 rights, u32 object, u64 data) {
    SLOT(s).object = object;
    SLOT(s).may = capability_may(type, rights, data);
    SLOT(s).type = (u8)type;
    SLOT(s).rights = (u8)rights;
    SLOT(s).data = data;
}

void capability_new(u32 parent, u32 dst, u32 type, u32 rights, u32 object, u64 data) {
    cdt_insert_child(parent, dst);
    slot_write(dst, type, rights, object, data);
}

void capability_copy(u32 src, u32 dst, u32 rights, u64 data) {
    cdt_insert_child(src, dst);
    slot_write(dst, SLOT(src).type, SLOT(src).rights & rights & RIGHT_ALL, SLOT(src).object, data);
}

void capability_bind(u32 src, u32 dst) {
    capability_copy(src, dst, RIGHT_ALL, capability_copy_data(src));
    SLOT(dst).rights += RIGHT_BOUND;
}

static inline void slot_clear(u32 s) {
    SLOT(s).object = 0;
    SLOT(s).may = 0;
    SLOT(s).type = CAP_NULL;
    SLOT(s).rights = 0;
    SLOT(s).data = 0;
}

static inline u32 slot_mapped(u32 s) {
    u32 type = SLOT(s).type;
    return type == CAP_FRAME || type == CAP_PAGE_TABLE ? mapping_table(SLOT(s).data) : 0;
}

void capability_move(u32 src, u32 dst) {
    u32 table = slot_mapped(src);
    if (table != 0)
        TABLE(table).owner[mapping_entry(SLOT(src).data)] = dst;
    cdt_move(src, dst);
    SLOT(dst).object = SLOT(src).object;
    SLOT(dst).may = SLOT(src).may;
    SLOT(dst).type = SLOT(src).type;
    SLOT(dst).rights = SLOT(src).rights;
    SLOT(dst).data = SLOT(src).data;
    slot_clear(src);
}

void capability_swap(u32 a, u32 b) {
    capability_move(a, SCRATCH_SLOT);
    capability_move(b, a);
    capability_move(SCRATCH_SLOT, b);
}

void capability_remove(u32 s) {
    cdt_remove(s);
    slot_clear(s);
}

static inline u32 same_object(u32 a, u32 b) {
    return SLOT(a).object == SLOT(b).object && SLOT(a).type == SLOT(b).type;
}

// The slot that owns an item.
static inline u32 item_slot(u32 item) {
    return item - item % 4u;
}

u32 capability_other(u32 s) {
    u32 child = item_slot(ITEM(OPEN(s)).link.next);
    u32 left = item_slot(ITEM(OPEN(s)).link.prev);
    u32 right = item_slot(ITEM(CLOSE(s)).link.next);
    if (child != s && same_object(child, s))
        return child;
    if (same_object(left, s))
        return left;
    if (same_object(right, s))
        return right;
    return 0;
}
