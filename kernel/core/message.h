// Messages: how words and one capability get from one thread to another.
// SPDX-License-Identifier: BSD-2-Clause
//
// Words 0..3 travel in the registers that the entry code stored in the sender's TCB; words 4.. from
// IPC buffer to IPC buffer; a faulting thread's message is its fault_word. This is the only place
// where the kernel copies a message.
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "core/inline.h"
#include "core/view.h"
#include "spec/cspace.h"
#include "spec/wait.h"

// Length above the registers, a capability, a timeout: anything that needs the IPC buffer.
#define MESSAGE_IS_SHORT(info) ((info) % 65536 <= MESSAGE_REGISTERS)
#define MESSAGE_IS_WORDS(info) ((info) % 65536 <= MESSAGE_WORDS) // Nothing but words.

// Words that info announces.
/*@ terminates \true; exits \false; assigns \nothing;
    ensures length: \result == info % 128; */
static inline u32 message_length(u64 info) {
    return (u32)(info % (INFO_LENGTH + 1));
}

// t's IPC buffer: number of a page, 0: none.
/*@ requires t: thread(t);
    terminates \true; exits \false; assigns \nothing;
    ensures page: \result == slot_view[t + 4 * TCB_SLOT_BUFFER].object; */
static inline u32 message_buffer(u32 t) {
    return TCB_SLOT(t, TCB_SLOT_BUFFER).object;
}

// Have both an IPC buffer, so that more than the registers can go from `from` to `to`?
/*@ requires threads: thread(from) && thread(to);
    terminates \true; exits \false; assigns \nothing;
    ensures buffers: \result != 0 <==>
        slot_view[from + 4 * TCB_SLOT_BUFFER].object != 0 && slot_view[to + 4 * TCB_SLOT_BUFFER].object != 0; */
static inline u32 message_has_buffers(u32 from, u32 to) {
    return message_buffer(from) != 0 && message_buffer(to) != 0;
}

#define COPY(k) there[k] = here[k]
#define COPY_4(k) (COPY(k), COPY((k) + 1), COPY((k) + 2), COPY((k) + 3))

// Words 4..n-1 from page `source` to page `target`: four if that leaves eights, eight a round, and the rest one by
// one (adr/0046).
/*@ requires n: MESSAGE_REGISTERS < n <= MESSAGE_WORDS;
    terminates \true; exits \false;
    assigns buffer_view[target].word[MESSAGE_REGISTERS .. MESSAGE_WORDS - 1];
    ensures copied: \forall integer k; MESSAGE_REGISTERS <= k < n ==>
        buffer_view[target].word[k] == \old(buffer_view[source].word[k]);
    ensures rest: \forall integer k; n <= k < BUFFER_WORDS ==>
        buffer_view[target].word[k] == \old(buffer_view[target].word[k]); */
INLINE void message_words(u32 source, u32 target, u64 n) {
    const u64 *here = BUFFER(source).word;
    u64 *there = BUFFER(target).word;
    u64 i = MESSAGE_REGISTERS;
    if (n % 8u < 4) {
        COPY_4(i);
        i += 4;
    }
    if (i + 8 <= n) {
        u64 end = n - n % 4u;
        /*@ loop invariant place: MESSAGE_REGISTERS <= i <= end && (end - i) % 8 == 0;
        loop invariant copied: \forall integer k; MESSAGE_REGISTERS <= k < i ==>
            buffer_view[target].word[k] == \at(buffer_view[source].word[k],Pre);
        loop invariant rest: \forall integer k; i <= k < BUFFER_WORDS ==>
            buffer_view[target].word[k] == \at(buffer_view[target].word[k],Pre);
        loop invariant source: \forall integer k; i <= k < BUFFER_WORDS ==>
            buffer_view[source].word[k] == \at(buffer_view[source].word[k],Pre);
        loop assigns i, buffer_view[target].word[MESSAGE_REGISTERS .. MESSAGE_WORDS - 1];
        loop variant n - i; */
        for (; i != end; i += 8) {
            COPY_4(i);
            //@ assert half: \forall integer k; MESSAGE_REGISTERS <= k < i + 4 ==> buffer_view[target].word[k] == \at(buffer_view[source].word[k],Pre);
            //@ assert source: \forall integer k; i + 4 <= k < BUFFER_WORDS ==> buffer_view[source].word[k] == \at(buffer_view[source].word[k],Pre);
            //@ assert rest: \forall integer k; i + 4 <= k < BUFFER_WORDS ==> buffer_view[target].word[k] == \at(buffer_view[target].word[k],Pre);
            COPY_4(i + 4);
        }
    }
    /*@ loop invariant place: MESSAGE_REGISTERS <= i <= n;
        loop invariant copied: \forall integer k; MESSAGE_REGISTERS <= k < i ==>
            buffer_view[target].word[k] == \at(buffer_view[source].word[k],Pre);
        loop invariant rest: \forall integer k; i <= k < BUFFER_WORDS ==>
            buffer_view[target].word[k] == \at(buffer_view[target].word[k],Pre);
        loop invariant source: \forall integer k; i <= k < BUFFER_WORDS ==>
            buffer_view[source].word[k] == \at(buffer_view[source].word[k],Pre);
        loop assigns i, buffer_view[target].word[MESSAGE_REGISTERS .. MESSAGE_WORDS - 1];
        loop variant n - i; */
    for (; i < n; i++) {
        COPY(i);
    }
}

// info asks for nothing that is out of range or needs a buffer that t does not have.
/*@ requires t: thread(t);
    terminates \true; exits \false; assigns \nothing;
    ensures length: \result != 0 ==> info % 128 <= MESSAGE_WORDS;
    ensures buffer: \result != 0 && info % 65536 > MESSAGE_REGISTERS ==>
        slot_view[t + 4 * TCB_SLOT_BUFFER].object != 0;
    ensures refused: \result == 0 ==> info % 65536 > MESSAGE_REGISTERS; */
static inline u32 message_info_ok(u32 t, u64 info) {
    if (MESSAGE_IS_SHORT(info)) {
        return 1;
    }
    return message_length(info) <= MESSAGE_WORDS && message_buffer(t) != 0;
}

// The registers of a message that arrives: badge, info, words 0..3.
/*@ requires threads: thread(from) && thread(to);
    terminates \true; exits \false;
    assigns tcb_view[to].r[R_RDI], tcb_view[to].r[R_RSI], tcb_view[to].r[R_RDX],
        tcb_view[to].r[R_R10], tcb_view[to].r[R_R8], tcb_view[to].r[R_R9];
    ensures given: message_given{Pre,Post}(from, to, badge, info); */
static inline void message_registers(u32 from, u32 to, u64 badge, u64 info) {
    TCB(to).r[R_RDI] = badge;
    TCB(to).r[R_RSI] = info;
    TCB(to).r[R_RDX] = TCB(from).r[R_RDX];
    TCB(to).r[R_R10] = TCB(from).r[R_R10];
    TCB(to).r[R_R8] = TCB(from).r[R_R8];
    TCB(to).r[R_R9] = TCB(from).r[R_R9];
}

/*@ // What retype made a TCB.
    predicate is_tcb{L}(integer t) = 0 < t <= 0xffffff00 && header_view[t].kind == CAP_TCB;
    // INV-59: the capability space of every thread can be searched, and no CNode has the slot that
    // names it. cnode_apart: nor one of the kernel.
    predicate cspace_roots{L} = \forall integer t; is_tcb(t) ==> cspace_root(t + 4 * TCB_SLOT_CSPACE);
    predicate cnode_threads{L} = \forall integer s, d, t; cnode_has(s, d) && is_tcb(t) ==> d != t + 4 * TCB_SLOT_CSPACE;
    predicate caps{L} = wf_caps{L} && cnode_range{L} && cnode_lookup{L} && cspace_roots{L} && cnode_apart{L} &&
        cnode_threads{L};

    // INV-60: who is not INACTIVE is a TCB; who waits to send sends a message that fits.
    predicate actors{L} = \forall integer t; index(t) && state_of(t) != STATE_INACTIVE ==> is_tcb(t);
    predicate senders{L} = \forall integer t; index(t) && (state_of(t) == STATE_SEND || state_of(t) == STATE_CALL) ==>
        tcb_view[t].sending_info % 128 <= MESSAGE_WORDS;
    predicate messages{L} = actors{L} && senders{L};

    // The slot of the capability that t, which waits, sends its message or its fault through.
    logic integer sends_through{L}(integer t) =
        tcb_view[t].fault == FAULT_NONE ? named(t, tcb_view[t].sending_cptr) :
        t + 4 * (tcb_view[t].fault == FAULT_BUDGET ? TCB_SLOT_TIMEOUT : TCB_SLOT_FAULT);
    logic integer buffer_of{L}(integer t) = ob{L}(t + 4 * TCB_SLOT_BUFFER);
    // The slot that an address in the IPC buffer of t means; `target`: for a capability to arrive.
    logic integer sent_slot{L}(integer t) = \let w = buffer_view[buffer_of(t)].word[BUFFER_CAP_SEND];
        resolve(t + 4 * TCB_SLOT_CSPACE, w % 0x100000000, w / 0x100000000);
    logic integer target_slot{L}(integer t) = \let w = buffer_view[buffer_of(t)].word[BUFFER_CAP_RECV];
        w % 0x100000000 == 0 ? 0 : resolve(t + 4 * TCB_SLOT_CSPACE, w % 0x100000000, w / 0x100000000);
    // Slot d, which was empty, holds a child of the capability in s; nothing else has changed.
    predicate passed{L1,L2}(integer s, integer d) = slot(d) && ty{L1}(d) == CAP_NULL && copyable(ty{L1}(s)) &&
        cap_le{L2}(d, s) && desc{L2}(s, d) &&
        (\forall integer t; slot(t) && t != d ==> \at(slot_view[t],L2) == \at(slot_view[t],L1));
    predicate slots_same{L1,L2} = \forall integer t; slot(t) ==> \at(slot_view[t],L2) == \at(slot_view[t],L1);
    // Words 4.. of a message have arrived, if both threads have a buffer.
    predicate words_given{L1,L2}(integer from, integer to, integer info) =
        buffer_of{L1}(from) != 0 && buffer_of{L1}(to) != 0 ==>
        (\forall integer k; MESSAGE_REGISTERS <= k < info % 128 ==>
            \at(buffer_view[buffer_of{L1}(to)].word[k],L2) == \at(buffer_view[buffer_of{L1}(from)].word[k],L1)); */
// What the arrival of words and of a capability changes, and of registers.
#define EXTRA_ASSIGNS                                                                              \
    buffer_view[..], item_view[..], slot_view[..], g_n, g_seq[..], g_pos[..], g_free[..], g_rank[..]
#define REGISTERS_ASSIGNS(t)                                                                       \
    tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI], tcb_view[t].r[R_RDX], tcb_view[t].r[R_R10],        \
        tcb_view[t].r[R_R8], tcb_view[t].r[R_R9]

// What a message brings: badge, words, and a capability if the sender may grant. In contracts.
// clang-format off
#define ENSURES_DELIVERED                                                                                          \
    ensures badge: tcb_view[to].r[R_RDI] == badge;                                                                 \
    ensures given: tcb_view[from].fault == FAULT_NONE ==>                                                          \
        message_given{Pre,Post}(from, to, badge, tcb_view[to].r[R_RSI]) &&                                         \
        tcb_view[to].r[R_RSI] / 1024 == info / 1024;                                                               \
    ensures short: tcb_view[from].fault == FAULT_NONE && info % 65536 <= MESSAGE_REGISTERS ==>                     \
        message_given{Pre,Post}(from, to, badge, info);                                                            \
    ensures long: tcb_view[from].fault == FAULT_NONE && info % 65536 > MESSAGE_REGISTERS ==>                       \
        words_given{Pre,Post}(from, to, info);                                                                     \
    ensures fault: tcb_view[from].fault != FAULT_NONE ==> \let w = tcb_view[from].fault_word;                     \
        tcb_view[to].r[R_RDX] == w[0] && tcb_view[to].r[R_R10] == w[1] && tcb_view[to].r[R_R8] == w[2] &&          \
        tcb_view[to].r[R_R9] == w[3] &&                                                                            \
        tcb_view[to].r[R_RSI] == MESSAGE_REGISTERS + tcb_view[from].fault * 0x100000000;                           \
    ensures passed: slots_same{Pre,Post} || (may_grant != 0 && tcb_view[from].fault == FAULT_NONE &&               \
        passed{Pre,Post}(\old(sent_slot(from)), \old(target_slot(to))));                                         \
    ensures slots: \forall integer s; slot(s) && \old(ty(s)) != CAP_NULL ==> slot_view[s] == \old(slot_view[s]);
// clang-format on

// Copies what is beyond the registers. Returns info as the receiver will see it: shorter if it has
// no buffer, INFO_CAP only if a capability arrived (the sender may grant, names one that can be
// copied, and the receiver names an empty slot).
/*@ requires caps: caps;
    requires threads: is_tcb(from) && is_tcb(to);
    requires length: info % 128 <= MESSAGE_WORDS;
    terminates \true; exits \false;
    assigns EXTRA_ASSIGNS;
    ensures caps: caps;
    ensures words: words_given{Pre,Post}(from, to, info);
    ensures label: \result / 1024 == info / 1024 && \result % 1024 < 256;
    ensures length: \result % 128 == (\old(buffer_of(from)) != 0 && \old(buffer_of(to)) != 0 ? info % 128 :
        \min(info % 128, MESSAGE_REGISTERS));
    ensures none: \result % 256 < 128 ==> slots_same{Pre,Post};
    ensures one: \result % 256 >= 128 ==> may_grant != 0 &&
        passed{Pre,Post}(\old(sent_slot(from)), \old(target_slot(to)));
    ensures slots: \forall integer s; slot(s) && \old(ty(s)) != CAP_NULL ==> slot_view[s] == \old(slot_view[s]); */
u64 message_extra(u32 from, u32 to, u64 info, u32 may_grant);

// The whole message of thread `from`, which waits or runs, or has faulted.
/*@ requires caps: caps;
    requires threads: is_tcb(from) && is_tcb(to);
    requires length: info % 128 <= MESSAGE_WORDS;
    requires others: from != to;
    terminates \true; exits \false;
    assigns REGISTERS_ASSIGNS(to), EXTRA_ASSIGNS;
    ensures caps: caps;
    ENSURES_DELIVERED */
void message_deliver(u32 from, u32 to, u64 badge, u64 info, u32 may_grant);

#endif
