// Server: gathers from the sources, tests what they give, seeds the generator, and answers.
// SPDX-License-Identifier: BSD-2-Clause
//
// All that comes goes into the pool, with the time; it counts only from a source that has passed its tests, and never the
// time, which under counted instructions is the same in each run. The generator is seeded when one source alone has given
// kSeedBits since the last time, and again kReseedMs later with the next request. A source that fails a test counts no
// more, whatever it says later; numbers go on to come out of the seed that there is.
// World is what it acts through (main.cpp; tests: a model):
//   bool has_processor()    std::size_t draw(std::span<u8>)    of the processor; fewer bytes: it does not answer
//   bool has_device()       void ask_device()                  the answer comes to take_device()
//   u64 now_ms()    u64 ticks()    void report(std::string_view)
#pragma once

#include "api.hpp"
#include "generator.hpp"
#include "health.hpp"

#include "sel/format.hpp"

namespace rng {

template <typename World>
class Server {
  public:
    static constexpr u64 kReseedMs = 60'000;

    explicit Server(World &world) : world_{world} {}

    // As soon as there is a device, if there is one.
    void begin() {
        processor_.there = world_.has_processor();
        device_.there = world_.has_device();
        if (!processor_.there && !device_.there) {
            world_.report("there is no source of random numbers: nobody gets any");
        }
        gather();
    }

    sel::Result<Numbers> on(const Bytes &m) {
        if (seeds_ == 0 || world_.now_ms() - seeded_ms_ >= kReseedMs) {
            gather();
        }
        if (seeds_ == 0) {
            return ERR_BUSY;
        }
        Numbers numbers{};
        numbers.data.size = m.count;
        generator_.fill({numbers.data.byte, m.count});
        return numbers;
    }

    sel::Result<State> on(const GetState &) {
        return State{seeds_, device_.condition(), processor_.condition()};
    }

    // What the device has given.
    void take_device(std::span<const u8> bytes) {
        feed(device_, bytes);
        try_to_seed();
        if (wants(device_)) {
            world_.ask_device();
        }
    }
    // It does not answer, or talks nonsense.
    void device_failed(std::string_view why) { fail(device_, why); }

  private:
    static constexpr u32 kDraw = 64; // Bytes at a time.
    static constexpr u32 kDraws = Health::kStartBytes / kDraw;

    struct Source {
        std::string_view name;
        bool there = false, failed = false;
        u64 bits = 0; // Since the last seed.
        Health health{};

        Condition condition() const {
            return !there             ? Condition::ABSENT
                   : failed           ? Condition::FAILED
                   : health.started() ? Condition::GOOD
                                      : Condition::STARTING;
        }
    };

    static bool usable(const Source &s) { return s.there && !s.failed; }
    static bool wants(const Source &s) { return usable(s) && s.bits < kSeedBits; }

    void gather() {
        for (u32 i = 0; i < kDraws && wants(processor_); i++) {
            u8 bytes[kDraw];
            std::size_t count = world_.draw(bytes);
            feed(processor_, {bytes, count});
            wipe(bytes);
            if (count < kDraw) {
                fail(processor_, "does not answer");
            }
        }
        if (wants(device_)) {
            world_.ask_device();
        }
        try_to_seed();
    }

    template <typename T>
    void stir(const T &value) {
        pool_.add({reinterpret_cast<const u8 *>(&value), sizeof value});
    }

    void feed(Source &s, std::span<const u8> bytes) {
        stir(world_.ticks());
        stir(bytes.size());
        pool_.add(bytes);
        if (!usable(s)) {
            return;
        }
        bool started = s.health.started();
        if (!s.health.take(bytes)) {
            fail(s, "has failed a test: what it gives does not look random");
        } else if (s.health.started()) {
            u64 count = started ? bytes.size() : s.health.taken();
            s.bits = std::min(s.bits + count * Health::kBits, u64{1} << 20);
        }
    }

    void fail(Source &s, std::string_view why) {
        if (!usable(s)) {
            return;
        }
        s.failed = true;
        s.bits = 0;
        sel::Text<120> line;
        sel::format(line, "{} {}", s.name, why);
        world_.report(line);
        if (!usable(device_) && !usable(processor_)) {
            world_.report(seeds_ != 0 ? "no source is left: all comes out of the last seed"
                                      : "no source is left: nobody gets random numbers");
        }
    }

    // Each source counts for itself: two that give half are not one that gives all.
    void try_to_seed() {
        bool enough = (usable(device_) && device_.bits >= kSeedBits) ||
                      (usable(processor_) && processor_.bits >= kSeedBits);
        if (!enough || (seeds_ != 0 && world_.now_ms() - seeded_ms_ < kReseedMs)) {
            return;
        }
        Key secret = pool_.finish();
        generator_.seed(secret);
        wipe(secret);
        pool_ = {};
        if (seeds_++ == 0) {
            tell_sources();
        }
        seeded_ms_ = world_.now_ms();
        device_.bits = processor_.bits = 0;
    }

    void tell_sources() {
        sel::Text<120> line{"seeded by "};
        bool both = device_.bits >= kSeedBits && processor_.bits >= kSeedBits;
        line.append(device_.bits >= kSeedBits ? device_.name : processor_.name);
        line.append(both ? " and " : "");
        line.append(both ? processor_.name : "");
        world_.report(line);
    }

    World &world_;
    Source device_{.name = "the virtio entropy device"}, processor_{.name = "the processor"};
    Blake2s pool_;
    Generator generator_;
    u32 seeds_ = 0;
    u64 seeded_ms_ = 0;
};

} // namespace rng
