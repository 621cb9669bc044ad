// Attack: the hostile programs by name, and how each of them has to end.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string_view>

#include "abi/types.h"

namespace attack {

// Exit codes of the program. A fault ends it as well.
enum : int { kContained = 0, kEscaped = 1, kNoSuchAttack = 2 };

enum class End : u8 {
    Exit,    // It tries everything, is denied everything, and says so.
    Fault,   // Its first try ends it.
    Stopped, // It never ends, and is ended from outside when its time is over.
    Any,     // It destroys itself: only what is left of the system counts.
};

struct Attack {
    std::string_view name;
    std::string_view about;
    End end;
    u64 seconds = 30; // At most.
};

inline constexpr Attack kAttacks[] = {
    {"read", "read memory of the kernel", End::Fault},
    {"write", "write memory of the kernel", End::Fault},
    {"jump", "jump into the kernel", End::Fault},
    {"foreign", "read memory that is not mapped for it", End::Fault},
    {"null", "follow a null pointer", End::Fault},
    {"readonly", "write its own code", End::Fault},
    {"stack", "execute its own stack", End::Fault},
    {"recurse", "use up its stack", End::Fault},
    {"smash", "overflow a buffer on its stack", End::Fault},
    {"numbers", "make a kernel call that does not exist", End::Fault},
    {"calls", "every call number, every slot, random arguments", End::Any, 20},
    {"badge", "forge badges", End::Exit},
    {"rights", "widen the rights of its capabilities", End::Exit},
    {"retype", "make objects of memory that is not its own", End::Exit},
    {"map", "map what it must not map", End::Exit},
    {"code", "make executable what root lets it write", End::Exit},
    {"priority", "raise its priority", End::Exit},
    {"exhaust", "use up its own memory, and go on", End::Exit},
    {"flood", "flood a server with messages", End::Exit},
    {"files", "leave the one directory that it may read, or change it", End::Exit},
    {"disk", "leave the one directory of a disk that it may read, or change it", End::Exit},
    {"sleeps", "give up more sleeps than the timer has room for", End::Exit},
    {"reads", "give up reads of a file while they are made", End::Exit},
    {"watches", "give up more watches of a file than there is room for", End::Exit},
    {"handles", "end with as many files open as it may have", End::Exit},
    {"forged", "start programs with what it may not give, or is not its own", End::Exit},
    {"token", "use the token of memory that it lends for anything else", End::Exit},
    {"released", "read memory that it has lent and let go", End::Fault},
    {"imitate", "imitate the terminal: its marks, its questions, its prompt", End::Exit},
    {"listen", "read what is typed for others, and come to the front", End::Exit},
    {"network", "send, listen and connect where it may not", End::Exit},
    {"asleep", "be ended while it sleeps", End::Stopped, 1},
    {"starve", "run for ever at its priority", End::Stopped, 1},
    {"divide", "divide by zero", End::Fault},
    {"debug", "single-step itself", End::Fault},
    {"breakpoint", "raise a breakpoint", End::Fault},
    {"opcode", "execute an invalid instruction", End::Fault},
    {"vector", "use vector registers without leave", End::Fault},
    {"segment", "load a segment that does not exist", End::Fault},
    {"canonical", "use a non-canonical address", End::Fault},
    {"general", "execute a privileged instruction", End::Fault},
    {"ports", "use input and output ports", End::Fault},
    {"interrupt", "raise an interrupt by itself", End::Fault},
    {"slots", "delete every capability that it has", End::Exit},
    {"cnode", "take away its own CSpace", End::Any, 2},
    {"vspace", "take away its own address space", End::Any, 2},
    {"context", "take away its own processor time", End::Any, 2},
    {"tcb", "suspend itself for ever", End::Stopped, 1},
};

} // namespace attack
