// Fixture: the whole shell on a model of the system, for its tests.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <memory>

#include "fake_system.hpp"
#include "shell.hpp"

namespace shell {

struct Fixture {
    FakeSystem system;
    // No stack of a fiber has been used to its last eighth.
    ~Fixture() {
        constexpr std::size_t kStack = sizeof(Fibers::Stack), kEnd = sizeof(u64);
        for (std::size_t i = 0; i < Fibers::kMost && !system.work.empty(); i++) {
            auto stack = system.work.begin() + static_cast<std::ptrdiff_t>(i * kStack);
            CHECK(std::all_of(stack + kEnd, stack + kStack / 8, [](u8 byte) { return byte == 0; }));
        }
    }
    std::unique_ptr<Shell> sh = std::make_unique<Shell>(system);

    void type(std::string_view keys) {
        for (char key : keys) {
            sh->type_key(key);
        }
        sh->flush();
    }
    // What a line prints.
    std::string run(std::string_view line) {
        system.screen.clear();
        status = sh->run_line(line);
        sh->flush(); // Errors are kept back until then.
        REQUIRE(system.opened == 0);
        REQUIRE((system.pipes.empty() || jobs_run));
        return system.screen;
    }
    int status = 0;
    bool jobs_run = false; // Programs have pipes behind the prompt.
};

} // namespace shell
