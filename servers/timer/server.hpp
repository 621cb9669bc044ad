// TimerServer: sleepers, periodic signals and the date, on the kernel's time-outs.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "api.hpp"
#include "timer.hpp"

#include "sel/clock.hpp"

namespace timer {

class TimerServer {
  public:
    static constexpr u32 kSleepers = 32;
    static constexpr u32 kSignals = 16;

    // `arrival`: the empty slot where capabilities arrive. `signals`: empty slots to keep them in.
    // `boot_seconds`: the date at boot, 0: unknown.
    TimerServer(sel::Clock clock, cptr_t arrival, sel::SlotRange signals, u64 boot_seconds)
        : clock_{clock}, arrival_{arrival}, signals_{signals}, boot_seconds_{boot_seconds} {}

    void on(const Sleep &m, sel::Caller caller, sel::Later<Sleep> sleeper) {
        sel::Result<u32> place = set_sleep(m, caller);
        if (place.error() == ERR_FULL) {
            drop_left();
            place = set_sleep(m, caller);
        }
        if (!place) {
            sleeper.answer(place.error());
        } else {
            sleeper_[*place] = std::move(sleeper);
        }
    }

    void on_ended(u32 client) {
        drop_left();
        for (u32 place = 0; place < signal_count(); place++) {
            u64 token = kSleepers + u64{place};
            if (alarms_.cancel(client, [&](const Alarm &a) { return a.token == token; }) != 0) {
                drop_signal(place);
            }
        }
    }

    sel::Result<u64> on(const Uptime &) { return now_ns(); }

    sel::Result<u64> on(const Date &) {
        if (boot_seconds_ == 0) {
            return ERR_IO;
        }
        return boot_seconds_ + now_ns() / sel::Clock::kSecond;
    }

    sel::Result<u32> on(const Periodic &m, sel::Caller caller) {
        if (!caller.capability) {
            return ERR_ARG;
        }
        sel::Notification arrived{arrival_};
        sel::Result<sel::CapabilityInfo> info = arrived.info();
        sel::Result<u32> number = ERR_ARG;
        if (info && info->type == CAP_NOTIFICATION && m.ns >= kPeriodMin) {
            number = add_signal(m, caller);
        }
        if (!number) {
            [[maybe_unused]] auto dropped = arrived.remove();
        }
        return number;
    }

    sel::Result<> on(const Cancel &m, sel::Caller caller) {
        u64 token = kSleepers + u64{m.number};
        auto chosen = [&](const Alarm &alarm) { return alarm.token == token; };
        if (m.number >= kSignals || alarms_.cancel(caller.client, chosen) == 0) {
            return ERR_NAME;
        }
        drop_signal(m.number);
        return {};
    }

    u64 deadline() {
        u64 due = alarms_.next_due();
        return due == Alarms::kNever ? sel::kForever : clock_.ticks(due) + 1;
    }

    void on_timeout() {
        u64 now = now_ns();
        for (u32 i = 0; i < Alarms::kAlarms; i++) {
            sel::Result<Alarm> due = alarms_.take_due(now);
            if (!due) {
                return;
            }
            fire(*due);
        }
    }

  private:
    sel::Result<u32> set_sleep(const Sleep &m, sel::Caller caller) {
        u32 place = 0;
        while (place < kSleepers && sleeper_[place]) {
            place++;
        }
        error_t error = place == kSleepers ? ERR_FULL : set(caller, place, m.ns, 0);
        return error == OK ? sel::Result<u32>{place} : error;
    }

    // Sleepers who have died or given up.
    void drop_left() {
        for (u32 place = 0; place < kSleepers; place++) {
            if (sleeper_[place] && !sleeper_[place].waits()) {
                alarms_.cancel([&](const Alarm &alarm) { return alarm.token == place; });
                sleeper_[place] = {};
            }
        }
    }

    u64 now_ns() const { return clock_.nanoseconds(sel::now()); }

    error_t set(sel::Caller caller, u64 token, u64 delay_ns, u64 period_ns) {
        u64 now = now_ns();
        if (delay_ns > Alarms::kFarthest - now) {
            return ERR_ARG;
        }
        return alarms_.set(caller.client, token, now + delay_ns, period_ns);
    }

    u32 signal_count() const { return signals_.count < kSignals ? signals_.count : kSignals; }

    sel::Result<u32> add_signal(const Periodic &m, sel::Caller caller) {
        u32 place = 0;
        while (place < signal_count() && used_[place]) {
            place++;
        }
        if (place == signal_count()) {
            return ERR_FULL;
        }
        error_t error = set(caller, kSleepers + u64{place}, m.ns, m.ns);
        if (error != OK) {
            return error;
        }
        sel::Result<> kept = sel::Notification{arrival_}.move(signals_.first + place);
        if (!kept) {
            return kept.error();
        }
        used_[place] = true;
        return place;
    }

    void drop_signal(u32 place) {
        [[maybe_unused]] auto dropped = sel::Notification{signals_.first + place}.remove();
        used_[place] = false;
    }

    void fire(const Alarm &alarm) {
        if (alarm.token < kSleepers) {
            sleeper_[alarm.token].answer({});
            return;
        }
        u32 place = static_cast<u32>(alarm.token - kSleepers);
        if (!sel::Notification{signals_.first + place}.signal()) { // Its owner is gone.
            alarms_.cancel(alarm.client, [&](const Alarm &a) { return a.token == alarm.token; });
            drop_signal(place);
        }
    }

    sel::Clock clock_;
    cptr_t arrival_;
    sel::SlotRange signals_;
    u64 boot_seconds_;
    Alarms alarms_;
    sel::Later<Sleep> sleeper_[kSleepers];
    bool used_[kSignals] = {};
};

} // namespace timer
