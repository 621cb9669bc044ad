// Address spaces: the bond between entries and capabilities, and the walk through the tables.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/vspace.h"

#include "core/leaf.h"

enum { TABLE_STEP = 16 }; // Entries that one step looks at.

void table_create(u32 t, u32 type) {
    if (type != CAP_VSPACE) {
        return;
    }
    TABLE(t).level = LEVEL_TOP;
    /*@ loop invariant range: 0 <= i <= 256 && i % 4 == 0;
        loop invariant copied: \forall integer e; 0 <= e < i ==> word_view[t - 256 + e] == kernel_table[e];
        loop assigns i, word_view[t - 256 .. t - 1];
        loop variant 256 - i;
    */
    for (u32 i = 0; i < TABLE_ENTRIES / 2; i += 4) {
        WORD(t - TABLE_ENTRIES / 2 + i) = kernel_table[i];
        WORD(t - TABLE_ENTRIES / 2 + i + 1) = kernel_table[i + 1];
        WORD(t - TABLE_ENTRIES / 2 + i + 2) = kernel_table[i + 2];
        WORD(t - TABLE_ENTRIES / 2 + i + 3) = kernel_table[i + 3];
    }
}

void frame_link(u32 t, u32 e, u32 s, u64 word) {
    WORD(t - TABLE_ENTRIES + e) = word;
    TABLE(t).owner[e] = s;
    SLOT(s).data = mapping_at(SLOT(s).data, t, e);
    //@ assert own: entry_word(t, e) == word && owner(t, e) == s;
    /*@ assert others: \forall integer u, i; is_table(u) && is_entry(i) && (u != t || i != e) ==>
            owner(u, i) == \at(owner(u, i), Pre) && entry_word(u, i) == \at(entry_word(u, i), Pre); */
}

// Entry `e` of `t`, which belongs to the capability in `s`, becomes free.
/*@ requires wf: wf_map;
    requires bond: is_table(t) && is_entry(e) && s != 0 && owner(t, e) == s;
    terminates \true; exits \false;
    assigns word_view[t - 512 + e], table_view[t].owner[e], slot_view[s].data;
    ensures w1: map_owner;
    ensures w2: map_slot;
    ensures w3: map_present;
    ensures w4: map_fits;
    ensures w5: map_left;
    ensures w6: map_one;
    ensures w8: map_null;
    ensures w7: slot_view[s].type == CAP_FRAME ==> map_free;
    ensures others: slot_view[s].type == CAP_PAGE_TABLE ==> map_free_but(slot_view[s].object);
    ensures free: map_table(slot_view[s].data) == 0 && owner(t, e) == 0;
    ensures rest: map_rest(slot_view[s].data) == map_rest(\old(slot_view[s].data));
*/
static void entry_clear(u32 t, u32 e, u32 s) {
    WORD(t - TABLE_ENTRIES + e) = 0;
    TABLE(t).owner[e] = 0;
    SLOT(s).data = mapping_none(SLOT(s).data);
}

// PageTable `t` translates no address any more; what is mapped in it is taken out later.
/*@ requires wf: map_owner && map_slot && map_present && map_fits && map_left && map_one && map_null && map_free_but(t);
    requires free: \exists integer s; is_index(s) && slot_view[s].type == CAP_PAGE_TABLE &&
        slot_view[s].object == t && map_table(slot_view[s].data) == 0;
    requires level: is_table(t) && 0 <= level(t) <= 3;
    terminates \true; exits \false;
    assigns table_view[t].level, table_view[t].left;
    ensures w1: map_owner;
    ensures w2: map_slot;
    ensures w3: map_present;
    ensures w4: map_fits;
    ensures w5: map_left;
    ensures w6: map_one;
    ensures w7: map_free;
    ensures w8: map_null;
*/
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
        tlb_drop(entry_address(t, e, mapping_size(SLOT(s).data)));
    }
}

// Takes entry `e` out, if it is in use.
/*@ requires wf: wf_map;
    requires e: is_table(t) && is_entry(e);
    terminates \true; exits \false;
    assigns word_view[t - 512 + e], table_view[..], slot_view[..];
    ensures w1: map_owner;
    ensures w2: map_slot;
    ensures w3: map_present;
    ensures w4: map_fits;
    ensures w5: map_left;
    ensures w6: map_one;
    ensures w7: map_free;
    ensures w8: map_null;
    ensures out: owner(t, e) == 0;
    ensures kept: \forall integer u, i; is_table(u) && is_entry(i) ==>
        owner(u, i) == (u == t && i == e ? 0 : \old(owner(u, i)));
    ensures slots: \forall integer s; is_index(s) ==> slot_view[s].type == \old(slot_view[s].type) &&
        slot_view[s].object == \old(slot_view[s].object);
    ensures level: level(t) == \old(level(t)) && table_view[t].left == \old(table_view[t].left);
    ensures tables: \forall integer u; is_index(u) && u != t &&
        !(\old(owner(t, e)) != 0 && slot_view[\old(owner(t, e))].type == CAP_PAGE_TABLE &&
            slot_view[\old(owner(t, e))].object == u) ==>
        table_view[u].left == \old(table_view[u].left) && level(u) == \old(level(u));
    ensures others: \forall integer s; is_index(s) ==> slot_view[s].may == \old(slot_view[s].may) &&
        slot_view[s].rights == \old(slot_view[s].rights);
    ensures data: \forall integer s; is_index(s) ==> slot_view[s].data == \old(slot_view[s].data) ||
        (is_mappable(s) && map_rest(slot_view[s].data) == map_rest(\old(slot_view[s].data)));
*/
static void entry_drop(u32 t, u32 e) {
    u32 s = TABLE(t).owner[e];
    if (s == 0) {
        return;
    }
    entry_clear(t, e, s);
    if (SLOT(s).type == CAP_PAGE_TABLE) {
        table_unlink(SLOT(s).object);
    }
}

u32 table_empty_step(u32 t) {
    u32 left = TABLE(t).left;
    if (left == 0) {
        return 0;
    }
    u32 stop = left > TABLE_STEP ? left - TABLE_STEP : 0;
    /*@ loop invariant range: stop <= left <= \at(table_view[t].left, Pre);
        loop invariant w1: map_owner;
        loop invariant w2: map_slot;
        loop invariant w3: map_present;
        loop invariant w4: map_fits;
        loop invariant w5: map_left;
        loop invariant w6: map_one;
        loop invariant w7: map_free;
        loop invariant w8: map_null;
        loop invariant out: \forall integer e; left <= e < \at(table_view[t].left, Pre) ==> owner(t, e) == 0;
        loop invariant left: table_view[t].left == \at(table_view[t].left, Pre);
        loop invariant level: level(t) == \at(level(t), Pre);
        loop invariant slots: \forall integer s; is_index(s) ==>
            slot_view[s].type == \at(slot_view[s].type, Pre) &&
            slot_view[s].object == \at(slot_view[s].object, Pre);
        loop invariant kept: \forall integer u, e; is_table(u) && is_entry(e) ==>
            owner(u, e) == \at(owner(u, e), Pre) || owner(u, e) == 0;
        loop invariant here: \forall integer e; 0 <= e < left ==> owner(t, e) == \at(owner(t, e), Pre);
        loop invariant tables: \forall integer u; is_index(u) && u != t &&
            (\forall integer e; is_entry(e) && \at(owner(t, e), Pre) != 0 &&
                slot_view[\at(owner(t, e), Pre)].type == CAP_PAGE_TABLE ==>
                    slot_view[\at(owner(t, e), Pre)].object != u) ==>
            table_view[u].left == \at(table_view[u].left, Pre) && level(u) == \at(level(u), Pre);
        loop invariant others: \forall integer s; is_index(s) ==>
            slot_view[s].may == \at(slot_view[s].may, Pre) &&
            slot_view[s].rights == \at(slot_view[s].rights, Pre);
        loop invariant data: \forall integer s; is_index(s) ==>
            slot_view[s].data == \at(slot_view[s].data, Pre) || (is_mappable(s) &&
                map_rest(slot_view[s].data) == map_rest(\at(slot_view[s].data, Pre)));
        loop assigns left, word_view[..], table_view[..], slot_view[..];
        loop variant left;
    */
    while (left > stop) {
        left--;
        entry_drop(t, left);
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

// Bytes that one entry of a table of `level` translates.
/*@ requires level: 1 <= level <= 4;
    terminates \true; exits \false; assigns \nothing;
    ensures bytes: 0x1000 <= \result <= 0x8000000000;
*/
static inline u64 entry_bytes(u32 level) {
    return level == 1 ? 0x1000 : level == 2 ? 0x200000 : level == 3 ? 0x40000000 : 0x8000000000;
}

// The entry for `address` in a table of `level`.
/*@ requires level: 1 <= level <= 4;
    requires address: address < SPACE_END;
    terminates \true; exits \false; assigns \nothing;
    ensures entry: is_entry(\result);
    ensures half: level == 4 ==> \result < 256;
*/
static inline u32 entry_at(u64 address, u32 level) {
    u64 n = level == 1   ? address / 0x1000
            : level == 2 ? address / 0x200000
            : level == 3 ? address / 0x40000000
                         : address / 0x8000000000;
    return (u32)(n % TABLE_ENTRIES);
}

place_t table_walk(u32 vspace, u64 address, u32 level) {
    place_t p = {vspace, entry_at(address, LEVEL_TOP), LEVEL_TOP};
    /*@ loop invariant place: user_entry(p.table, p.entry);
        loop invariant level: level <= p.level <= 4 && level(p.table) == p.level;
        loop invariant open: table_view[p.table].left == 0;
        loop assigns p;
        loop variant p.level;
    */
    while (p.level > level) {
        u32 s = TABLE(p.table).owner[p.entry];
        if (SLOT(s).type != CAP_PAGE_TABLE) {
            return p;
        }
        //@ assert fits: fits(s, p.table);
        //@ assert child: level(slot_view[s].object) == p.level - 1;
        p.level--;
        p.table = SLOT(s).object;
        p.entry = entry_at(address, p.level);
    }
    return p;
}

void table_link(u32 s, place_t p, u64 address) {
    u32 t = SLOT(s).object;
    u64 word = table_address(t) + ENTRY_PRESENT + ENTRY_USER + ENTRY_WRITE;
    TABLE(t).level = p.level - 1;
    TABLE(t).base = address - address % entry_bytes(p.level);
    //@ assert users: \forall integer u, i; user_entry(u, i) <==> \at(user_entry(u, i), Pre);
    WORD(p.table - TABLE_ENTRIES + p.entry) = word;
    TABLE(p.table).owner[p.entry] = s;
    SLOT(s).data = mapping_at(SLOT(s).data, p.table, p.entry);
    //@ assert own: entry_word(p.table, p.entry) == word && owner(p.table, p.entry) == s;
    /*@ assert others: \forall integer u, i; is_table(u) && is_entry(i) && (u != p.table || i != p.entry) ==>
            owner(u, i) == \at(owner(u, i), Pre) && entry_word(u, i) == \at(entry_word(u, i), Pre); */
}
