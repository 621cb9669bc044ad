// Counting a call; medians; printing rows.
// SPDX-License-Identifier: BSD-2-Clause
#include "apps/bench/measure.hpp"

#include "sel/format.hpp"
#include "sel/result.hpp"

namespace bench {
namespace {

void (*print)(const char *, u64);
std::string_view only;
u32 printed;

// clang-format off
#define BEFORE "rdtsc\n mov %%eax, %%ebx\n mov %[word], %%rdx\n"
#define CALL   "mov %[number], %%rax\n mov %[cptr], %%rdi\n mov %[info], %%rsi\n syscall\n"
#define AFTER  "mov %%rax, %[number]\n mov %%rdx, %[word]\n rdtsc\n sub %%ebx, %%eax\n"
// clang-format on

// What BEFORE and AFTER count of themselves.
u32 harness() {
    u64 number = 0, word = 0;
    u32 elapsed;
    asm volatile(BEFORE AFTER
                 : "=&a"(elapsed), [number] "+r"(number), [word] "+r"(word)
                 :
                 : "rbx", "rdx", "cc", "memory");
    return elapsed;
}

} // namespace

u64 timed_raw(Call &call) {
    register u64 number asm("r12") = call.number;
    register u64 word asm("r13") = call.word[0];
    register u64 r10 asm("r10") = call.word[1];
    register u64 r8 asm("r8") = call.word[2];
    register u64 r9 asm("r9") = call.word[3];
    u64 cptr = call.cptr, info = call.info;
    u32 elapsed;
    register u64 cptr_in asm("r14") = cptr;
    register u64 info_in asm("r15") = info;
    asm volatile(BEFORE CALL AFTER
                 : "=&a"(elapsed), "=&D"(cptr),
                   "=&S"(info), [number] "+r"(number), [word] "+r"(word), "+r"(r10), "+r"(r8),
                   "+r"(r9)
                 : [cptr] "r"(cptr_in), [info] "r"(info_in)
                 : "rbx", "rcx", "rdx", "r11", "cc", "memory");
    call = {number, cptr, info, {word, r10, r8, r9}};
    return elapsed;
}

u64 timed(Call &call) {
    return timed_raw(call) - harness();
}

u64 timed_ok(call_t number, u64 cptr, const char *what) {
    Call call{number, cptr};
    u64 spent = timed(call);
    if (call.error() != OK) {
        fail(what, call.error());
    }
    return spent;
}

u64 overhead() {
    u64 start = counter();
    return counter() - start;
}

u64 Samples::median() {
    for (u32 i = 1; i < count_; i++) {
        for (u32 j = i; j > 0 && sample_[j] < sample_[j - 1]; j--) {
            u64 t = sample_[j];
            sample_[j] = sample_[j - 1];
            sample_[j - 1] = t;
        }
    }
    return sample_[count_ / 2];
}

void rows_to(void (*printer)(const char *text, u64 length), std::string_view names) {
    print = printer;
    only = names;
    printed = 0;
}

u32 rows_printed() {
    return printed;
}

void row(std::string_view name, u64 value, std::string_view comment) {
    if (name.find(only) == std::string_view::npos) {
        return;
    }
    sel::Text<160> line;
    sel::format(line, "{}\t{}", name, value);
    if (!comment.empty()) {
        sel::format(line, "\t{}", comment);
    }
    sel::format(line, "\n");
    print(line.byte, line.size);
    printed++;
}

void print_line(std::string_view line) {
    print(line.data(), line.size());
    print("\n", 1);
}

void fail(const char *what, error_t error) {
    sel::Text<128> line;
    sel::format(line, "error: bench: {}: {}\n", what, sel::describe(error));
    print(line.byte, line.size);
    for (;;) {
        asm volatile("ud2");
    }
}

} // namespace bench
