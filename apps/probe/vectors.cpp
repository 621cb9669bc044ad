// Experiment on vector registers: several threads hold different values in them and take turns. In the base of
// gs, which no thread keeps, each finds 0 or what it put there itself.
// SPDX-License-Identifier: BSD-2-Clause
//
// Needs AVX (qemu -cpu max has it).
#include <cstring>

#include "probe.hpp"

namespace probe {
namespace {

constexpr u32 kRegisters = 16;
constexpr u64 kMilliseconds = 100;

struct alignas(32) Vectors {
    u8 byte[kRegisters][32];
};

struct Worker {
    u8 seed;
    volatile u64 rounds = 0, wrong = 0;
};

// Loads all registers, lets time go by, stores them. One asm, so that nothing else touches them.
void hold(const Vectors &in, Vectors &out) {
    constexpr u64 kSpins = 20'000;
    u64 spins = kSpins;
    asm volatile("vmovdqu 0(%1), %%ymm0\n vmovdqu 32(%1), %%ymm1\n vmovdqu 64(%1), %%ymm2\n"
                 "vmovdqu 96(%1), %%ymm3\n vmovdqu 128(%1), %%ymm4\n vmovdqu 160(%1), %%ymm5\n"
                 "vmovdqu 192(%1), %%ymm6\n vmovdqu 224(%1), %%ymm7\n vmovdqu 256(%1), %%ymm8\n"
                 "vmovdqu 288(%1), %%ymm9\n vmovdqu 320(%1), %%ymm10\n vmovdqu 352(%1), %%ymm11\n"
                 "vmovdqu 384(%1), %%ymm12\n vmovdqu 416(%1), %%ymm13\n vmovdqu 448(%1), %%ymm14\n"
                 "vmovdqu 480(%1), %%ymm15\n"
                 "1: dec %0\n jnz 1b\n"
                 "vmovdqu %%ymm0, 0(%2)\n vmovdqu %%ymm1, 32(%2)\n vmovdqu %%ymm2, 64(%2)\n"
                 "vmovdqu %%ymm3, 96(%2)\n vmovdqu %%ymm4, 128(%2)\n vmovdqu %%ymm5, 160(%2)\n"
                 "vmovdqu %%ymm6, 192(%2)\n vmovdqu %%ymm7, 224(%2)\n vmovdqu %%ymm8, 256(%2)\n"
                 "vmovdqu %%ymm9, 288(%2)\n vmovdqu %%ymm10, 320(%2)\n vmovdqu %%ymm11, 352(%2)\n"
                 "vmovdqu %%ymm12, 384(%2)\n vmovdqu %%ymm13, 416(%2)\n vmovdqu %%ymm14, 448(%2)\n"
                 "vmovdqu %%ymm15, 480(%2)\n vzeroupper\n"
                 : "+r"(spins)
                 : "r"(&in), "r"(&out)
                 : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

// Puts something there; false: another thread's was there.
bool mark_gs(const Worker &worker) {
    u64 found = 0, mark = worker.seed;
    asm volatile("rdgsbase %0\n wrgsbase %1" : "=&r"(found) : "r"(mark));
    return found == 0 || found == mark;
}

// The base of fs is what it was set to, or, after a switch, what the thread has; never another's. No code may use it
// while it is changed.
bool mark_fs(const Worker &worker) {
    constexpr u64 kTurns = 1000;
    u64 found = 0, before = 0, mark = worker.seed, turns = kTurns;
    asm volatile("rdfsbase %1\n wrfsbase %2\n 1: dec %3\n jnz 1b\n rdfsbase %0\n wrfsbase %1"
                 : "=&r"(found), "=&r"(before), "+r"(mark), "+r"(turns));
    return found == mark || found == before;
}

void run_round(Worker &worker) {
    Vectors in{}, out{};
    for (u32 r = 0; r < kRegisters; r++) {
        std::memset(in.byte[r], static_cast<u8>(worker.seed + r * 7 + worker.rounds), 32);
    }
    hold(in, out);
    worker.rounds = worker.rounds + 1;
    bool own = mark_gs(worker) && mark_fs(worker);
    worker.wrong = worker.wrong + (std::memcmp(&in, &out, sizeof in) == 0 && own ? 0 : 1);
}

void run_for_ever(void *worker) {
    for (;;) {
        run_round(*static_cast<Worker *>(worker));
    }
}

} // namespace

// Rounds of the three threads, and how many of them found other values than they had put there.
bool measure_vectors(Line &line) {
    Worker own{1, 0, 0}, first{101, 0, 0}, second{201, 0, 0};
    sel::Thread a{memory}, b{memory};
    if (!start(a, 0, caps::slice, kPriority, run_for_ever, &first) ||
        !start(b, 1, caps::other, kPriority, run_for_ever, &second)) {
        return false;
    }
    u64 end = sel::now() + sel::milliseconds(kMilliseconds);
    while (sel::now() < end) {
        run_round(own);
        sleep(1);
    }
    sel::format(line, " {} {} {} {}", own.rounds, first.rounds, second.rounds,
                own.wrong + first.wrong + second.wrong);
    return a.end().ok() && b.end().ok();
}

} // namespace probe
