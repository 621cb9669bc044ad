// Screen: the display as root has it for its own words, and as it gives it to one program.
// SPDX-License-Identifier: BSD-2-Clause
//
// What is mapped is a page about the display, the boot module `font`, and exactly the pages of the frame buffer: of
// 2 MiB where they fit, of 4 KiB where they do not (sel/display.hpp says what is where). Without a frame buffer, or
// with one that is no device memory, there is the first page alone.
#pragma once

#include "kit.hpp"

#include "sel/display.hpp"
#include "sel/process.hpp"

namespace root {

inline constexpr u64 kScreenWindow = 0x7ffd80000000;

class Screen {
  public:
    explicit Screen(Kit &kit) : kit_{kit} {}

    // Maps it in root's own space. ERR_SIZE: it is larger than a program's window for it.
    sel::Result<> prepare();

    // Frames in the book of the program that has it.
    u32 frames() const;
    sel::Result<> give(sel::Process &program, u64 address);
    bool given() const { return given_; }

  private:
    // Frames in a row.
    struct Run {
        u64 physical, size, count; // size: FRAME_4K or FRAME_2M.
        u64 offset, rights;        // In the window.

        u64 frame_bytes() const {
            return size == FRAME_2M ? u64{sel::Display::kLarge} : u64{PAGE_BYTES};
        }
    };
    static constexpr u32 kRuns = 4; // Font; frame buffer: its begin, its middle, its end.

    void add(u64 physical, u64 end, u64 size, const Run &where);
    void add_frame_buffer(const boot_framebuffer_t &frame_buffer);
    sel::Result<> map();
    sel::Result<> map_run(const Run &run, cptr_t first);

    Kit &kit_;
    Run run_[kRuns] = {};
    u32 runs_ = 0;
    cptr_t info_ = 0; // Frame of the page about the display.
    bool given_ = false;
};

} // namespace root
