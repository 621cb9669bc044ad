// Store: a Volume as file::Server wants it; and a file system for when there is no disk.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/file/server.hpp"
#include "servers/volume/volume.hpp"

namespace volume {

class Store : public Volume {
  public:
    using Volume::Volume;

    sel::Result<file::Info> stat(std::string_view path) {
        sel::Result<NodeInfo> node = Volume::stat(path);
        return node.ok() ? sel::Result<file::Info>{info(*node)} : node.error();
    }
};

// Answers everything with why there are no files.
class NoFileSystem final : public FileSystem {
  public:
    explicit NoFileSystem(error_t why) : why_{why} {}

    sel::Result<> mount() override { return why_; }
    sel::Result<> format(bool) override { return why_; }
    sel::Result<NodeInfo> stat(Path &) override { return why_; }
    sel::Result<> make_directory(const Path &) override { return why_; }
    sel::Result<> remove(const Path &) override { return why_; }
    sel::Result<> rename(const Path &, const Path &) override { return why_; }
    sel::Result<> list(const Path &, u32, file::Entries &) override { return why_; }
    sel::Result<> open(u32, const Path &, Mode) override { return why_; }
    sel::Result<> close(u32) override { return why_; }
    void drop(u32) override {}
    u64 size(u32) override { return 0; }
    sel::Result<u32> read(u32, u64, std::span<u8>) override { return why_; }
    sel::Result<> write(u32, u64, std::span<const u8>) override { return why_; }
    sel::Result<> truncate(u32, u64) override { return why_; }
    sel::Result<> commit(u32) override { return why_; }
    sel::Result<> sync() override { return {}; } // There is nothing to be written.
    bool write_failed() const override { return false; }
    void revert() override {}
    sel::Result<> begin_check(bool) override { return why_; }
    sel::Result<bool> check(Structures &) override { return why_; }
    sel::Result<file::Usage> usage() override { return why_; }
    bool read_only() const override { return false; }
    u64 bytes_max() const override { return 0; }

  private:
    error_t why_;
};

} // namespace volume
