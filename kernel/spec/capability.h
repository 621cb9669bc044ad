// Vocabulary of capabilities: what a slot holds, authority, contiguity, and where it is mapped.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef SPEC_CAPABILITY_H
#define SPEC_CAPABILITY_H

#include "abi/error.h"
#include "spec/cdt.h"
#include "spec/vspace.h"

/*@ logic integer ty{L}(integer s) = \at(slot_view[s].type,L);
    logic integer ob{L}(integer s) = \at(slot_view[s].object,L);
    logic integer dt{L}(integer s) = \at(slot_view[s].data,L);
    logic integer rt{L}(integer s) = \at(slot_view[s].rights,L);
    predicate names{L}(integer s, integer t, integer o) = slot(s) && ty{L}(s) == t && ob{L}(s) == o;
    predicate null_slot{L}(integer s) = ty{L}(s) == CAP_NULL && dt{L}(s) == 0 && rt{L}(s) == 0 && \at(slot_view[s].may,L) == 0;

    // --- INV-5: in the tree exactly if not empty (and the head).
    predicate cap_tree{L} = ty(0) == CAP_NULL && ty(CDT_HEAD) == CAP_NULL &&
       (\forall integer s; slot(s) && s != CDT_HEAD ==> (in_tree(s) <==> ty(s) != CAP_NULL));
    // --- INV-6: nothing is found through an empty slot, and it allows nothing.
    predicate cap_null{L} = null_slot(0) && (\forall integer s; slot(s) && ty(s) == CAP_NULL ==> null_slot(s));
    // --- INV-7: there is one capability to an object whose type is not copyable.
    predicate copyable(integer t) =
       t != CAP_NULL && t != CAP_UNTYPED && t != CAP_PAGE_TABLE && t != CAP_SCHED_CONTROL && t != CAP_IRQ_CONTROL;
    predicate cap_one{L} = \forall integer a, b; slot(a) && slot(b) && ty(a) != CAP_NULL && !copyable(ty(a)) &&
       ty(a) == ty(b) && ob(a) == ob(b) ==> a == b;
    // --- INV-8: between the first and the last bracket of an object's capabilities lie only their brackets.
    // Not of a Frame's: nothing ends with the last one, and device memory gives a page out as often as asked.
    predicate shared(integer t) = copyable(t) && t != CAP_FRAME;
    predicate same{L}(integer a, integer b) = ty{L}(a) == ty{L}(b) && ob{L}(a) == ob{L}(b);
    predicate contig{L} = \forall integer a, b, c; slot(a) && slot(b) && slot(c) && shared(ty(a)) && ty(b) != CAP_NULL &&
       same(a, c) && (po(a) < po(b) < pc(c) || po(a) < pc(b) < pc(c)) ==> same(b, a);
    // --- INV-9: a capability has no more authority than any of its ancestors of a copyable type.
    predicate rights_le(integer a, integer b) = ((a & RIGHT_READ) != 0 ==> (b & RIGHT_READ) != 0) &&
       ((a & RIGHT_WRITE) != 0 ==> (b & RIGHT_WRITE) != 0) && ((a & RIGHT_GRANT) != 0 ==> (b & RIGHT_GRANT) != 0);
    predicate rights_and(integer r, integer a, integer b) =
       ((r & RIGHT_READ) != 0 <==> (a & RIGHT_READ) != 0 && (b & RIGHT_READ) != 0) &&
       ((r & RIGHT_WRITE) != 0 <==> (a & RIGHT_WRITE) != 0 && (b & RIGHT_WRITE) != 0) &&
       ((r & RIGHT_GRANT) != 0 <==> (a & RIGHT_GRANT) != 0 && (b & RIGHT_GRANT) != 0);
    predicate data_le(integer t, integer a, integer b) =
       t == CAP_ENDPOINT || t == CAP_NOTIFICATION ? a == b || b == 0 :
       t == CAP_IO_PORT ? b % 0x10000 <= a % 0x10000 && a / 0x10000 <= b / 0x10000 :
       t == CAP_FRAME ? map_rest(a) == map_rest(b) : a == b;
    predicate cap_le{L}(integer b, integer a) =
       same{L}(a, b) && rights_le(rt{L}(b), rt{L}(a)) && data_le(ty{L}(b), dt{L}(b), dt{L}(a));
    predicate authority{L} = \forall integer a, b; slot(a) && slot(b) && copyable(ty(a)) && ty(b) != CAP_NULL && desc(a,b) ==> cap_le(b,a);

    // May the capability in s be minted with this data? Endpoint, Notification: a badge, once. IoPort: a
    // range within its own.
    logic integer mint_error{L}(integer s, integer data) =
       ty{L}(s) == CAP_ENDPOINT || ty{L}(s) == CAP_NOTIFICATION ? (dt{L}(s) == 0 ? OK : ERR_BADGE) :
       ty{L}(s) != CAP_IO_PORT ? ERR_TYPE :
       dt{L}(s) % 0x10000 <= data % 0x10000 <= data / 0x10000 <= dt{L}(s) / 0x10000 ? OK : ERR_ARG;

    // --- INV-10: may is what type, rights and badge say.
    logic integer may_of(integer t, integer r, integer d) =
       t == CAP_ENDPOINT ? ((r & RIGHT_READ) != 0 ? MAY_RECV : 0) + ((r & RIGHT_WRITE) != 0 ? MAY_SEND : 0) + ((r & RIGHT_GRANT) != 0 ? MAY_GRANT : 0) :
       t == CAP_NOTIFICATION ? ((r & RIGHT_READ) != 0 ? MAY_WAIT : 0) + ((r & RIGHT_WRITE) != 0 && d != 0 ? MAY_SIGNAL : 0) :
       t == CAP_REPLY ? MAY_REPLY : t == CAP_CNODE ? MAY_LOOKUP : 0;
    predicate cap_may{L} = \forall integer s; slot(s) ==> slot_view[s].may == may_of(ty(s), rt(s), dt(s));

    // All of it; during an exchange the scratch slot is in the tree.
    predicate wf_slots{L} = wf_tree{L} && cap_tree{L} && cap_null{L} && cap_one{L} && contig{L} && authority{L} && cap_may{L};
    predicate wf_caps{L} = wf_slots{L} && po(SCRATCH_SLOT) == -1;
*/

#endif
