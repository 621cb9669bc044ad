// Messages: copying words and passing a capability.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/message.h"

#include "core/capability.h"
#include "core/cspace.h"
#include "core/inline.h"

// Bits of info that a receiver does not see as they were sent: up to here.
enum { INFO_KEPT = 2 * INFO_SIGNAL };
static_assert((INFO_LENGTH | INFO_CAP | INFO_TIMEOUT | INFO_SIGNAL) == INFO_KEPT - 1,
              "the low bits");

// Passes the capability in slot s to slot d, which is empty and in a CNode.
/*@ requires caps: caps;
    requires s: slot(s) && copyable(ty(s));
    requires all: (all & RIGHT_READ) != 0 && (all & RIGHT_WRITE) != 0 && (all & RIGHT_GRANT) != 0;
    requires d: slot(d) && ty(d) == CAP_NULL && (\exists integer c; cnode_has(c, d));
    terminates \true; exits \false;
    assigns item_view[..], slot_view[d], g_n, CDT_GHOST;
    ENSURES_CAPS
    ensures range: cnode_range;
    ensures lookup: cnode_lookup;
    ensures roots: cspace_roots;
    ensures apart: cnode_apart;
    ensures threads: cnode_threads;
    ensures cap: cap_le(d, s) && desc(s, d); */
static inline void pass(u32 s, u32 d, u32 all) {
    //@ assert d: d != CDT_HEAD && d != SCRATCH_SLOT;
    //@ assert t: \forall integer t; is_tcb(t) ==> d != t + 4 * TCB_SLOT_CSPACE;
    capability_copy(s, d, all, capability_copy_data(s));
    //@ assert others: \forall integer t; 0 <= t < 0x100000000 && t != d ==> slot_view[t] == \at(slot_view[t],Pre);
    //@ assert same: ty(d) == ty{Pre}(s) && ob(d) == ob{Pre}(s) && (ty(d) != CAP_FRAME ==> dt(d) == dt{Pre}(s));
    //@ assert read: (rt(d) & RIGHT_READ) != 0 <==> (rt{Pre}(s) & RIGHT_READ) != 0;
    //@ assert write: (rt(d) & RIGHT_WRITE) != 0 <==> (rt{Pre}(s) & RIGHT_WRITE) != 0;
    //@ assert grant: (rt(d) & RIGHT_GRANT) != 0 <==> (rt{Pre}(s) & RIGHT_GRANT) != 0;
    //@ assert may: slot_view[d].may == \at(slot_view[s].may,Pre);
    //@ assert cnode: ty(d) == CAP_CNODE ==> slot(ob(d)) && dt(d) <= CNODE_SLOTS_MAX && ob(d) + 4 * dt(d) <= 0x100000000;
    //@ assert has: \forall integer x; cnode_has(d, x) ==> cnode_has{Pre}(s, x);
    //@ assert each: \forall integer c, x; cnode_has(c, x) ==> cnode_has{Pre}(c, x) || cnode_has{Pre}(s, x);
}

// The slot that t names for a capability to arrive, 0: none.
/*@ requires caps: caps;
    requires t: is_tcb(t);
    terminates \true; exits \false; assigns \nothing;
    ensures slot: \result == target_slot(t);
    ensures has: \result != 0 ==> slot(\result) && (\exists integer c; cnode_has(c, \result)); */
static inline u32 destination(u32 t) {
    u32 d = cspace_destination(t, BUFFER(message_buffer(t)).word[BUFFER_CAP_RECV]);
    //@ ghost u32 root = t + 4 * TCB_SLOT_CSPACE; u64 cptr = buffer_view[slot_view[t + 4 * TCB_SLOT_BUFFER].object].word[BUFFER_CAP_RECV];
    //@ assert root: ty(root) == CAP_CNODE || dt(root) == 0;
    //@ assert low: d != 0 && cptr / 0x100000000 == 0 ==> d == cnode_slot(root, cptr % 0x100000000) && cnode_has(root, d);
    //@ assert high: d != 0 && cptr / 0x100000000 != 0 ==> cnode_has(cnode_slot(root, cptr % 0x100000000), d);
    return d;
}

// Passes the capability that `from` names to the slot that `to` names. 0: nothing was passed.
/*@ requires caps: caps;
    requires threads: is_tcb(from) && is_tcb(to);
    terminates \true; exits \false;
    assigns item_view[..], slot_view[..], g_n, CDT_GHOST;
    ensures caps: caps;
    ensures none: \result == 0 ==> slots_same{Pre,Post};
    ensures one: \result != 0 ==> passed{Pre,Post}(\old(sent_slot(from)), \old(target_slot(to))); */
FLATTEN static NOINLINE u32 transfer(u32 from, u32 to) {
    u32 s = cspace_lookup(from, BUFFER(message_buffer(from)).word[BUFFER_CAP_SEND]);
    u32 d = destination(to);
    if (d == 0 || SLOT(d).type != CAP_NULL || !capability_copyable(SLOT(s).type)) {
        return 0;
    }
    //@ assert sent: s == sent_slot{Pre}(from) && slot(s);
    pass(s, d, RIGHT_ALL);
    //@ assert passed: passed{Pre,Here}(s, d);
    //@ assert caps: caps;
    return 1;
}

// message_words() for messages that have something else besides: not on the way of the others.
/*@ requires n: MESSAGE_REGISTERS < n <= MESSAGE_WORDS;
    terminates \true; exits \false;
    assigns buffer_view[target].word[MESSAGE_REGISTERS .. MESSAGE_WORDS - 1];
    ensures copied: \forall integer k; MESSAGE_REGISTERS <= k < n ==>
        buffer_view[target].word[k] == \old(buffer_view[source].word[k]);
    ensures rest: \forall integer k; n <= k < BUFFER_WORDS ==>
        buffer_view[target].word[k] == \old(buffer_view[target].word[k]); */
static NOINLINE void copy_words(u32 source, u32 target, u64 n) {
    message_words(source, target, n);
}

u64 message_extra(u32 from, u32 to, u64 info, u32 may_grant) {
    u32 n = message_length(info);
    u64 kept = info - info % INFO_KEPT;
    if (!message_has_buffers(from, to)) {
        return kept + (n < MESSAGE_REGISTERS ? n : MESSAGE_REGISTERS);
    }
    if (n > MESSAGE_REGISTERS) {
        copy_words(message_buffer(from), message_buffer(to), n);
    }
    //@ assert sent: sent_slot(from) == sent_slot{Pre}(from);
    //@ assert target: target_slot(to) == target_slot{Pre}(to);
    //@ assert slots: slots_same{Pre,Here};
    if ((info & INFO_CAP) != 0 && may_grant && transfer(from, to)) {
        kept += INFO_CAP;
    }
    return kept + n;
}

void message_deliver(u32 from, u32 to, u64 badge, u64 info, u32 may_grant) {
    if (TCB(from).fault == FAULT_NONE) {
        if (!MESSAGE_IS_SHORT(info)) {
            info = message_extra(from, to, info, may_grant);
        }
        message_registers(from, to, badge, info);
        return;
    }
    TCB(to).r[R_RDI] = badge;
    TCB(to).r[R_RSI] = MESSAGE_REGISTERS + TCB(from).fault * (1ull << INFO_LABEL_SHIFT);
    TCB(to).r[R_RDX] = TCB(from).fault_word[0];
    TCB(to).r[R_R10] = TCB(from).fault_word[1];
    TCB(to).r[R_R8] = TCB(from).fault_word[2];
    TCB(to).r[R_R9] = TCB(from).fault_word[3];
}
