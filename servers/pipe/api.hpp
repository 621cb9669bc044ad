// Pipe: streams between programs. The only header for its clients, besides servers/stream/api.hpp.
// SPDX-License-Identifier: BSD-2-Clause
//
// A pipe has two ends. Its maker holds both, has programs bound to them (Bind, by who starts the program), and lets go
// of its own (Release). An end is closed when neither a program nor the maker has it. Is nobody left to write, readers
// get what there is and then the end; is nobody left to read, writers get ERR_GONE. A pipe with both ends closed is
// gone. Programs read and write with stream::Read and stream::Write, which name no pipe: each has one of each at most.
//
// A pipe of which ERR_RESTARTED is said is gone with what was in it. ERR_ARG: it is none of the caller's.
#pragma once

#include "servers/stream/api.hpp"

namespace piping {

inline constexpr u32 kBytes = 4096; // That wait in one.
inline constexpr u32 kPipes = 24;   // In all,
inline constexpr u32 kPerMaker = 20;
inline constexpr u32 kMakers = 4; // Who wait for changes at a time.

enum class End : u32 { READER, WRITER };

// --- Maker.

// A new pipe. ERR_FULL: there are as many as may be.
struct Make : sel::Asks<u32> {};

// The maker lets go of its own end; programs that are bound to it keep it.
struct Release : sel::Asks<> {
    u32 pipe;
    End end;

    bool sound() const { return end <= End::WRITER; }
};

// Reads and writes for the maker, which does not wait: ERR_BUSY. An empty answer is the end.
struct TryRead : sel::Asks<stream::Input> {
    u32 pipe;
};
struct TryWrite : sel::Asks<u32> {
    u32 pipe;
    stream::Chunk data;

    bool accepts(u32 taken) const { return taken <= data.size && (taken != 0 || data.size == 0); }
};

// 1 while this program has an end of a pipe.
struct IsBound : sel::Asks<u32> {
    u32 client;
};

// Waits until the caller's pipes have been changed by others, counted in all, for another time than `seen`; 0 answers
// at once. ERR_FULL: as many makers wait as may.
struct Wait : sel::Asks<u64, sel::kNoLimit> {
    u64 seen;
};

// --- Binder, for who starts programs.

// From now on, until it ends, a program that is started at run time has this end of a pipe that `maker` made, and still
// holds. ERR_ARG: no such program, pipe or end. ERR_EXISTS: it has such an end, or the end has a program.
struct Bind : sel::Asks<> {
    u32 maker, pipe, client;
    End end;

    bool sound() const { return end <= End::WRITER; }
};

using Maker = sel::Protocol<Make, Release, TryRead, TryWrite, IsBound, Wait>;
using Binder = sel::Protocol<Bind>;

} // namespace piping
