// FatCheck: directories, chains, and what belongs to none.
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

u32 little(const u8 *bytes, u32 count) {
    u32 value = 0;
    for (u32 i = count; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

} // namespace

sel::Result<> FatCheck::begin(Cache &cache, const FATFS &fs) {
    if (fs.n_fatent > kClusters) {
        return ERR_FULL;
    }
    cache_ = &cache;
    fs_ = &fs;
    damaged_ = 0;
    lost_from_ = 2;
    lost_ = false;
    taken_.fill(0);
    depth_ = 0;
    chain_ = {};
    if (fs.fs_type == FS_FAT32) {
        u32 root = static_cast<u32>(fs.dirbase);
        chain_ = {root, root, 0, 0, true};
    } else {
        open_[depth_++] = {kNone, 0, 1};
    }
    return {};
}

sel::Result<bool> FatCheck::step(u32 units) {
    for (; units > 0; units--) {
        sel::Result<> done;
        if (chain_.now != kNone) {
            done = follow();
        } else if (depth_ != 0) {
            done = read_entry();
        } else if (lost_from_ < fs_->n_fatent) {
            done = look_for_lost();
        } else {
            damaged_ += std::exchange(lost_, false) ? 1 : 0;
            return true;
        }
        if (!done) {
            return done.error();
        }
    }
    return false;
}

// --- The table.

sel::Result<FatCheck::Link> FatCheck::look_up(u32 cluster, u32 &next) {
    bool fat12 = fs_->fs_type == FS_FAT12, fat16 = fs_->fs_type == FS_FAT16;
    u32 bytes = fat12 || fat16 ? 2 : 4;
    u32 offset = fat12 ? cluster + cluster / 2 : cluster * bytes;
    u8 raw[4]{};
    sel::Result<> read =
        cache_->read(u64{fs_->fatbase} * Cache::kSectorBytes + offset, {raw, bytes});
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

bool FatCheck::take(u32 cluster) {
    bool free = !taken(cluster);
    taken_[cluster / 8] |= static_cast<u8>(1u << cluster % 8);
    return free;
}

// --- Chains.

// One link. A chain that comes to a cluster with an owner, its own among them, goes no further.
sel::Result<> FatCheck::follow() {
    if (chain_.now < 2 || chain_.now >= fs_->n_fatent || !take(chain_.now)) {
        end_chain(false);
        return {};
    }
    chain_.count++;
    u32 next = 0;
    sel::Result<Link> link = look_up(chain_.now, next);
    if (!link) {
        return link.error();
    }
    bool too_long = !chain_.directory && chain_.count > chain_.expected;
    if (*link == Link::Next && !too_long) {
        chain_.now = next;
    } else {
        bool whole = chain_.directory || chain_.count == chain_.expected;
        end_chain(*link == Link::Last && whole);
    }
    return {};
}

// Of a directory those clusters are read that are its own.
void FatCheck::end_chain(bool sound) {
    damaged_ += sound ? 0 : 1;
    if (chain_.directory && chain_.count != 0) {
        if (depth_ < kDepth) {
            open_[depth_++] = {chain_.first, 0, chain_.count};
        } else {
            damaged_++;
        }
    }
    chain_ = {};
}

// --- Directories.

u32 FatCheck::entries(const Directory &directory) const {
    return directory.cluster == kNone ? fs_->n_rootdir
                                      : fs_->csize * (Cache::kSectorBytes / kEntryBytes);
}

u64 FatCheck::place(const Directory &directory) const {
    u64 sector = directory.cluster == kNone
                     ? u64{fs_->dirbase}
                     : fs_->database + u64{directory.cluster - 2} * fs_->csize;
    return sector * Cache::kSectorBytes + u64{directory.entry} * kEntryBytes;
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
        damaged_++;
        return next_cluster(directory);
    }
    directory.entry++;
    if (raw[0] == 0) {
        depth_--;
        return {};
    }
    u8 attributes = raw[11];
    if (raw[0] == 0xe5 || raw[0] == '.' || (attributes & 8) != 0) { // Free, dots, label, long name.
        return {};
    }
    u32 high = fs_->fs_type == FS_FAT32 ? little(raw + 20, 2) << 16 : 0;
    u32 first = high | little(raw + 26, 2), size = little(raw + 28, 4);
    bool is_directory = (attributes & AM_DIR) != 0;
    u32 cluster = fs_->csize * Cache::kSectorBytes;
    u32 expected = static_cast<u32>((u64{size} + cluster - 1) / cluster);
    if (first == kNone) {
        damaged_ += is_directory || expected != 0 ? 1 : 0;
    } else {
        chain_ = {first, first, 0, expected, is_directory};
    }
    return {};
}

// --- What has no owner.

sel::Result<> FatCheck::look_for_lost() {
    u32 end = std::min<u32>(lost_from_ + kLostUnit, static_cast<u32>(fs_->n_fatent));
    for (; lost_from_ < end; lost_from_++) {
        u32 next = 0;
        sel::Result<Link> link = look_up(lost_from_, next);
        if (!link) {
            return link.error();
        }
        bool used = *link != Link::Free && *link != Link::Bad;
        lost_ = lost_ || (used && !taken(lost_from_));
    }
    return {};
}

} // namespace volume
