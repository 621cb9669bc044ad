// The CSpace: from a capability address to a slot.
// SPDX-License-Identifier: BSD-2-Clause
//
// A thread's CSpace is the CNode in its TCB_SLOT_CSPACE. The low half of an address is an index into
// it; the high half, if not 0, is an index into the CNode found there. A CNode capability names the
// CNode's slot 0 (its header, never a capability) and holds the number of slots in `data`; an empty
// slot has data 0, so nothing is found through it.
#ifndef CORE_CSPACE_H
#define CORE_CSPACE_H

#include "core/capability.h"
#include "spec/cspace.h"

// The slot at `cptr`, or 0 (the null slot, which allows nothing). An index of 0 in the low half gives
// the header of the root CNode, which holds no capability either (type CAP_NULL, may 0).
/*@ requires tcb: tcb <= 0xffffffff - 4 * TCB_SLOTS;
    requires root: cspace_root(tcb + 4 * TCB_SLOT_CSPACE);
    requires null: ty(0) == CAP_NULL;
    requires range: cnode_range;
    requires may: cnode_lookup;
    terminates \true; exits \false; assigns \nothing;
    ensures resolve: \result == resolve(tcb + 4 * TCB_SLOT_CSPACE, cptr % 0x100000000, cptr / 0x100000000);
    ensures slot: \result == 0 || slot(\result);
*/
static inline u32 cspace_lookup(u32 tcb, u64 cptr) {
    if (cptr >= TCB_SLOT(tcb, TCB_SLOT_CSPACE).data) {
        u32 low = (u32)(cptr % 0x100000000), high = (u32)(cptr / 0x100000000);
        if (low >= TCB_SLOT(tcb, TCB_SLOT_CSPACE).data)
            return 0;
        u32 node = TCB_SLOT(tcb, TCB_SLOT_CSPACE).object + 4u * low;
        if (!(SLOT(node).may & MAY_LOOKUP) || high >= SLOT(node).data)
            return 0;
        return SLOT(node).object + 4u * high;
    }
    return TCB_SLOT(tcb, TCB_SLOT_CSPACE).object + 4u * (u32)cptr;
}

// The slot at `cptr` as the destination of a capability, or 0: never a header.
/*@ requires tcb: tcb <= 0xffffffff - 4 * TCB_SLOTS;
    requires root: cspace_root(tcb + 4 * TCB_SLOT_CSPACE);
    requires null: ty(0) == CAP_NULL;
    requires range: cnode_range;
    requires may: cnode_lookup;
    terminates \true; exits \false; assigns \nothing;
    ensures resolve: \result == (cptr % 0x100000000 == 0 ? 0 : resolve(tcb + 4 * TCB_SLOT_CSPACE, cptr % 0x100000000, cptr / 0x100000000));
    ensures slot: \result == 0 || slot(\result);
*/
static inline u32 cspace_destination(u32 tcb, u64 cptr) {
    return cptr % 0x100000000 == 0 ? 0 : cspace_lookup(tcb, cptr);
}

#endif
