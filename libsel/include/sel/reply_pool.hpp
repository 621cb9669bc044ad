// ReplyPool: the Reply objects of a server of which several threads receive.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each thread receives with a Reply of its own (Receiver) and answers with that at once, when it receives again.
// What it cannot answer it keeps: that Reply then holds the caller until some thread answers it, and the thread
// receives with another one. There are as many as the manifest says, and one more (`replies`).
#pragma once

#include <atomic>

#include "sel/later.hpp"

namespace sel {

class ReplyPool {
  public:
    static constexpr u32 kMax = Ledger::kDebts, kNone = kMax;

    constexpr explicit ReplyPool(SlotRange replies) : replies_{replies} {}
    ReplyPool(const ReplyPool &) = delete;
    ReplyPool &operator=(const ReplyPool &) = delete;

    Reply reply(u32 index) const { return Reply{replies_.first + index}; }

    // A free one, which is the caller's until put(); kNone: there is none.
    u32 take() {
        u64 used = used_.load();
        for (;;) {
            u32 index = static_cast<u32>(__builtin_ctzll(~used | 1ull << (kMax - 1)));
            if (index >= replies_.count || index >= kMax - 1) {
                return kNone;
            }
            if (used_.compare_exchange_weak(used, used | 1ull << index)) {
                owe(index, kPatienceMs);
                return index;
            }
        }
    }
    void put(u32 index) { used_.fetch_and(~(1ull << index)); }
    u32 used() const { return static_cast<u32>(__builtin_popcountll(used_.load())); }

    // The caller that it holds, or receives next, is to be answered within so many milliseconds (ledger.hpp). What
    // is said of a Reply that holds nobody does not count.
    static void owe(u32 index, u32 ms) { ledger().debt[index] = {now(), ms, 0}; }

    bool waits(u32 index) const { return sel::waits(reply(index)); }

    // Sends `r` to the caller that it holds. False: nobody got it.
    bool answer(u32 index, Regs &r) const;

  private:
    SlotRange replies_;
    std::atomic<u64> used_ = 0; // Bit i: somebody has Reply i.
};

// A caller that was kept, and that any thread of the program may answer, once.
class PendingReply {
  public:
    constexpr PendingReply() = default;
    constexpr PendingReply(ReplyPool &pool, u32 index) : pool_{&pool}, index_{index} {}

    constexpr u32 index() const { return index_; }

    // True while its caller waits: it may have died or given up.
    bool waits() const { return pool_->waits(index_); }

    // False: nobody got it.
    bool answer(Regs &r) const {
        bool delivered = pool_->answer(index_, r);
        answer_count()++;
        pool_->put(index_);
        return delivered;
    }
    template <typename R>
    bool answer(const Result<R> &result) const {
        Regs r{};
        store_answer(r, result);
        return answer(r);
    }

  private:
    ReplyPool *pool_ = nullptr;
    u32 index_ = 0;
};

// With what one thread receives.
class Receiver {
  public:
    constexpr Receiver(ReplyPool &pool, Tcb self) : pool_{pool}, self_{self} {}

    // Before its thread receives.
    Result<> start() {
        current_ = pool_.take();
        return current_ != ReplyPool::kNone ? bind() : ERR_FULL;
    }
    void owe(u32 ms) const { ReplyPool::owe(current_, ms); }
    bool waits() const { return pool_.waits(current_); }

    // The present caller stays, and is left to whoever answers `kept`. False: there is no Reply to receive with then.
    bool keep(PendingReply &kept) {
        u32 next = pool_.take();
        if (next == ReplyPool::kNone) {
            return false;
        }
        kept = {pool_, current_};
        current_ = next;
        [[maybe_unused]] auto bound = bind();
        return true;
    }

    u32 current() const { return current_; } // Number of the Reply that holds the present caller.

    // Answers the present caller before the thread receives again. False: nobody got it.
    bool answer(Regs &r) const { return pool_.answer(current_, r); }

    void settle() {} // For handle(): what was not answered was kept.

  private:
    Result<> bind() const { return self_.bind(TCB_SLOT_REPLY, pool_.reply(current_)); }

    ReplyPool &pool_;
    Tcb self_;
    u32 current_ = ReplyPool::kNone;
};

} // namespace sel
