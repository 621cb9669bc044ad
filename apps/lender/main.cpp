// Lender: rounds of a client that takes away what it has lent to file systems.
// SPDX-License-Identifier: BSD-2-Clause
#include "hostile.hpp"

#include "sel/environment.hpp"
#include "sel/format.hpp"

namespace {

// The number in front of `text`, which is taken off; 0: none.
u32 take_number(std::string_view &text) {
    u32 number = 0;
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    while (!text.empty() && text.front() >= '0' && text.front() <= '9' && number < 1'000'000) {
        number = number * 10 + static_cast<u32>(text.front() - '0');
        text.remove_prefix(1);
    }
    return number;
}

} // namespace

int main() {
    std::string_view text = sel::environment().argument_text();
    u32 rounds = take_number(text), seed = take_number(text);
    sel::Text<100> line;
    if (rounds == 0) {
        sel::format(line, "lender: expected ROUNDS SEED\n");
        [[maybe_unused]] auto said = stream::put_all(caps::terminal, line);
        return 2;
    }
    static lender::Hostile hostile{seed};
    bool good = hostile.run(rounds);
    if (good) {
        sel::format(line, "{} rounds good\n", rounds);
    } else {
        sel::format(line, "lender: {}\n", hostile.why());
    }
    [[maybe_unused]] auto said = stream::put_all(caps::terminal, line);
    return good ? 0 : 1;
}
