// The calls on capabilities that need no knowledge of the objects behind them.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/call.h"
#include "core/cspace.h"

// May a capability be put there?
static error_t check_destination(u32 dst) {
    if (dst == 0)
        return ERR_CAP;
    return SLOT(dst).type == CAP_NULL ? OK : ERR_OCCUPIED;
}

// May a capability be derived from this one?
static error_t check_source(u32 src) {
    if (SLOT(src).type == CAP_NULL)
        return ERR_CAP;
    return capability_copyable(SLOT(src).type) ? OK : ERR_TYPE;
}

u64 call_cap_copy(u64 cptr, u64 info) {
    u32 src = cspace_lookup(K.run.tcb, cptr), dst = cspace_destination(K.run.tcb, ARG0);
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

u64 call_cap_mint(u64 cptr, u64 info) {
    u32 src = cspace_lookup(K.run.tcb, cptr), dst = cspace_destination(K.run.tcb, ARG0);
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

u64 call_cap_move(u64 cptr, u64 info) {
    u32 src = cspace_lookup(K.run.tcb, cptr), dst = cspace_destination(K.run.tcb, ARG0);
    (void)info;
    if (SLOT(src).type == CAP_NULL)
        return call_refuse(CALL_CAP_MOVE, ERR_CAP, cptr, 0);
    error_t error = check_destination(dst);
    if (error != OK)
        return call_refuse(CALL_CAP_MOVE, error, ARG0, 0);
    capability_move(src, dst);
    return call_done();
}

u64 call_cap_swap(u64 cptr, u64 info) {
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

u64 call_cap_info(u64 cptr, u64 info) {
    u32 s = cspace_lookup(K.run.tcb, cptr);
    (void)info;
    if (SLOT(s).type == CAP_NULL)
        return call_refuse(CALL_CAP_INFO, ERR_CAP, cptr, 0);
    u64 parent = cdt_first_child(s) != 0 ? 0x10000 : 0;
    ARG0 = SLOT(s).type + 0x100 * (u64)SLOT(s).rights + parent;
    ARG1 = SLOT(s).object;
    ARG2 = SLOT(s).data;
    ARG3 = s + 0x100000000 * (u64)ITEM(OPEN(s)).link.prev;
    return call_done();
}
