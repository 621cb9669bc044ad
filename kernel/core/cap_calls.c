// The calls on capabilities that need no knowledge of the objects behind them.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"
#include "core/inline.h"

// Every call here: what a refused one leaves as it was, and how the caller learns of it.
// clang-format off
#define REQUIRES_CALL                                                                              \
    requires wf: wf_caps;                                                                          \
    requires space: wf_cspace(K.run.tcb);

#define ENSURES_CALL                                                                               \
    ensures next: \result % 0x100000000 == K.run.tcb;                                              \
    ensures refused: \result / 0x100000000 != OK ==> \forall integer s; slot_view[s] == \old(slot_view[s]) && \
        po(s) == \old(po(s)) && pc(s) == \old(pc(s));

// What is in the slot that was empty may do no more than what it was made from.
#define ENSURES_DERIVED                                                                            \
    ensures less: \result / 0x100000000 == OK ==> derived(\old(from(cptr)), \old(to));             \
    ensures empty: \result / 0x100000000 == OK ==> \old(ty(to)) == CAP_NULL;                       \
    ensures keep: \forall integer a, b; \old(in_tree(a)) && \old(in_tree(b)) ==> (desc(a,b) <==> \old(desc(a,b)));
// clang-format on

/*@ // The slots that the call names: its own address, and that in its first argument.
    logic integer from{L}(integer cptr) = named{L}(K.run.tcb, cptr);
    logic integer to{L} = free_named{L}(K.run.tcb, \at(tcb_view[K.run.tcb].r[R_RDX],L));
    logic integer with{L} = named{L}(K.run.tcb, \at(tcb_view[K.run.tcb].r[R_RDX],L));
    predicate as_it_was{L1,L2}(integer d, integer s) = \at(ob(d),L2) == \at(ob(s),L1) && \at(ty(d),L2) == \at(ty(s),L1) &&
       \at(rt(d),L2) == \at(rt(s),L1) && \at(dt(d),L2) == \at(dt(s),L1);
    predicate derived{L}(integer src, integer dst) =
       slot(src) && slot(dst) && cap_le{L}(dst, src) && desc{L}(src, dst);
*/

// The slot that the call names for a capability, 0: none.
/*@ requires null: ty(0) == CAP_NULL;
    requires space: wf_cspace(K.run.tcb);
    terminates \true; exits \false; assigns \nothing;
    ensures slot: \result == to && (\result == 0 || slot(\result));
    ensures apart: \result != CDT_HEAD && \result != SCRATCH_SLOT; */
static inline u32 call_destination(void) {
    u32 d = cspace_destination(K.run.tcb, ARG0);
    //@ ghost u32 root = K.run.tcb + 4 * TCB_SLOT_CSPACE; u64 cptr = tcb_view[K.run.tcb].r[R_RDX];
    //@ assert low: d != 0 && cptr / 0x100000000 == 0 ==> d == cnode_slot(root, cptr % 0x100000000) && cnode_has(root, d);
    //@ assert high: d != 0 && cptr / 0x100000000 != 0 ==> \let n = cnode_slot(root, cptr % 0x100000000); d == cnode_slot(n, cptr / 0x100000000) && cnode_has(n, d);
    return d;
}

// May a capability be put there?
/*@ requires null: ty(0) == CAP_NULL;
    terminates \true; exits \false; assigns \nothing;
    ensures error: \result == (dst == 0 ? ERR_CAP : ty(dst) == CAP_NULL ? OK : ERR_OCCUPIED); */
static error_t check_destination(u32 dst) {
    if (dst == 0)
        return ERR_CAP;
    return SLOT(dst).type == CAP_NULL ? OK : ERR_OCCUPIED;
}

// May a capability be derived from this one?
/*@ terminates \true; exits \false; assigns \nothing;
    ensures ok: \result == OK <==> copyable(ty(src));
    ensures error: \result != OK ==> \result == (ty(src) == CAP_NULL ? ERR_CAP : ERR_TYPE); */
static error_t check_source(u32 src) {
    if (SLOT(src).type == CAP_NULL)
        return ERR_CAP;
    return capability_copyable(SLOT(src).type) ? OK : ERR_TYPE;
}

/*@ REQUIRES_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, item_view[..], g_n, CDT_GHOST, slot_view[to];
    ENSURES_CALL
    ENSURES_CAPS
    ENSURES_DERIVED
*/
u64 call_cap_copy(u64 cptr, u64 info) {
    u32 src = cspace_lookup(K.run.tcb, cptr), dst = call_destination();
    (void)info;
    error_t error = check_source(src);
    if (error != OK)
        return call_refuse(CALL_CAP_COPY, error, cptr, 0);
    error = check_destination(dst);
    if (error != OK)
        return call_refuse(CALL_CAP_COPY, error, ARG0, 0);
    if (ARG1 > RIGHT_ALL)
        return call_refuse_argument(CALL_CAP_COPY, ERR_ARG, ARG1);
    capability_copy(src, dst, (u32)ARG1, capability_copy_data(src));
    return call_done();
}

/*@ REQUIRES_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, item_view[..], g_n, CDT_GHOST, slot_view[to];
    ENSURES_CALL
    ENSURES_CAPS
    ENSURES_DERIVED
*/
u64 call_cap_mint(u64 cptr, u64 info) {
    u32 src = cspace_lookup(K.run.tcb, cptr), dst = call_destination();
    (void)info;
    error_t error = check_source(src);
    if (error != OK)
        return call_refuse(CALL_CAP_MINT, error, cptr, 0);
    error = check_destination(dst);
    if (error != OK)
        return call_refuse(CALL_CAP_MINT, error, ARG0, 0);
    if (ARG1 > RIGHT_ALL)
        return call_refuse_argument(CALL_CAP_MINT, ERR_ARG, ARG1);
    error = capability_check_mint(src, ARG2);
    if (error == ERR_ARG)
        return call_refuse_argument(CALL_CAP_MINT, error, ARG2);
    if (error != OK)
        return call_refuse(CALL_CAP_MINT, error, cptr, 0);
    capability_copy(src, dst, (u32)ARG1, ARG2);
    return call_done();
}

/*@ REQUIRES_CALL
    requires map: wf_map;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, item_view[..], CDT_GHOST, slot_view[from(cptr)], slot_view[to], table_view[..];
    ENSURES_CALL
    ENSURES_CAPS
    ENSURES_MAP
    ensures moved: \result / 0x100000000 == OK ==> as_it_was{Pre,Post}(\old(to), \old(from(cptr)));
    ensures left: \result / 0x100000000 == OK ==> null_slot(\old(from(cptr)));
    ensures place: \result / 0x100000000 == OK ==> mov_rel{Pre,Post}(\old(from(cptr)), \old(to));
*/
RARE u64 call_cap_move(u64 cptr, u64 info) {
    u32 src = cspace_lookup(K.run.tcb, cptr), dst = call_destination();
    (void)info;
    if (SLOT(src).type == CAP_NULL)
        return call_refuse(CALL_CAP_MOVE, ERR_CAP, cptr, 0);
    error_t error = check_destination(dst);
    if (error != OK)
        return call_refuse(CALL_CAP_MOVE, error, ARG0, 0);
    capability_move(src, dst);
    return call_done();
}

/*@ REQUIRES_CALL
    requires map: wf_map;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, item_view[..], CDT_GHOST, slot_view[from(cptr)], slot_view[with], slot_view[SCRATCH_SLOT],
        table_view[..];
    ENSURES_CALL
    ENSURES_CAPS
    ENSURES_MAP
    ensures one: \result / 0x100000000 == OK ==> as_it_was{Pre,Post}(\old(with), \old(from(cptr)));
    ensures other: \result / 0x100000000 == OK ==> as_it_was{Pre,Post}(\old(from(cptr)), \old(with));
*/
RARE u64 call_cap_swap(u64 cptr, u64 info) {
    u32 a = cspace_lookup(K.run.tcb, cptr), b = cspace_lookup(K.run.tcb, ARG0);
    (void)info;
    if (SLOT(a).type == CAP_NULL)
        return call_refuse(CALL_CAP_SWAP, ERR_CAP, cptr, 0);
    if (SLOT(b).type == CAP_NULL)
        return call_refuse(CALL_CAP_SWAP, ERR_CAP, ARG0, 0);
    if (a != b)
        capability_swap(a, b);
    return call_done();
}

/*@ REQUIRES_CALL
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].denial, tcb_view[K.run.tcb].r[R_RDX], tcb_view[K.run.tcb].r[R_R10], tcb_view[K.run.tcb].r[R_R8],
        tcb_view[K.run.tcb].r[R_R9];
    ENSURES_CALL
    ensures told: \result / 0x100000000 == OK ==>
        tcb_view[K.run.tcb].r[R_R10] == \old(ob(from(cptr))) &&
        tcb_view[K.run.tcb].r[R_R8] == (ty(\old(from(cptr))) == CAP_FRAME || ty(\old(from(cptr))) == CAP_PAGE_TABLE ? 0 : \old(dt(from(cptr))));
*/
RARE u64 call_cap_info(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    (void)info;
    if (SLOT(s).type == CAP_NULL)
        return call_refuse(CALL_CAP_INFO, ERR_CAP, cptr, 0);
    u64 parent = cdt_first_child(s) != 0 ? 0x10000 : 0;
    ARG0 = SLOT(s).type + 0x100 * (u64)SLOT(s).rights + parent;
    ARG1 = SLOT(s).object;
    // Where something is mapped names kernel objects: no business of the caller's.
    ARG2 = SLOT(s).type == CAP_FRAME || SLOT(s).type == CAP_PAGE_TABLE ? 0 : SLOT(s).data;
    ARG3 = s + 0x100000000 * (u64)ITEM(OPEN(s)).link.prev;
    return call_done();
}
