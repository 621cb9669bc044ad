// Fat: mounts FAT on the disk it was given, and serves its files.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/fat.hpp"
#include "servers/volume/mounted.hpp"

#include "fat.caps.hpp"
#include "sel/log.hpp"
#include "sel/server.hpp"

namespace {

constexpr u64 kPatienceMs = 30'000; // Longer than the drivers' own time-outs.

// Dates of files need the time of day, which is asked for once: the clock goes on by itself.
u64 date_at_boot(u64 uptime_ns) {
    sel::Result<u64> now = caps::timer.call(timer::Date{});
    return now.ok() ? *now - uptime_ns / sel::Clock::kSecond : 0;
}

} // namespace

int main() {
    sel::Clock clock = sel::clock();
    static volume::Mounted<volume::Fat> disk;
    sel::Result<> mounted = disk.open(caps::disks, {caps::pool.at<u8>(0), caps::pool.bytes},
                                      sel::milliseconds(kPatienceMs));
    report(sel::Log<logging::Writer>{caps::log}, disk, mounted);
    static volume::NoFileSystem none{mounted.error()};
    volume::FileSystem *fs = &none;
    if (mounted.ok()) {
        fs = &disk.fs();
    }
    static volume::Store store{*fs};
    static file::Server<volume::Store> server{
        store, clock, date_at_boot(clock.nanoseconds(sel::now())), sel::environment().incarnation};
    sel::serve<file::Api>(caps::service, server);
}
