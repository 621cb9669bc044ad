// Volume: making a file system on the disk of a file server. Files themselves are reached by
// servers/file/api.hpp. The only header for its clients (apps/mkfs).
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "sel/client.hpp"

namespace volume {

// `error`: OK; ERR_EXISTS something is there, and `force` was not 1; ERR_RIGHT it is read-only;
// ERR_BUSY files are open; ERR_FULL it is too small; ERR_IO the disk failed.
// `data`: for people, what was found there: "holds btrfs". Empty: nothing.
struct Formatted {
    error_t error;
    sel::Text<120> data;
};

// Makes the server's own file system, empty, on its disk. ERR_NAME: it has no disk. The server looks at
// the disk anew when a client next says file::CloseAll: whoever has it mounted takes it out before,
// and puts it back behind.
struct Format : sel::Asks<Formatted> {
    u32 force; // 0 or 1.
};

using Control = sel::Protocol<Format>;

} // namespace volume
