// Hello: says who it is; what it does then is its argument.
// SPDX-License-Identifier: BSD-2-Clause
#include "hello.caps.hpp"

#include "sel/clock.hpp"
#include "sel/format.hpp"

int main() {
    const sel::Environment &me = sel::environment();
    std::string_view what = me.argument_text();
    sel::Text<200> line;
    sel::format(line, "hello from {}{}{}\n", me.name, what.empty() ? "" : ": ", what);
    if (what != "quiet" && what != "end" && !stream::put_all(caps::out, line)) {
        return 1;
    }
    if (what == "wait" || what == "quiet") {
        [[maybe_unused]] auto never = caps::signals.wait();
    }
    if (what.starts_with('$')) { // What it is told of a variable.
        line = me.variable(what.substr(1));
        line.append('\n');
        return stream::put_all(caps::out, line) ? 0 : 1;
    }
    while (what == "time") {
        line.clear();
        sel::format(line, "{} ms\n", sel::clock().nanoseconds(sel::now()) / 1'000'000);
        if (!stream::put_all(caps::out, line)) {
            return 1;
        }
    }
    while (what == "loop") {
        asm volatile("");
    }
    if (what == "fault") {
        asm volatile("ud2");
    }
    return what == "fail" ? 3 : 0;
}
