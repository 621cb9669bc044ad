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
    Client<Api> server;

    constexpr Mount(std::string_view at, std::string_view of, cptr_t cptr)
        : path{at}, name{of}, server{cptr} {}
};

// What a client may name: the one with Caller::part i has entry i.
struct Subtree {
    std::string_view path;
    bool read_only;
};

} // namespace sel
