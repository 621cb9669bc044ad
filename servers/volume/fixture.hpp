// Fixture: a disk with an empty file system and a Volume that is mounted, for host tests of Volume.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <catch2/catch.hpp>

#include "servers/volume/test_disk.hpp"

namespace volume {

inline constexpr u64 kMe = 1, kOther = 2;
inline constexpr u32 kNew = file::kWrite | file::kCreate;

template <typename Fs>
struct Fixture : TestDisk<Fs> {
    Fixture() : TestDisk<Fs>{blank_image(static_cast<Fs *>(nullptr), 4 << 20)} {
        REQUIRE(this->start().ok());
    }
    Volume &v() { return *this->files; }
    u32 create(const std::string &path) { return v().open(kMe, path, kNew).value(); }
    error_t put(u32 handle, u64 offset, std::string_view text) {
        return v().write(kMe, handle, offset, bytes_of(text)).error();
    }
    std::string get(u32 handle, std::size_t count = 9000, u64 offset = 0) {
        std::string text(count, '?');
        auto out = reinterpret_cast<u8 *>(text.data());
        text.resize(v().read(kMe, handle, offset, {out, count}).value());
        return text;
    }
};

} // namespace volume
