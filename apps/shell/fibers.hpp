// Fibers: the commands of a pipeline take turns, each on a stack of its own.
// SPDX-License-Identifier: BSD-2-Clause
//
// One runs at a time, until it cannot go on (until()) or ends; then it is the turn of the next. Who is resumed tries
// again. When all have tried in vain, the shell waits for somebody outside (System::wait_for_pipes()).
// The shell's own stack is the first of them, the others are memory that it is given.
#pragma once

#include <array>

#include "system.hpp"

namespace shell {

class Fibers {
  public:
    static constexpr u32 kMost = 11; // Besides the first.
    struct alignas(16) Stack {
        static constexpr std::size_t kWords = 42 * 1024 / sizeof(u64);
        u64 word[kWords];
    };

    using Entry = void (*)(void *);

    explicit Fibers(System &system) : system_{system} { state_[0] = State::Alive; }

    void use(Stack *stacks) { memory_ = stacks; } // kMost of them.

    u32 free() const { return kMost + 1 - alive_; }
    u32 current() const { return current_; } // 0: the first.

    // Runs entry(argument) when the caller waits; free() is not 0, and there are stacks. Its number, for join().
    u32 start(Entry entry, void *argument);
    // Waits until it has ended.
    void join(u32 fiber);

    // Tries until it could be done: `attempt` says so. Others have their turns meanwhile, and try again afterwards.
    template <typename Attempt>
    void until(Attempt attempt) {
        while (!attempt()) {
            blocked();
        }
        progressed();
    }

    // Runs on the stack of a fiber that is resumed first.
    [[noreturn]] void run_current();

  private:
    enum class State : u8 { Free, Alive, Ended };

    void blocked();
    void progressed() { tried_ = 0; }
    void switch_to(u32 fiber);
    u32 next() const;

    System &system_;
    u32 current_ = 0;
    u32 alive_ = 1; // Also the first.
    u32 tried_ = 0; // In vain, one after the other.
    std::array<State, kMost + 1> state_{};
    std::array<void *, kMost + 1> stack_{}; // Top of each that does not run now.
    std::array<Entry, kMost + 1> entry_{};
    std::array<void *, kMost + 1> argument_{};
    Stack *memory_ = nullptr;
};

} // namespace shell
