// Processor: random numbers of the processor's own generator, if it has one.
// SPDX-License-Identifier: BSD-2-Clause
//
// Cpu is the instructions (main.cpp; tests: a model): u32 features(leaf), bool seed(u64 &), bool random(u64 &). An
// instruction may say that there is nothing just now: it is asked kTries times.
// Source: Intel SDM, volume 1, 7.3.17 (RDRAND, RDSEED); CPUID 1.ECX bit 30, 7.EBX bit 18.
#pragma once

#include <cstddef>
#include <span>

#include "abi/types.h"

namespace rng {

template <typename Cpu>
class Processor {
  public:
    static constexpr u32 kTries = 32;
    enum Leaf : u32 { LEAF_1_ECX, LEAF_7_EBX };

    explicit Processor(Cpu &cpu)
        : cpu_{cpu}, has_random_{(cpu.features(LEAF_1_ECX) >> 30 & 1) != 0},
          has_seed_{(cpu.features(LEAF_7_EBX) >> 18 & 1) != 0} {}

    bool there() const { return has_random_ || has_seed_; }

    // Bytes that it gave, whole words; fewer than there is room for: it does not answer.
    std::size_t draw(std::span<u8> to) {
        std::size_t at = 0;
        u64 word = 0;
        for (; to.size() - at >= sizeof word && next(word); at += sizeof word) {
            __builtin_memcpy(to.data() + at, &word, sizeof word);
        }
        return at;
    }

  private:
    bool next(u64 &word) {
        for (u32 i = 0; i < kTries && has_seed_; i++) {
            if (cpu_.seed(word)) {
                return true;
            }
        }
        for (u32 i = 0; i < kTries && has_random_; i++) {
            if (cpu_.random(word)) {
                return true;
            }
        }
        return false;
    }

    Cpu &cpu_;
    bool has_random_, has_seed_;
};

} // namespace rng
