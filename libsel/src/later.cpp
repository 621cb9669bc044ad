// Reply objects: who is owed an answer, and with which object the server receives next.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/later.hpp"

namespace sel {

u32 ReplySet::find_free() const {
    u32 i = 0;
    while (i < count() && (i == current_ || (waiting_.load() >> i & 1) != 0)) {
        i++;
    }
    return i;
}

void ReplySet::answer(u32 index, Regs &r) {
    r.number = CALL_REPLY;
    r.cptr = replies_.first + index;
    kernel_call(r); // The caller may have died: nobody is left to be told.
    if (index == current_) {
        answered_ = true;
    } else {
        waiting_.fetch_and(~(1ull << index));
    }
}

void ReplySet::answer_detached(u32 index, Regs &r) {
    r.number = CALL_REPLY;
    r.cptr = replies_.first + index;
    kernel_call(r); // The caller may have died.
    waiting_.fetch_and(~(1ull << index));
}

u32 ReplySet::detach() {
    u32 index = current_;
    hold_current();
    answered_ = true; // Nothing is left to be settled.
    return index;
}

// Its caller stays; the next one is received with another Reply.
void ReplySet::hold_current() {
    u32 next = find_free();
    waiting_.fetch_or(1ull << current_);
    current_ = next;
    [[maybe_unused]] auto bound = self_.bind(TCB_SLOT_REPLY, Reply{replies_.first + next});
}

void ReplySet::settle() {
    if (!answered_) {
        hold_current();
    }
    answered_ = false;
}

} // namespace sel
