// Address spaces: the calls on Frames and PageTables, and how mappings end.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/vspace.h"

#include "core/call.h"
#include "core/cspace.h"
#include "core/leaf.h"
#include "core/thread.h"

enum { TABLE_STEP = 64 }; // Entries that one step looks at.
enum { LEVEL_TOP = 4 };

void table_create(u32 t, u32 type) {
    if (type != CAP_VSPACE) {
        return;
    }
    TABLE(t).level = LEVEL_TOP;
    for (u32 i = 0; i < TABLE_ENTRIES / 2; i += 4) {
        WORD(t - TABLE_ENTRIES / 2 + i) = kernel_table[i];
        WORD(t - TABLE_ENTRIES / 2 + i + 1) = kernel_table[i + 1];
        WORD(t - TABLE_ENTRIES / 2 + i + 2) = kernel_table[i + 2];
        WORD(t - TABLE_ENTRIES / 2 + i + 3) = kernel_table[i + 3];
    }
}

// --- The bond between an entry and the capability mapped there.

// Entry `e` of `t`, which is free, becomes `word` and belongs to the capability in `s`.
static void entry_set(u32 t, u32 e, u32 s, u64 word) {
    WORD(t - TABLE_ENTRIES + e) = word;
    TABLE(t).owner[e] = s;
    SLOT(s).data = mapping_at(SLOT(s).data, t, e);
}

// Entry `e` of `t`, which belongs to the capability in `s`, becomes free.
static void entry_clear(u32 t, u32 e, u32 s) {
    WORD(t - TABLE_ENTRIES + e) = 0;
    TABLE(t).owner[e] = 0;
    SLOT(s).data = mapping_none(SLOT(s).data);
}

// PageTable `t` translates no address any more; what is mapped in it is taken out later.
static void table_unlink(u32 t) {
    TABLE(t).level = 0;
    TABLE(t).left = TABLE_ENTRIES;
}

void mapping_end(u32 s) {
    u32 t = mapping_table(SLOT(s).data), e = mapping_entry(SLOT(s).data);
    if (t == 0) {
        return;
    }
    entry_clear(t, e, s);
    if (SLOT(s).type == CAP_PAGE_TABLE) {
        table_unlink(SLOT(s).object);
        tlb_flush();
    } else {
        tlb_drop(TABLE(t).base + e * frame_bytes(mapping_size(SLOT(s).data)));
    }
}

// The table is in no address space, so the processor remembers nothing of it.
u32 table_empty_step(u32 t) {
    u32 left = TABLE(t).left;
    if (left == 0) {
        return 0;
    }
    u32 stop = left > TABLE_STEP ? left - TABLE_STEP : 0;
    while (left > stop) {
        left--;
        u32 s = TABLE(t).owner[left];
        if (s != 0) {
            entry_clear(t, left, s);
            if (SLOT(s).type == CAP_PAGE_TABLE) {
                table_unlink(SLOT(s).object);
            }
        }
    }
    TABLE(t).left = left;
    return 1;
}

void space_unbind(u32 t) {
    TCB(t).cr3 = space_kernel();
    if (t == K.run.tcb) {
        space_leave();
    }
}

// --- Walking.

// The entry for `address` in a table of `level`.
static inline u32 entry_at(u64 address, u32 level) {
    return (u32)((address >> (3 + 9 * level)) % TABLE_ENTRIES);
}

// Where something can be mapped: entry `entry` of `table`, which has this level. table 0: nowhere.
typedef struct {
    u32 table, entry, level;
} place_t;

// The entry for `address` at `level` or, if a PageTable is missing on the way, above it.
static place_t walk(u32 vspace, u64 address, u32 level) {
    place_t p = {vspace, entry_at(address, LEVEL_TOP), LEVEL_TOP};
    while (p.level > level) {
        u32 s = TABLE(p.table).owner[p.entry];
        if (SLOT(s).type != CAP_PAGE_TABLE) {
            return p;
        }
        p.level--;
        p.table = SLOT(s).object;
        p.entry = entry_at(address, p.level);
    }
    return p;
}

// --- Frames.

static u64 frame_entry(u32 s, u64 rights) {
    u64 data = SLOT(s).data;
    return (u64)SLOT(s).object * PAGE_BYTES + ENTRY_PRESENT + ENTRY_USER +
           ((rights & RIGHT_WRITE) != 0 ? ENTRY_WRITE : 0) +
           ((rights & RIGHT_GRANT) != 0 ? 0 : ENTRY_NO_EXECUTE) +
           (mapping_device(data) != 0 ? ENTRY_UNCACHED : 0) +
           (mapping_size(data) != FRAME_4K ? ENTRY_LARGE : 0);
}

// May the frame capability in `s` be mapped at place `p` (or, being there already, change)?
static error_t check_place(u32 s, place_t p) {
    u32 owner = TABLE(p.table).owner[p.entry];
    if (owner == s) {
        return OK;
    }
    if (mapping_table(SLOT(s).data) != 0) {
        return ERR_BUSY;
    }
    if (owner != 0) {
        return ERR_OCCUPIED;
    }
    return p.level == mapping_size(SLOT(s).data) + 1 ? OK : ERR_TABLE;
}

u64 call_frame_map(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr), v = cspace_lookup(cur, ARG0);
    u64 address = ARG1, rights = ARG2;
    if (SLOT(s).type != CAP_FRAME) {
        return call_refuse(CALL_FRAME_MAP, ERR_TYPE, cptr, NEED(CAP_FRAME, 0));
    }
    if (SLOT(v).type != CAP_VSPACE) {
        return call_refuse(CALL_FRAME_MAP, ERR_TYPE, ARG0, NEED(CAP_VSPACE, 0));
    }
    if (rights > RIGHT_ALL || (rights & RIGHT_READ) == 0) {
        return call_refuse_argument(CALL_FRAME_MAP, ERR_ARG, rights);
    }
    if ((rights & SLOT(s).rights) != rights) {
        return call_refuse(CALL_FRAME_MAP, ERR_RIGHT, cptr, NEED(CAP_FRAME, rights));
    }
    u32 size = mapping_size(SLOT(s).data);
    if (address % frame_bytes(size) != 0 || address > SPACE_END - frame_bytes(size)) {
        return call_refuse_argument(CALL_FRAME_MAP, ERR_ARG, address);
    }
    place_t p = walk(SLOT(v).object, address, size + 1);
    error_t error = check_place(s, p);
    if (error != OK) {
        return call_refuse_argument(CALL_FRAME_MAP, error, address);
    }
    entry_set(p.table, p.entry, s, frame_entry(s, rights));
    tlb_drop(address);
    return call_done();
}

u64 call_frame_unmap(u64 cptr, u64 info) {
    (void)info;
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(s).type != CAP_FRAME) {
        return call_refuse(CALL_FRAME_UNMAP, ERR_TYPE, cptr, NEED(CAP_FRAME, 0));
    }
    mapping_end(s);
    return call_done();
}

u64 call_frame_info(u64 cptr, u64 info) {
    (void)info;
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(s).type != CAP_FRAME) {
        return call_refuse(CALL_FRAME_INFO, ERR_TYPE, cptr, NEED(CAP_FRAME, 0));
    }
    u64 data = SLOT(s).data, bytes = frame_bytes(mapping_size(data));
    u32 t = mapping_table(data);
    ARG0 = (u64)SLOT(s).object * PAGE_BYTES;
    ARG1 = bytes;
    ARG2 = TABLE(t).level != 0 ? TABLE(t).base + mapping_entry(data) * bytes : ~0ull;
    return call_done();
}

// --- PageTables.

// The PageTable in `s`, in no address space and empty, serves `address` from place `p` on.
static void table_link(u32 s, place_t p, u64 address) {
    u32 t = SLOT(s).object, shift = 3 + 9 * p.level;
    TABLE(t).level = p.level - 1;
    TABLE(t).base = address >> shift << shift;
    entry_set(p.table, p.entry, s, table_address(t) + ENTRY_PRESENT + ENTRY_USER + ENTRY_WRITE);
}

u64 call_table_map(u64 cptr, u64 info) {
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr), v = cspace_lookup(cur, ARG0);
    u64 address = ARG1;
    if (SLOT(s).type != CAP_PAGE_TABLE) {
        return call_refuse(CALL_TABLE_MAP, ERR_TYPE, cptr, NEED(CAP_PAGE_TABLE, 0));
    }
    if (SLOT(v).type != CAP_VSPACE) {
        return call_refuse(CALL_TABLE_MAP, ERR_TYPE, ARG0, NEED(CAP_VSPACE, 0));
    }
    if (address >= SPACE_END) {
        return call_refuse_argument(CALL_TABLE_MAP, ERR_ARG, address);
    }
    if (mapping_table(SLOT(s).data) != 0) {
        return call_refuse(CALL_TABLE_MAP, ERR_BUSY, cptr, NEED(CAP_PAGE_TABLE, 0));
    }
    place_t p = walk(SLOT(v).object, address, 1);
    if (TABLE(p.table).owner[p.entry] != 0 || p.level == 1) {
        return call_refuse_argument(CALL_TABLE_MAP, ERR_OCCUPIED, address);
    }
    if (table_empty_step(SLOT(s).object) != 0) {
        thread_park();
        return call_restart(CALL_TABLE_MAP, cptr, info);
    }
    table_link(s, p, address);
    return call_done();
}

u64 call_table_unmap(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(s).type != CAP_PAGE_TABLE) {
        return call_refuse(CALL_TABLE_UNMAP, ERR_TYPE, cptr, NEED(CAP_PAGE_TABLE, 0));
    }
    mapping_end(s);
    if (table_empty_step(SLOT(s).object) != 0) {
        thread_park();
        return call_restart(CALL_TABLE_UNMAP, cptr, info);
    }
    return call_done();
}
