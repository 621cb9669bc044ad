// FileServer: the file protocol on RamFs, which tells the log which files of the boot archive are damaged.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "ramfs.hpp"
#include "servers/file/path.hpp"
#include "servers/file/server.hpp"
#include "servers/log/api.hpp"

#include "sel/log.hpp"

namespace ramfs {

static_assert(RamFs::kPathMax == file::kPathMax && RamFs::kNameMax == file::kNameMax);

// RamFs as file::Server wants it.
class Store {
  public:
    // `memory`: for the content of writable files.
    explicit Store(std::span<u8> memory) : fs_{memory} {}

    RamFs &files() { return fs_; }

    sel::Result<file::Info> stat(std::string_view path) {
        sel::Result<NodeInfo> node = fs_.stat(path);
        return node.ok() ? sel::Result<file::Info>{info(*node)} : node.error();
    }
    // Names are bytes: each node has one.
    sel::Result<file::Path> resolve(std::string_view path) {
        sel::Result<file::FullPath> full = file::FullPath::parse(path);
        error_t error = full.ok() ? fs_.stat(path).error() : full.error();
        return error == OK ? sel::Result{file::Path{full->view()}} : error;
    }
    sel::Result<> list(std::string_view path, u32 position, file::Entries &out) {
        sel::Result<RamFs::ListEntry> entry = fs_.list(path, position);
        for (; entry.ok() && out.has_room(); entry = fs_.list(path, entry->next)) {
            out.add(entry->next, info(entry->info), entry->name);
        }
        return out.data.size != 0 ? OK : entry.error();
    }
    sel::Result<> make_directory(std::string_view path) { return fs_.make_directory(path); }
    sel::Result<> remove(std::string_view path) { return fs_.remove(path); }
    sel::Result<> rename(std::string_view from, std::string_view to) {
        return fs_.rename(from, to);
    }
    sel::Result<file::Usage> usage() {
        Usage used = fs_.usage();
        return file::Usage{used.bytes, used.bytes_max, used.nodes, used.nodes_max};
    }
    // All in one step.
    sel::Result<file::Checked> check(std::string_view path, u32) {
        error_t error = fs_.stat(path).error();
        Check found = fs_.check();
        file::Checked checked{0, found.files, found.directories, found.damaged, 0, found.bytes};
        return error == OK ? sel::Result<file::Checked>{checked} : error;
    }
    sel::Result<u32> open(u32 client, std::string_view path, u32 flags) {
        return fs_.open(client, path, flags);
    }
    sel::Result<> close(u32 client, u32 handle) { return fs_.close(client, handle); }
    void close_all(u32 client) { fs_.close_all(client); }
    sel::Result<u32> read(u32 client, u32 handle, u64 offset, std::span<u8> out) {
        return fs_.read(client, handle, offset, out);
    }
    sel::Result<> write(u32 client, u32 handle, u64 offset, std::span<const u8> data) {
        return fs_.write(client, handle, offset, data).error();
    }
    sel::Result<> append(u32 client, u32 handle, std::span<const u8> data) {
        return fs_.append(client, handle, data).error();
    }
    sel::Result<> truncate(u32 client, u32 handle, u64 bytes) {
        return fs_.truncate(client, handle, bytes);
    }
    sel::Result<> sync(u32 client, u32 handle) { return fs_.is_open(client, handle); }
    // There is no disk: all is as safe as it gets.
    sel::Result<> sync_all() { return {}; }
    sel::Result<> write_back() { return {}; }
    bool dirty() const { return false; }
    void set_time(u64 seconds) { fs_.set_time(seconds); }
    file::Path path_of(u32 client, u32 handle) { return fs_.path_of(client, handle); }

  private:
    static file::Info info(const NodeInfo &node) {
        bool directory = node.kind == Kind::Directory;
        return {directory ? file::Kind::Directory : file::Kind::File,
                node.kind == Kind::Archive ? 1u : 0u, node.bytes, node.changed};
    }

    RamFs fs_;
};

// Room: as file::Windows has it.
template <typename Room = const root::RegionRoom>
class FileServer : public file::Server<Store, Room> {
  public:
    template <typename... Ts>
    FileServer(sel::Log<logging::Writer> log, Store &store, Ts &&...rest)
        : file::Server<Store, Room>{store, std::forward<Ts>(rest)...}, log_{log}, store_{store} {}

    // Asked after each request.
    u64 deadline() {
        for (auto path = store_.files().take_damaged(); path.size != 0;
             path = store_.files().take_damaged()) {
            log_.error("{}: damaged in the boot archive (wrong sum)", path);
        }
        return file::Server<Store, Room>::deadline();
    }

  private:
    sel::Log<logging::Writer> log_;
    Store &store_;
};

} // namespace ramfs
