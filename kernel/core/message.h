// Messages: how words and one capability get from one thread to another.
// SPDX-License-Identifier: BSD-2-Clause
//
// Words 0..3 travel in the registers that the entry code stored in the sender's TCB; words 4.. from
// IPC buffer to IPC buffer; a faulting thread's message is its fault_word. This is the only place
// where the kernel copies a message.
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "core/view.h"
#include "spec/cspace.h"
#include "spec/wait.h"

// Length above the registers, a capability, a timeout: anything that needs the IPC buffer.
#define MESSAGE_IS_SHORT(info) ((info) % 65536 <= MESSAGE_REGISTERS)

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

// The capability space of every thread can be searched.
/*@ predicate caps{L} = wf_caps{L} && cnode_range{L} && cnode_lookup{L} &&
        (\forall integer t; tcb(t) ==> cspace_root(t + 4 * TCB_SLOT_CSPACE)); */
// What the arrival of words and of a capability changes, and of registers.
#define EXTRA_ASSIGNS                                                                              \
    buffer_view[0..0xffffffff].word[0..BUFFER_WORDS - 1], item_view[..], slot_view[..], g_n,       \
        g_seq[..], g_pos[..], g_free[..], g_rank[..]
#define REGISTERS_ASSIGNS(t)                                                                       \
    tcb_view[t].r[R_RDI], tcb_view[t].r[R_RSI], tcb_view[t].r[R_RDX], tcb_view[t].r[R_R10],        \
        tcb_view[t].r[R_R8], tcb_view[t].r[R_R9]

// Copies what is beyond the registers. Returns info as the receiver will see it: shorter if it has
// no buffer, INFO_CAP only if a capability arrived (the sender may grant, names one that can be
// copied, and the receiver names an empty slot).
/*@ requires caps: caps;
    requires threads: tcb(from) && tcb(to);
    terminates \true; exits \false;
    assigns EXTRA_ASSIGNS;
    ensures caps: caps;
    ensures slots: \forall integer s; slot(s) && \old(ty(s)) != CAP_NULL ==> slot_view[s] == \old(slot_view[s]); */
u64 message_extra(u32 from, u32 to, u64 info, u32 may_grant);

// The whole message of thread `from`, which waits or runs, or has faulted.
/*@ requires caps: caps;
    requires threads: tcb(from) && tcb(to);
    terminates \true; exits \false;
    assigns REGISTERS_ASSIGNS(to), EXTRA_ASSIGNS;
    ensures caps: caps;
    ensures badge: tcb_view[to].r[R_RDI] == badge;
    ensures short: tcb_view[from].fault == FAULT_NONE && info % 65536 <= MESSAGE_REGISTERS ==>
        message_given{Pre,Post}(from, to, badge, info);
    ensures fault: tcb_view[from].fault != FAULT_NONE ==> \let w = tcb_view[from].fault_word;
        tcb_view[to].r[R_RDX] == w[0] && tcb_view[to].r[R_R10] == w[1] && tcb_view[to].r[R_R8] == w[2] && tcb_view[to].r[R_R9] == w[3];
    ensures slots: \forall integer s; slot(s) && \old(ty(s)) != CAP_NULL ==> slot_view[s] == \old(slot_view[s]); */
void message_deliver(u32 from, u32 to, u64 badge, u64 info, u32 may_grant);

#endif
