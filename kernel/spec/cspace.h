// Vocabulary of capability addresses: which slot an address means.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_CSPACE_H
#define SPEC_CSPACE_H

#include "spec/capability.h"

/*@ // INV-11: a CNode capability names slots that exist; only one leads further.
    predicate cnode_range{L} = \forall integer s; slot(s) && ty(s) == CAP_CNODE ==>
       slot(ob(s)) && dt(s) <= CNODE_SLOTS_MAX && ob(s) + 4 * dt(s) <= 0x100000000;
    predicate cnode_lookup{L} = \forall integer s; 0 <= s < 0x100000000 ==>
       ((slot_view[s].may & MAY_LOOKUP) != 0 <==> ty(s) == CAP_CNODE);
    // A thread's CSpace is a CNode, or nothing is found in it.
    predicate cspace_root{L}(integer s) = slot(s) && (ty(s) == CAP_CNODE || dt(s) == 0);

    // The slot with index i in the CNode that the capability in s names; 0: none.
    logic integer cnode_slot{L}(integer s, integer i) = i < dt{L}(s) ? ob{L}(s) + 4 * i : 0;
    // The slot that address `high`:`low` means, from the root capability in s.
    logic integer resolve{L}(integer s, integer low, integer high) =
       high == 0 ? cnode_slot{L}(s, low) :
       ty{L}(cnode_slot{L}(s, low)) != CAP_CNODE ? 0 : cnode_slot{L}(cnode_slot{L}(s, low), high);

    // INV-59: no CNode has a slot of the kernel.
    predicate cnode_has{L}(integer s, integer d) = slot(s) && ty{L}(s) == CAP_CNODE &&
        ob{L}(s) <= d < ob{L}(s) + 4 * dt{L}(s);
    predicate cnode_apart{L} = \forall integer s, d; cnode_has(s, d) ==> d != CDT_HEAD && d != SCRATCH_SLOT;
    // All that look-up takes for granted, for the thread t.
    predicate wf_cspace{L}(integer t) = 0 <= t <= 0xffffffff - 4 * TCB_SLOTS && cspace_root(t + 4 * TCB_SLOT_CSPACE) &&
       cnode_range && cnode_lookup && cnode_apart;
    logic integer named{L}(integer t, integer cptr) =
       resolve{L}(t + 4 * TCB_SLOT_CSPACE, cptr % 0x100000000, cptr / 0x100000000);
    // INV-61: an I/O port is a number of 16 bits.
    predicate port_ranges{L} = \forall integer s; slot(s) && ty(s) == CAP_IO_PORT ==> dt(s) < 0x100000000;
    // Thread t has, at some address, a capability of this type; one for these ports.
    predicate holds{L}(integer t, integer type) = \exists integer c; 0 <= c <= 0xffffffffffffffff && ty{L}(named{L}(t, c)) == type;
    predicate holds_ports{L}(integer t, integer port, integer bytes) = \exists integer c; 0 <= c <= 0xffffffffffffffff &&
       \let s = named{L}(t, c); ty{L}(s) == CAP_IO_PORT && dt{L}(s) % 0x10000 <= port && port + bytes - 1 <= dt{L}(s) / 0x10000;
    logic integer free_named{L}(integer t, integer cptr) = cptr % 0x100000000 == 0 ? 0 : named{L}(t, cptr);
*/

#endif
