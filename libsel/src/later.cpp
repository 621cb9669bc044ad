// Reply objects: who is owed an answer, and with which object the server receives next.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/later.hpp"
#include "sel/reply_pool.hpp"

#include <bit>

namespace sel {

// No message has so many words. The kernel refuses such an answer and changes nothing, but first it looks
// whether there is somebody to be answered.
bool waits(Reply reply) {
    static_assert(INFO_LENGTH > MESSAGE_WORDS);
    return call(CALL_REPLY, reply.cptr(), INFO_LENGTH).error() == ERR_ARG;
}

// count() or more: there is none.
u32 ReplySet::find_free() const {
    return static_cast<u32>(std::countr_one(waiting_ | 1ull << current_));
}

bool ReplySet::waits(u32 index) const {
    return sel::waits(Reply{replies_.first + index});
}

bool ReplySet::spare() {
    if (find_free() < count()) {
        return true;
    }
    reclaim();
    return find_free() < count();
}

void ReplySet::reclaim() {
    for (u32 i = 0; i < count(); i++) {
        if ((waiting_ >> i & 1) != 0 && !waits(i)) {
            turn_[i]++;
            ledger().debt[i].ms = 0;
            waiting_ &= ~(1ull << i);
        }
    }
}

bool ReplySet::send(u32 index, Regs &r) const {
    r.number = CALL_REPLY;
    r.cptr = replies_.first + index;
    kernel_call(r);
    if (r.error() == OK || r.error() == ERR_EMPTY) {
        ledger().debt[index].ms = 0;
    }
    return r.error() == OK;
}

bool ReplySet::answer(u32 index, u32 turn, Regs &r) {
    if (turn != turn_[index]) {
        return false;
    }
    bool delivered = send(index, r);
    if (index == current_) {
        answered_ = true;
    } else {
        waiting_ &= ~(1ull << index);
    }
    return delivered;
}

void ReplySet::promise(u32 index, u32 turn, u32 ms) {
    if (turn == turn_[index] && ledger().debt[index].ms != 0) {
        ledger().debt[index] = {now(), ms, 0};
    }
}

// Its caller stays; the next one is received with another Reply.
void ReplySet::hold_current() {
    u32 next = find_free();
    waiting_ |= 1ull << current_;
    ledger().debt[current_] = {now(), allowed_ms_, 0};
    current_ = next;
    [[maybe_unused]] auto bound = self_.bind(TCB_SLOT_REPLY, Reply{replies_.first + next});
}

void ReplySet::settle() {
    if (!answered_) {
        hold_current();
    }
    answered_ = false;
}

bool ReplyPool::answer(u32 index, Regs &r) const {
    r.number = CALL_REPLY;
    r.cptr = reply(index).cptr();
    kernel_call(r);
    return r.error() == OK;
}

} // namespace sel
