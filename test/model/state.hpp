// The reference model's data: capabilities and objects as plain C++ containers.
// SPDX-License-Identifier: BSD-2-Clause
//
// Written from kernel/abi, kernel/README.md and the header comments of the core, and sharing no code
// with it: trees are trees, queues are std::list, timers are a std::set. Objects and slots carry the
// number (`id`) that CALL_CAP_INFO reports for them, so that the two worlds can be compared.
#ifndef TEST_MODEL_STATE_HPP
#define TEST_MODEL_STATE_HPP

#include <array>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "abi/call.h"
#include "abi/capability.h"
#include "abi/error.h"

namespace model {

struct Cap;
struct Table;
struct Thread;
struct Context;
struct Notification;
struct Reply;

struct Slot {
    u32 id = 0;
    Cap *cap = nullptr;
    Thread *bound_to = nullptr; // The thread whose slot this is.
};

struct Object {
    cap_type_t type;
    u32 id;
    u64 address, bytes; // 0, 0: not in memory that can be retyped.
    int caps = 0;       // Capabilities that name it.
    bool dying = false;
    unsigned left = 0; // Dying CNode, TCB: slots from `left` on have been emptied.
    Object(cap_type_t t, u32 i, u64 a, u64 b) : type(t), id(i), address(a), bytes(b) {}
    virtual ~Object() = default;
};

struct Cap {
    cap_type_t type = CAP_NULL;
    Object *object = nullptr; // Null for Frame, IoPort and the controls.
    u32 rights = 0;
    u64 data = 0; // Badge, CNode slots, Untyped bytes, ports.
    // Frame and PageTable.
    u32 page = 0, size = 0;
    bool device = false;
    Table *table = nullptr; // Where it is mapped.
    u32 entry = 0;
    // Place in the derivation tree. Children: newest first.
    Cap *parent = nullptr;
    std::list<Cap *> children;
    Slot *slot = nullptr;
};

struct Untyped : Object {
    u64 base, end, next, zeroed;
    bool device;
    Untyped(u32 i, u64 a, u64 b, u64 from, u64 to, bool d)
        : Object(CAP_UNTYPED, i, a, b), base(from), end(to), next(from), zeroed(from), device(d) {}
};

struct CNode : Object {
    std::vector<Slot> slots;
    CNode(u32 i, u64 a, unsigned n) : Object(CAP_CNODE, i, a, u64{n} * SLOT_BYTES), slots(n) {
        left = n;
        for (unsigned k = 0; k < n; k++)
            slots[k].id = i + 4 * k;
    }
};

// Endpoint, or the waiters of a Notification: oldest first.
struct Endpoint : Object {
    std::list<Thread *> queue;
    Endpoint(cap_type_t t, u32 i, u64 a) : Object(t, i, a, 32) {}
};

struct Notification : Endpoint {
    u64 word = 0;
    Thread *bound = nullptr;
    Notification(u32 i, u64 a) : Endpoint(CAP_NOTIFICATION, i, a) {}
};

struct Reply : Object {
    Thread *caller = nullptr; // Receives with it, or waits for the answer.
    Context *lent = nullptr;
    bool may_grant = false; // The capability last received through has GRANT.
    Reply(u32 i, u64 a) : Object(CAP_REPLY, i, a, REPLY_BYTES) {}
};

struct Refill {
    u64 amount, due;
};

struct Timer {
    u64 due, order; // Equal times: first come, first served, unless order_ties() says otherwise.
    Thread *thread;
    Context *context;
    bool operator<(const Timer &o) const { return due != o.due ? due < o.due : order < o.order; }
};
using Timers = std::set<Timer>;

struct Context : Object {
    Thread *user = nullptr;
    std::list<Reply *> loans; // Youngest last.
    u64 budget = 0, period = 0, remaining = 0, last = 0, used = 0;
    std::deque<Refill> refills;
    bool timer_on = false;
    Timers::iterator timer;
    Context(u32 i, u64 a) : Object(CAP_SCHED_CONTEXT, i, a, SCHED_CONTEXT_BYTES) {}
};

// The registers that the model follows, in the order of regs_t.
enum Register { RIP, RSP, RFLAGS, RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11 };

struct Thread : Object {
    std::array<Slot, TCB_SLOTS> slots;
    std::array<u64, REGS_WORDS> r{};
    u32 known = 0;  // Bit i: the specification says what r[i] is.
    u64 result = 0; // rax when it runs again.
    u32 begun = 0;  // The call that its next call goes on with.
    thread_state_t state = STATE_INACTIVE;
    fault_t fault = FAULT_NONE;
    std::array<u64, 4> fault_word{};
    unsigned priority = 0, priority_max = 0;
    bool vector = false;
    Context *context = nullptr;
    Reply *reply = nullptr;
    Notification *bound = nullptr;
    Endpoint *queue = nullptr;
    // The message that it waits to send.
    u64 send_cptr = 0,
        send_info = 0;   // Unless it is a fault: that goes through a slot of the thread.
    u64 first_dying = 0; // Place of the oldest dying object that it has to finish, from 1; 0: none.
    denial_t denial{};
    bool timer_on = false;
    Timers::iterator timer;
    u64 space = 0; // Physical address of its top page table; 0: the kernel's own.
    Thread(u32 i, u64 a) : Object(CAP_TCB, i, a, TCB_BYTES) {
        for (unsigned k = 0; k < TCB_SLOTS; k++) {
            slots[k].id = i + 4 * k;
            slots[k].bound_to = this;
        }
    }
    void set(unsigned reg, u64 value) {
        r[reg] = value;
        known |= 1u << reg;
    }
    void forget(unsigned reg) { known &= ~(1u << reg); }
};

struct Table : Object {
    unsigned level = 0; // 4: VSpace.
    u64 base = 0;
    unsigned closing = 0; // Entries below it may still have owners though it is mapped nowhere.
    std::map<unsigned, Cap *> entries;
    std::map<unsigned, u64> words; // What the processor must find there.
    Table(cap_type_t t, u32 i, u64 a) : Object(t, i, a, TABLE_BYTES) {}
};

enum class Line { FREE, IDLE, PENDING };

struct Irq : Object {
    Line state = Line::FREE;
    u32 line = 0;
    bool masked = true;
    Slot slot;
    Irq(u32 i, u32 slot_id) : Object(CAP_IRQ_HANDLER, i, 0, 0) { slot.id = slot_id; }
};

} // namespace model

#endif
