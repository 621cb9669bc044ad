// Kit: slots count up; memory comes from the first boot untyped that has room.
// SPDX-License-Identifier: BSD-2-Clause
#include "kit.hpp"

#include "sel/objects.hpp"

namespace root {

cptr_t Kit::slots(u32 n) {
    cptr_t first = next_slot_;
    if (n > boot_.cnode_slots - first) {
        return 0;
    }
    next_slot_ += n;
    return first;
}

sel::Result<> Kit::from_ram(cap_type_t type, u64 size, cptr_t to, u64 count) {
    sel::Result<> made = ERR_MEMORY;
    for (u32 i = 0; i < boot_.untyped_count && made.error() == ERR_MEMORY; i++) {
        if (boot_.untyped[i].kind == UNTYPED_RAM) {
            made = sel::Untyped{BOOT_CAP_UNTYPED + u64{i}}.retype(type, size, to, count);
        }
    }
    return made;
}

sel::Result<> Kit::make(cap_type_t type, u64 size, cptr_t to) {
    sel::Result<> made = from_ram(type, size, to);
    count_.root += made.ok() ? sel::object_bytes(type, size) : 0;
    return made;
}

sel::Result<> Kit::make_untyped(u64 bytes, cptr_t to) {
    sel::Result<> made = from_ram(CAP_UNTYPED, bytes, to);
    count_.programs += made.ok() ? bytes : 0;
    count_.root += made.ok() ? UNTYPED_BYTES : 0;
    return made;
}

sel::Result<> Kit::make_device_frames(u64 physical, u64 count, cptr_t to, u64 size) const {
    constexpr u64 kLarge = 2 << 20;
    u64 bytes = size == FRAME_2M ? kLarge : u64{PAGE_BYTES};
    for (u32 i = 0; i < boot_.untyped_count; i++) {
        const boot_untyped_t &u = boot_.untyped[i];
        u64 offset = physical - u.base;
        if (u.kind != UNTYPED_DEVICE || physical < u.base || offset >= u.bytes ||
            count > (u.bytes - offset) / bytes) {
            continue;
        }
        return sel::retype_runs(to, count, [&](cptr_t at, u64 done, u64 n) {
            return sel::Untyped{BOOT_CAP_UNTYPED + u64{i}}.retype_device(
                size, at, n, (offset + done * bytes) / PAGE_BYTES);
        });
    }
    return ERR_ARG;
}

bool Kit::read_device(u64 physical, std::span<u8> out) {
    if (device_slot_ == 0) {
        sel::Result<sel::PageWindow> window = make_window();
        device_window_ = window.ok() ? *window : sel::PageWindow{};
        device_slot_ = window.ok() ? slots() : 0;
    }
    sel::Frame frame{device_slot_};
    bool read = device_slot_ != 0;
    while (read && !out.empty()) {
        u64 offset = physical % PAGE_BYTES, left = PAGE_BYTES - offset;
        std::size_t bytes = out.size() < left ? out.size() : left;
        read = make_device_frames(physical - offset, 1, device_slot_).ok();
        if (read) {
            read = device_window_.look(frame, offset, out.first(bytes)).ok();
            read = frame.remove().ok() && read;
        }
        out = out.subspan(bytes);
        physical += bytes;
    }
    return read;
}

sel::Result<> Kit::make_pool(u64 number, u64 pages) {
    if (pool(number) != 0) {
        return {};
    }
    cptr_t book = slots();
    sel::Result<> made = make(CAP_CNODE, pages + 1, book);
    if (made.ok()) {
        made = sel::retype_runs(sel::in_cnode(book, 1), pages, [&](cptr_t at, u64, u64 n) {
            return from_ram(CAP_FRAME, FRAME_4K, at, n);
        });
    }
    count_.root += made.ok() ? pages * sel::object_bytes(CAP_FRAME, FRAME_4K) : 0;
    pools_[number] = made.ok() ? sel::in_cnode(book, 1) : 0;
    return made;
}

sel::Result<> Kit::map(sel::Frame frame, u64 address, u64 rights) {
    sel::VSpace space{BOOT_CAP_VSPACE};
    return sel::map_with_tables(frame, space, address, rights, [&]() -> sel::Result<> {
        cptr_t slot = slots();
        SEL_TRY(make(CAP_PAGE_TABLE, 0, slot));
        return sel::PageTable{slot}.map(space, address);
    });
}

// Some Frame is mapped there once, for the page tables.
sel::Result<sel::PageWindow> Kit::make_window() {
    sel::Frame frame{BOOT_CAP_TRACE};
    SEL_TRY(map(frame, window_, RIGHT_READ));
    SEL_TRY(frame.unmap());
    return sel::PageWindow{sel::VSpace{BOOT_CAP_VSPACE}, window_, slots()};
}

} // namespace root
