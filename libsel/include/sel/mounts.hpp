// Mounts: the name space of files as boot/system.toml says; made by scripts/manifest.py for the server
// that needs "mounts".
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/client.hpp"

namespace sel {

// A file system and where it is put. Paths are canonical: "/", or names each behind one '/'.
template <typename Api>
struct Mount {
    std::string_view path;
    std::string_view name; // Of the server.

    constexpr Mount(std::string_view at, std::string_view server, cptr_t first)
        : path{at}, name{server}, first_{first} {}

    // The file system, as somebody who shares the memory of window number `window` with it (0: none).
    constexpr Client<Api> through(u32 window) const { return Client<Api>{first_ + window}; }

  private:
    cptr_t first_; // Of its capabilities, one for each window.
};

// What a client may name: the one with Caller::part i has entry i.
struct Subtree {
    std::string_view path;
    bool read_only;
    u32 window = 0; // That the client shares with the file systems, 0: none.
};

} // namespace sel
