// Capabilities in slots: making, deriving, moving, removing.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/capability.h"
#include "spec/contiguity.h"

enum { PORT_FIRST = 0x10000 }; // IoPort: data = first | last << 16.

/*@ terminates \true; exits \false; assigns \nothing;
    ensures le: \result == OK <==> have % 0x10000 <= want % 0x10000 <= want / 0x10000 <= have / 0x10000;
    ensures errors: \result == OK || \result == ERR_ARG;
*/
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

/*@ requires type: type <= 0xff && rights <= 0xff;
    terminates \true; exits \false;
    assigns slot_view[s];
    ensures cap: ty(s) == type && ob(s) == object && rt(s) == rights && dt(s) == data;
    ensures may: slot_view[s].may == may_of(type, rights, data);
*/
static inline void slot_write(u32 s, u32 type, u32 rights, u32 object, u64 data) {
    SLOT(s).object = object;
    SLOT(s).may = capability_may(type, rights, data);
    SLOT(s).type = (u8)type;
    SLOT(s).rights = (u8)rights;
    SLOT(s).data = data;
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures read: (\result & RIGHT_READ) != 0 <==> (have & RIGHT_READ) != 0 && (mask & RIGHT_READ) != 0;
    ensures write: (\result & RIGHT_WRITE) != 0 <==> (have & RIGHT_WRITE) != 0 && (mask & RIGHT_WRITE) != 0;
    ensures grant: (\result & RIGHT_GRANT) != 0 <==> (have & RIGHT_GRANT) != 0 && (mask & RIGHT_GRANT) != 0;
    ensures range: \result <= RIGHT_ALL;
*/
static inline u32 rights_mask(u32 have, u32 mask) {
    return have & mask & RIGHT_ALL;
}

void capability_new(u32 parent, u32 dst, u32 type, u32 rights, u32 object, u64 data) {
    cdt_insert_child(parent, dst);
    slot_write(dst, type, rights, object, data);
    //@ assert inj: inj{Pre};
    //@ assert others: \forall integer s; 0 <= s < 0x100000000 && s != dst ==> slot_view[s] == \at(slot_view[s],Pre);
    //@ assert same: same_but{Pre,Here}(dst);
    //@ assert full: ty(dst) != CAP_NULL && dst != 0;
    //@ assert empty: \forall integer s; slot(s) && s != dst && ty(s) == CAP_NULL ==> null_slot(s);
    //@ assert rel: ins_rel{Pre,Here}(parent, dst);
    //@ assert head: parent == CDT_HEAD ==> \at(po(parent),Pre) == 0;
    //@ assert new_parent: new_parent{Pre}(parent);
    //@ assert parent: parent != dst && !copyable(\at(ty(parent),Pre)) && \at(in_tree(parent),Pre) && \at(ty(dst),Pre) == CAP_NULL;
    //@ assert fresh: fresh{Pre,Here}(dst);
    //@ assert above: \forall integer a; slot(a) && a != dst && ty(a) != CAP_NULL && desc(a,dst) ==> !copyable(ty(a));
    //@ assert below: \forall integer b; slot(b) && ty(b) != CAP_NULL ==> !desc(dst,b);
    //@ assert first: type != CAP_FRAME ==> \forall integer s; slot(s) && s != dst ==> !names(s, type, object);
}

/*@ requires wf: wf_caps;
    requires src: slot(src) && copyable(ty(src));
    requires dst: slot(dst) && ty(dst) == CAP_NULL && dst != CDT_HEAD && dst != SCRATCH_SLOT;
    requires rights: rights <= 0xff && rights_le(rights, rt(src));
    requires data: data_le(ty(src), data, dt(src));
    terminates \true; exits \false;
    assigns item_view[..], g_n, CDT_GHOST, slot_view[dst];
    ENSURES_CAPS
    ensures cap: ty(dst) == ty(src) && ob(dst) == ob(src) && rt(dst) == rights && dt(dst) == data;
    ensures le: cap_le(dst, src);
    ensures may: slot_view[dst].may == may_of(ty(dst), rt(dst), dt(dst));
    ensures up: \forall integer a; \old(in_tree(a)) ==> (desc(a,dst) <==> (a == src || \old(desc(a,src))));
    ensures leaf: \forall integer b; \old(in_tree(b)) ==> !desc(dst,b);
    ensures keep: \forall integer a, b; a != dst && b != dst && \old(in_tree(a)) && \old(in_tree(b)) ==>
       (desc(a,b) <==> \old(desc(a,b)));
    ensures n: g_n == \old(g_n) + 2;
*/
static inline void slot_derive(u32 src, u32 dst, u32 rights, u64 data) {
    cdt_insert_child(src, dst);
    slot_write(dst, SLOT(src).type, rights, SLOT(src).object, data);
    //@ assert inj: inj{Pre};
    //@ assert others: \forall integer s; 0 <= s < 0x100000000 && s != dst ==> slot_view[s] == \at(slot_view[s],Pre);
    //@ assert same: same_but{Pre,Here}(dst);
    //@ assert full: ty(dst) != CAP_NULL && dst != 0;
    //@ assert empty: \forall integer s; slot(s) && s != dst && ty(s) == CAP_NULL ==> null_slot(s);
    //@ assert rel: ins_rel{Pre,Here}(src, dst);
    //@ assert le: cap_le(dst, src);
    //@ assert old: \forall integer a; slot(a) && a != dst && copyable(ty(a)) && \at(desc(a,src),Pre) ==> cap_le(src,a);
    //@ assert far: \forall integer a; slot(a) && a != dst && copyable(ty(a)) && \at(desc(a,src),Pre) ==> cap_le(dst,a);
    //@ assert above: \forall integer a; slot(a) && a != dst && copyable(ty(a)) && desc(a,dst) ==> cap_le(dst,a);
    //@ assert below: \forall integer b; slot(b) && ty(b) != CAP_NULL ==> !desc(dst,b);
}

void capability_copy(u32 src, u32 dst, u32 rights, u64 data) {
    slot_derive(src, dst, rights_mask(SLOT(src).rights, rights), data);
}

/*@ requires rights: rights <= 0xff;
    terminates \true; exits \false; assigns \nothing;
    ensures read: (\result & RIGHT_READ) != 0 <==> (rights & RIGHT_READ) != 0;
    ensures write: (\result & RIGHT_WRITE) != 0 <==> (rights & RIGHT_WRITE) != 0;
    ensures grant: (\result & RIGHT_GRANT) != 0 <==> (rights & RIGHT_GRANT) != 0;
    ensures bound: (\result & RIGHT_BOUND) != 0;
*/
static inline u8 rights_bound(u32 rights) {
    return (u8)((rights & RIGHT_ALL) | RIGHT_BOUND);
}

void capability_bind(u32 src, u32 dst) {
    slot_derive(src, dst, rights_bound(SLOT(src).rights), capability_copy_data(src));
}

/*@ terminates \true; exits \false;
    assigns slot_view[s];
    ensures empty: null_slot(s);
*/
static inline void slot_clear(u32 s) {
    SLOT(s).object = 0;
    SLOT(s).may = 0;
    SLOT(s).type = CAP_NULL;
    SLOT(s).rights = 0;
    SLOT(s).data = 0;
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures table: \result == (ty(s) == CAP_FRAME || ty(s) == CAP_PAGE_TABLE ? map_table(dt(s)) : 0);
*/
static inline u32 slot_mapped(u32 s) {
    u32 type = SLOT(s).type;
    return type == CAP_FRAME || type == CAP_PAGE_TABLE ? mapping_table(SLOT(s).data) : 0;
}

// The slot and its place in the tree; where it is mapped has been told before.
/*@ requires wf: wf_slots;
    requires src: slot(src) && ty(src) != CAP_NULL;
    requires dst: slot(dst) && ty(dst) == CAP_NULL && dst != CDT_HEAD;
    terminates \true; exits \false;
    assigns item_view[..], CDT_GHOST, slot_view[src], slot_view[dst];
    ENSURES_SLOTS
    ensures cap: ob(dst) == \old(ob(src)) && ty(dst) == \old(ty(src)) && rt(dst) == \old(rt(src)) &&
       dt(dst) == \old(dt(src)) && slot_view[dst].may == \old(slot_view[src].may);
    ensures empty: null_slot(src);
    ensures rel: mov_rel{Pre,Post}(src, dst);
    ensures in: \forall integer t; in_tree(t) <==> (t == dst || (t != src && \old(in_tree(t))));
    ensures others: \forall integer t; 0 <= t < 0x100000000 && t != src && t != dst ==> slot_view[t] == \old(slot_view[t]);
*/
static inline void slot_move(u32 src, u32 dst) {
    cdt_move(src, dst);
    SLOT(dst).object = SLOT(src).object;
    SLOT(dst).may = SLOT(src).may;
    SLOT(dst).type = SLOT(src).type;
    SLOT(dst).rights = SLOT(src).rights;
    SLOT(dst).data = SLOT(src).data;
    slot_clear(src);
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != src && t != dst ==> slot_view[t] == \at(slot_view[t],Pre);
    //@ assert moved: ty(dst) == \at(ty(src),Pre) && ob(dst) == \at(ob(src),Pre) && dt(dst) == \at(dt(src),Pre) && rt(dst) == \at(rt(src),Pre);
    //@ assert nulls: \forall integer t; slot(t) && t != src && t != dst && ty(t) == CAP_NULL ==> null_slot(t);
    //@ assert rel: mov_rel{Pre,Here}(src, dst);
    //@ assert renamed: renamed{Pre,Here}(src, dst);
    //@ assert back: \forall integer a, b; slot(a) && slot(b) && a != src && b != src && desc(a,b) ==> desc{Pre}(moved_from(a, src, dst), moved_from(b, src, dst));
    //@ assert pairs: \forall integer a, b; slot(a) && slot(b) && a != src && b != src && cap_le{Pre}(moved_from(b, src, dst), moved_from(a, src, dst)) ==> cap_le(b,a);
}

void capability_move(u32 src, u32 dst) {
    u32 table = slot_mapped(src);
    if (table != 0)
        TABLE(table).owner[mapping_entry(SLOT(src).data)] = dst;
    //@ assert told: \forall integer t, e; is_table(t) && is_entry(e) ==> owner(t, e) == (\at(owner(t, e),Pre) == src ? dst : \at(owner(t, e),Pre));
    slot_move(src, dst);
    //@ assert owner: \forall integer t, e; is_table(t) && is_entry(e) ==> owner(t, e) == (\at(owner(t, e),Pre) == src ? dst : \at(owner(t, e),Pre));
    //@ assert levels: \forall integer t; 0 <= t < 0x100000000 ==> level(t) == \at(level(t),Pre) && table_view[t].left == \at(table_view[t].left,Pre);
    //@ assert left: \forall integer t, e; is_table(t) && is_entry(e) && \at(owner(t, e),Pre) == 0 ==> owner(t, e) == 0;
    //@ assert vacant: \forall integer t, e; is_table(t) && is_entry(e) && (level(t) == 0 || table_view[t].left != 0) && table_view[t].left <= e ==> \at(owner(t, e),Pre) == 0;
    //@ assert table: ty(dst) == CAP_PAGE_TABLE ==> is_table(ob(dst)) && 0 <= level(ob(dst)) <= 3 && table_view[ob(dst)].left <= 512 && (map_table(dt(dst)) == 0 <==> level(ob(dst)) == 0);
    //@ assert tables: \forall integer t; is_index(t) && t != src && t != dst && ty(t) == CAP_PAGE_TABLE ==> \at(ty(t),Pre) == CAP_PAGE_TABLE && ob(t) == \at(ob(t),Pre) && dt(t) == \at(dt(t),Pre);
    //@ assert fits: \forall integer t; fits(dst, t) <==> fits{Pre}(src, t);
}

void capability_swap(u32 a, u32 b) {
    capability_move(a, SCRATCH_SLOT);
    capability_move(b, a);
    capability_move(SCRATCH_SLOT, b);
    //@ assert scratch: !in_tree(SCRATCH_SLOT);
}

void capability_remove(u32 s) {
    cdt_remove(s);
    slot_clear(s);
    //@ assert inj: inj{Pre};
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != s ==> slot_view[t] == \at(slot_view[t],Pre);
    //@ assert nulls: \forall integer t; slot(t) && t != s && ty(t) == CAP_NULL ==> null_slot(t);
    //@ assert same: same_but{Pre,Here}(s);
    //@ assert rel: rem_rel{Pre,Here}(s);
}

/*@ terminates \true; exits \false; assigns \nothing;
    ensures same: \result != 0 <==> same(a, b);
*/
static inline u32 same_object(u32 a, u32 b) {
    return SLOT(a).object == SLOT(b).object && SLOT(a).type == SLOT(b).type;
}

// The slot that owns an item.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures open: item % 4 == 0 ==> \result == item;
    ensures close: item % 4 == 2 ==> \result == item - 2;
*/
static inline u32 item_slot(u32 item) {
    return item - item % 4u;
}

u32 capability_other(u32 s) {
    //@ assert inj: inj;
    //@ assert in: \forall integer t; slot(t) && ty(t) != CAP_NULL ==> in_tree(t) && t != CDT_HEAD;
    //@ assert pairs: \forall integer t; in_tree(t) ==> 0 <= po(t) < pc(t) < g_n;
    //@ assert top: \forall integer t; in_tree(t) && t != CDT_HEAD ==> po(t) != 0 && pc(t) != g_n - 1;
    //@ assert one: !copyable(ty(s)) ==> \forall integer t; names(t, ty(s), ob(s)) ==> t == s;
    //@ assert twins: shared(ty(s)) ==> \forall integer t; names(t, ty(s), ob(s)) ==> twin(t, s);
    //@ assert inner: shared(ty(s)) ==> \forall integer t; t != s && names(t, ty(s), ob(s)) && po(s) < po(t) < pc(s) ==> desc(s,t);
    //@ assert ends: 0 < po(s) && pc(s) + 1 < g_n;
    //@ assert prev: g_pos[pv(s)] == po(s) - 1;
    //@ assert next: g_pos[nx(s + 2)] == pc(s) + 1;
    //@ assert before: slot(pv(s)) || (slot(pv(s) - 2) && pc(pv(s) - 2) == po(s) - 1);
    //@ assert behind: slot(nx(s + 2)) || (slot(nx(s + 2) - 2) && pc(nx(s + 2) - 2) == pc(s) + 1);
    u32 child = cdt_first_child(s);
    u32 left = item_slot(ITEM(OPEN(s)).link.prev);
    u32 right = item_slot(ITEM(CLOSE(s)).link.next);
    //@ assert left: slot(left) && in_tree(left) && (po(left) == po(s) - 1 || pc(left) == po(s) - 1);
    //@ assert right: slot(right) && in_tree(right) && (po(right) == pc(s) + 1 || pc(right) == pc(s) + 1);
    //@ assert full: \forall integer b; in_tree(b) && b != CDT_HEAD ==> ty(b) != CAP_NULL;
    //@ assert child: child != 0 ==> child != CDT_HEAD && slot(child) && ty(child) != CAP_NULL && po(s) < po(child);
    //@ assert first: left == CDT_HEAD ==> po(s) == 1;
    //@ assert last: right == CDT_HEAD ==> pc(s) == g_n - 2;
    if (child != 0 && same_object(child, s))
        return child;
    if (same_object(left, s))
        return left;
    if (same_object(right, s))
        return right;
    //@ assert others: (child == 0 || !same(child, s)) && !same(left, s) && !same(right, s);
    //@ assert within: shared(ty(s)) ==> \forall integer t; t != s && names(t, ty(s), ob(s)) && po(s) < po(t) < pc(s) ==> \false;
    //@ assert ahead: shared(ty(s)) ==> \forall integer t; names(t, ty(s), ob(s)) && po(t) < po(s) ==> \false;
    //@ assert after: shared(ty(s)) ==> \forall integer t; names(t, ty(s), ob(s)) && po(t) > pc(s) ==> \false;
    return 0;
}
