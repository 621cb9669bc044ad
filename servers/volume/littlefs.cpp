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
constexpr u32 kBlocksLeast = 4;
constexpr u32 kStepsMax = 1000;   // Of list(): entries that it looks at, and blocks.
constexpr u32 kFirstPosition = 2; // Of the library: the first two are '.' and '..'.
constexpr u64 kGapMax = 4 << 20;  // What one call may fill with zeroes.
constexpr u32 kBytesPerBlock = LittleFs::kBlockBytes - 96; // Content, at least: the rest links.
constexpr u32 kPlainMost = 16 << 10; // Content of a file that is left to the library.
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

extern "C" int littlefs_visit_entry(void *context, const u8 *attribute,
                                    int (*visit)(void *data, u32 block), void *data) {
    return static_cast<LittleFs *>(context)->visit_entry(attribute, visit, data);
}

extern "C" int littlefs_visit_open(void *context, int (*visit)(void *data, u32 block), void *data) {
    return static_cast<LittleFs *>(context)->visit_open(visit, data);
}

extern "C" bool littlefs_skip(void *context, u32 pair[2], const char *name, u32 size) {
    NameIndex::Pair next{pair[0], pair[1]};
    bool skipped = static_cast<LittleFs *>(context)->skip(next, {name, size});
    pair[0] = next[0];
    pair[1] = next[1];
    return skipped;
}

extern "C" void littlefs_learn(void *context, const u32 pair[2], const char *name, u32 size,
                               const u32 next[2]) {
    NameIndex::Pair from{pair[0], pair[1]}, to{next[0], next[1]};
    static_cast<LittleFs *>(context)->learn(from, {name, size}, to);
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
    u64 blocks = std::min<u64>(config_.block_count, blocks_of_disk());
    cache_.allow(calls_allowed(blocks));
    visits_ = static_cast<u32>(std::min<u64>(kVisits * blocks, ~u32{0}));
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
    self.names_.written(block);
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

int LittleFs::visit_entry(const u8 *attribute, BlockTrees::Visit visit, void *data) {
    Attribute said;
    std::memcpy(&said, attribute, sizeof said);
    return trees_.visit(said.root, {}, visits_, visit, data);
}

int LittleFs::visit_open(BlockTrees::Visit visit, void *data) {
    int result = 0;
    for (const Object &o : object_) {
        result = result == 0 && o.writable
                     ? trees_.visit(o.tree.now, o.tree.before, visits_, visit, data)
                     : result;
    }
    return result;
}

// On a damaged disk the next one may be one before it.
bool LittleFs::skip(NameIndex::Pair &pair, std::string_view name) {
    bool skipped = visits_ != 0 && names_.skip(pair, name);
    visits_ -= skipped ? 1 : 0;
    return skipped;
}

sel::Result<u32> LittleFs::take() {
    lfs2_block_t block = 0;
    sel::Result<> taken = done([&] { return lfs2_block_take(&fs_, &block); });
    free_ -= free_ != 0 ? 1 : 0;
    return taken.ok() ? sel::Result<u32>{block} : taken.error();
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

void LittleFs::set_blocks(u64 blocks) {
    config_.block_count = static_cast<u32>(std::min<u64>(blocks, ~u32{0}));
    trees_.set_blocks(config_.block_count);
    names_.clear();
}

sel::Result<> LittleFs::mount_size(u64 blocks) {
    set_blocks(blocks);
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
    set_blocks(blocks_of_disk() - 1);
    sel::Result<std::string_view> found = find_signature(cache_);
    if (!found) {
        return found.error();
    }
    bool half_made = marked && *found == kLittleFsSignature;
    if (!found->empty() && !half_made) {
        sel::format(note_, "holds {}{}", *found == kLittleFsSignature ? "damaged " : "", *found);
        return ERR_NAME;
    }
    if (cache_.disk().type != block::kSystemType) {
        note_ = "holds nothing known, and is not of the type TRustOs";
        return ERR_NAME;
    }
    sel::Result<bool> empty = is_empty(std::min<u64>(kProbeBytes, cache_.bytes()), marked);
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
    set_blocks(blocks_of_disk() - 1);
    broken_ = cut_ = false;
    sel::Result<> made = format_now();
    return made.ok() ? mark(false) : made;
}

// --- Names.

NodeInfo LittleFs::node(bool directory, u32 bytes, const Attribute &said) {
    u64 all = bytes == 0 ? said.root.bytes : bytes;
    return {directory, directory ? 0 : all, said.changed};
}

// Names are bytes: each node has one.
sel::Result<NodeInfo> LittleFs::stat(Path &path) {
    lfs2_info info;
    Attribute said;
    sel::Result<> found = done([&] {
        return lfs2_stat_with(&fs_, path.c_str(), &info, LITTLEFS_ATTRIBUTE, &said, sizeof said);
    });
    bool directory = info.type == LFS2_TYPE_DIR;
    return found.ok() ? sel::Result{node(directory, info.size, said)} : found.error();
}

sel::Result<> LittleFs::make_directory(const Path &path) {
    sel::Result<> made = done([&] { return lfs2_mkdir(&fs_, path.c_str()); });
    if (!made || time_ == 0) {
        return made;
    }
    return done(
        [&] { return lfs2_setattr(&fs_, path.c_str(), LITTLEFS_ATTRIBUTE, &time_, sizeof time_); });
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
        cursor_.pos = kFirstPosition;
        return OK;
    }
    error_t error = done([&] { return lfs2_dir_seek(&fs_, &cursor_, position); }).error();
    return error == ERR_ARG ? ERR_EMPTY : error;
}

// Goes to the next pair of blocks, and takes the newer one into memory: what lfs2_dir_turn() and read_directory() do,
// in one pass. False: the library is to do it, and nothing has changed.
bool LittleFs::turn_at_once() {
    lfs2_mdir_t &m = cursor_.m;
    if (!m.split || m.tail[0] >= fs_.block_count || m.tail[1] >= fs_.block_count) {
        return false;
    }
    u32 revision[2];
    for (u32 i = 0; i < 2; i++) {
        std::span to{reinterpret_cast<u8 *>(&revision[i]), sizeof revision[i]};
        if (!cache_.read(u64{m.tail[i]} * kBlockBytes, to)) {
            return false;
        }
    }
    u32 newer = static_cast<s32>(revision[1] - revision[0]) > 0 ? 1 : 0;
    directory_of_ = {};
    DirectoryBlock::Commits commits;
    if (!cache_.read(u64{m.tail[newer]} * kBlockBytes, directory_.room(kBlockBytes)) ||
        !directory_.read_commits(LITTLEFS_ATTRIBUTE, commits)) {
        return false;
    }
    m = {.pair = {m.tail[newer], m.tail[1 - newer]},
         .rev = revision[newer],
         .off = commits.end,
         .etag = commits.last,
         .count = static_cast<u16>(commits.count),
         .erased = false,
         .split = commits.split,
         .tail = {commits.tail[0], commits.tail[1]}};
    cursor_.id = 0;
    directory_of_ = m;
    return true;
}

// Goes to the next pair of blocks; ERR_EMPTY: there is none.
error_t LittleFs::turn_cursor() {
    if (turn_at_once()) {
        return OK;
    }
    int more = guarded([&] { return lfs2_dir_turn(&fs_, &cursor_); });
    return more > 0 ? OK : more < 0 ? to_error(more) : ERR_EMPTY;
}

// Takes the block where the cursor is into memory. Whatever changes a directory changes one of these.
error_t LittleFs::read_directory() {
    const lfs2_mdir_t &now = cursor_.m, &then = directory_of_;
    if (now.pair[0] == then.pair[0] && now.rev == then.rev && now.off == then.off) {
        return OK;
    }
    directory_of_ = {};
    sel::Result<> read = cache_.read(u64{now.pair[0]} * kBlockBytes, directory_.room(now.off));
    if (!read) {
        return ERR_IO;
    }
    directory_.read(now.off, LITTLEFS_ATTRIBUTE);
    directory_of_ = now;
    return OK;
}

// After a power cut an entry may be in two directories, until the next change. This one is gone.
bool LittleFs::is_hidden(u32 id) const {
    constexpr u32 kMove = 0x70000000;
    const lfs2_gstate_t &move = fs_.gdisk;
    const lfs2_block_t *pair = cursor_.m.pair;
    return (move.tag & kMove) != 0 && (move.tag >> 10 & DirectoryBlock::kEntries) == id &&
           (pair[0] == move.pair[0] || pair[0] == move.pair[1]) &&
           (pair[1] == move.pair[0] || pair[1] == move.pair[1]);
}

// False: there is no room for it.
bool LittleFs::add_entry(const DirectoryBlock::Entry &entry, file::Entries &out) {
    Attribute said{};
    if (entry.attribute.size() == sizeof said.changed) { // Most, and copied without a call.
        std::memcpy(&said.changed, entry.attribute.data(), sizeof said.changed);
    } else {
        std::memcpy(&said, entry.attribute.data(), std::min(entry.attribute.size(), sizeof said));
    }
    file::Info what = info(node(entry.directory, entry.bytes, said));
    if (Path::is_name(entry.name) && !out.add(cursor_.pos + 1, what, entry.name)) {
        return false;
    }
    cursor_.pos++;
    return true;
}

// Those of the block that is in memory, from the cursor on. False: there is no room for all.
bool LittleFs::list_block(file::Entries &out, u32 &steps) {
    DirectoryBlock::Entry entry;
    for (; cursor_.id < cursor_.m.count && steps < kStepsMax; cursor_.id++, steps++) {
        if (directory_.find(cursor_.id, entry) && !is_hidden(cursor_.id) &&
            !add_entry(entry, out)) {
            return false;
        }
    }
    return true;
}

sel::Result<> LittleFs::list(const Path &path, u32 position, file::Entries &out) {
    error_t error = point_cursor(path, position);
    bool room = true;
    for (u32 steps = 0; error == OK && room && steps < kStepsMax; steps++) {
        if (cursor_.id >= cursor_.m.count) {
            error = turn_cursor();
            continue;
        }
        error = read_directory();
        room = error == OK && list_block(out, steps);
    }
    listed_ = cursor_.pos;
    error = error == OK && out.data.size == 0 ? ERR_IO : error; // Nothing in that many steps.
    if (error != OK && error != ERR_EMPTY) {
        close_cursor();
    }
    return out.data.size != 0 ? OK : error;
}

// --- Content.

sel::Result<> LittleFs::open(u32 object, const Path &path, Mode mode) {
    Object &o = object_[object];
    o.writable = mode != Mode::Read;
    o.said = {};
    o.attribute = {LITTLEFS_ATTRIBUTE, &o.said, sizeof o.said};
    o.config = {o.buffer, &o.attribute, 1};
    int flags = o.writable ? LFS2_O_RDWR : LFS2_O_RDONLY;
    flags |= mode == Mode::Create ? LFS2_O_CREAT : 0;
    sel::Result<> opened =
        done([&] { return lfs2_file_opencfg(&fs_, &o.file, path.c_str(), flags, &o.config); });
    o.said.changed = o.said.changed != 0 ? o.said.changed : time_;
    if (opened.ok() && size_of(o) == 0) {
        o.tree = trees_.open(o.said.root);
    }
    return opened;
}

void LittleFs::drop(u32 object) {
    Object &o = object_[object];
    o.tree = {};
    o.file.flags |= LFS2_F_ERRED; // Makes the library forget what is not committed.
    guarded([&] { return lfs2_file_close(&fs_, &o.file); });
}

sel::Result<> LittleFs::close(u32 object) {
    sel::Result<> committed = commit(object);
    drop(object);
    return committed;
}

u64 LittleFs::size_of(Object &o) {
    if (o.in_tree()) {
        return o.tree.now.bytes;
    }
    int size = guarded([&] { return static_cast<int>(lfs2_file_size(&fs_, &o.file)); });
    return size > 0 ? static_cast<u64>(size) : 0;
}

int LittleFs::move_to(Object &object, u64 offset) {
    return static_cast<int>(
        lfs2_file_seek(&fs_, &object.file, static_cast<lfs2_soff_t>(offset), LFS2_SEEK_SET));
}

sel::Result<> LittleFs::read_plain(Object &object, u64 offset, std::span<u8> out) {
    int count = guarded([&] {
        int moved = move_to(object, offset);
        return moved < 0 ? moved
                         : lfs2_file_read(&fs_, &object.file, out.data(),
                                          static_cast<lfs2_size_t>(out.size()));
    });
    return count == static_cast<int>(out.size()) ? OK : ERR_IO;
}

sel::Result<u32> LittleFs::read(u32 object, u64 offset, std::span<u8> out) {
    Object &o = object_[object];
    u64 end = size(object);
    if (offset >= end) {
        return u32{0};
    }
    std::size_t count = static_cast<std::size_t>(std::min<u64>(out.size(), end - offset));
    sel::Result<> read = o.in_tree() ? trees_.read(o.tree, offset, out.first(count))
                                     : read_plain(o, offset, out.first(count));
    return read.ok() ? sel::Result{static_cast<u32>(count)} : ERR_IO;
}

// The next commit() has something to say.
void LittleFs::note_change(Object &object) {
    object.said.changed = time_ != 0 ? time_ : object.said.changed;
    object.file.flags |= LFS2_F_DIRTY;
}

// A larger one that the library has, from before there were trees, stays there.
bool LittleFs::becomes_tree(Object &object, u64 end) {
    return !object.in_tree() && end > kPlainMost && size_of(object) <= kPlainMost;
}

// The library rewrites a file from its block of `offset` on.
u64 LittleFs::blocks_needed(Object &object, u64 offset, u64 end) {
    if (object.in_tree() || becomes_tree(object, end)) {
        return BlockTrees::blocks_of_write(offset, end - offset) + kPlainMost / kBlockBytes;
    }
    u64 size = size_of(object);
    u64 bytes = std::max(end, size) - std::min(offset, size);
    return bytes / kBytesPerBlock + 3;
}

sel::Result<> LittleFs::make_room(Object &object, u64 offset, u64 end) {
    u64 size = size_of(object);
    if (end > bytes_max() || (offset > size && offset - size > kGapMax)) {
        return ERR_FULL;
    }
    u64 blocks = config_.block_count;
    u64 needed = blocks_needed(object, offset, end) + std::min<u64>(kReserve, blocks / 16);
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

sel::Result<> LittleFs::write_plain(Object &object, u64 offset, std::span<const u8> data) {
    return done([&] {
        int moved = move_to(object, offset);
        return moved < 0 ? moved
                         : lfs2_file_write(&fs_, &object.file, data.data(),
                                           static_cast<lfs2_size_t>(data.size()));
    });
}

sel::Result<> LittleFs::cut_plain(Object &object, u64 bytes) {
    return done(
        [&] { return lfs2_file_truncate(&fs_, &object.file, static_cast<lfs2_off_t>(bytes)); });
}

sel::Result<> LittleFs::change_to_tree(Object &object) {
    static std::array<u8, kPlainMost> content; // One thread, and no room on the stack.
    std::span<u8> all{content.data(), static_cast<std::size_t>(size_of(object))};
    sel::Result<> moved = read_plain(object, 0, all);
    if (moved.ok()) {
        moved = cut_plain(object, 0);
    }
    if (moved.ok()) {
        object.tree = trees_.open({});
        moved = trees_.write(object.tree, 0, all);
    }
    return moved;
}

sel::Result<> LittleFs::write(u32 object, u64 offset, std::span<const u8> data) {
    Object &o = object_[object];
    if (offset > bytes_max() || data.size() > bytes_max()) {
        return ERR_FULL;
    }
    u64 end = offset + data.size();
    sel::Result<> written = make_room(o, offset, end);
    if (!written) {
        return written;
    }
    note_change(o);
    if (becomes_tree(o, end)) {
        written = change_to_tree(o);
        written = written.ok() ? trees_.write(o.tree, offset, data) : written;
    } else {
        written = o.in_tree() ? trees_.write(o.tree, offset, data) : write_plain(o, offset, data);
    }
    return written.ok() ? OK : ERR_IO; // There was room: whatever it is, the object is spoilt.
}

sel::Result<> LittleFs::truncate(u32 object, u64 bytes) {
    Object &o = object_[object];
    sel::Result<> cut = bytes > size_of(o) ? make_room(o, bytes, bytes) : sel::Result<>{};
    if (!cut) {
        return cut;
    }
    note_change(o);
    if (becomes_tree(o, bytes)) {
        cut = change_to_tree(o);
        cut = cut.ok() ? trees_.truncate(o.tree, static_cast<u32>(bytes)) : cut;
    } else if (o.in_tree() && bytes != 0) {
        cut = trees_.truncate(o.tree, static_cast<u32>(bytes));
    } else {
        o.tree = {};
        cut = cut_plain(o, bytes);
    }
    return cut.ok() ? OK : ERR_IO;
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
    sel::Result<> synced = flush();
    if (synced.ok()) {
        o.said.root = o.tree.now;
        o.attribute.size = o.in_tree() ? sizeof o.said : sizeof o.said.changed;
        synced = done([&] { return lfs2_file_sync(&fs_, &o.file); });
    }
    if (synced.ok()) {
        trees_.committed(o.tree);
    }
    return synced;
}

sel::Result<> LittleFs::sync() {
    return flush();
}

// What the library has in memory is read anew; if that fails it is not to be trusted.
void LittleFs::revert() {
    close_cursor();
    guarded([&] { return lfs2_unmount(&fs_); });
    cache_.discard();
    names_.clear();
    free_ = 0;
    write_failed_ = false;
    bool mounted = done([&] { return lfs2_mount(&fs_, &config_); }).ok();
    broken_ = broken_ || !mounted;
}

// Counting what is used looks at all metadata, and at the links of all files.
sel::Result<bool> LittleFs::check(Structures &found) {
    found = {usage().ok() ? 0u : 1u, 0, 1, 1};
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
