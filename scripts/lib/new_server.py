# Makes a server that works: a folder with manifest, messages, logic, wiring, test and README.
# SPDX-License-Identifier: BSD-2-Clause
"""usage: scripts/new-server NAME

Writes servers/NAME and its entry in boot/system.toml, nothing else. The server is then built, tested
and started like the others, and answers the shell: ask NAME
"""
import re

from new_program import ROOT, check, wanted_name, write

SYSTEM = "boot/system.toml"
MANIFEST = "servers/@/manifest.toml"

FILES = {
    MANIFEST: '''\
# What @ provides and needs.
# SPDX-License-Identifier: BSD-2-Clause
about    = "Greets, and counts its greetings."
priority = 120
memory   = "256K"
restart  = "always"

[provides]
requests = "@"
talk     = "talk" # The shell: ask @
''',
    "servers/@/meson.build": '''\
# SPDX-License-Identifier: BSD-2-Clause
programs += {'@': files('main.cpp')}
program_tests += {'@': files('@_test.cpp')}
''',
    "servers/@/api.hpp": '''\
// @: what a client may ask. The only header that other folders may include.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once
#include "sel/client.hpp"
namespace @ {
struct Count : sel::Asks<u64> {}; // Greetings so far.
using Api = sel::Protocol<Count>;
} // namespace @
''',
    "servers/@/@.hpp": '''\
// @: its behaviour. Holds no capability, so it is tested on the host.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once
#include "api.hpp"
#include "servers/talk/api.hpp"
namespace @ {
struct Server {
    u64 count = 0;
    sel::Result<u64> on(const Count &) { return count; }
    sel::Result<talk::Text> on(const talk::Line &) {
        count++;
        return talk::Text{"hello from @"};
    }
};
} // namespace @
''',
    "servers/@/main.cpp": '''\
// @: wires the behaviour to its clients.
// SPDX-License-Identifier: BSD-2-Clause
#include "@.caps.hpp"
#include "@.hpp"
int main() {
    @::Server server;
    sel::serve<@::Api, talk::Api>(caps::service, server);
}
''',
    "servers/@/@_test.cpp": '''\
// @: it greets, and counts; random messages to it, random answers to its clients.
// SPDX-License-Identifier: BSD-2-Clause
#include "@.hpp"
#include "libsel/test/fuzz.hpp"
TEST_CASE("it greets, and counts") {
    @::Server server;
    CHECK((server.on(talk::Line{}).ok() && server.on(@::Count{}).value() == 1));
    sel::fuzz::both<@::Api>(server);
}
''',
    "servers/@/README.md": '''\
# @: greets, and counts its greetings

`api.hpp` holds its messages, `@.hpp` what it does, `main.cpp` the wiring, `manifest.toml` all it may
touch (servers/README.md explains the keys). At the shell: `ask @`.

Alone: `meson test -C build @`.
''',
}


def listed(system, name):
    """system.toml with the new server, known to the shell."""
    talkers = re.search(r"^needs\.talkers *= *\[(.*)\]", system, re.M)
    if talkers:
        inside = f'{talkers[1]}, "{name}"' if talkers[1].strip() else f'"{name}"'
        system = system[:talkers.start(1)] + inside + system[talkers.end(1):]
    else:
        system = re.sub(r"^\[shell\]\n", f'[shell]\nneeds.talkers = ["{name}"]\n', system, flags=re.M)
    return system.rstrip("\n") + f"\n\n[{name}]\n"


def main():
    name = wanted_name("new-server", __doc__)
    write(FILES, name)
    system = ROOT / SYSTEM
    system.write_text(listed(system.read_text(), name))
    check()
    print(f"servers/{name} is there; build and try it: scripts/run --batch 'ask {name}'")


main()
