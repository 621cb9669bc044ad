// SharedWindow: a region of its own through which a program reads and writes files.
// SPDX-License-Identifier: BSD-2-Clause
//
//   file::SharedWindow window{caps::files, caps::window};   needs files = "file+give", window = "region:64K"
//   window.make(patience);                                  once
//   window.read(handle, offset, count, place);              lends it when nobody has it yet, or any more
#pragma once

#include "api.hpp"

#include "servers/root/api.hpp"

namespace file {

class SharedWindow {
  public:
    constexpr SharedWindow(sel::Client<Api> files, const root::Region &region)
        : files_{files}, region_{region} {}

    // As root::Region::make().
    sel::Result<> make(u64 ticks) {
        auto made = region_.make(ticks);
        memory_ = made.value_or({});
        return made.error();
    }
    // The file systems let go of it first.
    sel::Result<> release() {
        sel::Result<> done = files_.call(Lend{.window = 0});
        memory_ = {};
        sel::Result<> released = region_.release();
        return done.ok() ? released : done;
    }

    std::span<u8> memory() const { return memory_; } // Empty: it is not made.

    // As ReadInto and WriteFrom, `place` bytes into memory().
    sel::Result<u32> read(u32 handle, u64 offset, u32 count, u32 place = 0) const {
        return lending(ReadInto{
            .handle = handle, .count = count, .offset = offset, .place = place, .window = 0});
    }
    // As Fetch; once more if a server died in it.
    sel::Result<u32> fetch(std::string_view path, u64 offset, u32 count, u32 place = 0) const {
        Fetch m{.offset = offset, .count = count, .place = place, .window = 0, .data = path};
        sel::Result<u32> done = lending(m);
        return done.error() == ERR_RESTARTED ? lending(m) : done;
    }
    sel::Result<> write(u32 handle, u64 offset, u32 count, u32 place = 0) const {
        return lending(WriteFrom{
            .handle = handle, .count = count, .offset = offset, .place = place, .window = 0});
    }

  private:
    // ERR_RIGHT may be for another reason, which then says the second answer.
    template <typename M>
    sel::Result<typename M::Answer> lending(const M &m) const {
        sel::Result<typename M::Answer> done = files_.call(m);
        if (done.error() != ERR_RIGHT) {
            return done;
        }
        sel::Result<> lent = files_.call_giving(region_.token(), Lend{.window = 0});
        return lent.ok() ? files_.call(m) : sel::Result<typename M::Answer>{lent.error()};
    }

    sel::Client<Api> files_;
    const root::Region &region_;
    std::span<u8> memory_;
};

} // namespace file
