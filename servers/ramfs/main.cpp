// Ramfs: fills the tree with the files of the boot archive, then serves it.
// SPDX-License-Identifier: BSD-2-Clause
#include "server.hpp"

#include "ramfs.caps.hpp"
#include "sel/archive.hpp"
#include "sel/log.hpp"

namespace {

constexpr std::size_t kMemory = 4 << 20; // For the content of writable files.

// What cannot be a file here is named in the log and left out; a damaged one is not opened.
void add_archive(ramfs::RamFs &files, const sel::Log<logging::Writer> &log) {
    auto archive = sel::Archive::open_mapped(caps::archive.address);
    if (!archive) {
        log.error("the boot archive cannot be read: {}", sel::describe(archive.error()));
        return;
    }
    u32 count = 0;
    for (u32 i = 0; i < archive->count(); i++) {
        sel::ArchiveFile file = archive->file(i);
        sel::Text<file::kPathMax> path{"/"};
        path.append(file.name);
        error_t error = files.add_archive_file(path, file);
        if (error != OK) {
            log.error("{}: {}", path.view(), sel::describe(error));
        }
        count += error == OK ? 1 : 0;
    }
    log.info("{} files from the boot archive", count);
}

// Dates of files need the time of day, which is asked for once: the clock goes on by itself.
u64 date_at_boot(u64 uptime_ns) {
    sel::Result<u64> now = caps::timer.call(timer::Date{});
    return now.ok() ? *now - uptime_ns / sel::Clock::kSecond : 0;
}

} // namespace

int main() {
    alignas(PAGE_BYTES) static u8 memory[kMemory];
    sel::Clock clock = sel::clock();
    sel::Log<logging::Writer> log{caps::log};
    static ramfs::Store store{memory};
    static ramfs::FileServer<> server{log,
                                      store,
                                      clock,
                                      date_at_boot(clock.nanoseconds(sel::now())),
                                      sel::environment().incarnation,
                                      caps::windows};
    add_archive(store.files(), log);
    sel::receive_slot(caps::windows.arrival());
    sel::serve<file::Api>(caps::service, server);
}
