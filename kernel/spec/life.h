// Vocabulary of the proofs: the life of objects, from their last capability to their last step.
// SPDX-License-Identifier: BSD-2-Clause
//
// Ghost state: g_slots[o] is the number of slots in the CNode or TCB o, written when it is made.
#ifndef SPEC_LIFE_H
#define SPEC_LIFE_H

#include "spec/activity.h"
#include "spec/capability.h"
#include "spec/object.h"

/*@ ghost u32 g_slots[INDEX_COUNT]; */

/*@ // Types of objects that die in steps; the others end with their last capability.
    predicate mortal(integer t) = t == CAP_CNODE || t == CAP_TCB || t == CAP_ENDPOINT ||
        t == CAP_NOTIFICATION || t == CAP_SCHED_CONTEXT || t == CAP_VSPACE || t == CAP_PAGE_TABLE ||
        t == CAP_IRQ_HANDLER;
    predicate has_slots(integer t) = t == CAP_CNODE || t == CAP_TCB;
    predicate has_entries(integer t) = t == CAP_VSPACE || t == CAP_PAGE_TABLE;
    predicate has_queue(integer t) = t == CAP_ENDPOINT || t == CAP_NOTIFICATION;
    logic integer kind{L}(integer o) = \at(header_view[o].kind,L);
    logic integer unread{L}(integer o) = \at(header_view[o].head,L); // Slots not yet emptied.

    // INV-33: a capability names an object of its type that is not dying.
    predicate life_named{L} = \forall integer s; slot(s) && mortal(ty{L}(s)) ==>
        is_object(ob{L}(s)) && !dying{L}(ob{L}(s)) && kind{L}(ob{L}(s)) == ty{L}(s);
    predicate life_dying{L} = \forall integer o; dying{L}(o) ==> mortal(kind{L}(o));

    // INV-56: what is alive or dying has a place for all its parts.
    predicate shaped{L}(integer o) =
        (has_slots(kind{L}(o)) ==> slot(o) && 1 <= g_slots[o] && o + 4 * g_slots[o] <= 0x100000000) &&
        (kind{L}(o) == CAP_TCB ==> tcb{L}(o) && g_slots[o] == TCB_SLOTS) &&
        (has_queue(kind{L}(o)) ==> endpoint{L}(o) || notification{L}(o)) &&
        (has_entries(kind{L}(o)) ==> is_table(o) && table_view[o].left <= 512) &&
        (kind{L}(o) == CAP_SCHED_CONTEXT ==> context(o)) &&
        (kind{L}(o) == CAP_IRQ_HANDLER ==> IRQ_BASE <= o < UNTYPED_BASE && slot(o));
    predicate life_shape{L} = \forall integer s; slot(s) && mortal(ty{L}(s)) ==> shaped{L}(ob{L}(s));
    predicate life_remains{L} = \forall integer o; dying{L}(o) ==> shaped{L}(o);
    predicate life_cnode{L} = \forall integer s; slot(s) && ty{L}(s) == CAP_CNODE ==>
        unread{L}(ob{L}(s)) == g_slots[ob{L}(s)];
    predicate life_vspace{L} = \forall integer s; slot(s) && ty{L}(s) == CAP_VSPACE ==>
        level{L}(ob{L}(s)) == 4;
    // A bound address space is bound to a thread, by the slot that the thread has for it.
    predicate life_bound{L} = \forall integer s; slot(s) && ty{L}(s) == CAP_VSPACE && rt{L}(s) >= RIGHT_BOUND ==>
        s > 4 * TCB_SLOT_VSPACE && kind{L}(s - 4 * TCB_SLOT_VSPACE) == CAP_TCB;
    predicate life_owner{L} = \forall integer t, e; is_table(t) && is_entry(e) && owner{L}(t, e) != 0 ==>
        slot(owner{L}(t, e));

    // INV-57: what the reaper has emptied stays empty: slots and entries from the cursor on, and
    // the bond of a notification with a thread.
    predicate life_cursor{L} = \forall integer o; dying{L}(o) && has_slots(kind{L}(o)) ==>
        1 <= unread{L}(o) <= g_slots[o];
    predicate life_slots{L} = \forall integer o, s; dying{L}(o) && has_slots(kind{L}(o)) && slot(s) &&
        o + 4 * unread{L}(o) <= s < o + 4 * g_slots[o] ==> ty{L}(s) == CAP_NULL;
    predicate life_entries{L} = \forall integer o, e; dying{L}(o) && has_entries(kind{L}(o)) &&
        table_view[o].left <= e < 512 ==> owner{L}(o, e) == 0;
    predicate life_unbound{L} = \forall integer o; dying{L}(o) && kind{L}(o) == CAP_NOTIFICATION ==>
        notification_view[o].bound == 0;

    predicate wf_end{L} = wf_reaper{L} && life_named{L} && life_dying{L} && life_shape{L} && life_remains{L} &&
        life_cnode{L} && life_vspace{L} && life_bound{L} && life_owner{L} && life_cursor{L} && life_slots{L} &&
        life_entries{L} && life_unbound{L};
    predicate wf_life{L} = wf_caps{L} && wf_map{L} && wf_end{L} && wf_activity{L};

    // From L1 to L2 capabilities were only taken away, or their mapping ended.
    predicate left_alone{L1,L2}(integer s) = ty{L2}(s) == ty{L1}(s) && ob{L2}(s) == ob{L1}(s) &&
        rt{L2}(s) == rt{L1}(s) && (dt{L2}(s) == dt{L1}(s) ||
            (is_mappable{L1}(s) && map_rest(dt{L2}(s)) == map_rest(dt{L1}(s))));
    predicate taken{L1,L2} =
        (\forall integer s; in_tree{L2}(s) ==> in_tree{L1}(s) && left_alone{L1,L2}(s)) &&
        (\forall integer a, b; in_tree{L2}(a) && in_tree{L2}(b) ==> (desc{L2}(a,b) <==> desc{L1}(a,b)));

    // How much the reaper has to do with o before it is done, and in all. Each step takes something
    // away: a capability, an object from the list, or a part of its first object.
    logic integer rest{L}(integer o) =
        kind{L}(o) == CAP_CNODE ? unread{L}(o) : kind{L}(o) == CAP_TCB ? unread{L}(o) :
        kind{L}(o) == CAP_VSPACE ? \at(table_view[o].left,L) :
        kind{L}(o) == CAP_PAGE_TABLE ? \at(table_view[o].left,L) :
        kind{L}(o) == CAP_ENDPOINT ? waiters{L}(o) : kind{L}(o) == CAP_NOTIFICATION ? waiters{L}(o) :
        kind{L}(o) == CAP_SCHED_CONTEXT ? debts{L}(o) : 0;
    predicate less{L1,L2} = \at(g_n,L2) < \at(g_n,L1) || (\at(g_n,L2) == \at(g_n,L1) &&
        (\at(DYING,L2) < \at(DYING,L1) || (\at(DYING,L2) == \at(DYING,L1) &&
        \at(REAPER,L1) != 0 && \at(REAPER,L2) == \at(REAPER,L1) && rest{L2}(\at(REAPER,L2)) < rest{L1}(\at(REAPER,L1)))));
    predicate as_much{L1,L2} = \at(g_n,L2) == \at(g_n,L1) && \at(DYING,L2) == \at(DYING,L1) &&
        \at(REAPER,L2) == \at(REAPER,L1) && rest{L2}(\at(REAPER,L2)) == rest{L1}(\at(REAPER,L1));
    predicate bounded{L} = 0 <= g_n && 0 <= DYING <= 0x100000000 &&
        (REAPER != 0 ==> 0 <= rest{L}(REAPER) < 0x40000000000000000);
    logic integer measure{L} =
        (g_n * 0x200000000 + DYING) * 0x40000000000000000 + (REAPER == 0 ? 0 : rest{L}(REAPER));
    lemma measure_less{L1,L2}: bounded{L1} && bounded{L2} && less{L1,L2} ==> 0 <= measure{L2} < measure{L1};

    // Nothing is left in o, and nothing refers to it.
    predicate emptied{L}(integer o) =
        (\forall integer s; !names{L}(s, kind{L}(o), o)) &&
        (has_slots(kind{L}(o)) ==>
            \forall integer s; slot(s) && o < s < o + 4 * g_slots[o] ==> ty{L}(s) == CAP_NULL) &&
        (has_entries(kind{L}(o)) ==> \forall integer e; is_entry(e) ==> owner{L}(o, e) == 0) &&
        (has_queue(kind{L}(o)) ==> QUEUE(o).head == 0) &&
        (kind{L}(o) == CAP_NOTIFICATION ==> notification_view[o].bound == 0) &&
        (kind{L}(o) == CAP_SCHED_CONTEXT ==> SC(o).tcb == 0 && SC(o).top == 0 && K.run.sc != o) &&
        (kind{L}(o) == CAP_IRQ_HANDLER ==> ty{L}(o + 4) == CAP_NULL);
*/

// The parts of wf_life, one a goal. In contracts.
#define ENSURES_END                                                                                \
    ensures perm : reaper_perm;                                                                    \
    ensures link : reaper_link;                                                                    \
    ensures named : life_named;                                                                    \
    ensures dying : life_dying;                                                                    \
    ensures shape : life_shape;                                                                    \
    ensures remains : life_remains;                                                                \
    ensures cnode : life_cnode;                                                                    \
    ensures vspace : life_vspace;                                                                  \
    ensures bound : life_bound;                                                                    \
    ensures owner : life_owner;                                                                    \
    ensures cursor : life_cursor;                                                                  \
  ensures slots : life_slots;                                                                      \
    ensures entries : life_entries;                                                                \
    ensures unbound : life_unbound;
#define ENSURES_LIFE                                                                               \
    ENSURES_CAPS ENSURES_MAP ensures map_null : map_null;                                          \
    ENSURES_END ENSURES_ACTIVITY

// What the release of a capability, and a step of the reaper, may write.
#define LIFE                                                                                       \
    item_view[..], g_n, CDT_GHOST, slot_view[..], word_view[..], table_view[..], header_view[..],  \
        REAPER, g_rs[..], g_rp[..], DYING, ACTIVITY

#endif
