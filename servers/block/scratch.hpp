// The mark of a partition that programs may write to try a disk: the first bytes of its first sector.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string_view>

namespace block {

// scripts/lib/disk.py writes it.
inline constexpr std::string_view kScratchMark = "TRustOs disktest";

} // namespace block
