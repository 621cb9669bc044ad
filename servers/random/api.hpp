// Random: numbers that nobody can tell beforehand. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
//
// They come out of a generator (ChaCha20, its key thrown away with each request) that has been seeded by a source which has
// passed its tests. As long as no source has given kSeedBits there are none: ERR_BUSY, and the log says why.
#pragma once

#include "sel/client.hpp"

namespace rng {

inline constexpr u32 kBytesMost = 256; // Of a request.
inline constexpr u32 kSeedBits = 256;  // From one source.

struct Numbers {
    sel::Bytes<kBytesMost> data;
};
struct Bytes : sel::Asks<Numbers> {
    u32 count;

    bool sound() const { return count != 0 && count <= kBytesMost; }
    bool accepts(const Numbers &numbers) const { return numbers.data.size == count; }
};

// FAILED: it did not pass a test, or does not answer, and is asked no more.
enum class Condition : u32 { ABSENT, STARTING, GOOD, FAILED };
struct State {
    u32 seeds; // How often the generator has been seeded; 0: there are no numbers.
    Condition device, processor;

    bool sound() const { return device <= Condition::FAILED && processor <= Condition::FAILED; }
};
struct GetState : sel::Asks<State> {};

using Api = sel::Protocol<Bytes, GetState>;

} // namespace rng
