// Names and plain words for what the kernel reports: errors, calls, types, denials, faults.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string_view>

#include "sel/bytes.hpp"

#include "abi/call.h"
#include "abi/capability.h"
#include "abi/error.h"

namespace sel {

std::string_view error_name(u64 error);   // "ERR_RIGHT"
std::string_view call_name(u64 call);     // "CAP_COPY"
std::string_view type_name(u64 type);     // "Endpoint"
std::string_view state_name(u64 state);   // "receive"
std::string_view vector_name(u64 vector); // "divide error"

// "rwg", or "-" if there is none.
Text<4> rights_text(u64 rights);

// denial_t taken apart.
struct Denial {
    u8 call, error, levels, type_found, rights_found, type_needed, rights_needed;
};
Denial denial_of(const denial_t &record);

using Explanation = Text<512>;

// Two or three lines: what was asked, what was found, what would have been needed.
Explanation explain_denial(const denial_t &record);

// One line without its end: "page fault: it wrote to 0x10, where nothing is mapped for it".
// `word` are the message words of the fault.
Explanation explain_fault(u64 fault, const u64 (&word)[4]);

} // namespace sel
