// FileServer: RamFs as the file protocol shows it.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "ramfs.hpp"
#include "servers/file/api.hpp"

#include "sel/clock.hpp"

namespace ramfs {

static_assert(RamFs::kPathMax == file::kPathMax && RamFs::kNameMax == file::kNameMax);

class FileServer {
  public:
    // `boot_seconds`: the date at boot, 0: unknown. `incarnation`: as the environment says.
    FileServer(std::span<u8> memory, sel::Clock clock, u64 boot_seconds, u32 incarnation)
        : fs_{memory}, clock_{clock}, boot_seconds_{boot_seconds}, life_{incarnation} {}

    RamFs &files() { return fs_; }

    sel::Result<file::Info> on(const file::Stat &m) {
        sel::Result<NodeInfo> node = fs_.stat(m.data);
        if (!node) {
            return node.error();
        }
        return info(*node);
    }
    sel::Result<u32> on(const file::Open &m, sel::Caller caller) {
        tell_time();
        sel::Result<u32> handle = fs_.open(caller.client, m.data, m.flags);
        return handle.ok() ? sel::Result<u32>{life_.seal(*handle)} : handle;
    }
    sel::Result<> on(const file::Close &m, sel::Caller caller) {
        return with(m.handle, [&](u32 handle) { return fs_.close(caller.client, handle); });
    }
    sel::Result<u32> on(const file::CloseAll &, sel::Caller caller) {
        fs_.close_all(caller.client);
        return life_.number();
    }
    sel::Result<file::Content> on(const file::Read &m, sel::Caller caller) {
        file::Content content;
        u32 most = m.count < file::kChunk ? m.count : file::kChunk;
        error_t error = with(m.handle, [&](u32 handle) {
            auto count = fs_.read(caller.client, handle, m.offset, {content.data.byte, most});
            content.data.size = count.value_or(0);
            return count.error();
        });
        return error == OK ? sel::Result<file::Content>{content} : error;
    }
    sel::Result<> on(const file::Write &m, sel::Caller caller) {
        tell_time();
        return with(m.handle, [&](u32 handle) {
            return fs_.write(caller.client, handle, m.offset, m.data.span()).error();
        });
    }
    sel::Result<> on(const file::Append &m, sel::Caller caller) {
        tell_time();
        return with(m.handle, [&](u32 handle) {
            return fs_.append(caller.client, handle, m.data.span()).error();
        });
    }
    sel::Result<> on(const file::Truncate &m, sel::Caller caller) {
        tell_time();
        return with(m.handle,
                    [&](u32 handle) { return fs_.truncate(caller.client, handle, m.bytes); });
    }
    sel::Result<file::Entry> on(const file::List &m) {
        sel::Result<RamFs::ListEntry> entry = fs_.list(m.data, m.position);
        if (!entry) {
            return entry.error();
        }
        return file::Entry{entry->next, info(entry->info), entry->name};
    }
    sel::Result<> on(const file::MakeDirectory &m) {
        tell_time();
        return fs_.make_directory(m.data);
    }
    sel::Result<> on(const file::Remove &m) { return fs_.remove(m.data); }
    sel::Result<> on(const file::Rename &m) { return fs_.rename(m.from, m.data); }
    sel::Result<file::Usage> on(const file::GetUsage &) {
        Usage used = fs_.usage();
        return file::Usage{used.bytes, used.bytes_max, used.nodes, used.nodes_max};
    }
    // There is no disk: all is as safe as it gets.
    sel::Result<> on(const file::Sync &m, sel::Caller caller) {
        return with(m.handle, [&](u32 handle) { return fs_.is_open(caller.client, handle); });
    }
    sel::Result<u32> on(const file::SyncAll &) { return life_.number(); }
    sel::Result<file::Checked> on(const file::Check &m) {
        sel::Result<NodeInfo> node = fs_.stat(m.data);
        Check found = fs_.check();
        return node.ok() ? sel::Result{file::Checked{found.files, found.directories, found.damaged,
                                                     found.bytes}}
                         : node.error();
    }

  private:
    // Does `action` to the handle inside, unless it comes from an earlier life.
    template <typename Action>
    error_t with(u32 sealed, Action action) {
        sel::Result<u32> handle = life_.open(sealed);
        return handle.ok() ? action(*handle) : handle.error();
    }

    static file::Info info(const NodeInfo &node) {
        bool directory = node.kind == Kind::Directory;
        return {directory ? file::Kind::Directory : file::Kind::File,
                node.kind == Kind::Archive ? 1u : 0u, node.bytes, node.changed};
    }

    void tell_time() {
        if (boot_seconds_ != 0) {
            fs_.set_time(boot_seconds_ + clock_.nanoseconds(sel::now()) / sel::Clock::kSecond);
        }
    }

    RamFs fs_;
    sel::Clock clock_;
    u64 boot_seconds_;
    file::Life life_;
};

} // namespace ramfs
