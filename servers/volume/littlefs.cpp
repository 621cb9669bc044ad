// LittleFs: the calls of littlefs, each bounded and each ended cleanly if it fails.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/littlefs.hpp"

#include <algorithm>
#include <climits>
#include <cstring>

#include "servers/volume/signature.hpp"

#include "sel/format.hpp"

namespace volume {
namespace {

// Calls of the cache that one operation may make on a disk of so many blocks: ten times what was
// seen on sound ones. Looking for orphans after a power cut compares every directory with every one.
u32 calls_allowed(u64 blocks) {
    u64 calls = 4000 + 64 * blocks + 16 * blocks * blocks;
    return static_cast<u32>(std::min<u64>(calls, Cache::kUnlimited - 1));
}

constexpr u64 kProbeBytes = 64 << 10; // Of a disk of our type that is to be formatted, all zero.
constexpr u64 kWholeProbeMost = 64 << 20; // Of one of Linux's type: all of it, if it is no larger.
constexpr u32 kBlocksLeast = 4;
constexpr u32 kSkippedMax = 1000; // Entries that list() leaves out in a row.
constexpr u64 kGapMax = 4 << 20;  // What one call may fill with zeroes.
constexpr u32 kBytesPerBlock = LittleFs::kBlockBytes - 96; // Content, at least: the rest links.
constexpr char kFormatting[] = "TRustOs is formatting this disk with littlefs";

constexpr int kAssertion = INT_MIN; // No answer of littlefs.

// Where littlefs_assertion_failed() goes on. Programs that use this have one thread.
void *escape[5];
bool armed;

// noinline: a frame of its own, so that nothing of the caller's is in registers that are lost.
[[gnu::noinline]] int run_guarded(int (*call)(void *), void *context) {
    if (__builtin_setjmp(escape) != 0) {
        return kAssertion;
    }
    armed = true;
    int result = call(context);
    armed = false;
    return result;
}

error_t to_error(int result) {
    switch (result) {
    case LFS2_ERR_NOENT:
        return ERR_NAME;
    case LFS2_ERR_EXIST:
        return ERR_EXISTS;
    case LFS2_ERR_NOTDIR:
    case LFS2_ERR_ISDIR:
        return ERR_DIRECTORY;
    case LFS2_ERR_NOTEMPTY:
        return ERR_CHILDREN;
    case LFS2_ERR_FBIG:
    case LFS2_ERR_NOSPC:
        return ERR_FULL;
    case LFS2_ERR_NAMETOOLONG:
        return ERR_SYNTAX;
    case LFS2_ERR_INVAL:
        return ERR_ARG;
    default:
        return result < 0 ? ERR_IO : OK;
    }
}

} // namespace

extern "C" [[noreturn]] void littlefs_assertion_failed() {
    if (!armed) {
        __builtin_trap();
    }
    armed = false;
    __builtin_longjmp(escape, 1);
}

LittleFs::LittleFs(Cache &cache) : cache_{cache} {
    config_.context = this;
    config_.read = read_block;
    config_.prog = write_block;
    config_.erase = erase_block;
    config_.sync = sync_disk;
    config_.read_size = 64;
    config_.prog_size = Cache::kSectorBytes; // A commit never rewrites the sector of an older one.
    config_.block_size = kBlockBytes;
    config_.block_cycles = -1; // Disks level their wear themselves.
    config_.cache_size = kCacheBytes;
    config_.lookahead_size = kLookaheadBytes;
    config_.read_buffer = read_buffer_;
    config_.prog_buffer = write_buffer_;
    config_.lookahead_buffer = lookahead_;
}

// --- Calls of the library, and what it calls.

template <typename Call>
int LittleFs::guarded(Call call) {
    if (broken_) {
        return LFS2_ERR_IO;
    }
    cache_.allow(calls_allowed(std::min<u64>(config_.block_count, blocks_of_disk())));
    int result = run_guarded([](void *c) { return (*static_cast<Call *>(c))(); }, &call);
    cache_.allow(Cache::kUnlimited);
    broken_ = result == kAssertion;
    return broken_ ? LFS2_ERR_IO : result;
}

// For calls that answer 0 or an error.
template <typename Call>
sel::Result<> LittleFs::done(Call call) {
    return to_error(guarded(call));
}

int LittleFs::read_block(const lfs2_config *c, lfs2_block_t block, lfs2_off_t offset, void *to,
                         lfs2_size_t size) {
    auto &self = *static_cast<LittleFs *>(c->context);
    std::span<u8> out{static_cast<u8 *>(to), size};
    return self.cache_.read(u64{block} * kBlockBytes + offset, out).ok() ? 0 : LFS2_ERR_IO;
}

int LittleFs::write_block(const lfs2_config *c, lfs2_block_t block, lfs2_off_t offset,
                          const void *from, lfs2_size_t size) {
    auto &self = *static_cast<LittleFs *>(c->context);
    if (block >= c->block_count || offset + size > kBlockBytes || self.read_only()) {
        return LFS2_ERR_IO;
    }
    std::span<const u8> data{static_cast<const u8 *>(from), size};
    bool written = self.cache_.write(u64{block} * kBlockBytes + offset, data).ok();
    self.write_failed_ = self.write_failed_ || !written;
    return written ? 0 : LFS2_ERR_IO;
}

// Called for every block that is taken into use.
int LittleFs::erase_block(const lfs2_config *c, lfs2_block_t) {
    auto &self = *static_cast<LittleFs *>(c->context);
    self.free_ -= self.free_ != 0 ? 1 : 0;
    return 0;
}

int LittleFs::sync_disk(const lfs2_config *c) {
    return static_cast<LittleFs *>(c->context)->flush().ok() ? 0 : LFS2_ERR_IO;
}

sel::Result<> LittleFs::flush() {
    sel::Result<> flushed = cache_.flush();
    write_failed_ = write_failed_ || !flushed;
    return flushed;
}

// --- Mounting.

sel::Result<> LittleFs::mount() {
    note_ = {};
    if (blocks_of_disk() <= kBlocksLeast) {
        sel::format(note_, "{} KiB are too little for littlefs", cache_.bytes() >> 10);
        return ERR_NAME;
    }
    sel::Result<bool> marked = is_marked();
    if (!marked) {
        return marked.error();
    }
    sel::Result<> mounted = mount_any_size();
    if (!mounted) {
        mounted = format_if_ours(*marked);
    }
    bool all = config_.block_count == blocks_of_disk() - 1;
    if (mounted.ok() && all && (formatted_ || *marked) && !read_only()) {
        mounted = mark(false);
    }
    return mounted;
}

// As it is made for this disk, or else with the size that it says itself.
sel::Result<> LittleFs::mount_any_size() {
    sel::Result<> mounted = mount_size(blocks_of_disk() - 1);
    for (u32 block = 0; !mounted && !broken_ && block < 2; block++) {
        sel::Result<u32> said = blocks_said_in(block);
        if (!said || *said < kBlocksLeast) {
            continue;
        }
        mounted = mount_size(*said);
        if (!mounted) {
            continue;
        }
        cut_ = *said > blocks_of_disk();
        sel::format(note_, "its littlefs has {} KiB, the partition {}",
                    u64{*said} * kBlockBytes >> 10, cache_.bytes() >> 10);
        note_.append(cut_ ? ": read-only" : "");
    }
    return mounted;
}

sel::Result<> LittleFs::mount_size(u64 blocks) {
    config_.block_count = static_cast<u32>(std::min<u64>(blocks, ~u32{0}));
    return done([&] { return lfs2_mount(&fs_, &config_); });
}

// How many blocks a superblock says that there are; only a right check sum, which the library looks
// at, makes that true. Source: SPEC.md of littlefs, "CREATE + SUPERBLOCK".
sel::Result<u32> LittleFs::blocks_said_in(u32 block) {
    constexpr u32 kMagic = 8, kCount = 28, kEnd = 32;
    std::array<u8, kEnd> head;
    sel::Result<> read = cache_.read(u64{block} * kBlockBytes, head);
    if (!read) {
        return read.error();
    }
    if (std::memcmp(&head[kMagic], "littlefs", 8) != 0) {
        return ERR_NAME;
    }
    u32 count;
    std::memcpy(&count, &head[kCount], sizeof count);
    return count;
}

// --- Formatting.

sel::Result<> LittleFs::format_if_ours(bool marked) {
    config_.block_count = static_cast<u32>(std::min<u64>(blocks_of_disk() - 1, ~u32{0}));
    sel::Result<std::string_view> found = find_signature(cache_);
    if (!found) {
        return found.error();
    }
    bool half_made = marked && *found == kLittleFsSignature;
    if (!found->empty() && !half_made) {
        sel::format(note_, "holds {}{}", *found == kLittleFsSignature ? "damaged " : "", *found);
        return ERR_NAME;
    }
    u64 bytes = bytes_to_look_at();
    if (bytes == 0) {
        note_ = "holds nothing known, and is not of the type TRustOs";
        return ERR_NAME;
    }
    sel::Result<bool> empty = is_empty(bytes, marked);
    if (!empty) {
        return empty.error();
    }
    if (!*empty || read_only() || broken_) {
        note_ = *empty ? "is empty and read-only" : "holds something unknown";
        return ERR_NAME;
    }
    sel::Result<> made = format_now();
    formatted_ = made.ok();
    note_ = formatted_ ? "formatted" : "";
    return made;
}

// How much of the disk must be empty before it is formatted unasked; 0: it never is.
u64 LittleFs::bytes_to_look_at() const {
    if (cache_.disk().type == block::kSystemType) {
        return std::min<u64>(kProbeBytes, cache_.bytes());
    }
    bool small = cache_.bytes() <= kWholeProbeMost;
    return cache_.disk().type == block::kLinuxType && small ? cache_.bytes() : 0;
}

// What an interrupted format may have left is nothing.
sel::Result<bool> LittleFs::is_empty(u64 bytes, bool marked) {
    std::array<u8, kBlockBytes> block;
    u64 last = blocks_of_disk() - 1;
    for (u64 at = 0; at < bytes; at += kBlockBytes) {
        u64 number = at / kBlockBytes;
        if (marked && (number < 2 || number == last)) {
            continue;
        }
        std::span<u8> part{block.data(),
                           static_cast<std::size_t>(std::min<u64>(bytes - at, kBlockBytes))};
        sel::Result<> read = cache_.read(at, part);
        if (!read) {
            return read.error();
        }
        if (std::any_of(part.begin(), part.end(), [](u8 byte) { return byte != 0; })) {
            return false;
        }
    }
    return true;
}

sel::Result<bool> LittleFs::is_marked() {
    u8 said[sizeof kFormatting];
    sel::Result<> read = cache_.read((blocks_of_disk() - 1) * kBlockBytes, said);
    if (!read) {
        return read.error();
    }
    return std::memcmp(said, kFormatting, sizeof said) == 0;
}

// The mark is on the disk before formatting begins, and goes when all of that is on the disk.
sel::Result<> LittleFs::mark(bool formatting) {
    std::array<u8, Cache::kSectorBytes> sector{};
    if (formatting) {
        std::memcpy(sector.data(), kFormatting, sizeof kFormatting);
    }
    sel::Result<> written = cache_.write((blocks_of_disk() - 1) * kBlockBytes, sector);
    return written.ok() ? cache_.flush() : written;
}

sel::Result<> LittleFs::format_now() {
    sel::Result<> made = mark(true);
    if (made.ok()) {
        made = done([&] { return lfs2_format(&fs_, &config_); });
    }
    if (made.ok()) {
        made = cache_.flush();
    }
    return made.ok() ? done([&] { return lfs2_mount(&fs_, &config_); }) : made;
}

sel::Result<> LittleFs::format(bool force) {
    close_cursor();
    if (blocks_of_disk() <= kBlocksLeast) {
        return ERR_FULL;
    }
    if (sel::Result<> cleared = clear_for_format(cache_, force, note_); !cleared) {
        return cleared;
    }
    config_.block_count = static_cast<u32>(std::min<u64>(blocks_of_disk() - 1, ~u32{0}));
    broken_ = cut_ = false;
    sel::Result<> made = format_now();
    return made.ok() ? mark(false) : made;
}

// --- Names.

u64 LittleFs::time_of(const Path &path) {
    u64 seconds = 0;
    int size = guarded(
        [&] { return lfs2_getattr(&fs_, path.c_str(), kTimeAttribute, &seconds, sizeof seconds); });
    return size == sizeof seconds ? seconds : 0;
}

// Names are bytes: each node has one.
sel::Result<NodeInfo> LittleFs::stat(Path &path) {
    lfs2_info info;
    sel::Result<> found = done([&] { return lfs2_stat(&fs_, path.c_str(), &info); });
    if (!found) {
        return found.error();
    }
    bool directory = info.type == LFS2_TYPE_DIR;
    return NodeInfo{directory, directory ? 0 : u64{info.size}, time_of(path)};
}

sel::Result<> LittleFs::make_directory(const Path &path) {
    sel::Result<> made = done([&] { return lfs2_mkdir(&fs_, path.c_str()); });
    if (!made || time_ == 0) {
        return made;
    }
    return done(
        [&] { return lfs2_setattr(&fs_, path.c_str(), kTimeAttribute, &time_, sizeof time_); });
}

sel::Result<> LittleFs::remove(const Path &path) {
    close_cursor();
    return done([&] { return lfs2_remove(&fs_, path.c_str()); });
}

sel::Result<> LittleFs::rename(const Path &from, const Path &to) {
    close_cursor();
    return done([&] { return lfs2_rename(&fs_, from.c_str(), to.c_str()); });
}

// --- Listing: the library's open directory is kept where it is for the next call.

bool LittleFs::at_cursor(const Path &path, u32 position) const {
    return listing_ && position != 0 && listed_ == position && listed_path_.view() == path.view();
}

void LittleFs::close_cursor() {
    if (listing_) {
        listing_ = false;
        guarded([&] { return lfs2_dir_close(&fs_, &cursor_); });
    }
}

error_t LittleFs::point_cursor(const Path &path, u32 position) {
    if (at_cursor(path, position)) {
        return OK;
    }
    close_cursor();
    sel::Result<> opened = done([&] { return lfs2_dir_open(&fs_, &cursor_, path.c_str()); });
    if (!opened) {
        return opened.error();
    }
    listing_ = true;
    listed_path_ = path;
    if (position == 0) {
        return OK;
    }
    error_t error = done([&] { return lfs2_dir_seek(&fs_, &cursor_, position); }).error();
    return error == ERR_ARG ? ERR_EMPTY : error;
}

sel::Result<Listed> LittleFs::list(const Path &path, u32 position) {
    error_t error = point_cursor(path, position);
    if (error != OK) {
        return error;
    }
    for (u32 skipped = 0; skipped < kSkippedMax; skipped++) {
        lfs2_info info;
        int more = guarded([&] { return lfs2_dir_read(&fs_, &cursor_, &info); });
        if (more <= 0) {
            return more < 0 ? to_error(more) : ERR_EMPTY;
        }
        if (!Path::is_name({info.name, strnlen(info.name, sizeof info.name)})) {
            continue;
        }
        listed_ = cursor_.pos;
        return entry(path, info);
    }
    return ERR_IO;
}

// What list() says of `info`, just read in the directory `path`.
Listed LittleFs::entry(const Path &path, const lfs2_info &info) {
    bool directory = info.type == LFS2_TYPE_DIR;
    Listed listed{listed_, {directory, directory ? 0 : u64{info.size}, 0}, {info.name}};
    Path full = path;
    listed.info.changed = full.enter(info.name) ? time_of(full) : 0;
    return listed;
}

// --- Content.

sel::Result<> LittleFs::open(u32 object, const Path &path, Mode mode) {
    Object &o = object_[object];
    o.writable = mode != Mode::Read;
    o.changed = 0;
    o.attribute = {kTimeAttribute, &o.changed, sizeof o.changed};
    // With the attribute every close would be a commit.
    o.config = {o.buffer, &o.attribute, o.writable ? 1u : 0u};
    int flags = o.writable ? LFS2_O_RDWR : LFS2_O_RDONLY;
    flags |= mode == Mode::Create ? LFS2_O_CREAT : 0;
    sel::Result<> opened =
        done([&] { return lfs2_file_opencfg(&fs_, &o.file, path.c_str(), flags, &o.config); });
    o.changed = o.changed != 0 ? o.changed : time_;
    return opened;
}

void LittleFs::drop(u32 object) {
    Object &o = object_[object];
    o.file.flags |= LFS2_F_ERRED; // Makes the library forget what is not committed.
    guarded([&] { return lfs2_file_close(&fs_, &o.file); });
}

sel::Result<> LittleFs::close(u32 object) {
    sel::Result<> committed = commit(object);
    drop(object);
    return committed;
}

u64 LittleFs::size(u32 object) {
    int size =
        guarded([&] { return static_cast<int>(lfs2_file_size(&fs_, &object_[object].file)); });
    return size > 0 ? static_cast<u64>(size) : 0;
}

int LittleFs::move_to(Object &object, u64 offset) {
    return static_cast<int>(
        lfs2_file_seek(&fs_, &object.file, static_cast<lfs2_soff_t>(offset), LFS2_SEEK_SET));
}

sel::Result<u32> LittleFs::read(u32 object, u64 offset, std::span<u8> out) {
    Object &o = object_[object];
    if (offset >= size(object)) {
        return u32{0};
    }
    int count = guarded([&] {
        int moved = move_to(o, offset);
        return moved < 0 ? moved
                         : lfs2_file_read(&fs_, &o.file, out.data(),
                                          static_cast<lfs2_size_t>(out.size()));
    });
    if (count < 0) {
        return to_error(count);
    }
    return static_cast<u32>(count);
}

// A write rewrites the file from its block of `offset` on: there must be blocks for all of that.
sel::Result<> LittleFs::make_room(Object &object, u64 offset, u64 end) {
    u64 size = static_cast<u64>(std::max<lfs2_soff_t>(lfs2_file_size(&fs_, &object.file), 0));
    if (end > bytes_max() || (offset > size && offset - size > kGapMax)) {
        return ERR_FULL;
    }
    u64 bytes = std::max(end, size) - std::min(offset, size);
    u64 blocks = config_.block_count;
    u64 needed = bytes / kBytesPerBlock + 3 + std::min<u64>(kReserve, blocks / 16);
    if (free_ >= needed) {
        return {};
    }
    int used = guarded([&] { return static_cast<int>(lfs2_fs_size(&fs_)); });
    if (used < 0) {
        return to_error(used);
    }
    free_ = blocks - std::min<u64>(blocks, static_cast<u64>(used));
    return free_ >= needed ? sel::Result<>{} : ERR_FULL;
}

sel::Result<> LittleFs::write(u32 object, u64 offset, std::span<const u8> data) {
    Object &o = object_[object];
    if (offset > bytes_max() || data.size() > bytes_max()) {
        return ERR_FULL;
    }
    sel::Result<> room = make_room(o, offset, offset + data.size());
    if (!room) {
        return room;
    }
    o.changed = time_ != 0 ? time_ : o.changed;
    int count = guarded([&] {
        int moved = move_to(o, offset);
        return moved < 0 ? moved
                         : lfs2_file_write(&fs_, &o.file, data.data(),
                                           static_cast<lfs2_size_t>(data.size()));
    });
    return count < 0 ? ERR_IO : OK; // There was room: whatever it is, the object is spoilt.
}

sel::Result<> LittleFs::truncate(u32 object, u64 bytes) {
    Object &o = object_[object];
    sel::Result<> room = bytes > size(object) ? make_room(o, bytes, bytes) : sel::Result<>{};
    if (!room) {
        return room;
    }
    o.changed = time_ != 0 ? time_ : o.changed;
    int cut =
        guarded([&] { return lfs2_file_truncate(&fs_, &o.file, static_cast<lfs2_off_t>(bytes)); });
    return cut < 0 ? ERR_IO : OK;
}

// The content is on the disk before the commit that names it is written: this littlefs does not
// see to that itself. A read of nothing makes it write out what it holds.
sel::Result<> LittleFs::commit(u32 object) {
    Object &o = object_[object];
    if (!o.writable) {
        return {};
    }
    sel::Result<> written = done([&] {
        u8 nothing;
        return lfs2_file_read(&fs_, &o.file, &nothing, 0);
    });
    if (!written) {
        return written;
    }
    sel::Result<> flushed = flush();
    return flushed.ok() ? done([&] { return lfs2_file_sync(&fs_, &o.file); }) : flushed;
}

sel::Result<> LittleFs::sync() {
    return flush();
}

// What the library has in memory is read anew; if that fails it is not to be trusted.
void LittleFs::revert() {
    close_cursor();
    guarded([&] { return lfs2_unmount(&fs_); });
    cache_.discard();
    free_ = 0;
    write_failed_ = false;
    bool mounted = done([&] { return lfs2_mount(&fs_, &config_); }).ok();
    broken_ = broken_ || !mounted;
}

// Counting what is used looks at all metadata, and at the links of all files.
sel::Result<bool> LittleFs::check(u32 &damaged) {
    damaged = usage().ok() ? 0 : 1;
    return true;
}

sel::Result<file::Usage> LittleFs::usage() {
    int used = guarded([&] { return static_cast<int>(lfs2_fs_size(&fs_)); });
    if (used < 0) {
        return to_error(used);
    }
    u64 blocks = std::min<u64>(static_cast<u64>(used), config_.block_count);
    return file::Usage{blocks * kBlockBytes, u64{config_.block_count} * kBlockBytes, 0, 0};
}

} // namespace volume
