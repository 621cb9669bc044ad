// Alarms: who wants to be woken when. Holds no capability.
// SPDX-License-Identifier: BSD-2-Clause
//
// A bounded heap, ordered by due time and then by age. An alarm with a period comes back by
// itself, at multiples of its period, leaving out those that have passed meanwhile.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "sel/result.hpp"

#include "abi/types.h"

namespace timer {

struct Alarm {
    u64 due_ns;    // Since boot.
    u64 period_ns; // 0: once.
    u64 client;    // Badge.
    u64 token;     // Chosen by the caller: what to do when it is due.
    u64 order;     // Of setting.
};

class Alarms {
  public:
    static constexpr std::size_t kAlarms = 64;
    static constexpr std::size_t kPerClient = 8;
    static constexpr u64 kFarthest = u64{1} << 62; // Nanoseconds: 146 years.
    static constexpr u64 kNever = ~u64{0};

    // ERR_FULL: no room, in all or for this client. ERR_ARG: farther than kFarthest.
    error_t set(u64 client, u64 token, u64 due_ns, u64 period_ns) {
        if (due_ns > kFarthest || period_ns > kFarthest) {
            return ERR_ARG;
        }
        auto end = alarm_.begin() + count_;
        auto mine = std::count_if(alarm_.begin(), end,
                                  [&](const Alarm &alarm) { return alarm.client == client; });
        if (count_ == kAlarms || mine >= static_cast<std::ptrdiff_t>(kPerClient)) {
            return ERR_FULL;
        }
        alarm_[count_++] = {due_ns, period_ns, client, token, order_++};
        std::push_heap(alarm_.begin(), alarm_.begin() + count_, later);
        return OK;
    }

    // Drops the alarms of `client` for which `chosen(alarm)` holds; how many those were.
    template <typename Chosen>
    std::size_t cancel(u64 client, Chosen chosen) {
        return cancel([&](const Alarm &alarm) { return alarm.client == client && chosen(alarm); });
    }
    template <typename Chosen>
    std::size_t cancel(Chosen chosen) {
        auto end = std::remove_if(alarm_.begin(), alarm_.begin() + count_, chosen);
        std::size_t left = static_cast<std::size_t>(end - alarm_.begin());
        std::size_t dropped = count_ - left;
        count_ = left;
        std::make_heap(alarm_.begin(), end, later);
        return dropped;
    }

    u64 next_due() const { return count_ == 0 ? kNever : alarm_[0].due_ns; }

    // The first alarm that is due by now; a periodic one is set again. ERR_EMPTY: none.
    sel::Result<Alarm> take_due(u64 now_ns) {
        if (next_due() > now_ns) {
            return ERR_EMPTY;
        }
        std::pop_heap(alarm_.begin(), alarm_.begin() + count_, later);
        Alarm due = alarm_[--count_];
        if (due.period_ns != 0) {
            Alarm &again = alarm_[count_++];
            again = due;
            again.due_ns += ((now_ns - due.due_ns) / due.period_ns + 1) * due.period_ns;
            again.order = order_++;
            std::push_heap(alarm_.begin(), alarm_.begin() + count_, later);
        }
        return due;
    }

    std::size_t count() const { return count_; }

  private:
    static bool later(const Alarm &a, const Alarm &b) {
        return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.order > b.order;
    }

    std::array<Alarm, kAlarms> alarm_{};
    std::size_t count_ = 0;
    u64 order_ = 0;
};

} // namespace timer
