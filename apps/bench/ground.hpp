// What the benchmark stands on: memory, slots, and threads made from them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string_view>

#include "sel/capability.hpp"

namespace bench {

// Everything that the benchmark may use.
struct Means {
    sel::Untyped memory;
    sel::VSpace space;
    sel::Tcb self;
    sel::SchedContext context; // For the peers, one at a time.
    u8 priority;               // Highest that the own TCB may have.
    cptr_t cnode;              // The own CSpace.
    cptr_t first_slot;         // From here on slots are empty.
    u64 entry_tsc;             // When the boot loader entered the kernel, 0: unknown.
    u64 kernel_bytes;          // .text + .rodata of the kernel, 0: unknown.
    std::string_view only;     // Prints only rows whose name contains this.
    void (*print)(const char *text, u64 length);
};

// Says what failed and stops: the rows are worth nothing then.
[[noreturn]] void fail(const char *what, error_t error);

inline void check(sel::Result<> result, const char *what) {
    if (!result.ok()) {
        fail(what, result.error());
    }
}

// Objects are made and never given back: the program ends after its last row.
class Ground {
  public:
    explicit Ground(const Means &means) : means_{means}, next_{means.first_slot} {}

    const Means &means() const { return means_; }

    cptr_t slot() { return next_++; }

    cptr_t slots(u64 count) {
        cptr_t first = next_;
        next_ += count;
        return first;
    }

    cptr_t make(cap_type_t type, u64 size = 0) {
        cptr_t s = slot();
        check(means_.memory.retype(type, size, s), "retype");
        return s;
    }

    // A notification with a badge, so that it can be signalled.
    cptr_t make_signal(cptr_t notification, u64 badge) {
        cptr_t s = slot();
        check(sel::Capability{notification}.mint(s, RIGHT_ALL, badge), "mint");
        return s;
    }

    // Maps a new frame at `address`, making the tables that are missing.
    sel::Frame map_page(sel::VSpace space, u64 address, u64 rights);
    void map(sel::VSpace space, sel::Frame frame, u64 address, u64 rights);

    // An address space in which the page of peers.S is mapped at its own address.
    sel::VSpace make_space();

    struct Start {
        sel::VSpace space;
        u64 entry, stack;
        u64 r12, r13;
        u8 priority;
        bool passive; // Its context is taken away when it waits.
        cptr_t fault_endpoint;
        u64 buffer; // Address of its IPC buffer in `space`, 0: none.
    };

    // A thread that has run until it waits, if its priority is above the caller's.
    sel::Tcb start(const Start &start);

    // Stops it and takes the context back for the next one.
    void stop(sel::Tcb tcb);

  private:
    Means means_;
    cptr_t next_;
};

} // namespace bench
