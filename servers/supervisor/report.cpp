// Report: one part after the other.
// SPDX-License-Identifier: BSD-2-Clause
#include "report.hpp"

#include "sel/explain.hpp"
#include "sel/format.hpp"

namespace supervisor {
namespace {

constexpr u32 kCallersMost = 16;

void put_place(ReportText &out, u64 address, const Symbols &symbols) {
    sel::format(out, "0x{:x}", address);
    sel::Result<Symbol> symbol = symbols.find(address);
    if (symbol) {
        sel::format(out, " {} + 0x{:x}", readable(symbol->name).view(), symbol->offset);
    }
}

void put_registers(ReportText &out, const regs_t &r) {
    sel::format(out, "  rax {:016x}  rbx {:016x}  rcx {:016x}  rdx {:016x}\n", r.rax, r.rbx, r.rcx,
                r.rdx);
    sel::format(out, "  rsi {:016x}  rdi {:016x}  rbp {:016x}  rsp {:016x}\n", r.rsi, r.rdi, r.rbp,
                r.rsp);
    sel::format(out, "  r8  {:016x}  r9  {:016x}  r10 {:016x}  r11 {:016x}\n", r.r8, r.r9, r.r10,
                r.r11);
    sel::format(out, "  r12 {:016x}  r13 {:016x}  r14 {:016x}  r15 {:016x}\n", r.r12, r.r13, r.r14,
                r.r15);
    sel::format(out, "  rip {:016x}  rflags {:x}  fs {:x}\n", r.rip, r.rflags, r.fs_base);
}

// Words on the stack that point behind a call: the callers, and perhaps remains of earlier calls.
void put_callers(ReportText &out, std::span<const u64> stack, const Symbols &symbols) {
    u32 shown = 0;
    for (u64 word : stack) {
        if (shown < kCallersMost && symbols.follows_call(word) && symbols.find(word).ok()) {
            out.append(shown == 0 ? "  called from (as far as the stack shows):\n" : "");
            out.append("    ");
            put_place(out, word, symbols);
            out.append('\n');
            shown++;
        }
    }
}

void put_trace(ReportText &out, std::span<const trace_event_t> trace) {
    if (!trace.empty()) {
        out.append("  newest kernel events:\n");
    }
    for (const trace_event_t &event : trace) {
        std::string_view what = event.kind == TRACE_CALL    ? sel::call_name(event.call)
                                : event.kind == TRACE_IRQ   ? "interrupt"
                                : event.kind == TRACE_FAULT ? "fault"
                                                            : "timer";
        sel::format(out, "    {:<16} 0x{:x}  thread 0x{:x} -> 0x{:x}", what, event.argument,
                    event.thread, event.next);
        // A long call that is restarted leaves its own number instead of an error.
        if (event.kind == TRACE_CALL && event.error != OK) {
            sel::format(out, "  {}",
                        event.error > ERR_GONE ? "goes on" : sel::error_name(event.error));
        }
        out.append('\n');
    }
}

} // namespace

void write_report(ReportText &out, const Facts &facts, const Symbols &symbols) {
    sel::format(out, "--- {} (start {}): {}\n", facts.program, facts.incarnation,
                sel::explain_fault(facts.fault.kind, facts.fault.word).view());
    out.append("  in ");
    put_place(out, facts.fault.word[0], symbols);
    out.append('\n');
    if (facts.has_registers) {
        put_registers(out, facts.registers);
    }
    put_callers(out, facts.stack, symbols);
    if (facts.denial.count != 0) {
        out.append("  last refusal: ");
        out.append(sel::explain_denial(facts.denial).view());
    }
    put_trace(out, facts.trace);
}

} // namespace supervisor
