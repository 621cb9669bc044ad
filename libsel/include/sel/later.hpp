// Later: an answer that a server owes. It may be given now, after other messages, or never.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each waiting caller occupies one Reply object; the manifest says how many there are (`replies`),
// so what clients can make a server keep is bounded: when none is left they get ERR_FULL.
// A Later that is dropped unanswered answers ERR_GONE. A caller may die or give up meanwhile: its Reply
// then holds nobody, which the kernel shows (waits()). Such a place is used again when none is left, and
// the Later that had it is void from then on. Whoever keeps Laters in a table of its own asks waits()
// before it refuses somebody for want of room (adr/0080).
#pragma once

#include "sel/capability.hpp"
#include "sel/ledger.hpp"
#include "sel/message.hpp"

namespace sel {

inline void store_error(Regs &r, error_t error) {
    r.info = static_cast<u64>(error) << INFO_LABEL_SHIFT;
}

template <typename R>
void store_answer(Regs &r, const Result<R> &answer) {
    if constexpr (std::is_void_v<R>) {
        store_error(r, answer.error());
    } else if (answer.ok()) {
        store(r, OK, answer.value());
    } else {
        store_error(r, answer.error());
    }
}

// The Reply objects of a server of one thread: one receives, the others hold callers that wait.
class ReplySet {
  public:
    static constexpr u32 kMax = Ledger::kDebts;

    constexpr ReplySet(Tcb self, SlotRange replies) : self_{self}, replies_{replies} {}
    ReplySet(const ReplySet &) = delete;
    ReplySet &operator=(const ReplySet &) = delete;

    // True if the current caller could be kept waiting and another one received. Takes back the places
    // of callers that do not wait any more if there is no other.
    bool spare();
    u32 current() const { return current_; }
    // Which use of Reply `index` this is: tells a Later of an earlier one that it is void.
    u32 turn(u32 index) const { return turn_[index]; }
    u32 waiting() const { return static_cast<u32>(__builtin_popcountll(waiting_)); }

    // Does Reply `index` hold a caller that waits for its answer?
    bool waits(u32 index) const;

    // Sends `r` as the answer to the caller held by Reply `index` in this turn. False: nobody got it.
    bool answer(u32 index, u32 turn, Regs &r);

    // Within so many milliseconds the current caller is to be answered, if it is kept waiting (ledger.hpp).
    void allow(u32 ms) { allowed_ms_ = ms; }
    // The same of the caller held by Reply `index` in this turn, from now on.
    void promise(u32 index, u32 turn, u32 ms);

    // After a handler took a Later: if it has not answered, receive with another Reply from now on.
    void settle();

  private:
    u32 count() const { return replies_.count < kMax ? replies_.count : kMax; }
    u32 find_free() const;
    void hold_current();
    void reclaim();
    bool send(u32 index, Regs &r) const;

    Tcb self_;
    SlotRange replies_;
    u64 waiting_ = 0; // Bit i: Reply i holds a caller.
    u32 turn_[kMax] = {};
    u32 current_ = 0;
    u32 allowed_ms_ = kPatienceMs;
    bool answered_ = false;
};

template <typename M>
class [[nodiscard]] Later {
  public:
    using Answer = typename M::Answer;

    constexpr Later() = default;
    explicit Later(ReplySet &set)
        : set_{&set}, index_{set.current()}, turn_{set.turn(set.current())} {}
    Later(Later &&other) : set_{other.set_}, index_{other.index_}, turn_{other.turn_} {
        other.set_ = nullptr;
    }
    Later &operator=(Later &&other) {
        if (this != &other) {
            drop();
            set_ = other.set_;
            index_ = other.index_;
            turn_ = other.turn_;
            other.set_ = nullptr;
        }
        return *this;
    }
    ~Later() { drop(); }

    // True while this answer is owed.
    explicit operator bool() const { return set_ != nullptr; }

    // True while it is owed to somebody: its caller may have died or given up.
    bool waits() const {
        return set_ != nullptr && set_->turn(index_) == turn_ && set_->waits(index_);
    }

    // It is being worked on: from now on so many milliseconds are allowed for it (ledger.hpp).
    void promise(u32 ms) {
        if (set_ != nullptr) {
            set_->promise(index_, turn_, ms);
        }
    }

    // False: nobody got it, and what was answered is still the server's.
    bool answer(const Result<Answer> &result) {
        if (set_ == nullptr) {
            return false;
        }
        Regs r{};
        store_answer(r, result);
        ReplySet *set = set_;
        set_ = nullptr;
        return set->answer(index_, turn_, r);
    }

  private:
    void drop() {
        if (set_ != nullptr) {
            answer(ERR_GONE);
        }
    }

    ReplySet *set_ = nullptr;
    u32 index_ = 0;
    u32 turn_ = 0;
};

} // namespace sel
