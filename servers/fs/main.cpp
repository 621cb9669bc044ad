// Fs: mounts littlefs on the disk it was given, and serves its files.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/littlefs.hpp"
#include "servers/volume/mounted.hpp"
#include "servers/volume/mounted_server.hpp"

#include "fs.caps.hpp"
#include "sel/log.hpp"
#include "sel/server.hpp"

namespace {

constexpr int kExitDamaged = 71;

// A new start looks at the disk with an empty memory.
class Server : public volume::MountedServer<volume::Mounted<volume::LittleFs>> {
  public:
    using MountedServer::MountedServer;

    void watch_over(const volume::LittleFs &fs) { fs_ = &fs; }
    u64 deadline() {
        if (fs_ != nullptr && fs_->broken()) {
            sel::Log<logging::Writer>{caps::log}.error("the disk holds nonsense: starting anew");
            sel::exit(kExitDamaged);
        }
        return MountedServer::deadline();
    }

  private:
    const volume::LittleFs *fs_ = nullptr;
};

} // namespace

int main() {
    sel::Log<logging::Writer> log{caps::log};
    sel::Clock clock = sel::clock();
    static volume::Mounted<volume::LittleFs> disk;
    sel::Result<> mounted = disk.open(caps::disks, caps::pool, sel::environment().argument_text());
    report(log, disk, mounted);
    static volume::NoFileSystem none{mounted.error()};
    volume::FileSystem *fs = &none;
    if (mounted.ok()) {
        fs = &disk.fs();
    }
    static volume::Store store{*fs};
    static Server server{disk,
                         log,
                         store,
                         clock,
                         volume::date_at_boot(caps::timer, clock.nanoseconds(sel::now())),
                         sel::environment().incarnation,
                         caps::windows};
    if (mounted.ok()) {
        server.watch_over(disk.fs());
    }
    sel::receive_slot(caps::windows.arrival());
    sel::serve<file::Api, volume::Control>(caps::service, server);
}
