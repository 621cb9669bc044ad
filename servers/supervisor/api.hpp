// Supervisor: ends programs by hand, and tells why others ended. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/client.hpp"

namespace supervisor {

// Exit code of a program that was ended by Kill or Restart.
inline constexpr s32 kKilled = 137;

// Ends a program; its policy says whether it comes back. ERR_NAME: no such program.
struct Kill : sel::Asks<> {
    u32 number;
};

// Ends a program and starts it again at once, whatever its policy; forgets its earlier failures.
struct Restart : sel::Asks<> {
    u32 number;
};

// The report on the last fault, from byte `offset` on; empty behind its end.
struct ReportPart {
    sel::Text<900> data;
};
struct GetReport : sel::Asks<ReportPart> {
    u32 offset;
};

using Control = sel::Protocol<Kill, Restart>;
using Reports = sel::Protocol<GetReport>;

} // namespace supervisor
