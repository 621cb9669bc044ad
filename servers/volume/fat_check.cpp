// FatCheck: directories, chains, what belongs to none, and the copies of the table.
// SPDX-License-Identifier: BSD-2-Clause
//
// Layout of entries and of the table: Microsoft's FAT specification of 2000, "FAT Data Structure"
// and "FAT Directory Structure".
#include "servers/volume/fat_check.hpp"

#include <algorithm>
#include <utility>

namespace volume {
namespace {

constexpr u32 kLostUnit = 64;
constexpr u32 kEnd = ~u32{0}; // Of a chain, with as many bits as there are.

// Places in an entry of a directory, and of the mark of a mounted volume.
constexpr u32 kAttributes = 11, kStartHigh = 20, kStart = 26, kSize = 28;
constexpr u32 kMark = 37, kMark32 = 65;

u32 little(const u8 *bytes, u32 count) {
    u32 value = 0;
    for (u32 i = count; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

void put_little(u8 *bytes, u32 count, u32 value) {
    for (u32 i = 0; i < count; i++) {
        bytes[i] = static_cast<u8>(value >> 8 * i);
    }
}

} // namespace

sel::Result<> FatCheck::begin(Cache &cache, const FATFS &fs, bool repair) {
    if (fs.n_fatent > kClusters) {
        return ERR_FULL;
    }
    cache_ = &cache;
    fs_ = &fs;
    repair_ = repair;
    damaged_ = repaired_ = 0;
    seen_ = free_ = sector_ = 0;
    lost_from_ = 2;
    lost_ = differ_ = false;
    taken_.fill(0);
    depth_ = 0;
    chain_ = {};
    phase_ = Phase::Chains;
    if (fs.fs_type == FS_FAT32) {
        u32 root = static_cast<u32>(fs.dirbase);
        chain_ = {.first = root, .now = root, .directory = true};
    } else {
        open_[depth_++] = {kNone, 0, 1};
    }
    return {};
}

sel::Result<bool> FatCheck::step(u32 units) {
    for (; units > 0 && phase_ != Phase::Done; units--) {
        if (sel::Result<> done = unit(); !done) {
            return done.error();
        }
    }
    return phase_ == Phase::Done;
}

sel::Result<> FatCheck::unit() {
    switch (phase_) {
    case Phase::Chains:
        if (chain_.now != kNone) {
            return follow();
        }
        if (depth_ != 0) {
            return read_entry();
        }
        phase_ = Phase::Lost;
        return {};
    case Phase::Lost:
        return look_for_lost();
    case Phase::Copies:
        return compare_copies();
    default:
        phase_ = Phase::Done;
        if (!repair_ || damaged_ != repaired_) {
            return {};
        }
        sel::Result<> cleared = clear_mark();
        return cleared.ok() ? set_free() : cleared;
    }
}

// --- What is wrong, and that it was mended.

void FatCheck::found() {
    damaged_++;
}

sel::Result<> FatCheck::mend(const sel::Result<> &done) {
    repaired_ += done.ok() ? 1 : 0;
    return done;
}

// Writes a few bytes anywhere.
sel::Result<> FatCheck::put(u64 place, std::span<const u8> bytes) {
    constexpr u32 kSector = Cache::kSectorBytes;
    u8 sectors[2 * kSector];
    u64 from = place / kSector * kSector,
        to = (place + bytes.size() + kSector - 1) / kSector * kSector;
    std::span<u8> all{sectors, static_cast<std::size_t>(to - from)};
    sel::Result<> done = cache_->read(from, all);
    if (done.ok()) {
        std::copy(bytes.begin(), bytes.end(),
                  all.begin() + static_cast<std::ptrdiff_t>(place - from));
        done = cache_->write(from, all);
    }
    return done;
}

// --- The table.

sel::Result<FatCheck::Link> FatCheck::look_up(u32 cluster, u32 &next) {
    bool fat12 = fs_->fs_type == FS_FAT12, fat16 = fs_->fs_type == FS_FAT16;
    u32 bytes = fat12 || fat16 ? 2 : 4;
    u32 offset = fat12 ? cluster + cluster / 2 : cluster * bytes;
    u8 raw[4]{};
    sel::Result<> read = cache_->read(u64{fs_->fatbase} * sector_bytes() + offset, {raw, bytes});
    if (!read) {
        return read.error();
    }
    u32 value = little(raw, bytes);
    u32 most = fat12 ? 0xfff : fat16 ? 0xffff : 0xfffffff;
    next = (fat12 && cluster % 2 != 0 ? value >> 4 : value) & most;
    if (next == 0) {
        return Link::Free;
    }
    if (next >= most - 7) {
        return Link::Last;
    }
    if (next == most - 8) {
        return Link::Bad;
    }
    return next >= 2 && next < fs_->n_fatent ? Link::Next : Link::Nonsense;
}

// In all copies. FAT12 has two in three bytes, FAT32 four bits of nobody's.
sel::Result<> FatCheck::set_link(u32 cluster, u32 value) {
    bool fat12 = fs_->fs_type == FS_FAT12, fat16 = fs_->fs_type == FS_FAT16;
    u32 bytes = fat12 || fat16 ? 2 : 4;
    u32 offset = fat12 ? cluster + cluster / 2 : cluster * bytes;
    u32 mask = fat12 ? 0xfffu : fat16 ? 0xffffu : 0xfffffffu;
    u32 shift = fat12 && cluster % 2 != 0 ? 4 : 0;
    for (u32 copy = 0; copy < fs_->n_fats; copy++) {
        u64 place = (fs_->fatbase + u64{copy} * fs_->fsize) * sector_bytes() + offset;
        u8 raw[4]{};
        sel::Result<> done = cache_->read(place, {raw, bytes});
        u32 mixed = (little(raw, bytes) & ~(mask << shift)) | (value & mask) << shift;
        put_little(raw, bytes, mixed);
        done = done.ok() ? put(place, {raw, bytes}) : done;
        if (!done) {
            return done;
        }
    }
    return {};
}

bool FatCheck::take(u32 cluster) {
    bool free = !taken(cluster);
    taken_[cluster / 8] |= static_cast<u8>(1u << cluster % 8);
    seen_ += free ? 1 : 0;
    return free;
}

// --- Chains.

// One link. A chain that comes to a cluster with an owner, its own among them, goes no further.
sel::Result<> FatCheck::follow() {
    if (chain_.now < 2 || chain_.now >= fs_->n_fatent || !take(chain_.now)) {
        return cut();
    }
    chain_.count++;
    chain_.last = chain_.now;
    u32 next = 0;
    sel::Result<Link> link = look_up(chain_.now, next);
    if (!link) {
        return link.error();
    }
    bool whole = chain_.directory || chain_.count == expected(chain_);
    if (*link == Link::Last) {
        sel::Result<> done = whole ? sel::Result<>{} : set_size();
        end_chain();
        return done;
    }
    bool goes_on = *link == Link::Next && (chain_.directory || !whole);
    chain_.now = next;
    return goes_on ? sel::Result<>{} : cut();
}

// The chain ends with what it has so far.
sel::Result<> FatCheck::cut() {
    found();
    sel::Result<> done;
    if (repair_ && chain_.last != kNone) {
        done = set_link(chain_.last, kEnd);
    } else if (repair_ && chain_.entry != 0) { // Nothing: no cluster, and no directory.
        constexpr u8 kNothing[4]{};
        u8 attributes = 0;
        done = cache_->read(chain_.entry + kAttributes, {&attributes, 1});
        attributes &= static_cast<u8>(~AM_DIR);
        done = done.ok() ? put(chain_.entry + kAttributes, {&attributes, 1}) : done;
        done = done.ok() ? put(chain_.entry + kSize, kNothing) : done;
        done = done.ok() ? put(chain_.entry + kStartHigh, {kNothing, 2}) : done;
        done = done.ok() ? put(chain_.entry + kStart, {kNothing, 2}) : done;
    }
    u64 has = u64{chain_.count} * cluster_bytes();
    if (repair_ && done.ok() && chain_.last != kNone && chain_.size > has) {
        done = put_size(static_cast<u32>(has));
    }
    bool mended = repair_ && (chain_.last != kNone || chain_.entry != 0);
    end_chain();
    return mended ? mend(done) : done;
}

// The chain is sound, and shorter than the size says.
sel::Result<> FatCheck::set_size() {
    found();
    return repair_ ? mend(put_size(chain_.count * cluster_bytes())) : sel::Result<>{};
}

sel::Result<> FatCheck::put_size(u32 bytes) {
    u8 size[4];
    put_little(size, sizeof size, bytes);
    return put(chain_.entry + kSize, size);
}

// Of a directory those clusters are read that are its own.
void FatCheck::end_chain() {
    if (chain_.directory && chain_.count != 0) {
        if (depth_ < kDepth) {
            open_[depth_++] = {chain_.first, 0, chain_.count};
        } else {
            found();
        }
    }
    chain_ = {};
}

// --- Directories.

u32 FatCheck::entries(const Directory &directory) const {
    return directory.cluster == kNone ? fs_->n_rootdir : cluster_bytes() / kEntryBytes;
}

u64 FatCheck::place(const Directory &directory) const {
    u64 sector = directory.cluster == kNone
                     ? u64{fs_->dirbase}
                     : fs_->database + u64{directory.cluster - 2} * fs_->csize;
    return sector * sector_bytes() + u64{directory.entry} * kEntryBytes;
}

sel::Result<> FatCheck::next_cluster(Directory &directory) {
    if (--directory.clusters == 0) {
        depth_--;
        return {};
    }
    u32 next = 0;
    sel::Result<Link> link = look_up(directory.cluster, next);
    directory.cluster = next;
    directory.entry = 0;
    return link.error(); // It was followed before: it has as many as were counted.
}

sel::Result<> FatCheck::read_entry() {
    Directory &directory = open_[depth_ - 1];
    if (directory.entry == entries(directory)) {
        return next_cluster(directory);
    }
    u8 raw[kEntryBytes];
    if (!cache_->read(place(directory), raw).ok()) {
        found();
        return next_cluster(directory);
    }
    u64 at = place(directory);
    directory.entry++;
    if (raw[0] == 0) {
        depth_--;
        return {};
    }
    bool named = raw[0] != 0xe5 && raw[0] != '.' && (raw[kAttributes] & 8) == 0;
    return named ? begin_chain(raw, at) : sel::Result<>{}; // Else: free, dots, label, long name.
}

sel::Result<> FatCheck::begin_chain(const u8 *entry, u64 at) {
    u32 high = fs_->fs_type == FS_FAT32 ? little(entry + kStartHigh, 2) << 16 : 0;
    u32 first = high | little(entry + kStart, 2);
    bool directory = (entry[kAttributes] & AM_DIR) != 0;
    u32 size = directory ? 0 : little(entry + kSize, 4);
    chain_ = {.first = first, .now = first, .size = size, .entry = at, .directory = directory};
    bool some = directory || size != 0;
    if ((first != kNone) == some) {
        chain_.now = first;
        return {};
    }
    return cut(); // A size without a chain, or the reverse.
}

// --- What has no owner.

sel::Result<> FatCheck::look_for_lost() {
    u32 end = std::min<u32>(lost_from_ + kLostUnit, static_cast<u32>(fs_->n_fatent));
    sel::Result<> done;
    for (; lost_from_ < end && done.ok(); lost_from_++) {
        u32 next = 0;
        sel::Result<Link> link = look_up(lost_from_, next);
        if (!link) {
            return link.error();
        }
        bool used = *link != Link::Free && *link != Link::Bad;
        bool lost = used && !taken(lost_from_);
        lost_ = lost_ || lost;
        done = lost && repair_ ? set_link(lost_from_, 0) : done;
        seen_ += taken(lost_from_) ? 0 : 1;
        free_ += *link == Link::Free || lost ? 1 : 0;
    }
    if (!done || lost_from_ < fs_->n_fatent) {
        return done;
    }
    phase_ = Phase::Copies;
    damaged_ += lost_ ? 1 : 0;
    repaired_ += lost_ && repair_ ? 1 : 0;
    return {};
}

// --- Copies of the table, and what is noted of all of it.

// One sector of each.
sel::Result<> FatCheck::compare_copies() {
    constexpr u32 kSector = Cache::kSectorBytes;
    u64 bytes = u64{fs_->fsize} * sector_bytes(), first = u64{fs_->fatbase} * sector_bytes();
    u8 one[kSector], other[kSector];
    u64 at = first + u64{sector_++} * kSector;
    sel::Result<> done = cache_->read(at, one);
    for (u32 copy = 1; copy < fs_->n_fats && done.ok(); copy++) {
        done = cache_->read(at + copy * bytes, other);
        bool differ = done.ok() && !std::equal(std::begin(one), std::end(one), other);
        differ_ = differ_ || differ;
        done = differ && repair_ ? cache_->write(at + copy * bytes, one) : done;
    }
    if (!done || u64{sector_} * kSector < bytes) {
        return done;
    }
    phase_ = Phase::Notes;
    damaged_ += differ_ ? 1 : 0;
    repaired_ += differ_ && repair_ ? 1 : 0;
    return {};
}

// Others set a bit when they mount, and clear it when they are done.
sel::Result<> FatCheck::clear_mark() {
    u64 place = fs_->fs_type == FS_FAT32 ? kMark32 : kMark;
    u8 mark = 0;
    sel::Result<> read = cache_->read(place, {&mark, 1});
    if (!read || (mark & 1) == 0) {
        return read;
    }
    mark &= 0xfe;
    return put(place, {&mark, 1});
}

// FAT32 has the count of free clusters in a sector of its own.
sel::Result<> FatCheck::set_free() {
    constexpr u32 kPlace = 48, kFirstSign = 0, kSecondSign = 484, kFree = 488;
    if (fs_->fs_type != FS_FAT32) {
        return {};
    }
    u8 word[4]{};
    sel::Result<> read = cache_->read(kPlace, {word, 2});
    u64 sector = u64{little(word, 2)} * sector_bytes();
    for (auto [at, sign] : {std::pair{kFirstSign, 0x41615252u}, {kSecondSign, 0x61417272u}}) {
        read = read.ok() ? cache_->read(sector + at, word) : read;
        if (!read || little(word, 4) != sign) {
            return read;
        }
    }
    put_little(word, sizeof word, free_);
    return put(sector + kFree, word);
}

} // namespace volume
