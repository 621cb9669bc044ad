// Stream: bytes in, bytes out. What a program is given at its start: a terminal, or the end of a pipe. The only
// header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
//
// Which stream a program has stands in its capability: it names none in a message. Servers: `console` (the serial
// line as a terminal), `pipe`. servers/stream/README.md says who holds which of the protocols.
#pragma once

#include "sel/client.hpp"

namespace stream {

inline constexpr u32 kChunk = 896; // Bytes in one message.
using Chunk = sel::Bytes<kChunk>;

// --- In: what a program reads.

struct Input {
    Chunk data; // Empty: the end, nothing will come any more.
};

// Takes what there is; waits until there is at least one byte. Of a terminal: what was typed while this program is in
// front; it waits as long as it is not. What does not reach the reader, because it died or gave up, stays for the
// next one. ERR_FULL: too many wait. ERR_BUSY: another one reads. ERR_GONE: the caller has no such stream.
struct Read : sel::Asks<Input, sel::kNoLimit> {};

// --- Out: what a program writes.

// Waits while the stream is full. Answer: bytes taken, at least one and no more than there were; the caller sends the
// rest again (put_all()). ERR_BUSY: there has been no room for kRoomMs; ask again. ERR_FULL: too many wait already,
// in all or of this client. ERR_GONE: nobody reads any more, or the caller has no such stream.
inline constexpr u32 kRoomMs = 500;
struct Write : sel::Asks<u32> {
    Chunk data;

    bool accepts(u32 taken) const { return taken <= data.size && (taken != 0 || data.size == 0); }
};

// --- Terminal: where a person looks, whatever becomes of Out.

struct Size {
    u32 columns, rows; // 0: nobody knows.
};
struct GetSize : sel::Asks<Size> {};

// --- Control: for who runs programs on a terminal. Its holder reads what is typed, or lends the terminal to a job,
// never both: a Read of the holder ends the loan.

enum class Signal : u32 {
    NONE,      // The loan has ended.
    INTERRUPT, // ^C
    STOP       // ^Z
};
struct Typed {
    Signal signal;

    bool sound() const { return signal <= Signal::STOP; }
};

// Lends the terminal to job number `job`; a holder counts its jobs upwards. Answers when somebody types ^C or ^Z, and
// what was typed before that is gone then; the holder lends it again. While it is lent only the reader of this job
// reads. ERR_BUSY: somebody else has lent it.
struct Lend : sel::Asks<Typed, sel::kNoLimit> {
    u32 job;
};
// The end of this loan, and of all before it, also of those that have not arrived yet.
struct TakeBack : sel::Asks<> {
    u32 job;
};
// Which program reads while this job has the terminal; 0: none.
struct SetReader : sel::Asks<> {
    u32 job;
    u32 client;
};
// Asks the person at the terminal whether a program may use something, this once. The terminal asks in its own words,
// behind a mark that no program can write; what was typed before the question was there is gone, and nobody else writes
// or reads until it is answered. Everything but `y` is no, and so is nothing within kAskMs. ERR_BUSY: it asks already.
inline constexpr u32 kAskMs = 20'000;
struct Consent {
    u32 given; // 0 or 1.
};
struct Ask : sel::Asks<Consent, sel::kNoLimit> {
    sel::Text<24> what;
    sel::Text<128> data; // Who.
};
// Shows the holder's prompt behind a mark that no program can write, after all that it has written.
inline constexpr u32 kPromptMax = 32;
struct Prompt : sel::Asks<> {
    sel::Text<kPromptMax> data;
};
// Empties the screen.
struct Clear : sel::Asks<> {};
// Shows the holder's text, of one line at most, as what it is: the terminal has a colour for it, of which text can send
// none. ERR_BUSY: there is no room for all of it now; it can be written without colour.
enum class Style : u32 { Error = 1, Directory, Last = Directory };
inline constexpr u32 kStyledMax = 256;
struct Styled : sel::Asks<> {
    Style style;
    sel::Text<kStyledMax> data;

    bool sound() const { return style >= Style::Error && style <= Style::Last; }
};

using In = sel::Protocol<Read>;
using Out = sel::Protocol<Write>;
using Terminal = sel::Protocol<Write, GetSize>;
using Control = sel::Protocol<Lend, TakeBack, SetReader, Ask, Prompt, Clear, Styled>;

// Writes all of it, waiting at most about `ticks` for each piece. What a server that dies had in hand may be written
// twice to a terminal; a pipe is gone then.
template <typename Api>
sel::Result<> put_all(const sel::Client<Api> &out, std::string_view text,
                      u64 ticks = sel::kForever) {
    constexpr u32 kTries = 3;
    sel::Result<> done;
    u64 begun = sel::now();
    for (u32 failures = 0; !text.empty() && failures < kTries;) {
        Write write;
        write.data.assign({reinterpret_cast<const u8 *>(text.data()), text.size()});
        sel::Result<u32> taken = out.call_within(ticks, write);
        text.remove_prefix(taken.value_or(0));
        done = taken.error();
        if (taken.ok()) {
            failures = 0;
            begun = sel::now();
        } else if (taken.error() == ERR_RESTARTED) {
            failures++;
        } else if (taken.error() != ERR_BUSY || sel::now() - begun >= ticks) {
            return done;
        }
    }
    return done;
}

} // namespace stream
