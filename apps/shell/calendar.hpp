// Dates and durations as people read them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/bytes.hpp"

namespace shell {

using DateText = sel::Text<24>;

// "2026-11-22 14:46:40" of a number of seconds since 1970-01-01 00:00.
DateText date_text(u64 seconds);

// "3 days 4:05:06" or "0:00:07.123".
DateText duration_text(u64 ns);

} // namespace shell
