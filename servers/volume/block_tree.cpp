// BlockTrees: look-up, copies on write, and who is in use.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/block_tree.hpp"

#include <algorithm>
#include <cstring>

namespace volume {
namespace {

constexpr std::array<u8, BlockTrees::kBlockBytes> kZeroes{};

std::span<const u8> zeroes(u64 count) {
    return {kZeroes.data(), static_cast<std::size_t>(count)};
}

} // namespace

// --- Blocks and numbers in them.

sel::Result<u32> BlockTrees::number_at(u32 node, u32 slot) {
    u32 number = 0;
    std::span<u8> out{reinterpret_cast<u8 *>(&number), sizeof number};
    sel::Result<> read = cache_.read(u64{node} * kBlockBytes + slot * sizeof number, out);
    if (!read || number >= blocks_) {
        return ERR_IO;
    }
    return number;
}

sel::Result<> BlockTrees::set_number(u32 node, u32 slot, u32 number) {
    u8 bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    return put(node, slot * static_cast<u32>(sizeof number), bytes);
}

// Writes a part of a block that may be changed.
sel::Result<> BlockTrees::put(u32 block, u32 start, std::span<const u8> data) {
    u32 end = start + static_cast<u32>(data.size());
    u32 from = start / Cache::kSectorBytes * Cache::kSectorBytes;
    u32 to = (end + Cache::kSectorBytes - 1) / Cache::kSectorBytes * Cache::kSectorBytes;
    u64 place = u64{block} * kBlockBytes + from;
    if (from == start && to == end) {
        return cache_.write(place, data);
    }
    std::span<u8> sectors{copy_.data(), to - from};
    if (sel::Result<> read = cache_.read(place, sectors); !read) {
        return read;
    }
    std::memcpy(&sectors[start - from], data.data(), data.size());
    return cache_.write(place, sectors);
}

// The content block `index`; 0: a hole.
sel::Result<u32> BlockTrees::find(const Root &root, u32 index) {
    sel::Result<u32> number = root.block < blocks_ ? sel::Result{root.block} : ERR_IO;
    for (u32 level = depth(root.bytes); level > 0 && number.ok() && *number != 0; level--) {
        number = number_at(*number, slot(index, level));
    }
    return number;
}

// The node of content blocks `number`; 0: there is none.
sel::Result<u32> BlockTrees::leaf(const Root &root, u32 number) {
    if (root.bytes == 0 || root.block == 0 || (depth(root.bytes) == 1 && number != 0)) {
        return u32{0};
    }
    if (root.block >= blocks_) {
        return ERR_IO;
    }
    return depth(root.bytes) == 1 ? sel::Result{root.block} : number_at(root.block, number);
}

// --- Reading.

sel::Result<> BlockTrees::read(const Tree &tree, u64 offset, std::span<u8> out) {
    while (!out.empty()) {
        u32 start = static_cast<u32>(offset % kBlockBytes);
        std::size_t count = std::min<std::size_t>(out.size(), kBlockBytes - start);
        sel::Result<u32> block = find(tree.now, static_cast<u32>(offset / kBlockBytes));
        if (!block) {
            return block.error();
        }
        if (*block == 0) {
            std::memset(out.data(), 0, count);
        } else if (!cache_.read(u64{*block} * kBlockBytes + start, out.first(count)).ok()) {
            return ERR_IO;
        }
        out = out.subspan(count);
        offset += count;
    }
    return {};
}

// --- Writing: from the root down, so that what is taken is in the tree before the next is.

// `block`, if it is not committed, or a copy of it that is not; without `copy` what is in it does
// not matter.
sel::Result<u32> BlockTrees::own(Tree &tree, u32 block, bool copy) {
    const Known &old = known_[block % kKnown];
    if (block != 0 && old.block == block && old.epoch == tree.epoch) {
        return block;
    }
    sel::Result<u32> taken = source_.take();
    if (!taken) {
        return taken;
    }
    known_[*taken % kKnown] = {*taken, tree.epoch};
    if (!copy) {
        return taken;
    }
    sel::Result<> done;
    if (block == 0) {
        copy_.fill(0);
    } else {
        done = cache_.read(u64{block} * kBlockBytes, copy_);
    }
    done = done.ok() ? cache_.write(u64{*taken} * kBlockBytes, copy_) : done;
    return done.ok() ? taken : done.error();
}

// The same for what is in `node`, which may be changed.
sel::Result<u32> BlockTrees::own_child(Tree &tree, u32 node, u32 slot, bool copy) {
    sel::Result<u32> number = number_at(node, slot);
    sel::Result<u32> owned = number.ok() ? own(tree, *number, copy) : number;
    if (!owned || *owned == *number) {
        return owned;
    }
    sel::Result<> set = set_number(node, slot, *owned);
    return set.ok() ? owned : set.error();
}

// `whole`: all of the block is going to be written.
sel::Result<u32> BlockTrees::block_to_write(Tree &tree, u32 index, bool whole) {
    sel::Result<u32> block = own(tree, tree.now.block, true);
    tree.now.block = block.value_or(tree.now.block);
    for (u32 level = depth(tree.now.bytes); level > 0 && block.ok(); level--) {
        block = own_child(tree, *block, slot(index, level), level != 1 || !whole);
    }
    return block;
}

// The new end is a hole.
sel::Result<> BlockTrees::grow(Tree &tree, u32 bytes) {
    Root &root = tree.now;
    if (bytes <= root.bytes) {
        return {};
    }
    bool deeper = root.block != 0 && depth(bytes) > depth(root.bytes);
    if (deeper) {
        sel::Result<u32> above = own(tree, 0, true);
        sel::Result<> set = above.ok() ? set_number(*above, 0, root.block) : above.error();
        if (!set) {
            return set;
        }
        root.block = *above;
    }
    root.bytes = bytes;
    return {};
}

sel::Result<> BlockTrees::write(Tree &tree, u64 offset, std::span<const u8> data) {
    sel::Result<> done = grow(tree, static_cast<u32>(offset + data.size()));
    while (!data.empty() && done.ok()) {
        u32 start = static_cast<u32>(offset % kBlockBytes);
        std::size_t count = std::min<std::size_t>(data.size(), kBlockBytes - start);
        u32 index = static_cast<u32>(offset / kBlockBytes);
        sel::Result<u32> block = block_to_write(tree, index, count == kBlockBytes);
        done = block.ok() ? put(*block, start, data.first(count)) : block.error();
        data = data.subspan(count);
        offset += count;
    }
    return done;
}

u32 BlockTrees::blocks_of_write(u64 offset, u64 bytes) {
    u64 content = bytes / kBlockBytes + 2, leaves = (offset % kLeafBytes + bytes) / kLeafBytes + 1;
    return static_cast<u32>(content + leaves + 2);
}

// --- Cutting.

// Zeroes from `bytes` to the end of its block.
sel::Result<> BlockTrees::clear_end(Tree &tree, u32 bytes) {
    u32 index = bytes / kBlockBytes, start = bytes % kBlockBytes;
    sel::Result<u32> block = start != 0 ? find(tree.now, index) : u32{0};
    if (!block || *block == 0) {
        return block.error();
    }
    block = block_to_write(tree, index, false);
    return block.ok() ? put(*block, start, zeroes(kBlockBytes - start)) : block.error();
}

// Nothing follows content block `last`.
sel::Result<> BlockTrees::clear_behind(Tree &tree, u32 last) {
    sel::Result<u32> node = own(tree, tree.now.block, true);
    tree.now.block = node.value_or(tree.now.block);
    for (u32 level = depth(tree.now.bytes); node.ok(); level--) {
        u32 place = slot(last, level), behind = (place + 1) * static_cast<u32>(sizeof(u32));
        sel::Result<> cleared =
            behind < kBlockBytes ? put(*node, behind, zeroes(kBlockBytes - behind)) : OK;
        sel::Result<u32> child = number_at(*node, place);
        if (!cleared || level == 1 || !child || *child == 0) {
            return cleared.ok() ? child.error() : cleared.error();
        }
        node = own_child(tree, *node, place, true);
    }
    return node.error();
}

sel::Result<> BlockTrees::truncate(Tree &tree, u32 bytes) {
    if (bytes >= tree.now.bytes) {
        return grow(tree, bytes);
    }
    sel::Result<> done = clear_end(tree, bytes);
    if (done.ok() && tree.now.block != 0) {
        done = clear_behind(tree, (bytes - 1) / kBlockBytes);
    }
    if (done.ok() && tree.now.block != 0 && depth(bytes) < depth(tree.now.bytes)) {
        sel::Result<u32> only = number_at(tree.now.block, 0);
        done = only.error();
        tree.now.block = only.value_or(0);
    }
    tree.now.bytes = bytes;
    return done;
}

// --- What is in use.

int BlockTrees::visit_leaf(u32 node, u32 before, u32 &work, Visit visit, void *data) {
    u32 now[kVisited], old[kVisited]{};
    auto load = [&](u32 block, u32 first, u32 *to) {
        std::span<u8> out{reinterpret_cast<u8 *>(to), sizeof now};
        return cache_.read(u64{block} * kBlockBytes + first * sizeof(u32), out).ok();
    };
    for (u32 first = 0; first < kNumbers; first += kVisited) {
        if (!load(node, first, now) || (before != 0 && !load(before, first, old))) {
            return kDamaged;
        }
        for (u32 i = 0; i < kVisited; i++) {
            if (now[i] == 0 || now[i] == old[i]) {
                continue;
            }
            if (now[i] >= blocks_ || work == 0) {
                return kDamaged;
            }
            work--;
            if (int result = visit(data, now[i]); result != 0) {
                return result;
            }
        }
    }
    return 0;
}

int BlockTrees::visit(const Root &now, const Root &before, u32 &work, Visit visit, void *data) {
    bool same = now.block == before.block && depth(now.bytes) == depth(before.bytes);
    if (now.bytes == 0 || now.block == 0 || same) {
        return 0;
    }
    if (now.block >= blocks_) {
        return kDamaged;
    }
    u32 leaves = static_cast<u32>((now.bytes + kLeafBytes - 1) / kLeafBytes);
    int result = depth(now.bytes) == 2 ? visit(data, now.block) : 0;
    for (u32 i = 0; i < leaves && result == 0; i++) {
        sel::Result<u32> node = leaf(now, i), old = leaf(before, i);
        if (!node || !old || work == 0) {
            return kDamaged;
        }
        work--;
        if (*node != 0 && *node != *old) {
            result = visit(data, *node);
            result = result == 0 ? visit_leaf(*node, *old, work, visit, data) : result;
        }
    }
    return result;
}

} // namespace volume
