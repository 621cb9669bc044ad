// Names and plain words for what the kernel reports.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/explain.hpp"

#include "sel/format.hpp"
#include "sel/program.hpp"
#include "sel/result.hpp"

namespace sel {
namespace {

constexpr std::string_view kErrors[] = {
    "OK",         "ERR_CAP",     "ERR_TYPE",   "ERR_RIGHT",    "ERR_ARG",       "ERR_OCCUPIED",
    "ERR_MEMORY", "ERR_BUSY",    "ERR_BADGE",  "ERR_CHILDREN", "ERR_TABLE",     "ERR_PRIORITY",
    "ERR_EMPTY",  "ERR_TIMEOUT", "ERR_GONE",   "ERR_PROTOCOL", "ERR_RESTARTED", "ERR_NAME",
    "ERR_EXISTS", "ERR_FULL",    "ERR_SYNTAX", "ERR_IO",       "ERR_DIRECTORY"};
static_assert(std::size(kErrors) == ERR_COUNT);

constexpr std::string_view kCalls[] = {
    "CALL",        "REPLY_RECV",   "SEND",           "NB_SEND",
    "RECV",        "NB_RECV",      "REPLY",          "SIGNAL",
    "WAIT",        "POLL",         "YIELD",          "CAP_COPY",
    "CAP_MINT",    "CAP_MOVE",     "CAP_SWAP",       "CAP_DELETE",
    "CAP_REVOKE",  "CAP_INFO",     "UNTYPED_RETYPE", "UNTYPED_RESET",
    "TCB_BIND",    "TCB_PRIORITY", "TCB_RESUME",     "TCB_SUSPEND",
    "TCB_WRITE",   "TCB_READ",     "TCB_INFO",       "TCB_NOTIFICATION",
    "TCB_CONTEXT", "TCB_VECTOR",   "TCB_DENIAL",     "SC_CONFIGURE",
    "FRAME_MAP",   "FRAME_UNMAP",  "FRAME_INFO",     "TABLE_MAP",
    "TABLE_UNMAP", "IRQ_GET",      "IRQ_BIND",       "IRQ_ACK",
    "PORT_IN",     "PORT_OUT",     "TRACE",
};
static_assert(std::size(kCalls) == CALL_COUNT);

constexpr std::string_view kTypes[] = {
    "nothing",    "Untyped",      "CNode",  "TCB",          "Endpoint", "Notification",
    "Reply",      "SchedContext", "VSpace", "PageTable",    "Frame",    "SchedControl",
    "IrqControl", "IrqHandler",   "IoPort", "TraceControl",
};
static_assert(std::size(kTypes) == CAP_TYPE_COUNT);

constexpr std::string_view kStates[] = {
    "inactive", "running", "ready", "no time", "receive", "send", "call", "reply", "wait",
};
static_assert(std::size(kStates) == STATE_COUNT);

// Intel SDM volume 3, table 6-1.
constexpr std::string_view kVectors[] = {
    "divide error",
    "debug exception",
    "non-maskable interrupt",
    "breakpoint",
    "overflow",
    "bound range exceeded",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor segment overrun",
    "invalid TSS",
    "segment not present",
    "stack-segment fault",
    "general protection",
    "page fault",
    "reserved exception",
    "x87 floating-point error",
    "alignment check",
    "machine check",
    "SIMD floating-point exception",
};

template <std::size_t N>
std::string_view name_in(const std::string_view (&names)[N], u64 i) {
    return i < N ? names[i] : std::string_view{"unknown"};
}

// As root::Silence (servers/root/silence.hpp) has them.
constexpr std::string_view kSilences[] = {
    "not at all",
    "an answer is late",
    "it owes an answer and waits for nothing",
    "it has lost a request",
    "it waits for somebody who owes it nothing",
    "a thread uses up its processor time and answers nobody",
};

// Page-fault error code: Intel SDM volume 3, section 4.7.
enum { PAGE_PRESENT = 1, PAGE_WRITE = 2, PAGE_FETCH = 16 };

void explain_page_fault(Explanation &out, u64 address, u64 code) {
    const char *verb = (code & PAGE_FETCH) != 0   ? "executed"
                       : (code & PAGE_WRITE) != 0 ? "wrote to"
                                                  : "read from";
    const char *why = (code & PAGE_PRESENT) == 0 ? "where nothing is mapped for it"
                                                 : "whose mapping does not allow that";
    format(out, "page fault: it {} 0x{:x}, {}", verb, address, why);
}

void explain_capability(Explanation &out, u64 cptr, const Denial &d) {
    format(out, "  capability address 0x{:x} ", cptr);
    if (d.type_found == CAP_NULL) {
        format(out, "holds nothing (resolved for {} levels)", d.levels);
    } else {
        format(out, "holds {} with rights {}", type_name(d.type_found),
               rights_text(d.rights_found).view());
    }
    if (d.type_needed != CAP_NULL) {
        format(out, "; needed: {}", type_name(d.type_needed));
    }
    if ((d.rights_needed & RIGHT_ALL) != 0) {
        format(out, "; needed rights: {}", rights_text(d.rights_needed).view());
    }
    out.append('\n');
}

} // namespace

std::string_view error_name(u64 error) {
    return name_in(kErrors, error);
}
std::string_view call_name(u64 call) {
    return name_in(kCalls, call);
}
std::string_view type_name(u64 type) {
    return name_in(kTypes, type);
}
std::string_view state_name(u64 state) {
    return name_in(kStates, state);
}
std::string_view vector_name(u64 vector) {
    return name_in(kVectors, vector);
}

Text<4> rights_text(u64 rights) {
    Text<4> text;
    if ((rights & RIGHT_ALL) == 0) {
        text.append('-');
    }
    if ((rights & RIGHT_READ) != 0) {
        text.append('r');
    }
    if ((rights & RIGHT_WRITE) != 0) {
        text.append('w');
    }
    if ((rights & RIGHT_GRANT) != 0) {
        text.append('g');
    }
    return text;
}

Denial denial_of(const denial_t &record) {
    auto byte = [&](unsigned shift) { return static_cast<u8>(record.what >> shift); };
    return {byte(0), byte(8), byte(16), byte(24), byte(32), byte(40), byte(48)};
}

Explanation explain_denial(const denial_t &record) {
    Explanation out;
    if (record.count == 0) {
        out.append("nothing has been refused\n");
        return out;
    }
    Denial d = denial_of(record);
    format(out, "{} was refused with {}: {}\n", call_name(d.call), error_name(d.error),
           describe(static_cast<error_t>(d.error)));
    explain_capability(out, record.cptr, d);
    if (record.argument != 0) {
        format(out, "  the refused argument was 0x{:x}\n", record.argument);
    }
    format(out, "  refusals of this thread so far: {}\n", record.count);
    return out;
}

Explanation explain_fault(u64 fault, const u64 (&word)[4]) {
    Explanation out;
    switch (fault) {
    case FAULT_PAGE:
        explain_page_fault(out, word[1], word[2]);
        break;
    case FAULT_EXCEPTION:
        format(out, "exception {} ({}), error code 0x{:x}", word[1], vector_name(word[1]), word[2]);
        break;
    case FAULT_CALL:
        if (word[1] == kSilentCall) {
            format(out, "it keeps its clients waiting: {}", name_in(kSilences, word[2]));
            return out;
        }
        format(out, "unknown kernel call {}", word[1]);
        break;
    case FAULT_BUDGET:
        format(out, "it uses up its processor time and answers nobody; more in {} ticks", word[2]);
        break;
    default:
        format(out, "unknown fault {}", fault);
        break;
    }
    format(out, " (at 0x{:x})", word[0]);
    return out;
}

} // namespace sel
