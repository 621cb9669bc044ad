// Loader: programs from files. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/file/api.hpp"

namespace loader {

inline constexpr u32 kFileMax = 256 * 1024; // Bytes of a program file.

// A program that was started, or why not.
struct Started {
    u32 number; // 0: nothing was started, and `data` says why, in words that follow the file's name.
    s32 code;   // With `wait`: how it has ended.
    sel::Text<159> data;
};

// Starts the program in the file `path`. It gets the terminal if its manifest asks for one; what else it asks for
// must stand in `give`, words with blanks between: "file:/disk/photos", "file:/etc:ro", another protocol as
// "timer", or "code" for one that makes objects of its own memory. What it does not ask for must not stand there.
// ERR_FULL: with `wait`, too many wait already.
struct Start : sel::Asks<Started> {
    u32 wait; // 1: the answer comes when it has ended.
    file::Path path;
    sel::Text<191> give;
    sel::Text<400> data; // Its arguments.

    u32 patience_ms() const { return wait != 0 ? sel::kNoLimit : file::kAnswerMs; }
};

// What the program in a file says of itself, for a person to read. `good` 0: why it is none.
struct Description {
    u32 good;
    sel::Text<900> data;
};
struct Describe : sel::Asks<Description, file::kAnswerMs> {
    file::Path data;
};

using Api = sel::Protocol<Start, Describe>;

} // namespace loader
