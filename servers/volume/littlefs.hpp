// LittleFs: a power-safe file system on a cached disk.
// SPDX-License-Identifier: BSD-2-Clause
//
// The library is littlefs 2.8. Every change of its metadata is one commit, written and flushed
// before the call that made it answers; the content of a file is written first, flushed, and then
// named by such a commit. So after a power cut each file has the content of its last commit, and a
// rename has happened or not. A file above 16 KiB is an empty one for the library; an attribute, changed by
// the same commit as its date, says where its content is (`BlockTrees`, ADR 0067). The last block of the
// disk is kept out of it: it says so while the disk is being formatted.
//
// mount() formats only what carries a sign that it is ours to format, the type of the partition,
// holds no signature of others, and has nothing in it: its first 64 KiB are zero. A file system that
// is smaller than its partition is used as it is, one that is larger is read-only.
//
// A write that fails is taken for a power cut (`revert()`): what was not committed is forgotten.
//
// A damaged disk gives errors: calls of the cache are counted for each operation, and an assertion
// of the library (damage that it had not expected) ends the operation with ERR_IO; from then on
// all answers are ERR_IO (`broken()`), as what the library has in memory is not to be trusted.
#pragma once

#include <array>

#include "servers/volume/block_tree.hpp"
#include "servers/volume/directory_block.hpp"
#include "servers/volume/file_system.hpp"
#include "servers/volume/name_index.hpp"

#include "servers/volume/littlefs_config.h"
#include <lfs2.h>

namespace volume {

class LittleFs final : public FileSystem, BlockSource {
  public:
    static constexpr u32 kBlockBytes = 4096;

    explicit LittleFs(Cache &cache);

    sel::Result<> mount() override;
    sel::Result<> format(bool force) override;
    sel::Result<NodeInfo> stat(Path &path) override;
    sel::Result<> make_directory(const Path &path) override;
    sel::Result<> remove(const Path &path) override;
    sel::Result<> rename(const Path &from, const Path &to) override;
    sel::Result<> list(const Path &path, u32 position, file::Entries &out) override;
    sel::Result<> open(u32 object, const Path &path, Mode mode) override;
    sel::Result<> close(u32 object) override;
    void drop(u32 object) override;
    u64 size(u32 object) override { return size_of(object_[object]); }
    sel::Result<u32> read(u32 object, u64 offset, std::span<u8> out) override;
    sel::Result<> write(u32 object, u64 offset, std::span<const u8> data) override;
    sel::Result<> truncate(u32 object, u64 bytes) override;
    sel::Result<> commit(u32 object) override;
    sel::Result<> sync() override;
    bool write_failed() const override { return write_failed_; }
    void revert() override;
    sel::Result<> begin_check(bool repair) override { return repair ? ERR_TYPE : OK; }
    sel::Result<bool> check(Structures &found) override;
    sel::Result<file::Usage> usage() override;
    bool read_only() const override { return cache_.read_only() || cut_; }
    u64 bytes_max() const override { return LFS2_FILE_MAX; }

    bool broken() const { return broken_; }
    bool formatted() const { return formatted_; } // By mount().

    // What the library calls when it looks for free blocks.
    int visit_entry(const u8 *attribute, BlockTrees::Visit visit, void *data);
    int visit_open(BlockTrees::Visit visit, void *data);
    // And for a name.
    bool skip(NameIndex::Pair &pair, std::string_view name);
    void learn(const NameIndex::Pair &pair, std::string_view name, const NameIndex::Pair &next) {
        names_.learn(pair, name, next);
    }

  private:
    static constexpr u32 kCacheBytes = 1024; // Not less than what a file can have inline, 1022.
    static constexpr u32 kLookaheadBytes = 4096;
    static constexpr u32 kReserve = 16; // Blocks that files leave free, for metadata.
    static constexpr u32 kVisits = 64;  // Of each block, at most, by one operation.

    // As it is on the disk; without a tree only the date.
    struct Attribute {
        u64 changed;
        BlockTrees::Root root;
    };
    static_assert(sizeof(Attribute) == LITTLEFS_ATTRIBUTE_BYTES);
    struct Object {
        lfs2_file_t file;
        lfs2_file_config config;
        lfs2_attr attribute;
        Attribute said;
        BlockTrees::Tree tree;
        bool writable;
        bool in_tree() const { return tree.now.bytes != 0; }
        alignas(8) u8 buffer[kCacheBytes];
    };

    template <typename Call>
    int guarded(Call call);
    template <typename Call>
    sel::Result<> done(Call call);

    static int read_block(const lfs2_config *c, lfs2_block_t block, lfs2_off_t offset, void *to,
                          lfs2_size_t size);
    static int write_block(const lfs2_config *c, lfs2_block_t block, lfs2_off_t offset,
                           const void *from, lfs2_size_t size);
    static int erase_block(const lfs2_config *c, lfs2_block_t block);
    static int sync_disk(const lfs2_config *c);

    u64 blocks_of_disk() const { return cache_.bytes() / kBlockBytes; }
    sel::Result<> mount_any_size();
    sel::Result<> mount_size(u64 blocks);
    sel::Result<u32> blocks_said_in(u32 block);
    sel::Result<> format_if_ours(bool marked);
    sel::Result<bool> is_empty(u64 bytes, bool marked);
    sel::Result<bool> is_marked();
    sel::Result<> mark(bool formatting);
    sel::Result<> format_now();
    void set_blocks(u64 blocks);
    static NodeInfo node(bool directory, u32 bytes, const Attribute &said);
    sel::Result<u32> take() override;
    bool at_cursor(const Path &path, u32 position) const;
    void close_cursor();
    sel::Result<> flush();
    error_t point_cursor(const Path &path, u32 position);
    bool turn_at_once();
    error_t turn_cursor();
    error_t read_directory();
    bool is_hidden(u32 id) const;
    bool add_entry(const DirectoryBlock::Entry &entry, file::Entries &out);
    bool list_block(file::Entries &out, u32 &steps);
    u64 size_of(Object &object);
    void note_change(Object &object);
    bool becomes_tree(Object &object, u64 end);
    u64 blocks_needed(Object &object, u64 offset, u64 end);
    sel::Result<> make_room(Object &object, u64 offset, u64 end);
    int move_to(Object &object, u64 offset);
    sel::Result<> read_plain(Object &object, u64 offset, std::span<u8> out);
    sel::Result<> write_plain(Object &object, u64 offset, std::span<const u8> data);
    sel::Result<> cut_plain(Object &object, u64 bytes);
    sel::Result<> change_to_tree(Object &object);

    Cache &cache_;
    BlockTrees trees_{cache_, *this};
    NameIndex names_;
    u32 visits_ = 0; // Left to this operation.
    bool broken_ = false;
    bool write_failed_ = false;
    bool formatted_ = false;
    bool cut_ = false; // The disk ends before the file system.
    u64 free_ = 0;     // Blocks, at least; counted anew when it is not enough.

    // Where list() goes on.
    bool listing_ = false;
    u32 listed_ = 0;
    Path listed_path_{};
    lfs2_dir_t cursor_{};
    DirectoryBlock directory_;   // The block where it is,
    lfs2_mdir_t directory_of_{}; // as it was then.

    lfs2_t fs_{};
    lfs2_config config_{};
    std::array<Object, kObjects> object_{};
    alignas(8) u8 read_buffer_[kCacheBytes];
    alignas(8) u8 write_buffer_[kCacheBytes];
    alignas(8) u8 lookahead_[kLookaheadBytes];
};

} // namespace volume
