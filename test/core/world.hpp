// A small world for unit tests: the first thread with a CNode, time, memory; more threads on demand.
// SPDX-License-Identifier: BSD-2-Clause
#ifndef TEST_CORE_WORLD_HPP
#define TEST_CORE_WORLD_HPP

#include "test/core/compare.hpp"
#include "test/core/host.hpp"

namespace host {

class World : public Core {
  public:
    // Slots of the CNode that all threads share.
    enum : u32 {
        CNODE = 1,
        TCB_CAP,
        VSPACE,
        SCHED,
        IRQ,
        PORT,
        POOL,
        DEVICE,
        CONTEXT,
        FREE,
        SLOTS = 250
    };

    u32 cnode, first;

    World() : cnode(place(CAP_CNODE, SLOTS)), first(place(CAP_TCB)) {
        u32 v = place(CAP_VSPACE), sc = place(CAP_SCHED_CONTEXT);
        give(CNODE, CAP_CNODE, cnode, SLOTS);
        give(TCB_CAP, CAP_TCB, first, 0);
        give(VSPACE, CAP_VSPACE, v, 0);
        give(SCHED, CAP_SCHED_CONTROL, 0, 0);
        give(IRQ, CAP_IRQ_CONTROL, 0, 0);
        give(PORT, CAP_IO_PORT, 0, 0xffff0000);
        give(POOL, CAP_UNTYPED, POOL_UNTYPED, RAM_END - POOL_BASE);
        give(DEVICE, CAP_UNTYPED, DEVICE_UNTYPED, DEVICE_END - DEVICE_BASE);
        give(CONTEXT, CAP_SCHED_CONTEXT, sc, 0);
        capability_bind(slot(CNODE), TCB_SLOT_INDEX(first, TCB_SLOT_CSPACE));
        TCB(first).priority = 100;
        TCB(first).priority_max = 255;
        TCB(first).sc = sc;
        SC(sc).tcb = first;
        sc_init(sc, 100000 * TICK, 100000 * TICK, 0);
        start(first);
        set(TCB_SLOT_REPLY, TCB_CAP, make(CAP_REPLY));
        set(TCB_SLOT_BUFFER, TCB_CAP, make(CAP_FRAME));
    }

    u32 slot(u32 cptr) const { return cnode + 4 * cptr; }
    u32 object(u32 cptr) const { return SLOT(slot(cptr)).object; }
    u32 fresh() { return free_++; }

    // A new object in the next free slot.
    u32 make(u32 type, u64 size = 0) {
        u32 cptr = fresh();
        if (call(CALL_UNTYPED_RETYPE, POOL, 0, {type, size, cptr, 1}) != OK)
            throw std::runtime_error("retype failed");
        return cptr;
    }
    u32 mint(u32 cptr, u64 badge, u32 rights = RIGHT_ALL) {
        u32 to = fresh();
        must(call(CALL_CAP_MINT, cptr, 0, {to, rights, badge}));
        return to;
    }
    void set(u32 tcb_slot, u32 tcb, u32 cptr) {
        must(call(CALL_TCB_BIND, tcb, 0, {tcb_slot, cptr}));
    }

    // A thread with a Reply and a buffer; budget 0: without a context. Suspended.
    u32 thread(unsigned priority, u64 budget = 100000, u64 period = 100000) {
        u32 t = make(CAP_TCB);
        set(TCB_SLOT_CSPACE, t, CNODE);
        set(TCB_SLOT_VSPACE, t, VSPACE);
        set(TCB_SLOT_REPLY, t, make(CAP_REPLY));
        set(TCB_SLOT_BUFFER, t, make(CAP_FRAME));
        must(call(CALL_TCB_PRIORITY, t, 0, {priority, priority}));
        if (budget != 0) {
            u32 sc = make(CAP_SCHED_CONTEXT);
            must(call(CALL_SC_CONFIGURE, SCHED, 0, {sc, budget, period}));
            must(call(CALL_TCB_CONTEXT, t, 0, {sc}));
        }
        return t;
    }
    void resume_thread(u32 t) { must(call(CALL_TCB_RESUME, t)); }

    // IPC buffer word of the running thread.
    u64 &word(u32 i) { return BUFFER(TCB_SLOT(current(), TCB_SLOT_BUFFER).object).word[i]; }
    u32 state(u32 t) const { return thread_state(object(t)); }
    bool runs(u32 t) const { return current() == object(t); }
    u64 badge() const { return TCB(current()).r[R_RDI]; }
    u64 info() const { return TCB(current()).r[R_RSI]; }

    static void must(u64 error) {
        if (error != OK)
            throw std::runtime_error("call failed: " + std::to_string(error));
    }

  private:
    u32 free_ = FREE;
    void give(u32 cptr, u32 type, u32 o, u64 data) {
        capability_new(CDT_HEAD, slot(cptr), type, RIGHT_ALL, o, data);
    }
};

} // namespace host

#endif
