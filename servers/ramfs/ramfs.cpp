// RamFs: names, handles and blocks of the files in memory.
// SPDX-License-Identifier: BSD-2-Clause
#include "ramfs.hpp"

#include <algorithm>
#include <cstring>

namespace ramfs {
namespace {

u64 blocks_for(u64 bytes) {
    return (bytes + RamFs::kBlockBytes - 1) / RamFs::kBlockBytes;
}

// The first name of `path`, which begins behind a '/'; moves `path` to the '/' behind that name.
std::string_view take_name(std::string_view &path) {
    std::size_t start = std::min(path.find_first_not_of('/'), path.size());
    path.remove_prefix(start);
    std::size_t size = std::min(path.find('/'), path.size());
    std::string_view name{path.data(), size};
    path.remove_prefix(size);
    return name;
}

bool is_last(std::string_view rest) {
    return rest.find_first_not_of('/') == rest.npos;
}

bool is_name(std::string_view name) {
    return !name.empty() && name.size() <= RamFs::kNameMax && name != "." && name != "..";
}

} // namespace

RamFs::RamFs(std::span<u8> memory)
    : memory_{memory}, block_count_{static_cast<u32>(
                           std::min<std::size_t>(memory.size() / kBlockBytes, kBlocks))} {
    node_[kRoot].kind = Kind::Directory;
    node_[kRoot].parent = kRoot;
    for (u32 i = block_count_; i > 0; i--) {
        next_block_[i - 1] = free_block_;
        free_block_ = i - 1;
    }
    free_blocks_ = block_count_;
}

// --- Names.

sel::Result<RamFs::Place> RamFs::find(std::string_view path) const {
    if (path.size() > kPathMax || !path.starts_with('/')) {
        return ERR_SYNTAX;
    }
    Place place{kRoot, {}, kRoot};
    while (!is_last(path)) {
        if (place.node == kNone) {
            return ERR_NAME;
        }
        if (node_[place.node].kind != Kind::Directory) {
            return ERR_DIRECTORY;
        }
        std::string_view name = take_name(path);
        if (!is_name(name)) {
            return ERR_SYNTAX;
        }
        place = {place.node, name, child(place.node, name)};
    }
    return place;
}

sel::Result<u32> RamFs::find_node(std::string_view path) const {
    sel::Result<Place> place = find(path);
    if (!place.ok()) {
        return place.error();
    }
    if (place.value().node == kNone) {
        return ERR_NAME;
    }
    return place.value().node;
}

u32 RamFs::child(u32 directory, std::string_view name) const {
    for (u32 i = 1; i < nodes_end_; i++) {
        const Node &node = node_[i];
        if (node.kind != Kind::Free && node.parent == directory && node.name() == name) {
            return i;
        }
    }
    return kNone;
}

bool RamFs::has_children(u32 directory) const {
    return std::any_of(node_.begin() + 1, node_.begin() + nodes_end_, [&](const Node &node) {
        return node.kind != Kind::Free && node.parent == directory;
    });
}

bool RamFs::is_inside(u32 node, u32 directory) const {
    for (u32 steps = 0; steps < kNodes && node != kRoot; steps++) {
        if (node == directory) {
            return true;
        }
        node = node_[node].parent;
    }
    return node == directory;
}

sel::Result<u32> RamFs::make_node(u32 directory, std::string_view name, Kind kind) {
    auto free = std::find_if(node_.begin() + 1, node_.end(),
                             [](const Node &node) { return node.kind == Kind::Free; });
    if (free == node_.end()) {
        return ERR_FULL;
    }
    u32 generation = free->generation;
    *free = Node{};
    free->kind = kind;
    free->generation = generation;
    free->parent = directory;
    free->changed = time_;
    free->name_size = static_cast<u8>(name.size());
    std::copy(name.begin(), name.end(), free->name_bytes.begin());
    used_nodes_++;
    u32 index = static_cast<u32>(free - node_.begin());
    nodes_end_ = std::max(nodes_end_, index + 1);
    return index;
}

void RamFs::free_node(u32 index) {
    Node &node = node_[index];
    shrink(node, 0);
    node.kind = Kind::Free;
    node.generation++;
    used_nodes_--;
}

NodeInfo RamFs::info(u32 node) const {
    return {node_[node].kind, node_[node].bytes, node_[node].changed};
}

sel::Result<NodeInfo> RamFs::stat(std::string_view path) const {
    sel::Result<u32> node = find_node(path);
    if (!node.ok()) {
        return node.error();
    }
    return info(node.value());
}

error_t RamFs::make_directory(std::string_view path) {
    sel::Result<Place> place = find(path);
    if (!place.ok()) {
        return place.error();
    }
    if (place.value().node != kNone) {
        return ERR_EXISTS;
    }
    return make_node(place.value().directory, place.value().name, Kind::Directory).error();
}

error_t RamFs::make_directories(std::string_view path) {
    for (std::size_t i = path.find('/', 1); i != path.npos; i = path.find('/', i + 1)) {
        error_t error = make_directory({path.data(), i});
        if (error != OK && error != ERR_EXISTS) {
            return error;
        }
    }
    return OK;
}

error_t RamFs::remove(std::string_view path) {
    sel::Result<u32> node = find_node(path);
    if (!node.ok()) {
        return node.error();
    }
    if (node.value() == kRoot) {
        return ERR_ARG;
    }
    if (node_[node.value()].kind == Kind::Archive) {
        return ERR_RIGHT;
    }
    if (node_[node.value()].kind == Kind::Directory && has_children(node.value())) {
        return ERR_CHILDREN;
    }
    free_node(node.value());
    return OK;
}

error_t RamFs::rename(std::string_view from, std::string_view to) {
    sel::Result<u32> node = find_node(from);
    sel::Result<Place> place = find(to);
    if (!node.ok() || !place.ok()) {
        return node.ok() ? place.error() : node.error();
    }
    auto [directory, name, target] = place.value();
    if (target == node.value()) {
        return OK;
    }
    if (node.value() == kRoot || target == kRoot || is_inside(directory, node.value())) {
        return ERR_ARG;
    }
    if (node_[node.value()].kind == Kind::Archive) {
        return ERR_RIGHT;
    }
    if (target != kNone) {
        if (node_[target].kind == Kind::Archive) {
            return ERR_RIGHT;
        }
        if (node_[target].kind == Kind::Directory || node_[node.value()].kind == Kind::Directory) {
            return ERR_EXISTS;
        }
        free_node(target);
    }
    Node &moved = node_[node.value()];
    moved.parent = directory;
    moved.name_size = static_cast<u8>(name.size());
    std::copy(name.begin(), name.end(), moved.name_bytes.begin());
    return OK;
}

error_t RamFs::add_archive_file(std::string_view path, const sel::ArchiveFile &file) {
    error_t error = make_directories(path);
    if (error != OK) {
        return error;
    }
    sel::Result<Place> place = find(path);
    if (!place.ok() || place.value().node != kNone) {
        return place.ok() ? ERR_EXISTS : place.error();
    }
    sel::Result<u32> node = make_node(place.value().directory, place.value().name, Kind::Archive);
    if (node.ok()) {
        node_[node.value()].content = file.content.data();
        node_[node.value()].bytes = file.content.size();
        node_[node.value()].sum = file.sum;
    }
    return node.error();
}

sel::Result<RamFs::ListEntry> RamFs::list(std::string_view path, u32 position) const {
    sel::Result<u32> directory = find_node(path);
    if (!directory.ok()) {
        return directory.error();
    }
    if (node_[directory.value()].kind != Kind::Directory) {
        return ERR_DIRECTORY;
    }
    for (u32 i = std::max(position, u32{1}); i < nodes_end_; i++) {
        if (node_[i].kind != Kind::Free && node_[i].parent == directory.value()) {
            return ListEntry{i + 1, info(i), node_[i].name()};
        }
    }
    return ERR_EMPTY;
}

// --- Handles.

sel::Result<u32> RamFs::open(u64 client, std::string_view path, u32 flags) {
    bool writable = (flags & kWrite) != 0;
    sel::Result<Place> place = find(path);
    if (!place.ok()) {
        return place.error();
    }
    u32 node = place.value().node;
    bool create = node == kNone;
    if (create && ((flags & kCreate) == 0 || !writable)) {
        return ERR_NAME;
    }
    if (!create && node_[node].kind == Kind::Directory) {
        return ERR_DIRECTORY;
    }
    if (!create && writable && node_[node].kind == Kind::Archive) {
        return ERR_RIGHT;
    }
    if (!create && node_[node].kind == Kind::Archive && !check_sum(node_[node])) {
        return ERR_IO;
    }
    sel::Result<u32> handle = make_handle(client, node, writable);
    if (!handle.ok()) {
        return handle;
    }
    if (create) {
        sel::Result<u32> made = make_node(place.value().directory, place.value().name, Kind::File);
        if (!made.ok()) {
            handle_[handle.value()] = {};
            return made;
        }
        node = made.value();
    } else if (writable && (flags & kTruncate) != 0) {
        shrink(node_[node], 0);
        node_[node].bytes = 0;
    }
    handle_[handle.value()].node = node;
    handle_[handle.value()].node_generation = node_[node].generation;
    return handle;
}

sel::Result<u32> RamFs::make_handle(u64 client, u32 node, bool writable) {
    u32 free = kNone;
    u32 held = 0;
    for (u32 i = 0; i < kHandles; i++) {
        if (!handle_[i].used) {
            free = free == kNone ? i : free;
        } else if (handle_[i].client == client) {
            held++;
        }
    }
    if (free == kNone || held >= kHandlesPerClient) {
        return ERR_FULL;
    }
    handle_[free] = {true, writable, client, node, 0};
    return free;
}

error_t RamFs::close(u64 client, u32 handle) {
    if (handle >= kHandles || !handle_[handle].used || handle_[handle].client != client) {
        return ERR_ARG;
    }
    handle_[handle] = {};
    return OK;
}

void RamFs::close_all(u64 client) {
    for (Handle &handle : handle_) {
        if (handle.used && handle.client == client) {
            handle = {};
        }
    }
}

sel::Result<u32> RamFs::checked(u64 client, u32 handle, bool for_writing) const {
    if (handle >= kHandles || !handle_[handle].used || handle_[handle].client != client) {
        return ERR_ARG;
    }
    const Handle &held = handle_[handle];
    if (node_[held.node].generation != held.node_generation) {
        return ERR_GONE;
    }
    if (for_writing && !held.writable) {
        return ERR_RIGHT;
    }
    return held.node;
}

// --- Content.

sel::Result<u32> RamFs::read(u64 client, u32 handle, u64 offset, std::span<u8> out) {
    sel::Result<u32> found = checked(client, handle, false);
    if (!found.ok()) {
        return found;
    }
    Node &node = node_[found.value()];
    if (offset >= node.bytes) {
        return u32{0};
    }
    std::size_t count = std::min<u64>(out.size(), node.bytes - offset);
    if (node.kind == Kind::Archive) {
        std::memcpy(out.data(), node.content + offset, count);
    } else {
        u8 *to = out.data();
        for_blocks(node, offset, count, [&](u8 *from, std::size_t bytes) {
            std::memcpy(to, from, bytes);
            to += bytes;
        });
    }
    return static_cast<u32>(count);
}

sel::Result<u32> RamFs::write(u64 client, u32 handle, u64 offset, std::span<const u8> data) {
    sel::Result<u32> found = checked(client, handle, true);
    if (!found.ok()) {
        return found;
    }
    Node &node = node_[found.value()];
    if (offset > u64{block_count_} * kBlockBytes) {
        return ERR_FULL;
    }
    u64 end = offset + data.size();
    if (end > node.bytes) {
        error_t error = resize(node, end);
        if (error != OK) {
            return error;
        }
    }
    const u8 *from = data.data();
    for_blocks(node, offset, data.size(), [&](u8 *to, std::size_t bytes) {
        std::memcpy(to, from, bytes);
        from += bytes;
    });
    node.changed = time_;
    return static_cast<u32>(data.size());
}

sel::Result<u32> RamFs::append(u64 client, u32 handle, std::span<const u8> data) {
    sel::Result<u32> found = checked(client, handle, true);
    if (!found.ok()) {
        return found;
    }
    return write(client, handle, node_[found.value()].bytes, data);
}

error_t RamFs::truncate(u64 client, u32 handle, u64 bytes) {
    sel::Result<u32> found = checked(client, handle, true);
    if (!found.ok()) {
        return found.error();
    }
    if (bytes > u64{block_count_} * kBlockBytes) {
        return ERR_FULL;
    }
    error_t error = resize(node_[found.value()], bytes);
    if (error == OK) {
        node_[found.value()].changed = time_;
    }
    return error;
}

sel::Text<RamFs::kPathMax> RamFs::path_of(u64 client, u32 handle) const {
    return path_to(checked(client, handle, false).value_or(kRoot));
}

sel::Text<RamFs::kPathMax> RamFs::path_to(u32 node) const {
    std::array<u32, kPathMax / 2 + 1>
        way; // From the file upwards: a name takes two bytes at least.
    u32 depth = 0;
    for (; node != kRoot && depth < way.size(); node = node_[node].parent) {
        way[depth++] = node;
    }
    sel::Text<kPathMax> path;
    while (depth-- > 0) {
        path.append('/');
        path.append(node_[way[depth]].name());
    }
    return path;
}

Usage RamFs::usage() const {
    return {used_nodes_, kNodes, u64{block_count_ - free_blocks_} * kBlockBytes,
            u64{block_count_} * kBlockBytes};
}

// Once, if it is good: nobody writes there.
bool RamFs::check_sum(Node &node) {
    if (node.found == Content::Intact) {
        return true;
    }
    if (sel::archive_sum({node.content, node.bytes}) == node.sum) {
        node.found = Content::Intact;
    } else if (node.found == Content::Unseen) {
        node.found = Content::Damaged;
        damaged_ = true;
    }
    return node.found == Content::Intact;
}

sel::Text<RamFs::kPathMax> RamFs::take_damaged() {
    for (u32 i = 0; damaged_ && i < nodes_end_; i++) {
        if (node_[i].found == Content::Damaged) {
            node_[i].found = Content::Told;
            return path_to(i);
        }
    }
    damaged_ = false;
    return {};
}

// It stands in a directory, has as many blocks as its size says, or the sum that it must have.
bool RamFs::whole(Node &node) {
    u64 blocks = node.kind == Kind::File ? blocks_for(node.bytes) : 0;
    u32 block = node.first_block;
    for (; blocks > 0 && block < block_count_; blocks--) {
        block = next_block_[block];
    }
    return blocks == 0 && block == kNone && node.parent < kNodes &&
           node_[node.parent].kind == Kind::Directory &&
           (node.kind != Kind::Archive || check_sum(node));
}

Check RamFs::check() {
    Check found{};
    for (Node &node : node_) {
        if (node.kind == Kind::Free) {
            continue;
        }
        bool directory = node.kind == Kind::Directory, good = whole(node);
        found.files += directory ? 0 : 1;
        found.directories += directory ? 1 : 0;
        found.damaged += good ? 0 : 1;
        found.bytes += good ? node.bytes : 0;
    }
    return found;
}

// --- Blocks.

// Block number `index` of the file; the caller knows that it exists.
u32 RamFs::block_at(Node &node, u64 index) {
    if (node.seek_block == kNone || node.seek_index > index) {
        node.seek_block = node.first_block;
        node.seek_index = 0;
    }
    for (; node.seek_index < index; node.seek_index++) {
        node.seek_block = next_block_[node.seek_block];
    }
    return node.seek_block;
}

template <typename Visit>
void RamFs::for_blocks(Node &node, u64 offset, std::size_t count, Visit visit) {
    while (count > 0) {
        std::size_t within = offset % kBlockBytes;
        std::size_t bytes = std::min(count, kBlockBytes - within);
        visit(block(block_at(node, offset / kBlockBytes)) + within, bytes);
        offset += bytes;
        count -= bytes;
    }
}

error_t RamFs::resize(Node &node, u64 bytes) {
    u64 have = blocks_for(node.bytes);
    u64 wanted = blocks_for(bytes);
    if (wanted > have) {
        error_t error = grow(node, have, wanted);
        if (error != OK) {
            return error;
        }
    }
    u64 old = node.bytes;
    if (bytes < old) {
        shrink(node, wanted);
    }
    node.bytes = bytes;
    fill_zero(node, old, bytes);
    return OK;
}

error_t RamFs::grow(Node &node, u64 blocks, u64 wanted) {
    if (wanted - blocks > free_blocks_) {
        return ERR_FULL;
    }
    u32 *link = blocks == 0 ? &node.first_block : &next_block_[block_at(node, blocks - 1)];
    for (; blocks < wanted; blocks++) {
        u32 taken = free_block_;
        free_block_ = next_block_[taken];
        free_blocks_--;
        next_block_[taken] = kNone;
        *link = taken;
        link = &next_block_[taken];
    }
    return OK;
}

void RamFs::shrink(Node &node, u64 wanted) {
    u32 *link = wanted == 0 ? &node.first_block : &next_block_[block_at(node, wanted - 1)];
    u32 dropped = *link;
    *link = kNone;
    node.seek_block = kNone;
    while (dropped != kNone) {
        u32 next = next_block_[dropped];
        next_block_[dropped] = free_block_;
        free_block_ = dropped;
        free_blocks_++;
        dropped = next;
    }
}

void RamFs::fill_zero(Node &node, u64 from, u64 to) {
    if (from < to) {
        for_blocks(node, from, to - from,
                   [](u8 *start, std::size_t bytes) { std::memset(start, 0, bytes); });
    }
}

} // namespace ramfs
