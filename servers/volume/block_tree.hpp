// BlockTrees: the content of large files, in whole blocks, found through blocks of numbers.
// SPDX-License-Identifier: BSD-2-Clause
//
// A tree is one block of 1,024 numbers of content blocks (files up to 4 MiB), or one of numbers of
// such blocks; 0 is a hole, all zeroes. A block that a commit has named is never changed: whoever writes
// into it gets a copy, up to the root, so that one commit of the root changes all or nothing. A
// block that was taken since the last commit is written in place. The newest 1,024 of these are
// known; an older one is copied once more, which costs time and nothing else.
//
// The content behind the end of the file, in its last block, is zero. Numbers from a disk are
// believed only if they are on it.
#pragma once

#include <array>
#include <span>

#include "servers/volume/cache.hpp"

namespace volume {

// Gives blocks that neither a file nor a tree has.
class BlockSource {
  public:
    // What was given before is in a tree now, or free again.
    virtual sel::Result<u32> take() = 0;

  protected:
    ~BlockSource() = default;
};

class BlockTrees {
  public:
    static constexpr u32 kBlockBytes = 4096;

    // As it is on the disk. `bytes` 0: no tree.
    struct Root {
        u32 bytes, block;
    };
    // An open file. Uncommitted: what of `now` is not in `before`.
    struct Tree {
        Root now{}, before{};
        u64 epoch = 0; // Since its last commit.
    };
    using Visit = int (*)(void *data, u32 block);

    BlockTrees(Cache &cache, BlockSource &source) : cache_{cache}, source_{source} {}

    // How many blocks there are, behind which no number is believed.
    void set_blocks(u32 blocks) { blocks_ = blocks; }

    Tree open(const Root &root) { return {root, root, ++epoch_}; }
    // `now` is on the disk, and named there.
    void committed(Tree &tree) { tree = open(tree.now); }

    // Up to the end of the file, which is behind `offset` and `out`.
    sel::Result<> read(const Tree &tree, u64 offset, std::span<u8> out);
    // After an error `now` is to be given up. An end below 4 GiB.
    sel::Result<> write(Tree &tree, u64 offset, std::span<const u8> data);
    // `bytes` is not 0.
    sel::Result<> truncate(Tree &tree, u32 bytes);
    // How many blocks such a write takes at most.
    static u32 blocks_of_write(u64 offset, u64 bytes);

    // visit(data, block) for all of `now` that is not at the same place of `before`, until it answers
    // other than 0. `work`: numbers that may still be visited. Answers what visit() did, or kDamaged.
    static constexpr int kDamaged = -84; // LFS2_ERR_CORRUPT.
    int visit(const Root &now, const Root &before, u32 &work, Visit visit, void *data);

  private:
    static constexpr u32 kNumbers = kBlockBytes / sizeof(u32);
    static constexpr u64 kLeafBytes = u64{kNumbers} * kBlockBytes;
    static constexpr u32 kKnown = 1024;
    static constexpr u32 kVisited = 64; // Numbers read at a time.

    struct Known {
        u32 block;
        u64 epoch;
    };

    static u32 depth(u32 bytes) { return bytes > kLeafBytes ? 2 : 1; }
    // The place of content block `index` in a node `level` above it.
    static u32 slot(u32 index, u32 level) {
        return level == 2 ? index / kNumbers : index % kNumbers;
    }

    sel::Result<u32> number_at(u32 node, u32 slot);
    sel::Result<> set_number(u32 node, u32 slot, u32 number);
    sel::Result<> put(u32 block, u32 start, std::span<const u8> data);
    sel::Result<u32> find(const Root &root, u32 index);
    sel::Result<u32> leaf(const Root &root, u32 number);
    sel::Result<u32> own(Tree &tree, u32 block, bool copy);
    sel::Result<u32> own_child(Tree &tree, u32 node, u32 slot, bool copy);
    sel::Result<u32> block_to_write(Tree &tree, u32 index, bool whole);
    sel::Result<> grow(Tree &tree, u32 bytes);
    sel::Result<> clear_end(Tree &tree, u32 bytes);
    sel::Result<> clear_behind(Tree &tree, u32 last);
    int visit_leaf(u32 node, u32 before, u32 &work, Visit visit, void *data);

    Cache &cache_;
    BlockSource &source_;
    u32 blocks_ = 0;
    u64 epoch_ = 0;
    std::array<Known, kKnown> known_{};
    alignas(8) std::array<u8, kBlockBytes> copy_;
};

} // namespace volume
