// MountedServer: serves the files of a Mounted, says which disks there are, and makes its file system anew or mends it.
// SPDX-License-Identifier: BSD-2-Clause
//
// Behind that nothing in memory is right: the next client that begins a session gets it from a new start.
// `Disk` is a Mounted<Fs>; in host tests something that behaves worse.
#pragma once

#include "servers/volume/api.hpp"
#include "servers/volume/server.hpp"

#include "sel/program.hpp"

namespace volume {

template <typename Disk, typename Room = const root::RegionRoom>
class MountedServer : public Server<Room> {
    using Base = Server<Room>;

  public:
    template <typename... Ts>
    MountedServer(Disk &mounted, const sel::Log<logging::Writer> &log, Store &store, Ts &&...rest)
        : Base{log, store, std::forward<Ts>(rest)...}, mounted_{mounted}, store_{store} {}

    using Base::on;

    // Behind each request: a disk that could not be had, or was left alone, is looked at again. Its driver
    // may have failed, or lied, or it has been changed since.
    u64 deadline() {
        if (served_ && mounted_.missing() && !changed_ && mounted_.found_again()) {
            sel::exit(kExitFound);
        }
        served_ = true;
        return Base::deadline();
    }

    sel::Result<u32> on(const file::CloseAll &m, sel::Caller caller) {
        if (changed_ && m.leave != 1) {
            sel::exit(kExitChanged);
        }
        sel::Result<u32> life = Base::on(m, caller);
        if (m.leave == 1 && store_.idle() && store_.sync_all().ok()) {
            changed_ = true; // Who knows what others do to it.
            mounted_.let_go();
        }
        return life;
    }

    sel::Result<file::Usage> on(const file::GetUsage &m) {
        sel::Result<file::Usage> usage = Base::on(m);
        if (!usage) {
            return usage;
        }
        file::Usage named = *usage;
        named.data = mounted_.disk_name();
        return named;
    }

    sel::Result<Found> on(const GetDisk &m) { return mounted_.find_disk(m.place); }

    sel::Result<Formatted> on(const Format &m) {
        if (!mounted_.found()) {
            return ERR_NAME;
        }
        if (mounted_.take().error() == ERR_BUSY) {
            return Formatted{ERR_BUSY, mounted_.writer(), {}};
        }
        sel::Result<> made = store_.idle() ? mounted_.fs().format(m.force == 1) : ERR_BUSY;
        changed_ = changed_ || made.ok();
        return Formatted{made.error(), 0, mounted_.fs().note()};
    }

    sel::Result<Repaired> on(const Repair &m) {
        if (!mounted_.found() || !store_.idle() || mounted_.take().error() == ERR_BUSY) {
            return mounted_.found() ? ERR_BUSY : ERR_NAME;
        }
        if (m.step != 0 && m.step != repair_next_) {
            return ERR_GONE;
        }
        repair_next_ = 0;
        sel::Result<> begun = m.step == 0 ? mounted_.fs().begin_check(true) : sel::Result<>{};
        if (!begun) {
            return begun.error();
        }
        changed_ = true;
        Structures found{};
        sel::Result<bool> done = mounted_.fs().check(found);
        sel::Result<> synced = done.ok() && *done ? mounted_.fs().sync() : sel::Result<>{};
        if (!done || !synced) {
            return ERR_IO;
        }
        repair_next_ = *done ? 0 : m.step + 1;
        return Repaired{repair_next_, found.damaged, found.repaired, found.seen, found.all};
    }

  private:
    static constexpr int kExitChanged = 72, kExitFound = 73;

    Disk &mounted_;
    Store &store_;
    bool changed_ = false; // By other means than files.
    u32 repair_next_ = 0;
    bool served_ = false;
};

} // namespace volume
