// Ask: how often a server hears of a request of which it dies.
// SPDX-License-Identifier: BSD-2-Clause
#include "ask.hpp"

#include <catch2/catch.hpp>

#include "sel/client.hpp"
#include "sel/host.hpp"

namespace {

struct Count : sel::Asks<u64> {};
using Api = sel::Protocol<Count>;

} // namespace

TEST_CASE("a server that dies of a request hears of it twice, of one that it answers once",
          "[shell]") {
    u32 asked = 0, dies = 0;
    sel::host::kernel = [&](sel::Regs &r) {
        r.number = asked++ < dies ? ERR_GONE : OK;
        sel::store(r, OK, u64{5});
    };
    auto ask = [&](u32 times) {
        asked = 0;
        dies = times;
        return shell::ask(sel::Client<Api>{1}, Count{});
    };
    CHECK((ask(0).value() == 5 && asked == 1));
    CHECK((ask(1).value() == 5 && asked == 2));
    CHECK((ask(1000).error() == ERR_RESTARTED && asked == 2));
    sel::host::kernel = nullptr;
}
