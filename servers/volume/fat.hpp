// Fat: FAT12, FAT16 and FAT32 with long names on a cached disk, to exchange files with others.
// SPDX-License-Identifier: BSD-2-Clause
//
// The library is oofatfs. FAT is not power-safe: what is written between two sync() may be lost or
// half there after a power cut, and other systems' checkers repair it. Names are UTF-8 and compare
// without case; one longer than file::kNameMax, or than a path has room for, appears as its short
// name. Where the clusters of an open file are is kept as runs, if these are few, so that a seek follows no
// chain and a read of whole sectors does not ask for each cluster. A rename onto an existing file removes that first.
#pragma once

#include <array>

#include "servers/volume/cache.hpp"
#include "servers/volume/fat_check.hpp"
#include "servers/volume/fat_record.hpp"
#include "servers/volume/file_system.hpp"

#include <ff.h>

namespace volume {

class Fat final : public FileSystem {
  public:
    explicit Fat(Cache &cache) : cache_{cache} { fs_.drv = this; }
    ~Fat() { f_umount(&fs_); } // The library must forget where it was.
    Fat(const Fat &) = delete;
    Fat &operator=(const Fat &) = delete;

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
    u64 size(u32 object) override { return f_size(&object_[object].file); }
    sel::Result<u32> read(u32 object, u64 offset, std::span<u8> out) override;
    sel::Result<> write(u32 object, u64 offset, std::span<const u8> data) override;
    sel::Result<> truncate(u32 object, u64 bytes) override;
    sel::Result<> commit(u32 object) override;
    sel::Result<> sync() override { return cache_.flush(); }
    bool write_failed() const override { return false; }
    void revert() override {}
    sel::Result<> begin_check(bool repair) override;
    sel::Result<bool> check(Structures &found) override;
    sel::Result<file::Usage> usage() override;
    bool read_only() const override { return cache_.read_only(); }
    u64 bytes_max() const override { return ~u32{0}; }

    Cache &cache() { return cache_; }
    u32 sector_bytes() const { return sector_bytes_; }
    u32 sectors() const;

  private:
    static_assert(FF_FS_LOCK > kObjects);
    static constexpr u32 kRunWords = 128; // Length and start of 63 runs.

    struct Object {
        FIL file;
        bool scattered; // In more runs than there is room for.
        std::array<DWORD, kRunWords> runs;
    };

    void begin();
    sel::Result<> check_size();
    sel::Result<> done(FRESULT result, error_t denied);
    sel::Result<> done(FRESULT result, const Path &path, error_t denied);
    sel::Result<NodeInfo> step(Path &path, std::string_view name);
    bool at_cursor(const Path &path, u32 position) const;
    sel::Result<> point_cursor(const Path &path, u32 position);
    void close_cursor();
    u64 seconds_at(u16 date, u16 time);
    std::span<const u8> records_near(u32 &left);
    bool read_near(file::Entries &out);
    sel::Result<> read_entries(file::Entries &out);
    u64 cluster_bytes() const { return u64{fs_.csize} * sector_bytes_; }
    static void forget_runs(Object &object);
    FRESULT seek(Object &object, u64 offset);
    sel::Result<u32> read_run(const Object &object, u64 offset, std::span<u8> out);
    sel::Result<u32> read_runs(const Object &object, u64 offset, std::span<u8> out);
    sel::Result<> make_room(FIL &file, u64 end);
    sel::Result<> extend(FIL &file, u64 bytes);
    sel::Result<> put(FIL &file, std::span<const u8> data);

    Cache &cache_;
    FATFS fs_{};
    u32 sector_bytes_ = FF_MIN_SS;
    std::array<Object, kObjects> object_{};
    FatCheck check_;

    bool listing_ = false;
    u32 listed_ = 0;
    Path listed_path_{};
    FF_DIR cursor_{};
    u16 date_ = 0;         // Of the last entry,
    u64 date_seconds_ = 0; // and what that is in seconds since 1970.
};

} // namespace volume
