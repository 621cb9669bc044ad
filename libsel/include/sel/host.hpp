// What a host test supplies in place of the kernel (SEL_HOST).
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <functional>
#include <set>

#include "sel/environment.hpp"
#include "sel/kernel.hpp"
#include "sel/ledger.hpp"

namespace sel::host {

// Answers every kernel call of the calling thread; without one, they are refused with ERR_CAP.
extern thread_local std::function<void(Regs &)> kernel;

// CALL_REPLY as the kernel does it, with the callers in `gone` not waiting any more. True: it is an answer,
// and somebody got it.
inline bool reply(Regs &r, const std::set<cptr_t> &gone = {}) {
    bool message = (r.info & INFO_LENGTH) <= MESSAGE_WORDS;
    r.number = gone.contains(r.cptr) ? ERR_EMPTY : message ? OK : ERR_ARG;
    return r.number == OK;
}

// What sel::exit() throws.
struct Ended {
    int code;
};

// What sel::now() says.
extern u64 time;

// What sel::ledger() is.
extern Ledger ledger;

// What sel::environment() says.
extern Environment environment;

} // namespace sel::host
