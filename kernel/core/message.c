// Messages: copying words and passing a capability.
// SPDX-License-Identifier: BSD-2-Clause
#include "core/message.h"

#include "core/capability.h"
#include "core/cspace.h"

#define COPY(k) BUFFER(to).word[i + (k)] = BUFFER(from).word[i + (k)]

// Words 4..n-1 from page `from` to page `to`. Four a round, as measured (kernel/README.md).
/*@ requires pages: from != to;
    requires n: n <= MESSAGE_WORDS;
    terminates \true; exits \false;
    assigns buffer_view[to].word[MESSAGE_REGISTERS .. MESSAGE_WORDS - 1];
    ensures copied: \forall integer k; MESSAGE_REGISTERS <= k < n ==>
        buffer_view[to].word[k] == \old(buffer_view[from].word[k]);
    ensures rest: \forall integer k; n <= k < BUFFER_WORDS && MESSAGE_REGISTERS <= k ==>
        buffer_view[to].word[k] == \old(buffer_view[to].word[k]); */
static inline void copy_words(u32 from, u32 to, u64 n) {
    u64 i = MESSAGE_REGISTERS;
    /*@ loop invariant place: MESSAGE_REGISTERS <= i && (i <= n || i == MESSAGE_REGISTERS);
        loop invariant copied: \forall integer k; MESSAGE_REGISTERS <= k < i ==>
            buffer_view[to].word[k] == \at(buffer_view[from].word[k],Pre);
        loop invariant rest: \forall integer k; i <= k < BUFFER_WORDS ==>
            buffer_view[to].word[k] == \at(buffer_view[to].word[k],Pre);
        loop invariant others: \forall integer p, k; 0 <= p < INDEX_COUNT && p != to && 0 <= k < BUFFER_WORDS ==>
            buffer_view[p].word[k] == \at(buffer_view[p].word[k],Pre);
        loop assigns i, buffer_view[to].word[MESSAGE_REGISTERS .. MESSAGE_WORDS - 1];
        loop variant MESSAGE_WORDS + 4 - i; */
    for (; i + 4 <= n; i += 4) {
        COPY(0);
        COPY(1);
        COPY(2);
        COPY(3);
    }
    /*@ loop invariant place: MESSAGE_REGISTERS <= i && (i <= n || i == MESSAGE_REGISTERS);
        loop invariant copied: \forall integer k; MESSAGE_REGISTERS <= k < i ==>
            buffer_view[to].word[k] == \at(buffer_view[from].word[k],Pre);
        loop invariant rest: \forall integer k; i <= k < BUFFER_WORDS ==>
            buffer_view[to].word[k] == \at(buffer_view[to].word[k],Pre);
        loop invariant others: \forall integer p, k; 0 <= p < INDEX_COUNT && p != to && 0 <= k < BUFFER_WORDS ==>
            buffer_view[p].word[k] == \at(buffer_view[p].word[k],Pre);
        loop assigns i, buffer_view[to].word[MESSAGE_REGISTERS .. MESSAGE_WORDS - 1];
        loop variant MESSAGE_WORDS + 4 - i; */
    for (; i < n; i++) {
        COPY(0);
    }
}

// Passes the capability that `from` names to the slot that `to` names. 0: nothing was passed.
__attribute__((noinline, flatten)) static u32 transfer(u32 from, u32 to) {
    u32 s = cspace_lookup(from, BUFFER(message_buffer(from)).word[BUFFER_CAP_SEND]);
    u32 d = cspace_destination(to, BUFFER(message_buffer(to)).word[BUFFER_CAP_RECV]);
    if (d == 0 || SLOT(d).type != CAP_NULL || !capability_copyable(SLOT(s).type)) {
        return 0;
    }
    capability_copy(s, d, RIGHT_ALL, capability_copy_data(s));
    return 1;
}

u64 message_extra(u32 from, u32 to, u64 info, u32 may_grant) {
    u32 n = message_length(info);
    u64 kept = info & ~(u64)(INFO_LENGTH | INFO_CAP | INFO_TIMEOUT | INFO_SIGNAL);
    u32 source = message_buffer(from), target = message_buffer(to);
    if (source == 0 || target == 0) {
        return kept | (n < MESSAGE_REGISTERS ? n : MESSAGE_REGISTERS);
    }
    if (source != target) {
        copy_words(source, target, n);
    }
    if ((info & INFO_CAP) != 0 && may_grant && transfer(from, to)) {
        kept |= INFO_CAP;
    }
    return kept | n;
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
    TCB(to).r[R_RSI] = 4 | (u64)TCB(from).fault << INFO_LABEL_SHIFT;
    TCB(to).r[R_RDX] = TCB(from).fault_word[0];
    TCB(to).r[R_R10] = TCB(from).fault_word[1];
    TCB(to).r[R_R8] = TCB(from).fault_word[2];
    TCB(to).r[R_R9] = TCB(from).fault_word[3];
}
