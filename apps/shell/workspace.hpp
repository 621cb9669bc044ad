// Workspace: memory that most lines do not need, made for the first one that does: stacks of commands that run at the
// same time, lines that are kept.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <type_traits>

#include "fibers.hpp"

namespace shell {

// Lines that are kept all at once: for sort and tail.
struct Sheet {
    static constexpr u32 kLines = 4096;
    static constexpr u32 kBytes = 128 * 1024;

    // False: no room.
    bool add(std::string_view text) {
        if (lines == kLines || text.size() > kBytes - used) {
            return false;
        }
        text.copy(bytes + used, text.size());
        line[lines++] = {used, static_cast<u32>(text.size())};
        used += static_cast<u32>(text.size());
        return true;
    }

    struct Place {
        u32 at, size;
    };
    std::string_view text(Place place) const { return {bytes + place.at, place.size}; }

    bool taken; // By a command that runs.
    u32 lines, used;
    Place line[kLines];
    char bytes[kBytes];
};

// Zeroed memory is one in which nothing is taken.
struct Workspace {
    static constexpr u32 kSheets = 2;
    static constexpr std::size_t kArena = 16 * 1024;

    Fibers::Stack stack[Fibers::kMost];
    alignas(16) u8 arena[Fibers::kMost][kArena]; // Of the same fibers.
    Sheet sheet[kSheets];
};
static_assert(std::is_trivially_default_constructible_v<Workspace>);
static_assert(sizeof(Workspace) <= System::kWorkBytes);

} // namespace shell
