// Fibers: turns, and the change from one stack to another.
// SPDX-License-Identifier: BSD-2-Clause
#include "fibers.hpp"

// shell_change_stack(void **from, void *to): what a function keeps for its caller (System V ABI, x86-64, 3.2.1) goes
// on the stack that is left, and comes from the other one.
asm(R"(
    .text
    .globl shell_change_stack
    .type shell_change_stack, @function
shell_change_stack:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size shell_change_stack, . - shell_change_stack

    .globl shell_start_fiber
    .type shell_start_fiber, @function
shell_start_fiber:
    mov %rbx, %rdi
    call shell_run_fiber
    ud2
    .size shell_start_fiber, . - shell_start_fiber
)");

extern "C" {
void shell_change_stack(void **from, void *to);
void shell_start_fiber();
void shell_run_fiber(shell::Fibers *fibers) {
    fibers->run_current();
}
}

namespace shell {
namespace {

constexpr u64 kEnd = 0x6e6420666f20646e; // At the lower end of each stack.

} // namespace

u32 Fibers::start(Entry entry, void *argument) {
    u32 fiber = 1;
    while (state_[fiber] != State::Free) {
        fiber++;
    }
    u64 *memory = memory_[fiber - 1].word;
    memory[0] = kEnd;
    // As shell_change_stack() leaves it: r15 to r12, rbx, rbp, where to go on; the next word is 16-byte aligned.
    std::size_t top = Stack::kWords - 2;
    memory[top] = 0;
    memory[top - 1] = reinterpret_cast<u64>(&shell_start_fiber);
    memory[top - 2] = 0;
    memory[top - 3] = reinterpret_cast<u64>(this);
    for (std::size_t i = 4; i <= 7; i++) {
        memory[top - i] = 0;
    }
    stack_[fiber] = &memory[top - 7];
    entry_[fiber] = entry;
    argument_[fiber] = argument;
    state_[fiber] = State::Alive;
    alive_++;
    progressed();
    return fiber;
}

void Fibers::join(u32 fiber) {
    until([&]() { return state_[fiber] == State::Ended; });
    state_[fiber] = State::Free;
}

void Fibers::blocked() {
    tried_++;
    if (tried_ >= alive_) {
        system_.wait_for_pipes();
        tried_ = 0;
    }
    switch_to(next());
}

u32 Fibers::next() const {
    u32 fiber = current_;
    do {
        fiber = (fiber + 1) % (kMost + 1);
    } while (state_[fiber] != State::Alive);
    return fiber;
}

void Fibers::switch_to(u32 fiber) {
    if (fiber == current_) {
        return;
    }
    if (current_ != 0 && memory_[current_ - 1].word[0] != kEnd) {
        __builtin_trap(); // Its stack was too small.
    }
    u32 left = current_;
    current_ = fiber;
    shell_change_stack(&stack_[left], stack_[fiber]);
}

void Fibers::run_current() {
    entry_[current_](argument_[current_]);
    state_[current_] = State::Ended;
    alive_--;
    progressed();
    switch_to(next());
    __builtin_unreachable();
}

} // namespace shell
