// Report: what is known about the end of a program, as text for people.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>

#include "symbols.hpp"

#include "sel/server.hpp"

#include "abi/trace_event.h"

namespace supervisor {

using ReportText = sel::Text<6000>;

// What could be found out; parts that could not be are left empty.
struct Facts {
    std::string_view program;
    u32 incarnation = 0;
    sel::Fault fault{};
    bool has_registers = false;
    regs_t registers{};
    std::span<const u64> stack; // From the stack pointer upwards.
    denial_t denial{};
    std::span<const trace_event_t> trace; // The newest events, oldest first.
};

// The fault in words, where it happened, registers, the functions that were being called, the last
// refusal and the newest kernel events.
void write_report(ReportText &out, const Facts &facts, const Symbols &symbols);

} // namespace supervisor
