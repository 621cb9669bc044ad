// Mounted: the first disk of a list that is there, with its cache and file system. Programs only.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <optional>
#include <span>

#include "servers/timer/api.hpp"
#include "servers/volume/cache.hpp"
#include "servers/volume/store.hpp"

#include "sel/clock.hpp"

namespace volume {

// For an answer of a driver, which itself waits 10 s for a command and 30 s for a reset at most.
inline constexpr u64 kPatienceMs = 45'000;

template <typename Fs>
class Mounted {
  public:
    // `pool`: shared with the drivers. ERR_NAME: none of them has a disk, or there is something
    // else on it; else what went wrong.
    sel::Result<> open(std::span<const sel::Named<block::Api>> drivers, std::span<u8> pool) {
        sel::Result<> result = ERR_NAME;
        for (const auto &driver : drivers) {
            link_.emplace(driver.client, sel::milliseconds(kPatienceMs));
            disk_.emplace(*link_, pool);
            name_ = driver.name;
            result = disk_->start();
            if (result.error() != ERR_NAME) {
                break;
            }
        }
        if (!result) {
            return result;
        }
        found_ = true;
        cache_.emplace(*disk_);
        fs_.emplace(*cache_);
        return fs_->mount();
    }

    bool found() const { return found_; } // A disk, after open().
    std::string_view driver() const { return name_; }
    const block::Disk &disk() const { return disk_->disk(); }
    Fs &fs() { return *fs_; } // After open() said OK.

  private:
    bool found_ = false;
    std::string_view name_;
    std::optional<block::ServerLink> link_;
    std::optional<block::Client> disk_;
    std::optional<Cache> cache_;
    std::optional<Fs> fs_;
};

// Dates of files need the time of day, which is asked for once: the clock goes on by itself.
inline u64 date_at_boot(sel::Client<timer::Api> timer, u64 uptime_ns) {
    sel::Result<u64> now = timer.call(timer::Date{});
    return now.ok() ? *now - uptime_ns / sel::Clock::kSecond : 0;
}

// What a program that serves a Mounted tells the log, in words.
template <typename Fs, typename Log>
void report(const Log &log, const Mounted<Fs> &mounted, const sel::Result<> &result) {
    if (!mounted.found()) {
        log.info("no disk: {}", sel::describe(result.error()));
    } else if (result.error() == ERR_NAME) {
        log.error("{}: {} is neither blank nor of this file system: left alone", mounted.driver(),
                  mounted.disk().data.view());
    } else if (!result) {
        log.error("{}: {}", mounted.driver(), sel::describe(result.error()));
    } else {
        log.info("{}: {}, {} MiB", mounted.driver(), mounted.disk().data.view(),
                 mounted.disk().sectors >> 11);
    }
}

} // namespace volume
