// Threads: more of them in the same program, each with its stack, IPC buffer and Reply.
// SPDX-License-Identifier: BSD-2-Clause
//
// A ReadyThread is made by root, for the manifest's need `thread:STACK/BUDGET/PERIOD`. A program that makes
// a Thread itself needs `vspace`, `cnode`, an `untyped` with `slots` for the Allocator, a
// `context:BUDGET/PERIOD`, and with the untyped the right to make code (adr/0087).
//
// A fault stops the thread. It is told to who receives from `faults` (the program itself, by the manifest's
// need of that name); without it to nobody.
#pragma once

#include "sel/allocator.hpp"

namespace sel {

// For Thread::start().
struct ThreadSetup {
    VSpace space;
    CNode cspace;
    SchedContext context;
    u8 priority;     // At most the caller's own.
    u64 address;     // Where its pages go: a multiple of PAGE_BYTES, nothing else is mapped there.
    u32 stack_pages; // 1 .. kStackPagesMax. A page below them stays empty; its buffer follows them.
    Endpoint faults{};
};

using ThreadEntry = void (*)(void *);

class ReadyThread {
  public:
    // `top`: where its stack ends and its buffer begins.
    constexpr ReadyThread(cptr_t tcb, u64 top) : tcb_{tcb}, top_{top} {}

    // Runs entry(argument). When it returns, and after end(), it may be started again. ERR_BUSY: it runs.
    // ERR_FULL: the program has more threads than its ledger holds (ledger.hpp).
    Result<> start(ThreadEntry entry, void *argument, Endpoint faults = {}) const;

    // Stops it wherever it is.
    Result<> end() const { return tcb_.suspend(); }

    constexpr Tcb tcb() const { return tcb_; }

  private:
    Tcb tcb_;
    u64 top_;
};

class Thread {
  public:
    static constexpr u32 kStackPagesMax = 16;
    using Entry = ThreadEntry;

    // `memory` must outlive the thread.
    explicit Thread(Allocator &memory) : memory_{memory} {}
    Thread(const Thread &) = delete;
    Thread &operator=(const Thread &) = delete;

    // Runs entry(argument). When it returns the thread stops. ERR_BUSY: it has been started already,
    // ERR_FULL: as above. If it cannot be started, nothing of it is left but page tables.
    Result<> start(const ThreadSetup &setup, Entry entry, void *argument);

    // Ends it wherever it is, and frees all but its page tables, which the next one may use.
    Result<> end();

    Tcb tcb() const { return tcb_; }

  private:
    static constexpr u32 kObjectsMax = kStackPagesMax + 3; // Buffer, Reply, TCB.

    Result<cptr_t> make(cap_type_t type);
    Result<Frame> map_page(VSpace space, u64 address);
    Result<> build(const ThreadSetup &setup, Entry entry, void *argument);
    Result<> run(const ThreadSetup &setup, Frame buffer, const regs_t &regs);

    Allocator &memory_;
    Tcb tcb_;
    cptr_t object_[kObjectsMax];
    u32 objects_ = 0;
};

} // namespace sel
