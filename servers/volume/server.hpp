// Server: the file protocol on a Store, which tells the log what could not be written to the disk.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/log/api.hpp"
#include "servers/volume/store.hpp"

#include "sel/log.hpp"

namespace volume {

// Room: as file::Windows has it.
template <typename Room = const root::RegionRoom>
class Server : public file::Server<Store, Room> {
  public:
    template <typename... Ts>
    Server(sel::Log<logging::Writer> log, Store &store, Ts &&...rest)
        : file::Server<Store, Room>{store, std::forward<Ts>(rest)...}, log_{log}, store_{store} {}

    // Asked after each request.
    u64 deadline() {
        const Volume::Failure &failure = store_.failure();
        if (failure.times != told_) {
            told_ = failure.times;
            log_.error("not written to the disk: {}: {}", failure.path.view(),
                       sel::describe(failure.error));
        }
        return file::Server<Store, Room>::deadline();
    }

  private:
    sel::Log<logging::Writer> log_;
    Store &store_;
    u32 told_ = 0;
};

} // namespace volume
