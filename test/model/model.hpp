// The reference model: what every kernel call means, in the plainest C++ that says it.
// SPDX-License-Identifier: BSD-2-Clause
//
// One member function an entry into the kernel: call(), interrupt(), timer(), fault(). Each does one
// bounded step, as the core does, so that the two can be compared after every entry; the sizes of
// the steps are part of what the headers of the core promise and stand below.
// Where the interface leaves a choice (which interrupt vector, how many timers one entry serves), the
// caller passes in what the core chose, and the model checks that it was allowed.
#ifndef TEST_MODEL_MODEL_HPP
#define TEST_MODEL_MODEL_HPP

#include <functional>
#include <optional>

#include "test/model/state.hpp"

namespace model {

struct Choice { // What the core decided where it is free to.
    u32 irq = 0;
};

class Model {
  public:
    Model();
    ~Model();
    Model(const Model &) = delete;
    Model &operator=(const Model &) = delete;

    u64 now = 0;
    Thread *cur = nullptr;          // Runs.
    Context *run_context = nullptr; // Is being charged.
    std::map<u32, std::unique_ptr<Object>> objects;
    std::vector<Object *> dying; // Newest last.
    Cap root;                    // Head of the derivation tree.
    std::map<unsigned, std::list<Thread *>> ready;
    Timers timers;
    std::array<std::unique_ptr<Irq>, 128> irqs;
    std::map<u32, std::array<u64, BUFFER_WORDS>> pages; // Frames; absent: zero.
    bool trace_on = false;

    // Entries. rax of the caller, if it goes on.
    u64 call(u32 number, u64 cptr, u64 info, Choice choice);
    void interrupt(u32 irq);
    void timer(size_t left);
    // Timers that are due together expire in any order: in that of their places from now on.
    void order_ties(const std::function<u64(const Timer &)> &place);
    void fault(fault_t kind, u64 w1, u64 w2);

    size_t timers_due() const;
    u64 next_deadline() const; // The alarm may not be later.

    // Boot: objects outside untyped memory.
    template <typename T>
    T &adopt(std::unique_ptr<T> object) {
        T &o = *object;
        objects[o.id] = std::move(object);
        return o;
    }
    Cap &give(Cap &parent, Slot &slot, Cap value);
    void bind(Cap &from, Slot &to);
    static void give_context(Thread &t, Context &c);
    void start(Thread &t);

    // Queries.
    Slot *slot_at(const Thread &t, u64 cptr) const;
    Cap *cap_at(const Thread &t, u64 cptr) const;
    std::optional<u32> buffer(const Thread &t) const;

  private:
    u64 order_ = 0;
    u32 call_ = 0;
    u64 cptr_ = 0, info_ = 0;
    Choice choice_;
    std::vector<std::unique_ptr<Object>> graveyard_;

    u64 arg(unsigned i) const;
    void result(unsigned i, u64 value);

    // How a call ends.
    u64 done() const;
    u64 finish();
    u64 refuse(error_t error, u64 cptr, u32 type, u32 rights);
    u64 refuse_argument(error_t error, u64 argument);
    u64 restart(bool begun = false);
    bool goes_on(); // The call is the next part of one that has begun.

    // Capabilities.
    Slot *destination(u64 cptr) const;
    static bool copyable(cap_type_t type);
    void copy(Cap &from, Slot &to, u32 rights, u64 data);
    static void move(Slot &from, Slot &to);
    void release(Cap &c);
    void die(Object &o);
    void reap_step();
    void owe(u64 first);
    bool reap(Object &o);
    bool reap_slots(Object &o);
    void forget(Object &o);
    u64 drain();
    u64 cap_copy(bool mint);
    u64 cap_move();
    u64 cap_swap();
    u64 cap_delete();
    u64 cap_revoke();
    u64 cap_info();

    // Memory.
    u64 untyped_retype();
    u64 untyped_reset();
    u64 retype_device(Cap &parent, u64 bytes);
    u64 retype_children(Cap &parent, u64 bytes);
    static u64 objects_now(u64 bytes, u64 count);
    u64 retype_objects(Cap &parent, u64 bytes, u64 align);
    u64 retype_next(unsigned made, u64 used);
    void make(Cap &parent, Slot &slot, cap_type_t type, u64 size, u64 address, bool device);
    void clean(u64 from, u64 to);

    // Mappings.
    struct Place {
        Table *table;
        unsigned entry;
    };
    Place walk(Table &top, u64 address, unsigned level) const;
    void unmap(Cap &c);
    void take_out(Table &t, unsigned entry);
    bool empty_step(Table &t);
    u64 frame_map();
    u64 frame_unmap();
    u64 frame_info();
    u64 table_map();
    u64 table_unmap();

    // Threads and time.
    static bool has_budget(const Context *c);
    void make_ready(Thread &t);
    void ready_back(Thread &t);
    void ready_front(Thread &t);
    void unready(Thread &t);
    void schedule();
    void leave(Thread &t);
    void wake(Thread &t);
    void wake_error(Thread &t, error_t error);
    void stop(Thread &t);
    void destroy(Thread &t);
    void take_context(Thread &t);
    bool charge(Context &c);
    void account(Context &c);
    void replenish(Context &c);
    void wait_refill(Context &c);
    void start_timer(Thread &t, u64 ticks);
    void stop_timer(Thread &t);
    void stop_timer(Context &c);
    u64 tcb_call(u32 number);
    u64 tcb_bind(Thread &t);
    u64 tcb_registers(Thread &t, bool write);
    u64 tcb_info(Thread &t);
    u64 tcb_notification(Thread &t);
    u64 tcb_context(Thread &t);
    u64 tcb_denial();
    u64 sc_configure();
    u64 yield();

    // Messages.
    bool info_ok(const Thread &t) const;
    void wait(Endpoint *queue, thread_state_t state);
    void arm_timeout(u64 info);
    void send(Endpoint &ep, const Cap &through, u64 info, thread_state_t state);
    u64 receive(Endpoint &ep, Reply &r);
    void take(Endpoint &ep, Reply &r);
    void answer(Reply &r, u64 info);
    void deliver(Thread &from, Thread &to, u64 badge, u64 info, bool grant);
    const Cap *sends_through(const Endpoint &ep, const Thread &from) const;
    bool end_stale(Endpoint &ep);
    bool end_unpaid(Endpoint &ep);
    u64 copy_long(Thread &from, Thread &to, u64 info, bool grant);
    bool transfer(Thread &from, Thread &to);
    void arm_reply(Reply &r, Thread &caller, Thread &server);
    void free_reply(Reply &r);
    Reply *own_reply() const;
    u64 send_call(u32 number);
    u64 recv_call(u32 number);
    u64 reply_call();
    void signal(Notification &n, u64 bits);
    void take_bits(Notification &n, Thread &t);
    void wake_bound(Notification &n);
    void unbind(Notification &n);
    u64 notification_call(u32 number);

    // Devices.
    u64 irq_get();
    u64 irq_bind();
    u64 irq_ack();
    u64 port(bool out);
    u64 trace();

    template <typename T>
    T *object_at(u64 cptr, cap_type_t type) const {
        Cap *c = cap_at(*cur, cptr);
        return c != nullptr && c->type == type ? static_cast<T *>(c->object) : nullptr;
    }
};

// Sizes of the bounded steps.
enum {
    RELEASE_STEPS = 8,   // delete_calls.c
    REAP_STEPS = 4,      // object.h
    REAP_LOOK = 16,      // object.c
    TABLE_LOOK = 16,     // vspace.c
    OBJECTS_A_STEP = 32, // untyped_calls.c
    MAKING = 384,        // untyped_calls.c
    ZERO_BYTES = 12288   // untyped.h
};

} // namespace model

#endif
