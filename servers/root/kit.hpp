// Kit: root's own slots and memory.
// SPDX-License-Identifier: BSD-2-Clause
//
// What root takes here it keeps for ever: the untyped of each program, endpoints, tables. All that
// belongs to a program comes from that program's untyped (sel/process.hpp).
#pragma once

#include "system.hpp"

#include "sel/capability.hpp"
#include "sel/clock.hpp"
#include "sel/page_window.hpp"
#include "sel/try.hpp"

namespace root {

inline constexpr u64 kPageWindow = 0x7ffd00000000;
inline constexpr u64 kArchiveWindow = 0x7ffd40000000;

struct MemoryCount {
    u64 ram = 0, programs = 0, root = 0;
};

class Kit {
  public:
    // `window`: where it sees pages of programs (make_window()).
    explicit Kit(const boot_info_t &boot, u64 window = kPageWindow)
        : boot_{boot}, window_{window}, next_slot_{boot.free_slot} {
        for (u32 i = 0; i < boot.untyped_count; i++) {
            count_.ram += boot.untyped[i].kind == UNTYPED_RAM ? boot.untyped[i].bytes : 0;
        }
    }

    const boot_info_t &boot() const { return boot_; }
    const MemoryCount &memory() const { return count_; }

    // The next of `n` unused slots. 0: there are none left.
    cptr_t slots(u32 n = 1);

    // Makes one object in `to` out of root's RAM. ERR_MEMORY: there is too little.
    sel::Result<> make(cap_type_t type, u64 size, cptr_t to);

    // The same for the untyped of a program.
    sel::Result<> make_untyped(u64 bytes, cptr_t to);

    // `count` Frames of device memory at `physical`, in the slots from `to` on. ERR_ARG: no device memory is there.
    sel::Result<> make_device_frames(u64 physical, u64 count, cptr_t to, u64 size = FRAME_4K) const;

    // Maps `frame` in root's own space, with the tables it takes.
    sel::Result<> map(sel::Frame frame, u64 address, u64 rights);

    // Through which root fills and reads memory of programs.
    sel::Result<sel::PageWindow> make_window();

    // Bytes of device memory. False: none is there, or not all of it.
    bool read_device(u64 physical, std::span<u8> out);

    // Of a scheduling context.
    u64 ticks(u32 microseconds) const {
        return sel::Clock{boot_.tsc_hz}.ticks(u64{microseconds} * 1000);
    }

    // Frames that programs share with devices. Made once, and never taken back: whatever a device
    // still writes there hits nobody else.
    sel::Result<> make_pool(u64 number, u64 pages);
    // Its first frame, 0: it was not made. The others follow.
    cptr_t pool(u64 number) const { return number < POOL_MAX ? pools_[number] : 0; }

  private:
    sel::Result<> from_ram(cap_type_t type, u64 size, cptr_t to, u64 count = 1);

    const boot_info_t &boot_;
    u64 window_;
    MemoryCount count_;
    cptr_t next_slot_;
    cptr_t pools_[POOL_MAX] = {};
    sel::PageWindow device_window_; // From the first read_device() on.
    cptr_t device_slot_ = 0;
};

} // namespace root
