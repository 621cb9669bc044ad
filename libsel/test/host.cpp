// The kernel call, the IPC buffer and the clock of host tests.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/host.hpp"

#include "sel/program.hpp"

namespace sel {

namespace host {

thread_local std::function<void(Regs &)> kernel;
u64 time = 0;
Ledger ledger = {};
Environment environment = {};

} // namespace host

void kernel_call(Regs &r) {
    if (host::kernel) {
        host::kernel(r);
    } else {
        r.number = ERR_CAP;
    }
}

u64 *ipc_buffer() {
    static thread_local u64 buffer[BUFFER_WORDS];
    return buffer;
}

u64 now() {
    return host::time;
}

void exit(int code) {
    throw host::Ended{code};
}

Ledger &ledger() {
    return host::ledger;
}

const Environment &environment() {
    return host::environment;
}

} // namespace sel
