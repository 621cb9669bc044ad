// Address spaces: which Frame or PageTable is mapped where.
// SPDX-License-Identifier: BSD-2-Clause
//
// A table's index names its second page (table_t); entry e of the first, which the processor reads,
// is WORD(table - TABLE_ENTRIES + e). Every present entry below the kernel half belongs to one
// capability, and the two know each other:
//   TABLE(t).owner[e] == s   <=>   mapping_table(SLOT(s).data) == t, mapping_entry(SLOT(s).data) == e
// so a mapping ends in O(1) with its capability, and no code ever reads a hardware entry.
// A PageTable:  FREE (level 0, left 0) -- call_table_map --> MAPPED (level 1..3)
//   -- its mapping ends --> CLOSING (level 0, left > 0: entries [0, left) may be in use) -- steps --> FREE
// Keeps INV-34 .. INV-38 (spec/vspace.h).
#ifndef CORE_VSPACE_H
#define CORE_VSPACE_H

#include "core/leaf.h"
#include "core/mapping.h"
#include "core/view.h"
#include "spec/vspace.h"

// Bits of a hardware entry.
#define ENTRY_PRESENT 0x1ull
#define ENTRY_WRITE 0x2ull
#define ENTRY_USER 0x4ull
#define ENTRY_UNCACHED 0x18ull // PWT, PCD
#define ENTRY_LARGE 0x80ull
#define ENTRY_NO_EXECUTE 0x8000000000000000ull

#define SPACE_END 0x7ffffffff000ull // The last page of the user half is never mapped (sysret).

/*@ terminates \true; exits \false; assigns \nothing;
    ensures bytes: \result == (size == 0 ? 0x1000 : size == 1 ? 0x200000 : 0x40000000);
*/
static inline u64 frame_bytes(u32 size) {
    return size == FRAME_4K ? 0x1000 : size == FRAME_2M ? 0x200000 : 0x40000000;
}

// Physical address of the hardware page of a table; CR3 of a VSpace.
/*@ requires t: t >= 0x80000200;
    terminates \true; exits \false; assigns \nothing;
    ensures bytes: \result == (t - 0x80000200) * 8;
*/
static inline u64 table_address(u32 t) {
    return ADDRESS_OF(t - TABLE_ENTRIES);
}

// The address that entry `e` of `t` translates for a Frame of this size.
/*@ requires entry: is_entry(e);
    terminates \true; exits \false; assigns \nothing;
*/
static inline u64 entry_address(u32 t, u32 e, u32 size) {
    u64 base = TABLE(t).base;
    return base < SPACE_END ? base + e * frame_bytes(size) : base;
}

enum { LEVEL_TOP = 4 };

// First contents of a table in zeroed memory; a VSpace (top table) maps the kernel.
/*@ requires table: is_table(t);
    terminates \true; exits \false;
    assigns table_view[t].level, word_view[t - 256 .. t - 1];
    ensures level: level(t) == (type == CAP_VSPACE ? 4 : \old(level(t)));
    ensures kernel: type == CAP_VSPACE ==>
        \forall integer e; 0 <= e < 256 ==> word_view[t - 256 + e] == kernel_table[e];
    ensures same: type != CAP_VSPACE ==>
        \forall integer w; t - 256 <= w < t ==> word_view[w] == \old(word_view[w]);
*/
void table_create(u32 t, u32 type);

// The Frame in `s` is mapped at entry `e` of `t`, which is free or its own, as `word`.
/*@ requires wf: wf_map;
    requires entry: user_entry(t, e) && (owner(t, e) == 0 || owner(t, e) == s);
    requires open: level(t) != 0 && table_view[t].left == 0;
    requires frame: is_index(s) && s != 0 && slot_view[s].type == CAP_FRAME && fits(s, t);
    requires free: map_table(slot_view[s].data) == 0 || owner(t, e) == s;
    requires word: word != 0;
    terminates \true; exits \false;
    assigns word_view[t - 512 + e], table_view[t].owner[e], slot_view[s].data;
    ensures w1: map_owner;
    ensures w2: map_slot;
    ensures w3: map_present;
    ensures w4: map_fits;
    ensures w5: map_left;
    ensures w6: map_one;
    ensures w7: map_free;
    ensures w8: map_null;
    ensures set: owner(t, e) == s && entry_word(t, e) == word;
*/
void frame_link(u32 t, u32 e, u32 s, u64 word);

// Ends the mapping of the Frame or PageTable capability in slot `s`, if it is mapped.
/*@ requires wf: wf_map;
    requires s: is_index(s) && s != 0 && is_mappable(s);
    terminates \true; exits \false;
    assigns word_view[..], table_view[..], slot_view[s].data;
    ensures w1: map_owner;
    ensures w2: map_slot;
    ensures w3: map_present;
    ensures w4: map_fits;
    ensures w5: map_left;
    ensures w6: map_one;
    ensures w7: map_free;
    ensures w8: map_null;
    ensures free: map_table(slot_view[s].data) == 0;
    ensures rest: map_rest(slot_view[s].data) == map_rest(\old(slot_view[s].data));
    ensures tables: \forall integer t; is_index(t) &&
        !(slot_view[s].type == CAP_PAGE_TABLE && t == slot_view[s].object) ==>
            table_view[t].left == \old(table_view[t].left) && level(t) == \old(level(t));
    ensures out: \forall integer t, e; is_table(t) && is_entry(e) ==> owner(t, e) != s;
    ensures kept: \forall integer t, e; is_table(t) && is_entry(e) ==>
        owner(t, e) == \old(owner(t, e)) || (\old(owner(t, e)) == s && owner(t, e) == 0);
*/
void mapping_end(u32 s);

// Takes some entries out of a table that is CLOSING or dying, from `left` down. 0: none was left.
// No processor uses the table, so nothing has to be forgotten.
/*@ requires wf: wf_map;
    requires t: is_table(t) && table_view[t].left <= 512;
    terminates \true; exits \false;
    assigns word_view[..], table_view[..], slot_view[..];
    ensures w1: map_owner;
    ensures w2: map_slot;
    ensures w3: map_present;
    ensures w4: map_fits;
    ensures w5: map_left;
    ensures w6: map_one;
    ensures w7: map_free;
    ensures w8: map_null;
    ensures kept: \forall integer u, e; is_table(u) && is_entry(e) ==>
        owner(u, e) == \old(owner(u, e)) || owner(u, e) == 0;
    ensures out: \forall integer e; table_view[t].left <= e < \old(table_view[t].left) ==> owner(t, e) == 0;
    ensures tables: \forall integer u; is_index(u) && u != t &&
        (\forall integer e; is_entry(e) && \old(owner(t, e)) != 0 &&
            slot_view[\old(owner(t, e))].type == CAP_PAGE_TABLE ==>
                slot_view[\old(owner(t, e))].object != u) ==>
        table_view[u].left == \old(table_view[u].left) && level(u) == \old(level(u));
    ensures others: \forall integer s; is_index(s) ==> slot_view[s].may == \old(slot_view[s].may) &&
        slot_view[s].rights == \old(slot_view[s].rights);
    ensures data: \forall integer s; is_index(s) ==> slot_view[s].data == \old(slot_view[s].data) ||
        (is_mappable(s) && map_rest(slot_view[s].data) == map_rest(\old(slot_view[s].data)));
    ensures done: \result == 0 <==> \old(table_view[t].left) == 0;
    ensures none: \result == 0 ==> table_view[t].left == 0;
    ensures less: \result != 0 ==> table_view[t].left < \old(table_view[t].left);
    ensures level: level(t) == \old(level(t));
    ensures slots: \forall integer s; is_index(s) ==> slot_view[s].type == \old(slot_view[s].type) &&
        slot_view[s].object == \old(slot_view[s].object);
*/
u32 table_empty_step(u32 t);

// The VSpace slot of thread `t` is being emptied: no user address is mapped for it any more.
/*@ requires t: t != 0;
    terminates \true; exits \false;
    assigns tcb_view[t].cr3;
*/
void space_unbind(u32 t);

// Where something can be mapped: entry `entry` of `table`, which has this level.
typedef struct {
    u32 table, entry, level;
} place_t;

// The entry for `address` at `level` or, if a PageTable is missing on the way, above it.
/*@ requires wf: wf_map;
    requires vspace: is_table(vspace) && level(vspace) == 4;
    requires address: address < SPACE_END;
    requires level: 1 <= level <= 4;
    requires open: map_open && table_view[vspace].left == 0;
    terminates \true; exits \false; assigns \nothing;
    ensures open: table_view[\result.table].left == 0;
    ensures place: user_entry(\result.table, \result.entry);
    ensures level: level <= \result.level <= 4 && level(\result.table) == \result.level;
    ensures missing: \result.level > level ==>
        slot_view[owner(\result.table, \result.entry)].type != CAP_PAGE_TABLE;
*/
place_t table_walk(u32 vspace, u64 address, u32 level);

// The PageTable in `s`, which is FREE, serves `address` from place `p` on.
/*@ requires wf: wf_map;
    requires place: user_entry(p.table, p.entry) && owner(p.table, p.entry) == 0;
    requires level: 2 <= p.level <= 4 && level(p.table) == p.level && table_view[p.table].left == 0;
    requires s: is_index(s) && s != 0 && slot_view[s].type == CAP_PAGE_TABLE;
    requires free: map_table(slot_view[s].data) == 0 && table_view[slot_view[s].object].left == 0;
    requires address: address < SPACE_END;
    terminates \true; exits \false;
    assigns word_view[p.table - 512 + p.entry], table_view[p.table].owner[p.entry], slot_view[s].data,
            table_view[slot_view[s].object].level, table_view[slot_view[s].object].base;
    ensures w1: map_owner;
    ensures w2: map_slot;
    ensures w3: map_present;
    ensures w4: map_fits;
    ensures w5: map_left;
    ensures w6: map_one;
    ensures w7: map_free;
    ensures w8: map_null;
    ensures set: owner(p.table, p.entry) == s;
*/
void table_link(u32 s, place_t p, u64 address);

#endif
