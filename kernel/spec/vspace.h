// Vocabulary of mappings: the bond between a table's entry and the capability mapped there.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_VSPACE_H
#define SPEC_VSPACE_H

#include "core/view.h"

/*@ // The fields of `data` (mapping.h).
    logic integer map_table(integer data) = data % 0x100000000;
    logic integer map_entry(integer data) = data / 0x100000000 % 512;
    logic integer map_rest(integer data) = data / 0x1000000000000;
    logic integer map_size(integer data) = map_rest(data) % 4;
    logic integer map_device(integer data) = map_rest(data) / 4 % 2;

    predicate is_index(integer i) = 0 <= i < 0x100000000;
    // The second pages of tables: 8 KiB apart, so no two tables share a hardware entry.
    predicate is_table(integer t) = 0x80000200 <= t < 0x100000000 && t % 1024 == 512;
    predicate is_entry(integer e) = 0 <= e < 512;
    predicate is_mappable{L}(integer s) =
        slot_view[s].type == CAP_FRAME || slot_view[s].type == CAP_PAGE_TABLE;
    logic integer owner{L}(integer t, integer e) = table_view[t].owner[e];
    logic integer level{L}(integer t) = table_view[t].level;
    logic integer entry_word{L}(integer t, integer e) = word_view[t - 512 + e];
    // Entries that belong to capabilities: all but the kernel half of a top table.
    predicate user_entry{L}(integer t, integer e) =
        is_table(t) && is_entry(e) && (table_view[t].level == 4 ==> e < 256);

    // The capability in s can stand in an entry of t.
    predicate fits{L}(integer s, integer t) =
        (slot_view[s].type == CAP_PAGE_TABLE ==> level{L}(slot_view[s].object) == level{L}(t) - 1) &&
        (slot_view[s].type == CAP_FRAME ==> map_size(slot_view[s].data) == level{L}(t) - 1);

    // INV-34: an entry and the capability mapped there know each other.
    predicate map_owner{L} = \forall integer t, e; is_table(t) && is_entry(e) && owner{L}(t, e) != 0 ==>
        user_entry{L}(t, e) && is_mappable{L}(owner{L}(t, e)) &&
        map_table(slot_view[owner{L}(t, e)].data) == t &&
        map_entry(slot_view[owner{L}(t, e)].data) == e;
    predicate map_slot{L} = \forall integer s; is_index(s) && is_mappable{L}(s) &&
        map_table(slot_view[s].data) != 0 ==>
            s != 0 && is_table(map_table(slot_view[s].data)) &&
            owner{L}(map_table(slot_view[s].data), map_entry(slot_view[s].data)) == s;

    // INV-35: a user entry is present exactly if it has an owner.
    predicate map_present{L} = \forall integer t, e; user_entry{L}(t, e) ==>
        (owner{L}(t, e) == 0 <==> entry_word{L}(t, e) == 0);

    // INV-36: what a table in use maps fits its level: a PageTable of the next level, or a Frame of
    // the size that the processor takes it for.
    predicate map_fits{L} = \forall integer t, e; is_table(t) && is_entry(e) &&
        owner{L}(t, e) != 0 && level{L}(t) != 0 ==> fits{L}(owner{L}(t, e), t);

    // INV-37: a table that is in no address space, or dying, has no entries from `left` on.
    predicate map_left{L} = \forall integer t, e; is_table(t) && is_entry(e) &&
        (level{L}(t) == 0 || table_view[t].left != 0) && table_view[t].left <= e ==>
            owner{L}(t, e) == 0;

    // INV-38: one capability to each PageTable; one that is not mapped translates nothing.
    predicate map_one{L} = \forall integer a, b; is_index(a) && is_index(b) && a != b &&
        slot_view[a].type == CAP_PAGE_TABLE && slot_view[b].type == CAP_PAGE_TABLE ==>
            slot_view[a].object != slot_view[b].object;
    predicate map_free{L} = \forall integer s; is_index(s) && slot_view[s].type == CAP_PAGE_TABLE ==>
        is_table(slot_view[s].object) && 0 <= level{L}(slot_view[s].object) <= 3 &&
        table_view[slot_view[s].object].left <= 512 &&
        (map_table(slot_view[s].data) == 0 <==> level{L}(slot_view[s].object) == 0);

    // INV-62: a table that can be reached has nothing left to be taken out.
    predicate map_open{L} = \forall integer s; is_index(s) && (slot_view[s].type == CAP_VSPACE ||
        (slot_view[s].type == CAP_PAGE_TABLE && level{L}(slot_view[s].object) != 0)) ==>
            table_view[slot_view[s].object].left == 0;

    // The hardware entry of a Frame: page, present, user, and what the rights and the kind of memory say.
    logic integer frame_word(integer page, integer rights, integer data) = page * 0x1000 + 5 +
        ((rights & RIGHT_WRITE) != 0 ? 2 : 0) + ((rights & RIGHT_GRANT) != 0 ? 0 : 0x8000000000000000) +
        (map_device(data) != 0 ? 0x18 : 0) + (map_size(data) != 0 ? 0x80 : 0);

    predicate map_null{L} = slot_view[0].type == CAP_NULL;

    // INV-38 for all but the PageTable t.
    predicate map_free_but{L}(integer t) = \forall integer s; is_index(s) &&
        slot_view[s].type == CAP_PAGE_TABLE && slot_view[s].object != t ==>
        is_table(slot_view[s].object) && 0 <= level{L}(slot_view[s].object) <= 3 &&
        table_view[slot_view[s].object].left <= 512 &&
        (map_table(slot_view[s].data) == 0 <==> level{L}(slot_view[s].object) == 0);

    predicate wf_map{L} = map_owner{L} && map_slot{L} && map_present{L} && map_fits{L} &&
        map_left{L} && map_one{L} && map_free{L} && map_null{L};
*/

#endif
