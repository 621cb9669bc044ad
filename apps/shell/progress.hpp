// Progress: says now and then how far something is that takes long, to a person at a terminal.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"

namespace shell {

class Progress {
  public:
    explicit Progress(Context &c) : c_{c}, told_{c.system.uptime_ns().value_or(0)} {}

    // So many more.
    void add(u64 files, u64 bytes) { tell(files_ + files, bytes_ + bytes); }
    // So many altogether.
    void tell(u64 files, u64 bytes) {
        files_ = files;
        bytes_ = bytes;
        u64 now = c_.errors.is_terminal() ? c_.system.uptime_ns().value_or(0) : told_;
        if (now - told_ >= kEveryNs) {
            told_ = now;
            c_.errors.print("{}: {} files, {} bytes so far\n", c_.name, files_, bytes_);
            c_.errors.flush();
        }
    }

  private:
    static constexpr u64 kEveryNs = 2'000'000'000;

    Context &c_;
    u64 told_;
    u64 files_ = 0, bytes_ = 0;
};

} // namespace shell
