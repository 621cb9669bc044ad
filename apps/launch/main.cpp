// Launch: starts another program from a file, and says how it ends: `launch PATH [GIVE,GIVE... [ARGUMENTS]]`.
// SPDX-License-Identifier: BSD-2-Clause
//
// What it gives is named as `run --give` does, with commas between; "-" is nothing. With a number and "x" in front of
// PATH ("3x/hello") it starts so many, and waits for the last.
#include "launch.caps.hpp"

#include <algorithm>

#include "sel/format.hpp"

namespace {

template <typename... Ts>
void say(std::string_view pattern, const Ts &...values) {
    sel::Text<300> line;
    sel::format(line, pattern, values...);
    [[maybe_unused]] auto said = stream::put_all(caps::out, line);
}

// Up to the next blank, which goes, too.
std::string_view take_word(std::string_view &text) {
    std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    return word;
}

u32 take_count(std::string_view &path) {
    bool several = path.size() > 2 && path[0] >= '1' && path[0] <= '9' && path[1] == 'x';
    u32 count = several ? static_cast<u32>(path[0] - '0') : 1;
    path.remove_prefix(several ? 2 : 0);
    return count;
}

} // namespace

int main() {
    std::string_view arguments = sel::environment().argument_text();
    std::string_view path = take_word(arguments), give = take_word(arguments);
    loader::Start start{.in = 0, .out = 0, .path = {}, .give = {}, .data = arguments};
    u32 count = take_count(path), last = 0;
    start.path = path;
    for (char c : give == "-" ? std::string_view{} : give) {
        start.give.append(c == ',' ? ' ' : c);
    }
    for (u32 i = 0; i < count; i++) {
        sel::Result<loader::Started> started = caps::programs.call(start);
        if (!started || started->number == 0) {
            say("launch: {} {}\n", path,
                started ? started->data.view() : sel::describe(started.error()));
            return 1;
        }
        last = started->number;
    }
    sel::Result<loader::Status> status = caps::programs.call(loader::Wait{.number = last});
    say("launch: {} {}\n", path, status ? "has ended" : sel::describe(status.error()));
    return status ? status->code : 1;
}
