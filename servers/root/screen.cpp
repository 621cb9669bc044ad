// Screen: finds font and frame buffer in what the boot loader said, and maps them.
// SPDX-License-Identifier: BSD-2-Clause
#include "screen.hpp"

#include "sel/objects.hpp"

namespace root {

namespace {

constexpr u64 kLarge = sel::Display::kLarge;

constexpr u64 down(u64 address, u64 unit) {
    return address / unit * unit;
}
constexpr u64 up(u64 address, u64 unit) {
    return down(address + unit - 1, unit);
}

const boot_module_t *find_font(const boot_info_t &boot) {
    for (u32 i = 0; i < boot.module_count; i++) {
        const boot_module_t &m = boot.module[i];
        if (std::string_view{m.name} == "font" && m.bytes <= BOOT_FONT_BYTES_MAX) {
            return &m;
        }
    }
    return nullptr;
}

} // namespace

// [physical, end) in Frames of this size, unless that is nothing.
void Screen::add(u64 physical, u64 end, u64 size, const Run &where) {
    Run run{physical, size, 0, where.offset, where.rights};
    run.count = physical < end ? (end - physical) / run.frame_bytes() : 0;
    if (run.count != 0) {
        run_[runs_++] = run;
    }
}

void Screen::add_frame_buffer(const boot_framebuffer_t &f) {
    u64 begin = down(f.address, PAGE_BYTES),
        end = up(f.address + u64{f.pitch} * f.height, PAGE_BYTES);
    u64 first = up(begin, kLarge), last = down(end, kLarge);
    bool large = first < last;
    auto at = [&](u64 physical) {
        u64 offset = down(sel::Display::offset(f.address), PAGE_BYTES) + physical - begin;
        return Run{.offset = offset, .rights = RIGHT_READ | RIGHT_WRITE};
    };
    add(begin, large ? first : end, FRAME_4K, at(begin));
    if (large) {
        add(first, last, FRAME_2M, at(first));
        add(last, end, FRAME_4K, at(last));
    }
}

sel::Result<> Screen::prepare() {
    sel::DisplayInfo info{};
    const boot_framebuffer_t &f = kit_.boot().framebuffer;
    const boot_module_t *font = find_font(kit_.boot());
    sel::Result<> mapped = u64{f.pitch} * f.height > sel::kDisplayMemoryMax ? ERR_ARG : OK;
    if (f.address != 0 && mapped.ok()) {
        info.framebuffer = f;
        info.font_bytes = font != nullptr ? font->bytes : 0;
        if (font != nullptr) {
            add(font->base, font->base + up(font->bytes, PAGE_BYTES), FRAME_4K,
                {.offset = sel::Display::kFont, .rights = RIGHT_READ});
        }
        add_frame_buffer(f);
        mapped = map();
    }
    if (!mapped) {
        runs_ = 0;
        info = {};
    }
    info_ = kit_.slots();
    SEL_TRY(kit_.make(CAP_FRAME, FRAME_4K, info_));
    SEL_TRY(kit_.map(sel::Frame{info_}, kScreenWindow, RIGHT_READ | RIGHT_WRITE));
    std::memcpy(reinterpret_cast<void *>(kScreenWindow), &info, sizeof info);
    return mapped;
}

// Root's own Frames stand in a CNode of their own.
sel::Result<> Screen::map() {
    cptr_t book = kit_.slots();
    SEL_TRY(kit_.make(CAP_CNODE, frames(), book));
    u64 next = 1;
    for (u32 i = 0; i < runs_; i++) {
        SEL_TRY(map_run(run_[i], sel::in_cnode(book, next)));
        next += run_[i].count;
    }
    return {};
}

sel::Result<> Screen::map_run(const Run &run, cptr_t first) {
    SEL_TRY(kit_.make_device_frames(run.physical, run.count, first, run.size));
    for (u64 i = 0; i < run.count; i++) {
        sel::Frame frame{first + i * sel::slot_step(first)};
        u64 address = kScreenWindow + run.offset + i * run.frame_bytes();
        SEL_TRY(kit_.map(frame, address, run.rights));
    }
    return {};
}

u32 Screen::frames() const {
    u64 count = 1;
    for (u32 i = 0; i < runs_; i++) {
        count += run_[i].count;
    }
    return static_cast<u32>(count);
}

sel::Result<> Screen::give(sel::Process &program, u64 address) {
    sel::Result<cptr_t> page = program.room_for_frames(1);
    SEL_TRY(page);
    SEL_TRY(sel::Frame{info_}.copy(*page, RIGHT_READ));
    program.keep_frames(1);
    SEL_TRY(program.map_frames(*page, 1, address, RIGHT_READ));
    for (u32 i = 0; i < runs_; i++) {
        const Run &run = run_[i];
        sel::Result<cptr_t> first = program.room_for_frames(run.count);
        SEL_TRY(first);
        SEL_TRY(kit_.make_device_frames(run.physical, run.count, *first, run.size));
        program.keep_frames(run.count);
        SEL_TRY(program.map_frames(*first, run.count, address + run.offset, run.rights,
                                   run.frame_bytes()));
    }
    given_ = true;
    return {};
}

} // namespace root
