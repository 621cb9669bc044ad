// Fat: mounts FAT on the disk it was given, and serves its files.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/fat.hpp"
#include "servers/volume/mounted.hpp"
#include "servers/volume/mounted_server.hpp"

#include "fat.caps.hpp"
#include "sel/log.hpp"
#include "sel/server.hpp"

int main() {
    sel::Clock clock = sel::clock();
    static volume::Mounted<volume::Fat> disk;
    sel::Result<> mounted = disk.open(caps::disks, caps::pool, sel::environment().argument_text());
    report(sel::Log<logging::Writer>{caps::log}, disk, mounted);
    static volume::NoFileSystem none{mounted.error()};
    volume::FileSystem *fs = &none;
    if (mounted.ok()) {
        fs = &disk.fs();
    }
    static volume::Store store{*fs};
    static volume::MountedServer<volume::Mounted<volume::Fat>> server{
        disk,
        sel::Log<logging::Writer>{caps::log},
        store,
        clock,
        volume::date_at_boot(caps::timer, clock.nanoseconds(sel::now())),
        sel::environment().incarnation,
        caps::windows};
    sel::receive_slot(caps::windows.arrival());
    sel::serve<file::Api, volume::Control>(caps::service, server);
}
