// Cache: look-up, replacement, reading ahead, writing back.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/cache.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace volume {
namespace {

constexpr u8 kAll = 0xff;

// Bits `first` to `first + count - 1`.
constexpr u8 sector_mask(u32 first, u32 count) {
    return static_cast<u8>(((1u << count) - 1) << first);
}

// The lowest run of ones in `mask`, which is not 0.
u8 first_run(u8 mask) {
    u32 first = static_cast<u32>(std::countr_zero(mask));
    u32 count = static_cast<u32>(std::countr_one(static_cast<u8>(mask >> first)));
    return sector_mask(first, count);
}

} // namespace

Cache::Cache(block::Client &disk) : disk_{disk}, pages_{std::min<u32>(disk.pages(), kPages)} {
    bucket_.fill(kNone);
}

bool Cache::allowed() {
    if (allowed_ == 0) {
        return false;
    }
    allowed_ -= allowed_ != kUnlimited ? 1 : 0;
    return true;
}

u8 Cache::sectors_of(u64 page) const {
    u64 left = disk_.disk().sectors - page * kPageSectors;
    return left >= kPageSectors ? kAll : sector_mask(0, static_cast<u32>(left));
}

// Of `bytes` from `offset` in a page, the sectors touched.
u8 Cache::touched(u32 offset, u32 bytes) const {
    if (disk_.disk().sector_bytes == kPageBytes) {
        return kAll;
    }
    u32 first = offset / kSectorBytes, last = (offset + bytes - 1) / kSectorBytes;
    return sector_mask(first, last - first + 1);
}

// --- Look-up and replacement.

u16 Cache::find(u64 page) const {
    u16 index = bucket_[page % kBuckets];
    while (index != kNone && entry_[index].page != page) {
        index = entry_[index].next;
    }
    return index;
}

void Cache::forget(u16 index) {
    Entry &entry = entry_[index];
    if (entry.page == kNoPage) {
        return;
    }
    u16 *link = &bucket_[entry.page % kBuckets];
    while (*link != index) {
        link = &entry_[*link].next;
    }
    *link = entry.next;
    entry = {};
}

// A page that may be taken: second chance for those used since the hand last came by.
u16 Cache::victim() {
    for (u32 steps = 0; steps < 2 * pages_; steps++) {
        u16 index = hand_;
        hand_ = static_cast<u16>((hand_ + 1) % pages_);
        Entry &entry = entry_[index];
        if (entry.dirty == 0 && !entry.busy) {
            if (!entry.used_lately) {
                return index;
            }
            entry.used_lately = false;
        }
    }
    return kNone;
}

// An entry for a page that has none, nothing of it valid.
sel::Result<u16> Cache::claim(u64 page) {
    sel::Result<> settled = disk_.settle();
    if (!settled) {
        return settled.error();
    }
    u16 index = victim();
    if (index == kNone) {
        sel::Result<> written = write_back();
        if (!written) {
            return written.error();
        }
        index = victim();
    }
    if (index == kNone) {
        return ERR_FULL;
    }
    forget(index);
    u16 &head = bucket_[page % kBuckets];
    entry_[index] = {.page = page, .next = head};
    head = index;
    return index;
}

// --- Reading.

// The entry of `page` with at least `sectors` valid. `wanted`: so many pages will be, from this one on.
sel::Result<u16> Cache::load(u64 page, u8 sectors, u32 wanted) {
    u16 index = find(page);
    if (index == kNone) {
        counts_.misses++;
        return load_absent(page, sectors, wanted);
    }
    entry_[index].used_lately = true;
    if ((sectors & ~entry_[index].valid) == 0) {
        counts_.hits++;
        return index;
    }
    counts_.misses++;
    sel::Result<> done = load_missing(index, sectors);
    if (!done) {
        return done.error();
    }
    return index;
}

sel::Result<u16> Cache::load_absent(u64 page, u8 sectors, u32 wanted) {
    sel::Result<u16> index = claim(page);
    if (!index) {
        return index;
    }
    entry_[*index].used_lately = true;
    // If a whole page, or one of those ahead, cannot be read, perhaps the sectors needed can.
    sel::Result<> done = load_ahead(page, *index, wanted);
    if (!done) {
        done = load_missing(*index, sectors);
    }
    if (!done) {
        forget(*index);
        return done.error();
    }
    return index;
}

// Reads `page` into the entry `first`, and `wanted` pages in all; for a sequential reader more.
sel::Result<> Cache::load_ahead(u64 page, u16 first, u32 wanted) {
    u64 end = (disk_.disk().sectors + kPageSectors - 1) / kPageSectors;
    u32 most = std::min({page == expected_ ? kReadAhead : wanted, kReadAhead,
                         disk_.disk().pages_max, std::max(pages_ / 4, 1u)});
    std::array<u16, kReadAhead> index{first};
    std::array<u16, kReadAhead> number{static_cast<u16>(first + 1)};
    entry_[first].busy = true;
    u32 count = 1;
    u32 sectors = static_cast<u32>(std::popcount(sectors_of(page)));
    while (count < most && page + count < end && find(page + count) == kNone) {
        sel::Result<u16> more = claim(page + count);
        if (!more) {
            break;
        }
        index[count] = *more;
        number[count] = static_cast<u16>(*more + 1);
        entry_[*more].busy = true;
        sectors += static_cast<u32>(std::popcount(sectors_of(page + count)));
        count++;
    }
    sel::Result<> done = disk_.add({.op = block::Op::Read,
                                    .sector = page * kPageSectors,
                                    .sectors = sectors,
                                    .pages = {number.data(), count}});
    if (done.ok()) {
        done = disk_.run();
    }
    expected_ = page + count;
    counts_.pages_read += count;
    for (u32 i = 0; i < count; i++) {
        entry_[index[i]].busy = false;
        if (done.ok()) {
            entry_[index[i]].valid = sectors_of(page + i);
        } else if (i != 0) {
            forget(index[i]);
        }
    }
    return done;
}

// Reads those of `sectors` that are not valid; the page may be dirty elsewhere.
sel::Result<> Cache::load_missing(u16 index, u8 sectors) {
    Entry &entry = entry_[index];
    u8 missing = static_cast<u8>(sectors & ~entry.valid), left = missing;
    const u16 number[] = {static_cast<u16>(index + 1)};
    sel::Result<> done;
    while (left != 0 && done.ok()) {
        u8 run = first_run(left);
        u32 first = static_cast<u32>(std::countr_zero(run));
        done = disk_.add({.op = block::Op::Read,
                          .sector = entry.page * kPageSectors + first,
                          .sectors = static_cast<u32>(std::popcount(run)),
                          .pages = number,
                          .skip = static_cast<u16>(first * kSectorBytes)});
        left &= static_cast<u8>(~run);
    }
    sel::Result<> ran = disk_.run();
    if (done.ok()) {
        done = ran;
    }
    if (done.ok()) {
        entry.valid |= missing;
        counts_.pages_read++;
    }
    return done;
}

// Where this is, if it lies in one page, and all of that is there (and so on the disk).
const u8 *Cache::present(u64 offset, std::size_t size) {
    std::size_t start = offset % kPageBytes;
    u16 index = size <= kPageBytes - start ? find(offset / kPageBytes) : kNone;
    if (index == kNone || entry_[index].valid != kAll) {
        return nullptr;
    }
    entry_[index].used_lately = true;
    counts_.hits++;
    return memory(index) + start;
}

sel::Result<> Cache::read(u64 offset, std::span<u8> out) {
    if (!allowed()) {
        return ERR_IO;
    }
    if (const u8 *from = present(offset, out.size()); from != nullptr) {
        std::memcpy(out.data(), from, out.size());
        return {};
    }
    if (offset > bytes() || out.size() > bytes() - offset) {
        return ERR_ARG;
    }
    return read_pages(offset, out);
}

sel::Result<> Cache::read_pages(u64 offset, std::span<u8> out) {
    while (!out.empty()) {
        u32 start = static_cast<u32>(offset % kPageBytes);
        u32 count = static_cast<u32>(std::min<u64>(out.size(), kPageBytes - start));
        u64 pages = (start + u64{out.size()} + kPageBytes - 1) / kPageBytes;
        u32 wanted = static_cast<u32>(std::min<u64>(pages, kReadAhead));
        sel::Result<u16> index = load(offset / kPageBytes, touched(start, count), wanted);
        if (!index) {
            return index.error();
        }
        std::memcpy(out.data(), memory(*index) + start, count);
        out = out.subspan(count);
        offset += count;
    }
    return {};
}

// --- Writing.

// `whole`: all of the page's sectors that are touched are written over.
sel::Result<u16> Cache::entry_for_write(u64 page, bool whole) {
    if (!whole) {
        return load(page, kAll);
    }
    u16 index = find(page);
    return index != kNone ? sel::Result<u16>{index} : claim(page);
}

sel::Result<> Cache::write(u64 offset, std::span<const u8> data) {
    if (offset > bytes() || data.size() > bytes() - offset || offset % kSectorBytes != 0 ||
        data.size() % kSectorBytes != 0) {
        return ERR_ARG;
    }
    if (read_only()) {
        return ERR_RIGHT;
    }
    if (!allowed()) {
        return ERR_IO;
    }
    while (!data.empty()) {
        u32 start = static_cast<u32>(offset % kPageBytes);
        u32 count = static_cast<u32>(std::min<u64>(data.size(), kPageBytes - start));
        bool whole = (start | count) % disk_.disk().sector_bytes == 0;
        sel::Result<u16> index = entry_for_write(offset / kPageBytes, whole);
        if (!index) {
            return index.error();
        }
        Entry &entry = entry_[*index];
        std::memcpy(memory(*index) + start, data.data(), count);
        dirty_ += entry.dirty == 0 ? 1 : 0;
        entry.dirty |= touched(start, count);
        entry.valid |= touched(start, count);
        entry.used_lately = true;
        data = data.subspan(count);
        offset += count;
    }
    return dirty_ > pages_ / 2 ? write_back() : sel::Result<>{};
}

// Fills order_ with the dirty entries, in the order of the disk.
u32 Cache::collect_dirty() {
    u32 count = 0;
    for (u32 i = 0; i < pages_; i++) {
        if (entry_[i].dirty != 0) {
            order_[count++] = static_cast<u16>(i);
        }
    }
    std::sort(order_.begin(), order_.begin() + count,
              [&](u16 a, u16 b) { return entry_[a].page < entry_[b].page; });
    return count;
}

sel::Result<> Cache::add_piece(const Piece &piece) {
    std::array<u16, block::kRequestPages> number{};
    for (u32 i = 0; i < piece.count; i++) {
        number[i] = static_cast<u16>(order_[piece.first + i] + 1);
    }
    u32 skipped = static_cast<u32>(std::countr_zero(piece.mask));
    u32 sectors = static_cast<u32>(std::popcount(piece.mask));
    piece_[piece_count_++] = piece;
    return disk_.add({.op = block::Op::Write,
                      .sector = entry_[order_[piece.first]].page * kPageSectors + skipped,
                      .sectors = sectors + (piece.count - 1u) * kPageSectors,
                      .pages = {number.data(), piece.count},
                      .skip = static_cast<u16>(skipped * kSectorBytes)});
}

// The requests for entry order_[from], and for whole neighbours behind it; `next`: behind those.
sel::Result<> Cache::add_pieces(u32 from, u32 dirty, u32 &next) {
    const Entry &entry = entry_[order_[from]];
    u32 count = 1;
    u32 most = disk_.disk().pages_max;
    while (entry.dirty == kAll && from + count < dirty && count < most &&
           entry_[order_[from + count]].dirty == kAll &&
           entry_[order_[from + count]].page == entry.page + count) {
        count++;
    }
    next = from + count;
    u8 left = entry.dirty;
    while (left != 0) {
        u8 run = first_run(left);
        left &= static_cast<u8>(~run);
        sel::Result<> added = add_piece({static_cast<u16>(from), static_cast<u16>(count), run});
        if (!added) {
            return added;
        }
    }
    return {};
}

// Does the batch; what was written is no longer dirty.
sel::Result<> Cache::run_pieces() {
    sel::Result<> done = disk_.run();
    for (u32 i = 0; i < piece_count_; i++) {
        if (disk_.error(i) != OK) {
            continue;
        }
        const Piece &piece = piece_[i];
        for (u32 k = 0; k < piece.count; k++) {
            Entry &entry = entry_[order_[piece.first + k]];
            entry.dirty &= static_cast<u8>(~piece.mask);
            dirty_ -= entry.dirty == 0 ? 1 : 0;
        }
        counts_.pages_written += piece.count;
    }
    piece_count_ = 0;
    return done;
}

sel::Result<> Cache::write_back() {
    u32 dirty = collect_dirty();
    sel::Result<> result;
    flushed_ = flushed_ && dirty == 0;
    for (u32 next = 0; next < dirty;) {
        sel::Result<> added = add_pieces(next, dirty, next);
        // One entry makes at most four pieces.
        if (!added || next == dirty || piece_count_ + kPageSectors / 2 > block::kRequests) {
            sel::Result<> done = run_pieces();
            if (result.ok()) {
                result = !added ? added : done;
            }
        }
    }
    return result;
}

void Cache::discard() {
    for (u32 i = 0; i < pages_; i++) {
        if (entry_[i].dirty != 0) {
            forget(static_cast<u16>(i));
        }
    }
    dirty_ = 0;
}

sel::Result<> Cache::flush() {
    sel::Result<> written = write_back();
    if (!written || flushed_) {
        return written;
    }
    sel::Result<> done = disk_.add({.op = block::Op::Flush});
    if (done.ok()) {
        done = disk_.run();
    }
    flushed_ = done.ok();
    counts_.flushes += done.ok() ? 1 : 0;
    return done;
}

} // namespace volume
