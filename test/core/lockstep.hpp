// The core and the reference model in lock step, driven by a generator of calls.
// SPDX-License-Identifier: BSD-2-Clause
//
// One episode: boot a machine with a few threads, then take random steps: calls of whatever thread
// runs (valid and invalid ones), interrupts, faults, the passing of time. Every entry is one step of
// the core and one of the model; the results are compared after each, the whole state after every
// `stride`. The same seed gives the same episode.
//
// Chance alone would not get far, so the generator (generator.cpp) leans towards what is rare:
// calls from passive server to passive server, retypes of more objects than one step makes, ends
// of what others wait for, interrupts that come late, clocks that start or jump far ahead.
#ifndef TEST_CORE_LOCKSTEP_HPP
#define TEST_CORE_LOCKSTEP_HPP

#include <deque>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>

#include "test/core/compare.hpp"
#include "test/model/calls.hpp"

namespace host {

struct Mismatch : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// What an episode has come through.
struct Coverage {
    std::array<std::array<u64, ERR_COUNT>, CALL_COUNT> ends{}; // How often each call ended how.
    std::map<std::string, u64> situations;
    Coverage();
    void add(const Coverage &other);
};

class Lockstep {
  public:
    Lockstep(u64 seed, u64 stride);

    // Runs up to `steps` entries; throws Mismatch. Fewer when nothing can happen any more.
    void run(u64 steps);

    u64 entries() const { return entries_; }
    const Coverage &coverage() const { return coverage_; }
    std::string trace() const; // The last entries, oldest first.

  private:
    u64 stride_, entries_ = 0;
    std::mt19937_64 random_;
    Core core_;
    model::Model model_;
    std::deque<std::string> trace_;
    Coverage coverage_;
    std::map<u32, u32> calls_; // The call in which a thread left the processor.

    // Chance.
    u64 below(u64 n) { return random_() % n; }
    bool chance(unsigned percent) { return below(100) < percent; }
    u64 junk();

    // Boot.
    model::Thread *root_ = nullptr;
    void boot();
    void give(u32 slot, model::Slot &model_slot, u32 type, u32 object, u64 data, model::Cap c);
    void set_up();
    void set_up_thread(u32 i);
    void set_up_passive(u32 i);
    void must(u32 number, u64 cptr, std::initializer_list<u64> arguments);

    // Entries into both worlds.
    struct Before { // What an entry is judged by afterwards.
        const char *what;
        const model::Context *exhausted; // It runs, and the clock says that its budget is gone.
    };
    Before before(const char *what) const;
    void after(const Before &b);
    void call(u32 number, u64 cptr, u64 info, const std::array<u64, 4> &arguments);
    void enter(u32 number, u64 cptr, u64 info);
    void ended(u32 number, u64 error);
    void adopt_registers(u64 cptr);
    void after_event(const Before &b);
    void timer();
    void interrupt();
    void fault();
    void poke();
    void stop_running();
    void check();
    void note(const std::string &text);
    void fail(const std::string &what) const;

    // The passing of time.
    void pass_time();
    u64 some_pause();
    void ring(u64 end);

    // The generator.
    struct Call {
        u32 number;
        u64 cptr, info;
        std::array<u64, 4> arguments;
    };
    bool filling_ = false; // It takes every interrupt that there is.
    bool step();
    Call random_call();
    std::optional<Call> nested_call();
    std::optional<Call> large_call();
    std::optional<Call> filling_call();
    u32 some_number();
    u32 some_irq();
    u64 any_cptr();
    u64 empty_cptr();
    u64 cptr_of(u32 type);
    u64 other_cptr(u32 slot) const;
    u64 empty_run(u32 count);
    u64 involved_cptr(u32 type);
    u64 weak_cptr(u32 type);
    u64 own_cptr();
    u64 thread_cptr(thread_state_t state);
    template <typename F>
    u64 cptr_where(F suits);
    const model::CNode *space() const;
    bool receives(u64 cptr) const;
    u64 message_info();
    u64 info_of(u32 number);
    u64 some_address();
    u64 some_ticks();
    std::array<u64, 4> arguments_of(u32 number, u64 &cptr);
    std::array<u64, 4> retype_arguments(u64 cptr);
    std::array<u64, 4> context_arguments(u64 cptr);
    std::array<u64, 4> configure_arguments();
};

constexpr u64 HALF = 1ull << 32;

// Slots of the root CNode, threads besides the first: servers without a context are the last ones.
enum { SLOTS = 120, THREADS = 11, PASSIVE = 7, ENDPOINTS = 3 + THREADS - PASSIVE };

// Slots that set_up fills.
enum {
    S_CNODE = 1,
    S_TCB,
    S_VSPACE,
    S_BUFFER,
    S_CONTEXT,
    S_REPLY,
    S_SCHED,
    S_IRQ,
    S_PORT,
    S_TRACE,
    S_POOL,
    S_DEVICE,
    S_OTHER,       // A CNode, which is the CSpace of some threads.
    S_THREAD = 16, // THREADS of each of the following.
    S_THREAD_REPLY = S_THREAD + THREADS,
    S_THREAD_CONTEXT = S_THREAD_REPLY + THREADS,
    S_THREAD_BUFFER = S_THREAD_CONTEXT + THREADS,
    S_ENDPOINT = S_THREAD_BUFFER + THREADS,      // ENDPOINTS, the last ones of passive servers,
    S_NOTIFICATION = S_ENDPOINT + 2 * ENDPOINTS, // and badged ones; 2, and badged ones.
    S_SPACE = S_NOTIFICATION + 4,
    S_TABLE,               // 4
    S_FRAME = S_TABLE + 4, // 3
    S_INNER = S_FRAME + 3, // CNode.
    S_CHILD,               // Untyped.
    S_LINE,                // 2 IrqHandlers
    S_END = S_LINE + 2
};
static_assert(S_END < SLOTS - 8);

// Slots of the other CNode: copies, an Untyped, and room for all that one retype can make.
enum { O_COPIES = 41, O_BATCH = 45, O_SMALL = 48, O_ROOM = 64, O_SLOTS = O_ROOM + RETYPE_MAX + 8 };

} // namespace host

#endif
