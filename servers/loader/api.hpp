// Loader: programs from files. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "servers/file/api.hpp"
#include "servers/pipe/api.hpp"

namespace loader {

inline constexpr u32 kFileMax = 256 * 1024; // Bytes of a program file.

// A program that was started, or why not.
struct Started {
    u32 number; // 0: nothing was started, and `data` says why, in words that follow the file's name.
    sel::Text<23> missing; // What would have to stand in `give`, if it is that and needs no path.
    sel::Text<159> data;
};

// Starts the program in the file `path`. It gets the terminal if its manifest asks for one, and of stream.In and
// stream.Out the terminal's, or the ends of pipes that the caller has made (servers/pipe). What else it asks for
// must stand in `give`, words with blanks between: "file:/disk/photos", "file:/etc:ro", another protocol as
// "timer", or "code" for one that makes objects of its own memory. What it does not ask for must not stand there.
struct Start : sel::Asks<Started, file::kAnswerMs> {
    u32 in, out; // Pipes; 0: the terminal.
    file::Path path;
    sel::Text<191> give;
    sel::Text<400> data; // Its arguments.
};

// What became of a program that the caller has started. Of one that has ended it is known until its number is used
// again. ERR_NAME: it is none of the caller's.
enum class State : u32 { RUNNING, STOPPED, ENDED };
struct Status {
    State state;
    s32 code; // How it has ended.

    bool sound() const { return state <= State::ENDED; }
};
struct GetStatus : sel::Asks<Status> {
    u32 number;
};

// Answers when it has ended, or is stopped. Who waits anew for the same program takes its place.
struct Wait : sel::Asks<Status, sel::kNoLimit> {
    u32 number;
};

// Ends it, if it runs: its exit code is kEnded.
inline constexpr s32 kEnded = 137;
struct End : sel::Asks<> {
    u32 number;
};

// Stops it where it is, or lets it go on: a stopped program has no processor time.
struct Stop : sel::Asks<> {
    u32 number;
    u32 stop; // 0 or 1.
};

// What the program in a file says of itself, for a person to read. `good` 0: why it is none.
struct Description {
    u32 good;
    sel::Text<900> data;
};
struct Describe : sel::Asks<Description, file::kAnswerMs> {
    file::Path data;
};

using Api = sel::Protocol<Start, GetStatus, Wait, End, Stop, Describe>;

} // namespace loader
