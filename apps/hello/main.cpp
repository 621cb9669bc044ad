// Hello: says who it is; what it does then is its argument.
// SPDX-License-Identifier: BSD-2-Clause
#include "hello.caps.hpp"

#include "sel/format.hpp"

int main() {
    const sel::Environment &me = sel::environment();
    std::string_view what = me.argument_text();
    sel::Text<200> line;
    sel::format(line, "hello from {}{}{}\n", me.name, what.empty() ? "" : ": ", what);
    if (what != "quiet" && what != "end" && !console::put_all(caps::console, line)) {
        return 1;
    }
    if (what == "wait" || what == "quiet") {
        [[maybe_unused]] auto never = caps::signals.wait();
    }
    while (what == "loop") {
        asm volatile("");
    }
    if (what == "fault") {
        asm volatile("ud2");
    }
    return what == "fail" ? 3 : 0;
}
