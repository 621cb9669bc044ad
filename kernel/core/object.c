// Objects: their shapes, their first contents, their end.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/object.h"

#include "core/endpoint.h"
#include "core/ends.h"
#include "core/irq.h"
#include "core/leaf.h"
#include "core/notification.h"
#include "core/reaper.h"
#include "core/reply.h"
#include "core/sched_context.h"
#include "core/thread.h"
#include "core/untyped.h"
#include "core/vspace.h"

enum { THREAD_RFLAGS = 0x202 }; // Interrupts on; bit 1 is always set.
enum { REAP_SLOTS = 16 };       // Slots that one step looks at.

/*@ terminates \true; exits \false;
    assigns tcb_view[t].r[R_RFLAGS], tcb_view[t].cr3;
    ensures flags: TCB(t).r[R_RFLAGS] == THREAD_RFLAGS;
*/
static void create_thread(u32 t) {
    TCB(t).r[R_RFLAGS] = THREAD_RFLAGS;
    TCB(t).cr3 = space_kernel();
}

u32 object_create(u32 type, u64 size, u64 address) {
    if (type == CAP_FRAME) {
        return (u32)(address / PAGE_BYTES);
    }
    u32 o = INDEX_OF(address);
    switch (type) {
    case CAP_CNODE:
        HEADER(o).head = (u32)size;
        //@ ghost g_slots[o] = (u32)size;
        break;
    case CAP_TCB:
        create_thread(o);
        //@ ghost g_slots[o] = TCB_SLOTS;
        break;
    case CAP_SCHED_CONTEXT:
        TIMER(o + SC_TIMER).kind = 1;
        break;
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
        o += TABLE_ENTRIES;
        table_create(o, type);
        break;
    default:
        break;
    }
    HEADER(o).kind = type;
    return o;
}

u64 object_data(u32 type, u64 size, u32 device) {
    switch (type) {
    case CAP_UNTYPED:
    case CAP_CNODE:
        return size;
    case CAP_FRAME:
        return mapping_new((u32)size, device);
    default:
        return 0;
    }
}

// What must not outlive an object whose last capability is gone ends at once.
/*@ requires wf: wf_activity;
    requires thread: type == CAP_TCB ==> tcb(o);
    requires irq: type == CAP_IRQ_HANDLER ==> o >= IRQ_BASE;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns ACTIVITY;
    ENSURES_ACTIVITY
    ensures used: queue_used{Pre,Post}(1);
    ensures kept: \forall integer n; notification_view[n].bound == \old(notification_view[n].bound) ||
        notification_view[n].bound == 0;
    ensures unbound: type == CAP_NOTIFICATION ==> notification_view[o].bound == 0;
*/
static void object_end(u32 type, u32 o) {
    switch (type) {
    case CAP_TCB:
        thread_destroy(o);
        break;
    case CAP_NOTIFICATION:
        notification_unbind(o);
        break;
    case CAP_REPLY:
        reply_destroy(o);
        break;
    case CAP_IRQ_HANDLER:
        irq_mask(IRQ_NUMBER(o), IRQ(o).line);
        break;
    default:
        break;
    }
}

// The rest is done in steps, from the last slot or entry down.
/*@ requires wf: wf_end && wf_map;
    requires o: is_object(o) && !dying(o) && kind(o) == type && shaped(o);
    requires gone: type != CAP_FRAME ==> \forall integer s; !names(s, type, o);
    requires vspace: type == CAP_VSPACE ==> level(o) == 4;
    terminates \true; exits \false;
    assigns header_view[o].head, table_view[o].left;
    ENSURES_MAP
    ensures shape: life_shape;
    ensures remains: life_remains;
    ensures cnode: life_cnode;
    ensures cursor: life_cursor;
    ensures slots: life_slots;
    ensures entries: life_entries;
    ensures shaped: shaped(o);
    ensures slots_o: type == CAP_TCB ==> unread(o) == g_slots[o];
    ensures heads: type != CAP_TCB ==> unread(o) == \old(unread(o));
    ensures entries_o: type == CAP_VSPACE ==> \forall integer e; table_view[o].left <= e < 512 ==> owner(o, e) == 0;
    ensures lefts: type != CAP_VSPACE ==> table_view[o] == \old(table_view[o]);
*/
static void reap_start(u32 type, u32 o) {
    if (type == CAP_TCB) {
        HEADER(o).head = TCB_SLOTS;
    } else if (type == CAP_VSPACE) {
        TABLE(o).left = TABLE_ENTRIES / 2;
    }
}

// Does the end of an object of this type take steps?
/*@ terminates \true; exits \false; assigns \nothing;
    ensures is: \result != 0 <==> mortal(type);
*/
static inline u32 dies_in_steps(u32 type) {
    switch (type) {
    case CAP_CNODE:
    case CAP_TCB:
    case CAP_ENDPOINT:
    case CAP_NOTIFICATION:
    case CAP_SCHED_CONTEXT:
    case CAP_VSPACE:
    case CAP_PAGE_TABLE:
    case CAP_IRQ_HANDLER:
        return 1;
    default:
        return 0;
    }
}

// The running thread has to empty the list of dying objects down to place `first`.
/*@ requires wf: wf_end && wf_map && wf_activity;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].first_dying;
    ENSURES_MAP
    ensures map_null: map_null;
    ENSURES_END
    ENSURES_ACTIVITY */
static inline void owe(u64 first) {
    u32 cur = K.run.tcb;
    if (TCB(cur).first_dying == 0 || first < TCB(cur).first_dying) {
        TCB(cur).first_dying = first;
    }
}

// What the running thread has to finish when the object ends: its own steps, and what a thread still had to.
/*@ requires wf: wf_end && wf_map && wf_activity;
    terminates \true; exits \false;
    assigns tcb_view[K.run.tcb].first_dying;
    ENSURES_MAP
    ensures map_null: map_null;
    ENSURES_END
    ENSURES_ACTIVITY */
static inline void owe_end(u32 type, u32 o) {
    if (type == CAP_TCB && TCB(o).first_dying != 0) {
        owe(TCB(o).first_dying);
    }
    if (dies_in_steps(type)) {
        owe(DYING + 1);
    }
}

// The object has lost its last capability.
/*@ requires wf: wf_end && wf_map && wf_activity;
    requires o: mortal(type) ==> is_object(o) && !dying(o) && kind(o) == type && shaped(o);
    requires gone: type != CAP_FRAME ==> \forall integer s; !names(s, type, o);
    requires cnode: type == CAP_CNODE ==> unread(o) == g_slots[o];
    requires vspace: type == CAP_VSPACE ==> level(o) == 4;
    requires entries: type == CAP_PAGE_TABLE ==> level(o) == 0;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns ACTIVITY, header_view[o].head, header_view[o].dying, table_view[o].left, REAPER, g_rs[..], g_rp[..], DYING;
    ENSURES_MAP
    ensures map_null: map_null;
    ENSURES_END
    ENSURES_ACTIVITY
    ensures used: queue_used{Pre,Post}(1);
    ensures die: \forall integer x; is_object(x) ==> (dying(x) <==> \old(dying(x)) || (mortal(type) && x == o));
    ensures first: mortal(type) ==> REAPER == o;
    ensures count: mortal(type) ==> DYING == \old(DYING) + 1;
    ensures same: !mortal(type) ==> DYING == \old(DYING) && REAPER == \old(REAPER) &&
        header_view[o] == \old(header_view[o]);
*/
static void object_die(u32 type, u32 o) {
    //@ assert apart: mortal(type) ==> \forall integer s; slot(s) && mortal(ty(s)) ==> ob(s) != o;
    owe_end(type, o);
    object_end(type, o);
    if (dies_in_steps(type)) {
        reap_start(type, o);
        //@ assert all_slots: has_slots(type) ==> unread(o) == g_slots[o];
        //@ assert all_entries: has_entries(type) ==> \forall integer e; table_view[o].left <= e < 512 ==> owner(o, e) == 0;
        reaper_push(o);
    }
    //@ assert kinds: \forall integer x; kind(x) == \at(kind(x),Pre);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w4: wait_kind;
}

// What the capability in s is mapped at ends.
/*@ requires wf: wf_caps && wf_map && wf_end;
    requires s: slot(s) && ty(s) != CAP_NULL;
    terminates \true; exits \false;
    assigns word_view[..], table_view[..], slot_view[s].data;
    ENSURES_CAPS ENSURES_MAP
    ensures map_null: map_null;
    ENSURES_END
    ensures free: ty(s) == CAP_PAGE_TABLE ==> level(ob(s)) == 0;
    ensures out: \forall integer t, e; is_table(t) && is_entry(e) ==> owner(t, e) != s;
    ensures other: is_mappable(s) || slot_view[s] == \old(slot_view[s]);
*/
static void release_mapping(u32 s) {
    u32 type = SLOT(s).type;
    if (type != CAP_FRAME && type != CAP_PAGE_TABLE) {
        return;
    }
    mapping_end(s);
    //@ assert same: \forall integer t; is_index(t) ==> ty(t) == \at(ty(t),Pre) && ob(t) == \at(ob(t),Pre) && rt(t) == \at(rt(t),Pre);
    //@ assert le: \forall integer a, b; slot(a) && slot(b) && \at(cap_le(b, a),Pre) ==> cap_le(b, a);
    //@ assert left: \forall integer t; is_table(t) ==> table_view[t].left == \at(table_view[t].left,Pre) || (t == ob(s) && table_view[t].left <= 512);
}

// The address space in s, if it is a thread's, is that thread's no more.
/*@ requires wf: wf_activity && life_bound;
    requires s: slot(s);
    terminates \true; exits \false;
    assigns tcb_view[..].cr3;
    ensures q: queues;
    ENSURES_READY
    ENSURES_WAITS
    ENSURES_CONTEXTS
    ensures l: lending;
    ENSURES_REPLIES
    ensures i1: wheel;
    ensures i2: time;
    ensures i3: wait_timers;
    ENSURES_NOTIFICATIONS
    ensures running: time_running;
*/
static void release_space(u32 s) {
    if (SLOT(s).type == CAP_VSPACE && SLOT(s).rights >= RIGHT_BOUND) {
        space_unbind(s - 4 * TCB_SLOT_VSPACE);
    }
    //@ assert same: \forall integer t; TCB(t).state == \at(TCB(t).state,Pre) && TCB(t).sc == \at(TCB(t).sc,Pre) && TCB(t).priority == \at(TCB(t).priority,Pre);
    //@ assert bonds: \forall integer t; TCB(t).bound == \at(TCB(t).bound,Pre) && TCB(t).attention == \at(TCB(t).attention,Pre) && TCB(t).reply == \at(TCB(t).reply,Pre);
}

void object_release(u32 s) {
    u32 type = SLOT(s).type, o = SLOT(s).object;
    release_mapping(s);
    release_space(s);
    u32 other = capability_other(s);
    capability_remove(s);
    //@ assert gone: other == 0 && type != CAP_FRAME ==> \forall integer t; !names(t, type, o);
    //@ assert head: \at(in_tree(CDT_HEAD),Pre);
    //@ assert in: \forall integer t; in_tree(t) ==> t != s && \at(in_tree(t),Pre);
    //@ assert taken: taken{Pre,Here};
    //@ assert m1: map_owner;
    //@ assert m2: map_slot;
    //@ assert m3: map_fits;
    //@ assert m4: map_one;
    //@ assert m5: map_free;
    //@ assert l1: life_named;
    //@ assert l2: life_shape;
    //@ assert l4: life_remains;
    //@ assert l3: life_slots;
    if (other == 0) {
        object_die(type, o);
    }
}

// Moves the cursor of o over empty slots, REAP_SLOTS at most. The slot that it stops at, 0: none.
/*@ requires wf: wf_end && waits;
    requires o: dying(o) && has_slots(kind(o)) && unread(o) > 1;
    terminates \true; exits \false;
    assigns header_view[o].head;
    ENSURES_END
    ENSURES_WAITS
    ensures full: \result != 0 ==> slot(\result) && ty(\result) != CAP_NULL;
    ensures down: \result == 0 ==> unread(o) < \old(unread(o));
    ensures kinds: \forall integer x; kind(x) == \old(kind(x));
*/
static u32 reap_empty(u32 o) {
    u32 left = HEADER(o).head, stop = left > REAP_SLOTS ? left - REAP_SLOTS : 1;
    /*@ loop invariant range: 1 <= stop <= left <= \at(unread(o),Pre);
        loop invariant empty: \forall integer s; slot(s) && o + 4 * left <= s < o + 4 * g_slots[o] ==> ty(s) == CAP_NULL;
        loop assigns left;
        loop variant left;
    */
    while (left > stop && SLOT(o + 4 * (left - 1)).type == CAP_NULL) {
        left--;
    }
    HEADER(o).head = left;
    //@ assert same: \forall integer x; kind(x) == \at(kind(x),Pre) && (x != o ==> unread(x) == \at(unread(x),Pre));
    return left > stop ? o + 4 * (left - 1) : 0;
}

// A step of the reaper for o, by what o consists of. 0: nothing was left.
// clang-format off
#define REQUIRES_STEP                                                                              \
    requires wf: wf_life;                                                                          \
    requires o: dying(o) && REAPER == o;                                                           \
    requires room: queue_margin(1);

#define ENSURES_STEP                                                                               \
    ENSURES_LIFE                                                                                   \
    ensures used: queue_used{Pre,Post}(1);                                                         \
    ensures less: \result != 0 ==> less{Pre,Post};                                                 \
    ensures same: \result == 0 ==> DYING == \old(DYING) && REAPER == o && dying(o);                 \
    ensures n: \result == 0 ==> g_n == \old(g_n);                                                 \
    ensures done: \result == 0 ==> emptied(o);                                                     \
    ensures taken: taken{Pre,Post};                                                                \
    ensures kept: \forall integer x; \old(dying(x)) ==> dying(x) && kind(x) == \old(kind(x));
// clang-format on

// The CNode or TCB o loses a capability, or its cursor moves on.
/*@ requires wf: wf_life;
    requires o: dying(o) && REAPER == o && has_slots(kind(o)) && unread(o) > 1;
    requires room: queue_margin(1);
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_LIFE
    ensures used: queue_used{Pre,Post}(1);
    ensures less: less{Pre,Post};
    ensures taken: taken{Pre,Post};
    ensures kept: \forall integer x; \old(dying(x)) ==> dying(x) && kind(x) == \old(kind(x));
*/
static void reap_slot(u32 o) {
    u32 s = reap_empty(o);
    if (s != 0) {
        object_release(s);
    }
}

/*@ requires kind: has_slots(kind(o));
    REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_STEP */
static u32 reap_slots(u32 o) {
    //@ assert none: mortal(kind(o)) && \forall integer s; !names(s, kind(o), o);
    if (HEADER(o).head == 1) {
        return 0;
    }
    reap_slot(o);
    return 1;
}

/*@ requires kind: kind(o) == CAP_IRQ_HANDLER;
    REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_STEP */
static u32 reap_irq(u32 o) {
    //@ assert none: mortal(kind(o)) && \forall integer s; !names(s, kind(o), o);
    u32 s = IRQ_SLOT(o);
    if (SLOT(s).type == CAP_NULL) {
        return 0;
    }
    object_release(s);
    return 1;
}

/*@ requires kind: has_entries(kind(o));
    REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_STEP */
static u32 reap_entries(u32 o) {
    //@ assert none: mortal(kind(o)) && \forall integer s; !names(s, kind(o), o);
    u32 some = table_empty_step(o);
    //@ assert same: \forall integer t; is_index(t) ==> ty(t) == \at(ty(t),Pre) && ob(t) == \at(ob(t),Pre) && rt(t) == \at(rt(t),Pre) && slot_view[t].may == \at(slot_view[t].may,Pre);
    //@ assert le: \forall integer a, b; slot(a) && slot(b) && \at(cap_le(b, a),Pre) ==> cap_le(b, a);
    //@ assert others: \forall integer x; is_table(x) && \at(dying(x),Pre) && x != o ==> table_view[x].left == \at(table_view[x].left,Pre);
    //@ assert left: \forall integer x; dying(x) && has_entries(kind(x)) ==> table_view[x].left <= 512;
    return some;
}

// The youngest loan of the dying context o ends.
/*@ requires wf: wf_activity;
    requires o: context(o) && SC(o).top != 0;
    terminates \true; exits \false;
    assigns reply_view[..].above, reply_view[..].caller.sc, sc_view[o].top, g_lent[..];
    ENSURES_ACTIVITY
    ensures less: debts(o) < \old(debts(o));
*/
static void reap_loan(u32 o) {
    context_drop_loan(o);
    //@ assert lent: \forall integer r; lent(r) ==> \at(lent(r),Pre) && REPLY(r).caller.tcb == \at(REPLY(r).caller.tcb,Pre);
    //@ assert same: \forall integer s; 0 <= s < 0x100000000 ==> SC(s).budget == \at(SC(s).budget,Pre) && SC(s).period == \at(SC(s).period,Pre) && SC(s).left == \at(SC(s).left,Pre) && SC(s).last == \at(SC(s).last,Pre) && SC(s).used == \at(SC(s).used,Pre) && SC(s).tcb == \at(SC(s).tcb,Pre);
    //@ assert amounts: \forall integer s, i; 0 <= s < 0x100000000 && 0 <= i < 4 ==> SC(s).amount[i] == \at(SC(s).amount[i],Pre) && SC(s).due[i] == \at(SC(s).due[i],Pre);
    //@ assert start: \forall integer s; configured(s) ==> win_start(s) && win_before(s) && win_theorem(s);
    //@ assert late: \forall integer s, x; configured(s) ==> late(s, x) == late{Pre}(s, x);
    //@ assert back: \forall integer s; configured(s) ==> back(s) == back{Pre}(s) && (full(s) <==> full{Pre}(s)) && win_debt{Pre}(s);
    //@ assert debt: \forall integer s; configured(s) ==> win_debt(s);
    //@ assert windows: time_windows;
    //@ assert contexts: contexts;
}

// The dying context o, which has lent nothing, has no user, no timer and no budget any more.
/*@ requires wf: wf_activity;
    requires o: context(o) && SC(o).top == 0;
    terminates \true; exits \false;
    assigns ACTIVITY;
    ENSURES_ACTIVITY
    ensures used: g_back == \old(g_back);
    ensures bound: \forall integer n; notification_view[n].bound == \old(notification_view[n].bound);
    ensures done: SC(o).tcb == 0 && SC(o).top == 0 && K.run.sc != o;
*/
static void reap_user(u32 o) {
    context_end(o);
    //@ assert timers: \forall integer n; TIMER(n).kind == \at(TIMER(n).kind,Pre) && TIMER(n).due == \at(TIMER(n).due,Pre);
    //@ assert tops: \forall integer s; 1 <= s < 0x100000000 ==> SC(s).top == \at(SC(s).top,Pre);
    //@ assert same: \forall integer s; 0 <= s < 0x100000000 && s != o ==> SC(s).budget == \at(SC(s).budget,Pre) && SC(s).period == \at(SC(s).period,Pre) && SC(s).left == \at(SC(s).left,Pre) && SC(s).last == \at(SC(s).last,Pre) && SC(s).used == \at(SC(s).used,Pre) && SC(s).tcb == \at(SC(s).tcb,Pre);
    //@ assert amounts: \forall integer s, i; 0 <= s < 0x100000000 && 0 <= i < 4 ==> SC(s).amount[i] == \at(SC(s).amount[i],Pre) && SC(s).due[i] == \at(SC(s).due[i],Pre);
    //@ assert start: \forall integer s; configured(s) ==> win_start(s) && win_before(s) && win_theorem(s);
    //@ assert late: \forall integer s, x; configured(s) ==> late(s, x) == late{Pre}(s, x);
    //@ assert back: \forall integer s; configured(s) ==> back(s) == back{Pre}(s) && (full(s) <==> full{Pre}(s)) && win_debt{Pre}(s);
    //@ assert debt: \forall integer s; configured(s) ==> win_debt(s);
    //@ assert windows: time_windows;
    //@ assert on: \forall integer n; on(n) ==> n != o + 15 && \at(on(n),Pre);
    //@ assert off: \forall integer n; n != o + 15 && \at(on(n),Pre) ==> on(n);
    //@ assert budgets: time_budgets;
    //@ assert bare: time_bare;
    //@ assert kinds: time_kinds;
    //@ assert owners: time_owners;
    //@ assert exhausted: time_exhausted;
    //@ assert waiting: time_waiting;
    //@ assert heads: \forall integer q; waiting_queue(q) ==> QUEUE(q) == \at(QUEUE(q),Pre);
    //@ assert stay: \forall integer t; index(t) && TCB(t).state != STATE_NO_TIME ==> TCB(t).state == \at(TCB(t).state,Pre) && g_queue[t] == \at(g_queue[t],Pre);
    //@ assert w1: wait_endpoint;
    //@ assert w2: wait_signal;
    //@ assert w3: wait_queued;
    //@ assert w4: wait_kind;
    //@ assert w5: wait_special;
    //@ assert w6: wait_tcb;
    //@ assert waits: waits;
    //@ assert c1: context_thread;
    //@ assert c2: context_user;
    //@ assert c4: context_range;
    //@ assert c5: context_lender;
    //@ assert c6: context_ready;
    //@ assert contexts: contexts;
}

// What a dying context has lent, and its user.
/*@ requires wf: wf_activity;
    requires o: context(o);
    terminates \true; exits \false;
    assigns ACTIVITY;
    ENSURES_ACTIVITY
    ensures used: queue_used{Pre,Post}(0);
    ensures bound: \forall integer n; notification_view[n].bound == \old(notification_view[n].bound);
    ensures less: \result != 0 ==> debts(o) < \old(debts(o));
    ensures done: \result == 0 ==> SC(o).tcb == 0 && SC(o).top == 0 && K.run.sc != o;
*/
static u32 reap_loans(u32 o) {
    if (SC(o).top != 0) {
        reap_loan(o);
        return 1;
    }
    reap_user(o);
    return 0;
}

/*@ requires kind: kind(o) == CAP_SCHED_CONTEXT;
    REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_STEP */
static u32 reap_context(u32 o) {
    //@ assert none: mortal(kind(o)) && \forall integer s; !names(s, kind(o), o);
    u32 some = reap_loans(o);
    //@ assert timers: \forall integer n; TIMER(n).kind == \at(TIMER(n).kind,Pre);
    return some;
}

/*@ requires kind: has_queue(kind(o));
    REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_STEP */
static u32 reap_waiters(u32 o) {
    //@ assert none: mortal(kind(o)) && \forall integer s; !names(s, kind(o), o);
    u32 some = endpoint_cancel_one(o);
    //@ assert timers: \forall integer n; TIMER(n).kind == \at(TIMER(n).kind,Pre);
    return some;
}

// Objects by what they consist of. Two ways in each function: with all five in one the prover's
// simplifier did not end.
/*@ requires kind: has_slots(kind(o)) || kind(o) == CAP_IRQ_HANDLER;
    REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_STEP */
static u32 reap_capabilities(u32 o) {
    return HEADER(o).kind == CAP_IRQ_HANDLER ? reap_irq(o) : reap_slots(o);
}

// Is an object of this type a table of mappings?
/*@ terminates \true; exits \false; assigns \nothing;
    ensures is: \result != 0 <==> has_entries(type);
*/
static inline u32 is_paging(u32 type) {
    return type == CAP_VSPACE || type == CAP_PAGE_TABLE;
}

/*@ requires kind: has_slots(kind(o)) || kind(o) == CAP_IRQ_HANDLER || has_entries(kind(o));
    REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_STEP */
static u32 reap_contents(u32 o) {
    return is_paging(HEADER(o).kind) ? reap_entries(o) : reap_capabilities(o);
}

/*@ requires kind: has_queue(kind(o)) || kind(o) == CAP_SCHED_CONTEXT;
    REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_STEP */
static u32 reap_users(u32 o) {
    return HEADER(o).kind == CAP_SCHED_CONTEXT ? reap_context(o) : reap_waiters(o);
}

// Do threads wait at an object of this type, or run on it?
/*@ terminates \true; exits \false; assigns \nothing;
    ensures is: \result != 0 <==> has_queue(type) || type == CAP_SCHED_CONTEXT;
*/
static inline u32 has_users(u32 type) {
    return type == CAP_ENDPOINT || type == CAP_NOTIFICATION || type == CAP_SCHED_CONTEXT;
}

/*@ REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE;
    ENSURES_STEP */
static u32 object_reap(u32 o) {
    //@ assert kind: mortal(kind(o));
    return has_users(HEADER(o).kind) ? reap_users(o) : reap_contents(o);
}

// The object o, the newest on the list, is done: its memory is its Untyped's.
/*@ requires wf: wf_end;
    requires o: REAPER == o && dying(o);
    terminates \true; exits \false;
    assigns REAPER, DYING, irq_view[o].state;
    ENSURES_END
    ensures out: \forall integer x; is_object(x) ==> (dying(x) <==> x != o && \old(dying(x)));
    ensures n: DYING == \old(DYING) - 1;
    ensures free: kind(o) == CAP_IRQ_HANDLER ==> irq_view[o].state == IRQ_FREE;
*/
static void reap_end(u32 o) {
    reaper_pop();
    if (HEADER(o).kind == CAP_IRQ_HANDLER) {
        IRQ(o).state = IRQ_FREE;
    }
}

// The dying object o, the newest on the list, loses something, or is done.
/*@ REQUIRES_STEP
    terminates \true; exits \false;
    assigns LIFE, irq_view[o].state;
    ENSURES_LIFE
    ensures used: queue_used{Pre,Post}(1);
    ensures less: less{Pre,Post};
    ensures freed: \forall integer x; \old(dying(x)) && !dying(x) ==> emptied(x);
    ensures taken: taken{Pre,Post};
    ensures kinds: \forall integer x; \old(dying(x)) ==> kind(x) == \old(kind(x));
*/
static void reap_newest(u32 o) {
    if (object_reap(o) == 0) {
        reap_end(o);
    }
}

void reaper_step(void) {
    //@ assert dying: dying(REAPER);
    reap_newest(REAPER);
    //@ assert caps: wf_caps;
    //@ assert map: wf_map;
    //@ assert end: wf_end;
    //@ assert activity: wf_activity;
}

void reaper_steps(u64 first) {
    /*@ loop invariant range: 0 <= i <= REAPER_STEPS;
        loop invariant wf: wf_life;
        loop invariant used: queue_used{Pre,Here}(i);
        loop invariant taken: taken{Pre,Here};
        loop invariant none: i == 0 ==> as_much{Pre,Here} && tcb_view[K.run.tcb] == \at(tcb_view[K.run.tcb],Pre);
        loop invariant some: i != 0 ==> first <= \at(DYING,Pre) && less{Pre,Here};
        loop assigns i, LIFE, irq_view[..].state;
        loop variant REAPER_STEPS - i;
    */
    for (u32 i = 0; i < REAPER_STEPS && first <= DYING; i++) {
        reaper_step();
        //@ assert step: less{LoopCurrent,Here};
        //@ assert less: less{Pre,Here};
    }
}
