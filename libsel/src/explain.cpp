// Names and plain words for what the kernel reports.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/explain.hpp"

#include <iterator>

namespace sel {
namespace {

struct NameAndMeaning {
    std::string_view name, meaning;
};

constexpr NameAndMeaning kErrors[] = {
    {"OK", "it worked"},
    {"ERR_CALL", "no kernel call has this number"},
    {"ERR_CAP", "the capability address names no capability"},
    {"ERR_TYPE", "the capability is of another type than the call needs"},
    {"ERR_RIGHT", "the capability lacks a right that the call needs"},
    {"ERR_ARG", "an argument lies outside its documented range"},
    {"ERR_OCCUPIED", "the destination is already in use"},
    {"ERR_MEMORY", "the memory is too small for the request"},
    {"ERR_BUSY", "the object is in a state that refuses this now"},
    {"ERR_BADGE", "the capability already has a badge, or has none where one is needed"},
    {"ERR_CHILDREN", "the capability has children: they must be revoked first"},
    {"ERR_TABLE", "a page table is missing on the way to this address"},
    {"ERR_PRIORITY", "the priority exceeds the caller's maximum"},
    {"ERR_EMPTY", "nothing was there"},
    {"ERR_TIMEOUT", "the time given for the wait has passed"},
    {"ERR_GONE", "the object, or the thread that was to answer, no longer exists"},
    {"ERR_PROTOCOL", "the server does not know this message"},
    {"ERR_RESTARTED", "the server was restarted: what was held there is gone, ask again"},
    {"ERR_NAME", "no such name"},
    {"ERR_EXISTS", "the name is already taken"},
    {"ERR_FULL", "no room left"},
    {"ERR_SYNTAX", "the input cannot be parsed"},
    {"ERR_IO", "the device reported an error"},
    {"ERR_DIRECTORY", "a directory stands where a file was expected, or the reverse"},
};
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

// Page-fault error code: Intel SDM volume 3, section 4.7.
enum { PAGE_PRESENT = 1, PAGE_WRITE = 2, PAGE_FETCH = 16 };

void explain_page_fault(TextWriter &out, u64 address, u64 code) {
    const char *verb = (code & PAGE_FETCH) != 0   ? "executed "
                       : (code & PAGE_WRITE) != 0 ? "wrote to "
                                                  : "read from ";
    const char *why = (code & PAGE_PRESENT) == 0 ? ", where nothing is mapped for it"
                                                 : ", whose mapping does not allow that";
    out.add("page fault: it ", verb, hex(address), why);
}

} // namespace

std::string_view error_name(u64 error) {
    return error < ERR_COUNT ? kErrors[error].name : std::string_view{"unknown error"};
}

std::string_view error_meaning(u64 error) {
    return error < ERR_COUNT ? kErrors[error].meaning : std::string_view{"unknown error"};
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

void put_rights(TextWriter &out, u64 rights) {
    if ((rights & RIGHT_ALL) == 0) {
        out.put('-');
    }
    if ((rights & RIGHT_READ) != 0) {
        out.put('r');
    }
    if ((rights & RIGHT_WRITE) != 0) {
        out.put('w');
    }
    if ((rights & RIGHT_GRANT) != 0) {
        out.put('g');
    }
}

Denial denial_of(const denial_t &record) {
    auto byte = [&](unsigned shift) { return static_cast<u8>(record.what >> shift); };
    return {byte(0), byte(8), byte(16), byte(24), byte(32), byte(40), byte(48)};
}

void explain_denial(TextWriter &out, const denial_t &record) {
    if (record.count == 0) {
        out.add("nothing was refused so far\n");
        return;
    }
    Denial d = denial_of(record);
    out.add(call_name(d.call), " was refused with ", error_name(d.error), ": ",
            error_meaning(d.error), "\n");
    if (d.type_found != CAP_NULL || d.type_needed != CAP_NULL) {
        out.add("  capability address ", hex(record.cptr), " holds ", type_name(d.type_found));
        if (d.type_found != CAP_NULL) {
            out.add(" with rights ");
            put_rights(out, d.rights_found);
        }
        if (d.type_needed != CAP_NULL) {
            out.add("; needed: ", type_name(d.type_needed));
        }
        if ((d.rights_needed & RIGHT_ALL) != 0) {
            out.add(d.type_needed != CAP_NULL ? " with rights " : "; needed: rights ");
            put_rights(out, d.rights_needed);
        }
        out.add("\n");
    } else {
        out.add("  capability address ", hex(record.cptr), " was resolved for ", d.levels,
                " levels\n");
    }
    if (record.argument != 0) {
        out.add("  the refused argument was ", hex(record.argument), "\n");
    }
    out.add("  refusals of this thread so far: ", record.count, "\n");
}

void explain_fault(TextWriter &out, u64 fault, const u64 (&word)[4]) {
    switch (fault) {
    case FAULT_PAGE:
        explain_page_fault(out, word[1], word[2]);
        break;
    case FAULT_EXCEPTION:
        out.add("exception ", word[1], " (", vector_name(word[1]), ")");
        if (word[2] != 0) {
            out.add(", error code ", hex(word[2]));
        }
        break;
    case FAULT_CALL:
        out.add("unknown system call: number ", word[1]);
        break;
    case FAULT_BUDGET:
        out.add("its time budget is used up; refill in ", word[2], " ticks");
        break;
    default:
        out.add("unknown fault ", fault);
        break;
    }
    out.add(" (at ", hex(word[0]), ")");
}

} // namespace sel
