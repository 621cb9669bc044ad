// Thread: pages, objects, registers, go.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/thread.hpp"

#include "sel/kernel.hpp"
#include "sel/ledger.hpp"
#include "sel/objects.hpp"

namespace sel {

namespace {

constexpr u64 kFlags = 0x202; // Interrupts on, and the bit that is always 1.
constexpr u64 kStackAlign = 16;

// Lies at the top of the thread's stack.
struct Top {
    ThreadBlock block;
    Thread::Entry entry;
    void *argument;
    cptr_t tcb;
};

// The thread with this TCB; 0: a free place. nullptr: there is none.
Ledger::Thread *find_in_ledger(cptr_t tcb) {
    for (Ledger::Thread &thread : ledger().thread) {
        if (thread.tcb == tcb) {
            return &thread;
        }
    }
    return nullptr;
}

[[noreturn]] void run_thread(Top *top) {
    top->entry(top->argument);
    for (;;) {
        [[maybe_unused]] auto stopped = Tcb{top->tcb}.suspend();
    }
}

// The thread's place in the ledger, with a count that begins anew. nullptr: there is none.
Ledger::Thread *enter(Tcb tcb) {
    Ledger::Thread *place = find_in_ledger(tcb.cptr());
    place = place != nullptr ? place : find_in_ledger(0);
    if (place != nullptr) {
        *place = {tcb.cptr(), 0};
    }
    return place;
}

// What a thread begins with whose stack ends at `top`, where its buffer is.
Result<regs_t> begin_at(u64 top, ThreadEntry entry, void *argument, Tcb tcb) {
    Ledger::Thread *place = enter(tcb);
    if (place == nullptr) {
        return ERR_FULL;
    }
    auto at = reinterpret_cast<Top *>((top - sizeof(Top)) / kStackAlign * kStackAlign);
    *at = {{&at->block, reinterpret_cast<u64 *>(top), &place->answers, {}, stack_canary()},
           entry,
           argument,
           tcb.cptr()};
    regs_t regs{};
    regs.rip = reinterpret_cast<u64>(&run_thread);
    regs.rdi = reinterpret_cast<u64>(at);
    regs.rsp = reinterpret_cast<u64>(at) - sizeof(u64); // As if called.
    regs.rflags = kFlags;
    regs.fs_base = reinterpret_cast<u64>(&at->block);
    return regs;
}

} // namespace

Result<> ReadyThread::start(ThreadEntry entry, void *argument, Endpoint faults) const {
    Result<ThreadInfo> info = tcb_.thread_info();
    if (!info || info->state != STATE_INACTIVE) { // Its stack is not ours.
        return info.ok() ? ERR_BUSY : info.error();
    }
    if (Result<> bound = tcb_.bind(TCB_SLOT_FAULT, faults); !bound) {
        return bound;
    }
    Result<regs_t> regs = begin_at(top_, entry, argument, tcb_);
    Result<> written = regs.ok() ? tcb_.write(*regs) : regs.error();
    return written.ok() ? tcb_.resume() : written;
}

Result<cptr_t> Thread::make(cap_type_t type) {
    Result<cptr_t> made = memory_.make(type);
    if (made.ok()) {
        object_[objects_++] = *made;
    }
    return made;
}

Result<Frame> Thread::map_page(VSpace space, u64 address) {
    Result<cptr_t> made = make(CAP_FRAME);
    SEL_TRY(made);
    auto put_table = [&]() -> Result<> {
        Result<cptr_t> table = memory_.make(CAP_PAGE_TABLE);
        SEL_TRY(table);
        Result<> put = PageTable{*table}.map(space, address);
        if (!put) {
            [[maybe_unused]] auto freed = memory_.free(*table);
        }
        return put;
    };
    Frame frame{*made};
    SEL_TRY(map_with_tables(frame, space, address, RIGHT_READ | RIGHT_WRITE, put_table));
    return frame;
}

Result<> Thread::start(const ThreadSetup &setup, Entry entry, void *argument) {
    if (objects_ != 0) {
        return ERR_BUSY;
    }
    if (setup.stack_pages == 0 || setup.stack_pages > kStackPagesMax ||
        setup.address % PAGE_BYTES != 0) {
        return ERR_ARG;
    }
    Result<> built = build(setup, entry, argument);
    if (!built) {
        [[maybe_unused]] auto undone = end();
    }
    return built;
}

Result<> Thread::build(const ThreadSetup &setup, Entry entry, void *argument) {
    u64 stack = setup.address + PAGE_BYTES, top = stack + u64{setup.stack_pages} * PAGE_BYTES;
    for (u64 page = stack; page < top; page += PAGE_BYTES) {
        if (Result<Frame> mapped = map_page(setup.space, page); !mapped) {
            return mapped.error();
        }
    }
    Result<Frame> buffer = map_page(setup.space, top);
    if (!buffer) {
        return buffer.error();
    }
    Result<cptr_t> tcb = make(CAP_TCB);
    if (!tcb) {
        return tcb.error();
    }
    tcb_ = Tcb{*tcb};
    Result<regs_t> regs = begin_at(top, entry, argument, tcb_);
    return regs.ok() ? run(setup, *buffer, *regs) : regs.error();
}

Result<> Thread::run(const ThreadSetup &setup, Frame buffer, const regs_t &regs) {
    Result<cptr_t> reply = make(CAP_REPLY);
    if (!reply) {
        return reply.error();
    }
    const Result<> steps[] = {
        tcb_.bind(TCB_SLOT_CSPACE, setup.cspace),
        tcb_.bind(TCB_SLOT_VSPACE, setup.space),
        tcb_.bind(TCB_SLOT_REPLY, Reply{*reply}),
        tcb_.bind(TCB_SLOT_BUFFER, buffer),
        setup.faults.cptr() != 0 ? tcb_.bind(TCB_SLOT_FAULT, setup.faults) : Result<>{},
        tcb_.priority(setup.priority, setup.priority),
        tcb_.context(setup.context),
        tcb_.write(regs),
    };
    for (const Result<> &step : steps) {
        if (!step) {
            return step;
        }
    }
    return tcb_.resume();
}

Result<> Thread::end() {
    Result<> all{};
    if (Ledger::Thread *found = find_in_ledger(tcb_.cptr()); tcb_.cptr() != 0 && found != nullptr) {
        *found = {};
    }
    while (objects_ != 0) {
        Result<> freed = memory_.free(object_[--objects_]);
        all = all.ok() ? freed : all;
    }
    tcb_ = Tcb{};
    return all;
}

} // namespace sel
