// Hints: what somebody may have meant by a command that is not there.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>
#include <array>

#include "command.hpp"

namespace shell {
namespace {

struct Known {
    std::string_view name, hint;
};
// What other systems call it.
constexpr Known kKnown[] = {
    {".", "`run FILE` runs a script"},
    {"alias", "there are no aliases"},
    {"chmod", "files have no rights here: see `help run`, --give"},
    {"cls", "did you mean 'clear'?"},
    {"copy", "did you mean 'cp'?"},
    {"del", "did you mean 'rm'?"},
    {"dir", "did you mean 'ls'?"},
    {"dmesg", "did you mean 'log'?"},
    {"env", "did you mean 'export'?"},
    {"eval", "there is no eval"},
    {"exec", "did you mean 'run'?"},
    {"free", "did you mean 'mem'?"},
    {"killall", "did you mean 'kill'?"},
    {"less", "did you mean 'more'?"},
    {"ln", "there are no links"},
    {"logout", "the shell does not end: 'halt' switches off"},
    {"lsblk", "did you mean 'part'?"},
    {"man", "did you mean 'help'?"},
    {"poweroff", "did you mean 'halt'?"},
    {"printenv", "did you mean 'export'?"},
    {"printf", "did you mean 'echo'?"},
    {"quit", "the shell does not end: 'halt' switches off"},
    {"read", "commands do not read what is typed; see `help more`"},
    {"return", "did you mean 'exit'?"},
    {"rmdir", "did you mean 'rm'?"},
    {"set", "NAME=VALUE sets a variable; 'export' shows all"},
    {"shutdown", "did you mean 'halt'?"},
    {"source", "`run FILE` runs a script"},
    {"sudo", "nobody is root: see `help caps`"},
    {"type", "did you mean 'which'?"},
};

// How many letters must be changed, added, left out or swapped with their neighbour to make `b` of `a` (optimal string
// alignment: Damerau 1964, restricted); at most kNameMax.
constexpr std::size_t kNameMax = 12;
std::size_t distance(std::string_view a, std::string_view b) {
    using Row = std::array<std::size_t, kNameMax + 1>;
    if (a.size() > kNameMax || b.size() > kNameMax) {
        return kNameMax;
    }
    Row before{}, last{}, row{};
    for (std::size_t j = 0; j <= b.size(); j++) {
        row[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); i++) {
        before = last;
        last = row;
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); j++) {
            std::size_t same = a[i - 1] == b[j - 1] ? 0 : 1;
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + same});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before[j - 2] + 1);
            }
        }
    }
    return row[b.size()];
}

} // namespace

Hint hint_for(std::string_view name) {
    Hint hint;
    for (const Known &known : kKnown) {
        if (known.name == name) {
            hint.text.append(known.hint);
            return hint;
        }
    }
    std::size_t least = name.size() < 4 ? 2 : 3; // So many are too many.
    std::string_view nearest;
    for (const CommandInfo &command : commands()) {
        std::size_t now = distance(name, command.name);
        if (now < least && now < command.name.size()) {
            least = now;
            nearest = command.name;
        }
    }
    if (!nearest.empty()) {
        sel::format(hint.text, "did you mean '{}'?", nearest);
    }
    return hint;
}

} // namespace shell
