// The core and the reference model in lock step, driven by a generator of calls.
// SPDX-License-Identifier: BSD-2-Clause
//
// One episode: boot a machine with a few threads, then take random steps: calls of whatever thread
// runs (valid and invalid ones), interrupts, faults, the passing of time. Every entry is one step of
// the core and one of the model; the results are compared after each, the whole state after every
// `stride`. The same seed gives the same episode.
#ifndef TEST_CORE_LOCKSTEP_HPP
#define TEST_CORE_LOCKSTEP_HPP

#include <deque>
#include <random>
#include <stdexcept>

#include "test/core/compare.hpp"

namespace host {

struct Mismatch : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class Lockstep {
  public:
    Lockstep(u64 seed, u64 stride);

    // Runs up to `steps` entries; throws Mismatch. Fewer when nothing can happen any more.
    void run(u64 steps);

    u64 entries() const { return entries_; }
    std::string trace() const; // The last entries, oldest first.
    std::array<std::array<u64, ERR_COUNT>, CALL_COUNT> outcomes{}; // How often each call ended how.

  private:
    u64 stride_, entries_ = 0;
    std::mt19937_64 random_;
    Core core_;
    model::Model model_;
    std::deque<std::string> trace_;

    // Chance.
    u64 below(u64 n) { return random_() % n; }
    bool chance(unsigned percent) { return below(100) < percent; }
    u64 junk();

    // Boot.
    model::Thread *root_ = nullptr;
    void boot();
    void give(u32 slot, model::Slot &model_slot, u32 type, u32 object, u64 data, model::Cap c);
    void set_up();
    void must(u32 number, u64 cptr, std::initializer_list<u64> arguments);

    // Entries into both worlds.
    void call(u32 number, u64 cptr, u64 info, const std::array<u64, 4> &arguments);
    void enter(u32 number, u64 cptr, u64 info);
    void adopt_registers(u64 cptr);
    void after_event(const char *what);
    void timer();
    void interrupt();
    void fault();
    void pass_time();
    void poke();
    void stop_running();
    void check();
    void note(const std::string &text);
    void fail(const std::string &what) const;

    // Steps of the generator.
    bool step();
    void random_call();
    u64 any_cptr();
    u64 empty_cptr();
    u64 cptr_of(u32 type);
    bool receives(u64 cptr) const;
    u64 message_info();
    u64 some_address();
    u64 some_ticks();
    std::array<u64, 4> arguments_of(u32 number, u64 &cptr);
    std::array<u64, 4> retype_arguments(u64 cptr);
};

} // namespace host

#endif
