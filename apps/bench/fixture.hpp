// What the benchmark stands on: memory, slots, and threads made from them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <string_view>

#include "abi/trace.h"
#include "apps/bench/measure.hpp"
#include "sel/capability.hpp"

namespace bench {

// What only the root task has: the benchmark as a program leaves out the rows that need it.
struct Machine {
    sel::SchedControl control;
    sel::SchedContext own; // Of the calling thread.
    sel::TraceControl trace;
    const trace_record_t *ring; // TRACE_EVENTS of them.
    sel::IrqControl interrupts;
    sel::Untyped registers; // Device memory that holds the HPET.
    u64 registers_page;     // Of the HPET in it.
    u64 boot;               // Instructions from the boot loader's jump to the program's first one.
};

// Everything that the benchmark may use.
struct Means {
    sel::Untyped memory;
    sel::VSpace space;
    sel::Tcb self;
    sel::SchedContext context; // For the peers, one at a time.
    u8 priority;               // Highest that the own TCB may have.
    cptr_t cnode;              // The own CSpace.
    cptr_t first_slot;         // From here on slots are empty.
    u64 slot_step = 1; // From one slot to the next: 1, or 1 << 32 in a CNode below the root.
    const Machine *machine = nullptr;
};

inline void check(sel::Result<> result, const char *what) {
    if (!result.ok()) {
        fail(what, result.error());
    }
}

inline u64 address_of(const char *label) {
    return reinterpret_cast<u64>(label);
}

// Objects are made and never given back, but as a whole by whoever gave the memory.
class Fixture {
  public:
    explicit Fixture(const Means &means) : means_{means}, next_{means.first_slot} {}

    const Means &means() const { return means_; }
    cptr_t next_slot() const { return next_; }

    // One that makes its objects from `memory`, in `count` slots of this one's.
    Fixture inside(sel::Untyped memory, u64 count) {
        Means means = means_;
        means.memory = memory;
        means.first_slot = slots(count);
        return Fixture{means};
    }

    // Priorities of the calling thread, and of a peer that is to run at once.
    u8 own() const { return static_cast<u8>(means_.priority - 2); }
    u8 above() const { return static_cast<u8>(means_.priority - 1); }
    u8 top() const { return means_.priority; }

    cptr_t slot() { return slots(1); }

    cptr_t slots(u64 count) {
        cptr_t first = next_;
        next_ += count * means_.slot_step;
        return first;
    }

    // Slot number i of a run that begins at `first`.
    cptr_t at(cptr_t first, u64 i) const { return first + i * means_.slot_step; }

    cptr_t make(cap_type_t type, u64 size = 0) { return make_many(type, size, 1); }
    cptr_t make_many(cap_type_t type, u64 size, u64 count);

    // A capability of a notification with a badge, so that it can be signalled.
    cptr_t make_signal(cptr_t notification, u64 badge);

    // Maps a new frame at `address`, making the tables that are missing.
    sel::Frame map_page(sel::VSpace space, u64 address, u64 rights);
    void map(sel::VSpace space, sel::Frame frame, u64 address, u64 rights);

    // A frame with a copy of peers.S.
    sel::Frame make_code();

    // An address space in which `code` is mapped at the address of peers.S.
    sel::VSpace make_space(sel::Frame code);
    sel::VSpace make_space() { return make_space(make_code()); }

    struct Start {
        sel::VSpace space;
        u64 entry;
        u8 priority;
        u64 r12 = 0, r13 = 0, r14 = 0;
        u64 stack = 0;
        bool passive = false; // Its context is taken away when it waits.
        cptr_t fault_endpoint = 0;
        u64 buffer = 0; // Where its IPC buffer is to be mapped in `space`, 0: it has none.
        sel::Frame shared_buffer{};  // Its IPC buffer, mapped already; 0: none.
        sel::SchedContext context{}; // 0: the one for peers.
        sel::Notification bound{};   // 0: none.
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
