// Silence: does a server that uses no processor time owe somebody an answer that will never come?
// SPDX-License-Identifier: BSD-2-Clause
//
// Root looks at all servers again and again (kLookMs). What it believes is what the kernel shows: states of
// threads, time used, callers that still wait. A server's own ledger (sel/ledger.hpp) can only be held
// against it, and what its clients say counts for nothing (adr/0083).
//
//   LATE       an answer is owed for longer than its message allows
//   FORGOTTEN  an answer is owed, and the server waits for messages, with nothing that goes on by itself
//   LOST       a caller waits, and the server does not know of it
//   STANDS     a thread waits outside of the loop of its server, and nobody is at work on what it waits for
//   LOOPS      a thread besides the first uses much processor time and answers nobody
// Time is counted in looks, so that a machine that stood still makes nobody late.
#pragma once

#include <array>

#include "abi/call.h"

#include "sel/ledger.hpp"

namespace root {

enum class Silence : u8 { NONE, LATE, FORGOTTEN, LOST, STANDS, LOOPS };

// A thread, as the kernel shows it.
struct ThreadLook {
    bool there = false;
    bool faulted = false; // It waits for whoever handles its fault.
    u8 state = STATE_INACTIVE;
    u64 ticks_used = 0;
};

// A server, as it is found.
struct ServerLook {
    std::array<ThreadLook, 1 + sel::Ledger::kThreads> thread{}; // The first one serves.
    u64 armed = 0;        // Bit i: the caller that Reply i holds still waits.
    sel::Ledger ledger{}; // What the server says.
    bool helpers_work =
        false; // A server that it may call is at work for somebody, or being restarted.
};

class Patience {
  public:
    static constexpr u32 kLookMs = 250;
    static constexpr u32 kLookMostMs = 2 * kLookMs; // That one look counts for.
    static constexpr u32 kIdleMs = 1000;            // Until what nobody works on is forgotten.
    static constexpr u32 kBusyLooks = 4;            // In a row,
    static constexpr u32 kBusyPart = 4; // in which it used one part of so many of the time.

    // Is there anything to be done in it? A server that only waits for requests, and owes nothing but what
    // waits by its nature, helps nobody.
    static bool at_work(const ServerLook &look) {
        return look.thread[0].state != STATE_RECV || owes(look) || threads_work(look);
    }

    // `ms`: since the last look, `ticks`: the same, as the kernel counts time.
    Silence look(const ServerLook &look, u32 ms, u64 ticks) {
        now_ms_ += ms < kLookMostMs ? ms : kLookMostMs;
        Silence found = Silence::NONE;
        for (u32 i = 0; i < look.thread.size(); i++) {
            Silence thread = judge(look, i, ticks);
            found = found == Silence::NONE ? thread : found;
        }
        for (u32 i = 0; i < sel::Ledger::kDebts; i++) {
            Silence debt = judge_debt(look, i);
            found = found == Silence::NONE ? debt : found;
        }
        return found;
    }

  private:
    struct Thread {
        u64 ticks_used = 0, answers = 0;
        u32 since_ms = 0; // It has not run since then.
        u32 busy = 0;     // Looks in a row.
    };
    struct Debt {
        u32 id = 0;       // Low bits of its `since`.
        u32 first_ms = 0; // When it was seen first.
    };

    static bool is_armed(const ServerLook &look, u32 i) { return (look.armed >> i & 1) != 0; }

    static bool owes(const ServerLook &look) {
        for (u32 i = 0; i < sel::Ledger::kDebts; i++) {
            if (is_armed(look, i) && look.ledger.debt[i].ms != sel::kNoLimit) {
                return true;
            }
        }
        return false;
    }

    static bool idles(const ThreadLook &thread) {
        return !thread.there || thread.state == STATE_WAIT || thread.state == STATE_RECV ||
               thread.state == STATE_INACTIVE;
    }

    static bool threads_work(const ServerLook &look) {
        for (u32 i = 1; i < look.thread.size(); i++) {
            if (!idles(look.thread[i])) {
                return true;
            }
        }
        return false;
    }

    Silence judge(const ServerLook &look, u32 i, u64 ticks) {
        const ThreadLook &now = look.thread[i];
        Thread &before = thread_[i];
        if (!now.there || now.faulted) {
            before = {.since_ms = now_ms_};
            return Silence::NONE;
        }
        u64 answers = i == 0 ? look.ledger.answers : look.ledger.thread[i - 1].answers;
        u64 used = now.ticks_used - before.ticks_used;
        bool busy = used >= ticks / kBusyPart && answers == before.answers && i != 0;
        before.busy = busy ? before.busy + 1 : 0;
        before.since_ms = used != 0 ? now_ms_ : before.since_ms;
        before.ticks_used = now.ticks_used;
        before.answers = answers;
        if (before.busy >= kBusyLooks) {
            return Silence::LOOPS;
        }
        bool calls = now.state == STATE_CALL || now.state == STATE_REPLY;
        bool waits = calls || now.state == STATE_SEND || (i == 0 && idles(now));
        bool serves = i == 0 && now.state == STATE_RECV;
        bool stands = waits && !serves && !(calls && look.helpers_work);
        return stands && now_ms_ - before.since_ms >= kIdleMs ? Silence::STANDS : Silence::NONE;
    }

    Silence judge_debt(const ServerLook &look, u32 i) {
        const sel::Debt &debt = look.ledger.debt[i];
        if (!is_armed(look, i)) {
            debt_[i] = {};
            return Silence::NONE;
        }
        bool serves = look.thread[0].state == STATE_RECV;
        if (debt.ms == 0) {
            return serves ? Silence::LOST : Silence::NONE; // Else it is just being worked on.
        }
        u32 id = static_cast<u32>(debt.since);
        if (debt_[i].first_ms == 0 || debt_[i].id != id) {
            debt_[i] = {id, now_ms_};
        }
        u32 age = now_ms_ - debt_[i].first_ms;
        if (debt.ms != sel::kNoLimit && age > debt.ms) {
            return Silence::LATE;
        }
        bool sleeps = serves && look.ledger.deadline == sel::kForever && !threads_work(look);
        bool forgotten = sleeps && debt.ms != sel::kNoLimit && age >= kIdleMs;
        return forgotten ? Silence::FORGOTTEN : Silence::NONE;
    }

    u32 now_ms_ = 1; // Of the looks at this life of the server.
    std::array<Thread, 1 + sel::Ledger::kThreads> thread_{};
    std::array<Debt, sel::Ledger::kDebts> debt_{};
};

} // namespace root
