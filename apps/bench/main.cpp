// The benchmark as a program that the shell starts.
// SPDX-License-Identifier: BSD-2-Clause
//
// Counts instructions only if the emulator counts them (scripts/run --icount); otherwise the rows are
// cycles of whatever the processor's time-stamp counter counts, with everything that interrupts.
#include "apps/bench/bench.hpp"
#include "bench.caps.hpp"

#include "sel/environment.hpp"
#include "sel/format.hpp"

namespace {

void print(const char *text, u64 length) {
    [[maybe_unused]] auto printed = stream::put_all(caps::console, {text, length});
}

constexpr u8 kPriority = 60; // As in manifest.toml.

} // namespace

int main() {
    bench::Means means{};
    means.memory = caps::memory;
    means.space = caps::space;
    means.self = caps::self;
    means.context = caps::peer;
    means.priority = kPriority;
    means.cnode = caps::cspace.cptr();
    means.first_slot = caps::empty.first;
    std::string_view only = sel::environment().argument_text();
    bench::rows_to(print, only);
    if (bench::run(means) == 0) {
        sel::Text<128> line;
        sel::format(line, "error: bench: no row is called like `{}`\n", only);
        print(line.byte, line.size);
        return 1;
    }
    return 0;
}
