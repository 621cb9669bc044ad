// Kit: slots count up; memory comes from the first boot untyped that has room.
// SPDX-License-Identifier: BSD-2-Clause
#include "kit.hpp"

#include <cstring>

#include "sizes.hpp"

namespace root {

cptr_t Kit::slots(u32 n) {
    cptr_t first = next_slot_;
    if (n > boot_.cnode_slots - first) {
        return 0;
    }
    next_slot_ += n;
    return first;
}

sel::Result<> Kit::from_ram(cap_type_t type, u64 size, cptr_t to) {
    sel::Result<> made = ERR_MEMORY;
    for (u32 i = 0; i < boot_.untyped_count && made.error() == ERR_MEMORY; i++) {
        if (boot_.untyped[i].kind == UNTYPED_RAM) {
            made = sel::Untyped{BOOT_CAP_UNTYPED + u64{i}}.retype(type, size, to);
        }
    }
    return made;
}

sel::Result<> Kit::make(cap_type_t type, u64 size, cptr_t to) {
    sel::Result<> made = from_ram(type, size, to);
    count_.root += made.ok() ? object_bytes(type, size) : 0;
    return made;
}

sel::Result<> Kit::make_untyped(u64 bytes, cptr_t to) {
    sel::Result<> made = from_ram(CAP_UNTYPED, bytes, to);
    count_.programs += made.ok() ? bytes : 0;
    count_.root += made.ok() ? UNTYPED_BYTES : 0;
    return made;
}

sel::Result<> Kit::make_device_frames(u64 physical, u64 pages, cptr_t to) const {
    for (u32 i = 0; i < boot_.untyped_count; i++) {
        const boot_untyped_t &u = boot_.untyped[i];
        u64 offset = physical - u.base;
        if (u.kind != UNTYPED_DEVICE || physical < u.base || offset >= u.bytes ||
            pages > (u.bytes - offset) / PAGE_BYTES) {
            continue;
        }
        return retype_runs(to, pages, [&](cptr_t at, u64 done, u64 n) {
            return sel::Untyped{BOOT_CAP_UNTYPED + u64{i}}.retype_device(
                FRAME_4K, at, n, offset / PAGE_BYTES + done);
        });
    }
    return ERR_ARG;
}

sel::Result<> Kit::make_pool(u64 number, u64 pages) {
    if (pool(number) != 0) {
        return {};
    }
    cptr_t book = slots();
    sel::Result<> made = make(CAP_CNODE, pages + 1, book);
    for (u32 i = 1; i <= pages && made.ok(); i++) {
        made = make(CAP_FRAME, FRAME_4K, sel::in_cnode(book, i));
    }
    pools_[number] = made.ok() ? sel::in_cnode(book, 1) : 0;
    return made;
}

sel::Result<> Kit::map(sel::Frame frame, u64 address, u64 rights) {
    sel::VSpace space{BOOT_CAP_VSPACE};
    sel::Result<> mapped = frame.map(space, address, rights);
    for (u32 level = 0; level < kTableLevels && mapped.error() == ERR_TABLE; level++) {
        cptr_t slot = slots();
        sel::Result<> made = make(CAP_PAGE_TABLE, 0, slot);
        if (!made) {
            return made;
        }
        if (sel::Result<> put = sel::PageTable{slot}.map(space, address); !put) {
            return put;
        }
        mapped = frame.map(space, address, rights);
    }
    return mapped;
}

sel::Result<> Kit::open_page(sel::Frame frame, u64 rights) {
    if (page_slot_ == 0) {
        page_slot_ = slots();
    }
    if (sel::Result<> copied = frame.copy(page_slot_, rights); !copied) {
        return copied;
    }
    sel::Result<> mapped = map(sel::Frame{page_slot_}, kPageWindow, rights);
    if (!mapped) {
        [[maybe_unused]] auto removed = sel::Frame{page_slot_}.remove();
    }
    return mapped;
}

sel::Result<> Kit::fill(sel::Frame frame, u64 offset, std::span<const u8> from) {
    if (sel::Result<> opened = open_page(frame, RIGHT_READ | RIGHT_WRITE); !opened) {
        return opened;
    }
    std::memcpy(reinterpret_cast<u8 *>(kPageWindow) + offset, from.data(), from.size());
    return sel::Frame{page_slot_}.remove();
}

sel::Result<> Kit::look(sel::Frame frame, u64 offset, std::span<u8> to) {
    if (sel::Result<> opened = open_page(frame, RIGHT_READ); !opened) {
        return opened;
    }
    std::memcpy(to.data(), reinterpret_cast<const u8 *>(kPageWindow) + offset, to.size());
    return sel::Frame{page_slot_}.remove();
}

} // namespace root
