// Children: the book of the programs that are started at run time: numbers, quotas, who started whom.
// SPDX-License-Identifier: BSD-2-Clause
//
//   free --take()--> runs --end()--> ended --drop()--> free
// Holds no capability: what the kernel knows of them stands in starts.cpp. A number that is free again is
// taken when all others have been. Who started a program keeps its place in the quota until it drops it:
// then all is back that it made the program of. Every step costs the same, however many there are.
#pragma once

#include <string_view>

#include "api.hpp"
#include "system.hpp"

namespace root {

struct Child {
    u32 starter = 0; // 0: the number is free.
    u32 above = 0;   // For which of its programs that has started it; 0: none.
    bool runs = false;
    bool again = false; // As Life::again.
    u8 priority = 0;
    u32 incarnation = 0; // Of the number: how often it has been taken,
    u32 ends = 0;        // and how often that has ended.
    s32 exit_code = 0;
    u32 permille = 0; // Of the processor.
    u64 memory = 0;   // Bytes, as its starter says.
    u32 slots = 0;    // Of its CSpace, as its starter says.
    u32 count = 0;    // Of what it was given.
    Admit::Entry entry[Admit::kMax];
    Name name;
};

class Children {
  public:
    static constexpr u32 kFirst = sel::Environment::kSystemPrograms + 1;

    Children() {
        for (u32 i = 0; i < CHILD_MAX; i++) {
            free_[i] = static_cast<u8>(i);
        }
    }

    // Is it a number of these at all? Does somebody have it?
    static bool is_number(u64 number) {
        return number >= kFirst && number <= sel::Environment::kPrograms;
    }
    bool has(u64 number) const { return is_number(number) && place(number).starter != 0; }
    bool runs(u64 number) const { return is_number(number) && place(number).runs; }
    const Child &child(u64 number) const { return place(number); }
    // For what settle_faults() notes.
    Child &child(u64 number) { return child_[number - kFirst]; }

    // A number for a program that `starter` starts out of `quota`. ERR_PRIORITY: above the quota. ERR_FULL: the
    // quota of programs or of time is used up, or there are no numbers left. ERR_ARG: impossible times, or more slots
    // than a CSpace has, all of which GetSlots looks at.
    sel::Result<u32> take(u32 starter, const grant::Starter &quota, const Admit &m) {
        constexpr u32 kPeriodMax = 10'000'000, kAll = 1000;
        if (m.budget_us == 0 || m.budget_us > m.period_us || m.period_us > kPeriodMax ||
            m.priority == 0 || m.slots > CNODE_MAX ||
            (m.above != 0 && (!runs(m.above) || child(m.above).starter != starter))) {
            return ERR_ARG;
        }
        if (m.priority > quota.priority) {
            return ERR_PRIORITY;
        }
        u32 permille = static_cast<u32>((u64{m.budget_us} * kAll + m.period_us - 1) / m.period_us);
        Used &used = used_[starter - 1];
        if (used.programs >= quota.programs || used.permille + permille > quota.permille ||
            taken_ == CHILD_MAX) {
            return ERR_FULL;
        }
        u32 index = free_[first_];
        first_ = (first_ + 1) % CHILD_MAX;
        taken_++;
        used.programs++;
        used.permille += permille;
        Child &c = child_[index];
        c = {.starter = starter,
             .above = m.above,
             .runs = true,
             .priority = static_cast<u8>(m.priority),
             .incarnation = c.incarnation + 1,
             .ends = c.ends,
             .permille = permille,
             .memory = m.memory,
             .slots = m.slots,
             .name = m.data};
        return kFirst + index;
    }

    // It runs no more.
    void end(u32 number, s32 code) {
        Child &c = child(number);
        c.runs = false;
        c.exit_code = code;
        c.ends++;
    }

    // Its number and its part of the quota are free.
    void drop(u32 number) {
        Child &c = child(number);
        Used &used = used_[c.starter - 1];
        used.programs--;
        used.permille -= c.permille;
        c.starter = 0;
        c.runs = false;
        taken_--;
        free_[(first_ + CHILD_MAX - 1 - taken_) % CHILD_MAX] = static_cast<u8>(number - kFirst);
    }

    // Does this program of boot/system.toml keep any?
    bool any_of(u32 starter) const { return used_[starter - 1].programs != 0; }

    // The first that runs and has this name; 0: none.
    u32 find(std::string_view name) const {
        for (u32 i = 0; i < CHILD_MAX; i++) {
            if (child_[i].runs && child_[i].name.view() == name) {
                return kFirst + i;
            }
        }
        return 0;
    }

  private:
    struct Used {
        u32 programs = 0, permille = 0;
    };

    const Child &place(u64 number) const { return child_[number - kFirst]; }

    Child child_[CHILD_MAX];
    Used used_[PROGRAM_MAX];
    u8 free_[CHILD_MAX];        // A ring: those that are free, longest first,
    u32 first_ = 0, taken_ = 0; // CHILD_MAX - taken_ of them from first_ on.
};

} // namespace root
