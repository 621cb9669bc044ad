// Mounted: one disk of some drivers that has the partition, with its cache and file system. Programs only.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <optional>
#include <span>

#include "servers/root/api.hpp"
#include "servers/timer/api.hpp"
#include "servers/volume/api.hpp"
#include "servers/volume/cache.hpp"

#include "sel/clock.hpp"
#include "sel/format.hpp"

namespace volume {

// For an answer of a driver, which itself waits 10 s for a command and 30 s for a reset at most.
inline constexpr u64 kPatienceMs = 45'000;

template <typename Fs>
class Mounted {
  public:
    // `region`: for ring and cache, lent to the driver of the disk. `wanted`: name of the disk; empty: the first one
    // that has the partition.
    // ERR_NAME: none of them has such a disk, or there is something else on it; ERR_TIMEOUT: also if the region of an
    // earlier life is still in use; else what went wrong.
    sel::Result<> open(std::span<const sel::Named<block::Api>> drivers, const root::Region &region,
                       std::string_view wanted) {
        drivers_ = drivers;
        region_ = &region;
        wanted_ = wanted;
        return open();
    }

    bool missing() const { return !result_; }
    // True: it has come back. Looks as a reader, so that nobody is kept from changing the disk meanwhile.
    bool found_again() {
        found_ = false;
        name_ = {};
        access_ = block::Access::Read;
        return open().ok();
    }

    // Others may write to the disk, until it is used again. Nothing of it is open or dirty.
    void let_go() {
        if (found_) {
            [[maybe_unused]] auto detached = disk_->detach();
        }
    }
    // After let_go(): ERR_BUSY, writer() has it.
    sel::Result<> take() {
        if (access_ == block::Access::Write) {
            return disk_->settle();
        }
        access_ = block::Access::Write;
        return start();
    }
    u32 writer() { return link_->writer(); } // A program; 0: nobody else.

    bool found() const { return found_; } // A disk, after open().
    // Who has it; or who has a disk, but not this partition; or empty.
    std::string_view driver() const { return name_; }
    u32 number() const { return number_; } // Of the disk there, from 0 on.
    block::DiskName disk_name() const { return block::disk_name(name_, number_); }
    const block::Disk &disk() const { return disk_->disk(); }
    Fs &fs() { return *fs_; } // If found().

    // Number `place` of the disks that have this partition.
    sel::Result<Found> find_disk(u32 place) const {
        for (const auto &driver : drivers_) {
            for (u32 number = 0; number < block::kDisks; number++) {
                block::ServerLink link{driver.client, sel::milliseconds(kPatienceMs), number};
                sel::Result<block::Disk> disk = link.info();
                for (u32 i = 1; i < block::Client::kTries && disk.error() == ERR_RESTARTED; i++) {
                    disk = link.info();
                }
                if (disk.error() == ERR_NAME) {
                    break;
                }
                if (disk.ok() && place-- == 0) {
                    return Found{disk->sectors, disk->label, block::disk_name(driver.name, number)};
                }
            }
        }
        return ERR_NAME;
    }

  private:
    sel::Result<> open() {
        if (pool_.empty()) {
            auto made = region_->make(sel::milliseconds(kPatienceMs));
            if (!made) {
                result_ = made.error();
                return result_;
            }
            pool_ = *made;
        }
        result_ = find();
        if (!result_) {
            result_ = result_.error() == ERR_EMPTY ? ERR_NAME : result_.error();
            return result_;
        }
        found_ = true;
        cache_.emplace(*disk_);
        fs_.emplace(*cache_);
        result_ = fs_->mount();
        if (!result_) {
            let_go(); // What is there is not ours.
        }
        return result_;
    }

    // A disk without such a partition, or one that its driver cannot use, is none; one that is silent, or
    // that somebody else writes to, is the one.
    sel::Result<> find() {
        sel::Result<> result = ERR_NAME;
        for (const auto &driver : drivers_) {
            for (u32 number = 0; number < block::kDisks; number++) {
                if (!wanted_.empty() && wanted_ != block::disk_name(driver.name, number).view()) {
                    continue;
                }
                link_.emplace(driver.client, sel::milliseconds(kPatienceMs), number,
                              region_->token());
                disk_.emplace(*link_, pool_);
                error_t error = start();
                if (error == ERR_NAME) {
                    break;
                }
                bool none = error == ERR_EMPTY || error == ERR_IO;
                if (!none || name_.empty()) {
                    name_ = driver.name;
                    number_ = number;
                    result = error;
                }
                if (!none) {
                    return error;
                }
            }
        }
        return result;
    }

    // A driver may be restarted between two messages.
    error_t start() {
        error_t error = disk_->start(access_).error();
        for (u32 i = 1; i < block::Client::kTries && error == ERR_RESTARTED; i++) {
            error = disk_->start(access_).error();
        }
        return error;
    }

    std::span<const sel::Named<block::Api>> drivers_;
    const root::Region *region_ = nullptr;
    std::span<u8> pool_; // Empty: it is not made yet.
    std::string_view wanted_;
    sel::Result<> result_; // Of open().
    block::Access access_ = block::Access::Write;
    bool found_ = false;
    std::string_view name_;
    u32 number_ = 0;
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
void report(const Log &log, Mounted<Fs> &mounted, const sel::Result<> &result) {
    std::string_view note = mounted.found() ? mounted.fs().note() : std::string_view{};
    sel::Text<24> name{mounted.driver()};
    if (mounted.number() != 0) {
        sel::format(name, ", disk {}", mounted.number() + 1);
    }
    if (mounted.driver().empty()) {
        log.info("no disk");
    } else if (!mounted.found() && result.error() == ERR_NAME) {
        log.info("{}: the disk has no such partition", name);
    } else if (!mounted.found()) {
        log.error("{}: {}", name, sel::describe(result.error()));
    } else if (result.error() == ERR_NAME) {
        log.error("{}: {} {}: left alone", name, mounted.disk().data.view(), note);
    } else if (!result) {
        log.error("{}: {}", name, sel::describe(result.error()));
    } else {
        log.info("{}: {}, {} MiB{}{}", name, mounted.disk().data.view(),
                 mounted.disk().sectors >> 11, note.empty() ? "" : ": ", note);
    }
}

} // namespace volume
