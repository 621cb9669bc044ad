// The calls on Frames and PageTables.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"
#include "core/inline.h"
#include "core/leaf.h"
#include "core/thread.h"
#include "core/vspace.h"

// clang-format off
// Every call here: the invariants of mappings, and where a refused one leaves them.
#define REQUIRES_MAP_CALL                                                                          \
    requires wf: wf_map && map_open;                                                               \
    requires space: wf_cspace(K.run.tcb);

#define ENSURES_MAP_CALL                                                                           \
    ENSURES_MAP                                                                                    \
    ensures map_null: map_null;                                                                    \
    ensures map_open: map_open;
// clang-format on

// --- Frames.

/*@ terminates \true; exits \false; assigns \nothing;
    ensures word: \result == frame_word(slot_view[s].object, rights, slot_view[s].data); */
static u64 frame_entry(u32 s, u64 rights) {
    u64 data = SLOT(s).data;
    return (u64)SLOT(s).object * PAGE_BYTES + ENTRY_PRESENT + ENTRY_USER +
           ((rights & RIGHT_WRITE) != 0 ? ENTRY_WRITE : 0) +
           ((rights & RIGHT_GRANT) != 0 ? 0 : ENTRY_NO_EXECUTE) +
           (mapping_device(data) != 0 ? ENTRY_UNCACHED : 0) +
           (mapping_size(data) != FRAME_4K ? ENTRY_LARGE : 0);
}

// May the frame capability in `s` be mapped at place `p` (or, being there already, change)?
/*@ requires p: is_entry(p.entry);
    terminates \true; exits \false; assigns \nothing;
    ensures error: \result == OK || \result == ERR_BUSY || \result == ERR_OCCUPIED || \result == ERR_TABLE;
    ensures its: \result == OK ==> owner(p.table, p.entry) == s ||
        (owner(p.table, p.entry) == 0 && map_table(slot_view[s].data) == 0 && p.level == map_size(slot_view[s].data) + 1); */
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

/*@ REQUIRES_MAP_CALL
    requires vspaces: \forall integer s; slot(s) && ty(s) == CAP_VSPACE ==> is_table(ob(s)) && level(ob(s)) == 4;
    requires sizes: \forall integer s; slot(s) && ty(s) == CAP_FRAME ==> map_size(dt(s)) <= 2;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, word_view[..], table_view[..], slot_view[named(K.run.tcb, cptr)].data;
    ensures next: \result % 0x100000000 == K.run.tcb;
    ENSURES_MAP_CALL
    ensures types: \result / 0x100000000 == OK ==> \old(ty(named(K.run.tcb, cptr))) == CAP_FRAME &&
        \old(ty(named(K.run.tcb, tcb_view[K.run.tcb].r[R_RDX]))) == CAP_VSPACE;
    ensures rights: \result / 0x100000000 == OK ==> (\let wanted = tcb_view[K.run.tcb].r[R_R8];
        (wanted & slot_view[\old(named(K.run.tcb, cptr))].rights) == wanted);
    ensures mapped: \result / 0x100000000 == OK ==>
        (\let s = \old(named(K.run.tcb, cptr)); \let t = map_table(dt(s)); \let e = map_entry(dt(s)); owner(t, e) == s &&
        entry_word(t, e) == frame_word(ob(s), tcb_view[K.run.tcb].r[R_R8], \old(dt(named(K.run.tcb, cptr)))));
    ensures levels: \forall integer t; level(t) == \old(level(t)) && table_view[t].left == \old(table_view[t].left);
    ensures others: \forall integer t, e; is_table(t) && is_entry(e) && \old(owner(t, e)) != 0 ==>
        owner(t, e) == \old(owner(t, e));
    ensures refused: \result / 0x100000000 != OK ==> \forall integer t, e; is_table(t) && is_entry(e) ==>
        owner(t, e) == \old(owner(t, e)) && entry_word(t, e) == \old(entry_word(t, e)); */
u64 call_frame_map(u64 cptr, u64 info) {
    (void)info;
    u32 cur = K.run.tcb, s = cspace_lookup(cur, cptr), v = cspace_lookup(cur, ARG0);
    u64 address = ARG1, rights = ARG2;
    //@ assert s: s == named(K.run.tcb, cptr);
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
    place_t p = table_walk(SLOT(v).object, address, size + 1);
    error_t error = check_place(s, p);
    if (error != OK) {
        return call_refuse_argument(CALL_FRAME_MAP, error, address);
    }
    frame_link(p.table, p.entry, s, frame_entry(s, rights));
    tlb_drop(address);
    return call_done();
}

/*@ REQUIRES_MAP_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, word_view[..], table_view[..], slot_view[named(K.run.tcb, cptr)].data;
    ensures next: \result % 0x100000000 == K.run.tcb;
    ENSURES_MAP_CALL
    ensures unmapped: \result / 0x100000000 == OK ==> (\let s = named(K.run.tcb, cptr); ty(s) == CAP_FRAME &&
        map_table(dt(s)) == 0 && \forall integer t, e; is_table(t) && is_entry(e) ==> owner(t, e) != s);
    ensures others: \forall integer t, e; is_table(t) && is_entry(e) && \old(owner(t, e)) != named(K.run.tcb, cptr) ==>
        owner(t, e) == \old(owner(t, e)); */
u64 call_frame_unmap(u64 cptr, u64 info) {
    (void)info;
    u32 s = cspace_lookup(K.run.tcb, cptr);
    if (SLOT(s).type != CAP_FRAME) {
        return call_refuse(CALL_FRAME_UNMAP, ERR_TYPE, cptr, NEED(CAP_FRAME, 0));
    }
    mapping_end(s);
    return call_done();
}

/*@ REQUIRES_MAP_CALL
    requires sizes: \forall integer s; slot(s) && ty(s) == CAP_FRAME ==> map_size(dt(s)) <= 2;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, tcb_view[K.run.tcb].r[R_RDX], tcb_view[K.run.tcb].r[R_R10], tcb_view[K.run.tcb].r[R_R8];
    ensures next: \result % 0x100000000 == K.run.tcb;
    ensures told: \result / 0x100000000 == OK ==> (\let s = named(K.run.tcb, cptr); ty(s) == CAP_FRAME &&
        tcb_view[K.run.tcb].r[R_RDX] == ob(s) * PAGE_BYTES && tcb_view[K.run.tcb].r[R_R10] ==
        (map_size(dt(s)) == 0 ? 0x1000 : map_size(dt(s)) == 1 ? 0x200000 : 0x40000000)); */
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
    ARG2 = TABLE(t).level != 0 ? entry_address(t, mapping_entry(data), mapping_size(data)) : ~0ull;
    return call_done();
}

// --- PageTables.

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
    place_t p = table_walk(SLOT(v).object, address, 1);
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

RARE u64 call_table_unmap(u64 cptr, u64 info) {
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
