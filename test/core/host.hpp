// The core on the host: its memory at fixed addresses, and the part of the arch layer around it.
// SPDX-License-Identifier: BSD-2-Clause
//
// RAM is one memory object mapped twice, at the window of objects and at the window of physical
// addresses, as in the kernel. The null object is mapped read-only: a write to it ends the test.
// One Core at a time; its calls go straight into the functions that boot.
#ifndef TEST_CORE_HOST_HPP
#define TEST_CORE_HOST_HPP

#include <span>

extern "C" {
#include "core/call.h"
#include "core/capability.h"
#include "core/cspace.h"
#include "core/irq.h"
#include "core/kernel.h"
#include "core/leaf.h"
#include "core/object.h"
#include "core/ready.h"
#include "core/sched_context.h"
#include "core/thread.h"
#include "core/time.h"
#include "core/untyped.h"
#include "core/view.h"
#include "core/vspace.h"
#include "test/core/host.h"
}

namespace host {

constexpr u64 RAM_BASE = 0x100000;  // Physical: below it is nothing.
constexpr u64 POOL_BASE = 0x200000; // From here on Untyped; before it, what boot makes by hand.
constexpr u64 RAM_END = 0x1000000;  // 16 MiB.
constexpr u64 DEVICE_BASE = 0xfe000000, DEVICE_END = 0xfe100000;
constexpr u32 POOL_UNTYPED = UNTYPED_BASE, DEVICE_UNTYPED = UNTYPED_BASE + 4;
constexpr u64 SYSCALL = 0x400000; // Where threads have their syscall instruction.

class Core {
  public:
    // Fresh statics, and RAM full of `junk`, as the boot loader leaves it.
    explicit Core(u64 junk = 0x5aa5c33c0ff01ee1);

    // An object outside of untyped memory, and its slot-less index.
    u32 place(u32 type, u64 size = 0);
    // The first thread begins to run on its context.
    void start(u32 t);

    u32 current() const { return K.run.tcb; }
    u64 rax = 0; // Of the running thread, as it sees it.

    // --- Entries, each one step: what the arch layer does around the core.
    void enter(u32 number, u64 cptr, u64 info);
    void interrupt(u32 irq);
    void timer();
    void fault(u32 kind, u64 w1, u64 w2);

    // The running thread is about to run its syscall instruction again.
    bool restarts() const { return current() != 0 && TCB(current()).r[R_RIP] == SYSCALL; }

    // --- Whole calls of the running thread: restarted until done. rax, if it still runs.
    u64 call(u32 number, u64 cptr, u64 info = 0, std::span<const u64> arguments = {});
    u64 call(u32 number, u64 cptr, u64 info, std::initializer_list<u64> arguments) {
        return call(number, cptr, info, std::span(arguments.begin(), arguments.size()));
    }
    u64 result(unsigned i) const;

    // Lets time pass, and the alarms ring that are due.
    void advance(u64 ticks);

  private:
    u64 next_ = RAM_BASE;
    void stop_running();
    void resume(u32 next);
};

} // namespace host

#endif
