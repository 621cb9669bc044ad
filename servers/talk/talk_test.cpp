// Talk: random lines to a server, random text to who asks it.
// SPDX-License-Identifier: BSD-2-Clause
#include "api.hpp"

#include <catch2/catch.hpp>

#include "libsel/test/fuzz.hpp"

namespace {

// Says what it hears, and how often it was asked; refuses now and then.
struct Parrot {
    sel::Result<talk::Text> on(const talk::Line &line) {
        REQUIRE(line.data.size <= talk::kTextMax);
        if (++asked % 8 == 0) {
            return ERR_FULL;
        }
        return talk::Text{line.data};
    }
    u32 asked = 0;
};

} // namespace

TEST_CASE("random lines to a server that talks, random answers to who asks it", "[talk]") {
    Parrot parrot;
    sel::fuzz::server<talk::Api>(parrot);
    CHECK(parrot.asked > 100);
    sel::fuzz::clients<talk::Api>();
}
