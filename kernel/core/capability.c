// Capabilities in slots: making, deriving, moving, removing.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/capability.h"
#include "spec/contiguity.h"

enum { PORT_FIRST = 0x10000 }; // IoPort: data = first | last << 16.

/*@ terminates \true; exits \false; assigns \nothing;
    ensures le: \result == OK ==> have % 0x10000 <= want % 0x10000 <= want / 0x10000 <= have / 0x10000;
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

/*@ requires type: type < CAP_TYPE_COUNT && rights <= 0xff;
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
    //@ assert parent: parent != dst && !copyable(\at(ty(parent),Pre)) && \at(in_tree(parent),Pre) && \at(ty(dst),Pre) == CAP_NULL;
    //@ assert fresh: \forall integer s; slot(s) ==> !names{Pre}(s, ty(dst), ob(dst));
    //@ assert above: \forall integer a; slot(a) && a != dst && ty(a) != CAP_NULL && desc(a,dst) ==> !copyable(ty(a));
    //@ assert below: \forall integer b; slot(b) && ty(b) != CAP_NULL ==> !desc(dst,b);
    //@ assert first: \forall integer s; slot(s) && s != dst ==> !names(s, type, object);
}

void capability_copy(u32 src, u32 dst, u32 rights, u64 data) {
    cdt_insert_child(src, dst);
    slot_write(dst, SLOT(src).type, rights_mask(SLOT(src).rights, rights), SLOT(src).object, data);
    //@ assert inj: inj{Pre};
    //@ assert others: \forall integer s; 0 <= s < 0x100000000 && s != dst ==> slot_view[s] == \at(slot_view[s],Pre);
    //@ assert same: same_but{Pre,Here}(dst);
    //@ assert full: ty(dst) != CAP_NULL && dst != 0;
    //@ assert empty: \forall integer s; slot(s) && s != dst && ty(s) == CAP_NULL ==> null_slot(s);
    //@ assert rel: ins_rel{Pre,Here}(src, dst);
    //@ assert le: cap_le(dst, src);
    //@ assert far: \forall integer a; slot(a) && a != dst && copyable(ty(a)) && \at(desc(a,src),Pre) ==> cap_le(dst,a);
    //@ assert above: \forall integer a; slot(a) && a != dst && copyable(ty(a)) && desc(a,dst) ==> cap_le(dst,a);
    //@ assert below: \forall integer b; slot(b) && ty(b) != CAP_NULL ==> !desc(dst,b);
}

void capability_bind(u32 src, u32 dst) {
    capability_copy(src, dst, RIGHT_ALL, capability_copy_data(src));
    SLOT(dst).rights |= RIGHT_BOUND;
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
    u32 child = item_slot(ITEM(OPEN(s)).link.next);
    u32 left = item_slot(ITEM(OPEN(s)).link.prev);
    u32 right = item_slot(ITEM(CLOSE(s)).link.next);
    //@ assert child: slot(child) && in_tree(child) && (po(child) == po(s) + 1 || child == s);
    //@ assert left: slot(left) && in_tree(left) && (po(left) == po(s) - 1 || pc(left) == po(s) - 1);
    //@ assert right: slot(right) && in_tree(right) && (po(right) == pc(s) + 1 || pc(right) == pc(s) + 1);
    if (child != s && same_object(child, s))
        return child;
    if (same_object(left, s))
        return left;
    if (same_object(right, s))
        return right;
    //@ assert inj: inj;
    //@ assert one: !copyable(ty(s)) ==> \forall integer t; names(t, ty(s), ob(s)) ==> t == s;
    //@ assert others: (child == s || !same(child, s)) && !same(left, s) && !same(right, s);
    //@ assert full: (child != CDT_HEAD && ty(child) != CAP_NULL) && (left != CDT_HEAD ==> ty(left) != CAP_NULL) && (right != CDT_HEAD ==> ty(right) != CAP_NULL);
    //@ assert last: right == CDT_HEAD ==> pc(s) + 1 == g_n - 1;
    //@ assert first: left == CDT_HEAD ==> po(s) == 1;
    //@ assert place: \forall integer t; names(t, ty(s), ob(s)) ==> 0 < po(t) < pc(t) < g_n;
    //@ assert inside: \forall integer t; t != s && names(t, ty(s), ob(s)) && po(s) < po(t) < pc(s) ==> \false;
    //@ assert before_close: pc(left) == po(s) - 1 ==> \forall integer t; names(t, ty(s), ob(s)) && po(t) < po(s) ==> po(t) < pc(left);
    //@ assert before_open: po(left) == po(s) - 1 ==> \forall integer t; names(t, ty(s), ob(s)) && po(t) < po(s) ==> po(t) < po(left);
    //@ assert before: \forall integer t; names(t, ty(s), ob(s)) && po(t) < po(s) ==> \false;
    //@ assert after_close: pc(right) == pc(s) + 1 ==> \forall integer t; names(t, ty(s), ob(s)) && po(t) > pc(s) ==> pc(right) < pc(t);
    //@ assert after_open: po(right) == pc(s) + 1 ==> \forall integer t; names(t, ty(s), ob(s)) && po(t) > pc(s) ==> po(right) < pc(t);
    //@ assert after: \forall integer t; names(t, ty(s), ob(s)) && po(t) > pc(s) ==> \false;
    return 0;
}
