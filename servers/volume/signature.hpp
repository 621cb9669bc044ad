// Signature: what others have left on a disk, so that nobody formats over it unasked.
// SPDX-License-Identifier: BSD-2-Clause
//
// File systems, members of RAIDs and volume groups, swap, and partition tables, each known by a few
// bytes at a place of its own (as libblkid of util-linux and wipefs look for them). That none is found
// says nothing: a disk is formatted because of a sign that it is ours, never because it looks empty.
#pragma once

#include "servers/volume/cache.hpp"

namespace volume {

// In words, "btrfs"; empty: none of those known. Reads about 40 pages; an error if one cannot be read.
sel::Result<std::string_view> find_signature(Cache &disk);

inline constexpr std::string_view kLittleFsSignature = "littlefs";

// Before a disk is formatted by command. ERR_RIGHT: it is read-only. ERR_EXISTS: something was found,
// and `force` is not set. Else whatever was found is no longer: nobody takes the disk for that.
// `note` says what.
sel::Result<> clear_for_format(Cache &disk, bool force, sel::Text<120> &note);

} // namespace volume
