// Policy: which program comes back after its end, and when. Holds no capability.
// SPDX-License-Identifier: BSD-2-Clause
//
//   never     it stays ended
//   always    it comes back at once
//   backoff   it comes back after kFirstDelay, then twice as long each time, up to kLongestDelay
// After `tries` ends in a row it stays ended; a life of kStable or longer starts the count anew.
#pragma once

#include <array>

#include "servers/root/api.hpp"

#include "sel/environment.hpp"

namespace restart {

class Policy {
  public:
    static constexpr u32 kPrograms =
        sel::Environment::kSystemPrograms; // Those started at run time stay ended.
    static constexpr u64 kSecond = 1'000'000'000;
    static constexpr u64 kFirstDelay = kSecond / 8;
    static constexpr u64 kLongestDelay = 16 * kSecond;
    static constexpr u64 kStable = 30 * kSecond;
    static constexpr u64 kNever = ~u64{0};

    struct Decision {
        bool restart;
        u64 due_ns; // When. Now or earlier: at once.
        u32 failures;
    };

    // `program` has ended at `now_ns`; remembers when it is to come back.
    Decision failed(const root::Program &program, u64 now_ns) {
        if (program.number == 0 || program.number > kPrograms) {
            return {false, kNever, 0};
        }
        Life &life = life_[program.number - 1];
        life.failures = now_ns - life.started_ns >= kStable ? 1 : life.failures + 1;
        life.due_ns = kNever;
        bool again = program.restart != root::Restart::NEVER && life.failures <= u32{program.tries};
        if (again) {
            life.due_ns = now_ns + delay(program.restart, life.failures);
        }
        return {again, life.due_ns, life.failures};
    }

    // `program` is ended by hand: that is no failure, and it comes back at once if it does at all.
    Decision killed(const root::Program &program, u64 now_ns) {
        bool again = program.restart != root::Restart::NEVER;
        return {again, again ? now_ns : kNever, 0};
    }

    // `program` had ended before anybody looked, and its clients wait for it: what was begun is finished.
    // How often it had failed is not known any more.
    Decision adopt(const root::Program &program, u64 now_ns) {
        if (program.number == 0 || program.number > kPrograms) {
            return {false, kNever, 0};
        }
        Life &life = life_[program.number - 1];
        life.failures = 1;
        life.due_ns = now_ns + delay(program.restart, life.failures);
        return {true, life.due_ns, life.failures};
    }

    // It is to come back at this time.
    void schedule(u32 number, u64 due_ns) {
        if (number != 0 && number <= kPrograms) {
            life_[number - 1].due_ns = due_ns;
        }
    }

    // Somebody else sees to what was to come back, but for `own`.
    void leave_all_but(u32 own) {
        for (u32 i = 0; i < kPrograms; i++) {
            life_[i].due_ns = i + 1 == own ? life_[i].due_ns : kNever;
        }
    }

    // It runs again.
    void started(u32 number, u64 now_ns) {
        if (number != 0 && number <= kPrograms) {
            life_[number - 1].started_ns = now_ns;
            life_[number - 1].due_ns = kNever;
        }
    }

    void forgive(u32 number) {
        if (number != 0 && number <= kPrograms) {
            life_[number - 1].failures = 0;
        }
    }

    u64 next_due() const {
        u64 due = kNever;
        for (const Life &life : life_) {
            due = life.due_ns < due ? life.due_ns : due;
        }
        return due;
    }

    // A program that is to be started by now, 0: none.
    u32 take_due(u64 now_ns) {
        for (u32 i = 0; i < kPrograms; i++) {
            if (life_[i].due_ns <= now_ns) {
                life_[i].due_ns = kNever;
                return i + 1;
            }
        }
        return 0;
    }

  private:
    struct Life {
        u64 started_ns = 0;
        u64 due_ns = kNever;
        u32 failures = 0; // Ends in a row.
    };

    static u64 delay(root::Restart restart, u32 failures) {
        if (restart != root::Restart::BACKOFF) {
            return 0;
        }
        constexpr u32 kDoublings = 7;
        u64 delay = kFirstDelay << (failures - 1 < kDoublings ? failures - 1 : kDoublings);
        return delay < kLongestDelay ? delay : kLongestDelay;
    }

    std::array<Life, kPrograms> life_{};
};

} // namespace restart
