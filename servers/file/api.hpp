// File: the protocol that every file system speaks. The only header for its clients.
// SPDX-License-Identifier: BSD-2-Clause
//
// Paths are absolute ("/etc/motd"), at most 255 bytes, each name at most 63. A file is read and
// written through a handle that belongs to the client which opened it; positions are explicit, so
// only the handle and what has not been synced is lost when the server restarts.
//
// A handle and the answers of CloseAll and SyncAll say in which of its lives the server gave them.
// ERR_RESTARTED, also for a handle of an earlier life: open again, and repeat what was written since
// the last Sync. A SyncAll whose answer differs from the last one: the same for all that was changed.
//
// Errors: ERR_SYNTAX not a path, ERR_NAME no such file, ERR_DIRECTORY a file where a directory was
// expected or the reverse, ERR_EXISTS, ERR_CHILDREN directory not empty, ERR_RIGHT read-only,
// ERR_FULL no room or too many open files, ERR_ARG no such handle or a rename into itself,
// ERR_TYPE a rename into another file system, ERR_GONE the file was removed meanwhile, ERR_IO the
// disk failed or holds nonsense.
#pragma once

#include <cstring>

#include "sel/client.hpp"

namespace file {

inline constexpr u32 kPathMax = 255;
inline constexpr u32 kNameMax = 63;
inline constexpr u32 kChunk = 896;  // Bytes of content in one message,
inline constexpr u32 kBulk = 65536; // and in one ReadInto or WriteFrom.

using Path = sel::Text<kPathMax>;
using Name = sel::Text<kNameMax>;
using Chunk = sel::Bytes<kChunk>;

// Within which even a slow disk answers, with all that its driver tries.
inline constexpr u32 kAnswerMs = 125'000;

enum class Kind : u32 { File, Directory };

struct Info {
    Kind kind;
    u32 read_only; // 0 or 1.
    u64 bytes;
    u64 changed; // Seconds since 1970, 0: unknown.
};

struct Stat : sel::Asks<Info, kAnswerMs> {
    Path data;
};

// The one spelling that the file system has for what the path leads to. Two paths are one file or
// directory when this answers the same for both, and one lies below the other when that begins the
// other's: paths themselves must not be compared, for some file systems know a file by several names
// (letter case, short names, trailing dots).
struct Spelling {
    Path data;
};
struct Resolve : sel::Asks<Spelling, kAnswerMs> {
    Path data;
};

enum OpenFlags : u32 { kWrite = 1, kCreate = 2, kTruncate = 4 };

// The handle.
struct Open : sel::Asks<u32, kAnswerMs> {
    u32 flags;
    Path data;
};

// The content is on the disk, or the answer says why not: then the file is as it was before.
struct Close : sel::Asks<void, kAnswerMs> {
    u32 handle;
};

// Closes all handles of this client: what a program does first. Answer: the server's life. With `leave`
// it comes back to nothing: a server that nobody else uses then lets go of its disk, which others may
// change, and looks at it anew for the next one.
struct CloseAll : sel::Asks<u32, kAnswerMs> {
    u32 leave; // 0 or 1.
};

struct Content {
    Chunk data; // Empty at the end of the file.
};
struct Read : sel::Asks<Content, kAnswerMs> {
    u32 handle, count;
    u64 offset;

    bool accepts(const Content &content) const { return content.data.size <= count; }
};

// All bytes, or ERR_FULL and none. A gap before `offset` reads as zeroes.
struct Write : sel::Asks<void, kAnswerMs> {
    u32 handle;
    u64 offset;
    Chunk data;
};

struct Append : sel::Asks<void, kAnswerMs> {
    u32 handle;
    Chunk data;
};

// Lends memory: the region whose token comes along (root::Region) is window number `window` of the caller from now on,
// in the place of the one before. Without a token that number has none: the file system uses what it was no more.
// CloseAll and the end of the caller take all of them. Who lends to vfs has one window, number 0; vfs lends it to each
// file system when it is used there first. ERR_ARG: no such number, or no token of a region that fits. ERR_FULL: as many
// are lent as can be.
inline constexpr u32 kWindows = 16;        // In a file system, of all who call it, and of vfs.
inline constexpr u32 kWindowBytes = 65536; // Of each, at most.
struct Lend : sel::Asks<void, kAnswerMs> {
    static constexpr bool kBrings = true;
    u32 window;
};

// Read and Write of `count` bytes, at most kBulk, in memory that was lent: `place` bytes into the window. vfs copies none
// of it. The answer of ReadInto: how many bytes; fewer only at the end of the file. ERR_RIGHT: nothing is lent, or it is
// forgotten, as by a server that was started anew (servers/file/client.hpp lends it again). ERR_ARG, too: too many, or
// outside of the window.
struct ReadInto : sel::Asks<u32, kAnswerMs> {
    u32 handle, count;
    u64 offset;
    u32 place, window;

    bool accepts(u32 bytes) const { return bytes <= count; }
};
struct WriteFrom : sel::Asks<void, kAnswerMs> {
    u32 handle, count;
    u64 offset;
    u32 place, window;
};

// Open, ReadInto and Close in one request: no handle is held, so it is done again when a file system was started anew. Who
// reads more than one of them must bear that the file has become another one between two.
struct Fetch : sel::Asks<u32, kAnswerMs> {
    u64 offset;
    u32 count, place, window;
    Path data;

    bool accepts(u32 bytes) const { return bytes <= count; }
};

struct Truncate : sel::Asks<void, kAnswerMs> {
    u32 handle;
    u64 bytes;
};

// One of the Entries of a directory.
struct Entry {
    u32 next; // Position of the one behind it.
    Info info;
    std::string_view name; // Lies in the Entries.
};

// Some entries, at least one, each 16 bytes with its name behind them: in the first word bytes (48 bits), in the second
// position (32), length of the name (6), whether it is a directory, and read-only. What is left of both is the time.
struct Entries {
    static constexpr u32 kBytes = 952;
    static constexpr u64 kContentMax = (1ull << 48) - 1, kChangedMax = (1ull << 40) - 1;
    sel::Bytes<kBytes> data;

    // Is there room for one more, whatever it is called?
    bool has_room() const { return data.size <= kBytes - kHead - kNameMax; }
    // False: there is no room. What does not fit in a name is cut off; numbers are at most those above.
    bool add(u32 next, const Info &info, std::string_view name) {
        u64 length = name.size() < kNameMax ? name.size() : kNameMax;
        if (kHead + length > kBytes - data.size) {
            return false;
        }
        u64 bytes = info.bytes < kContentMax ? info.bytes : kContentMax;
        u64 changed = info.changed < kChangedMax ? info.changed : kChangedMax;
        u64 flags =
            (info.kind == Kind::Directory ? kDirectory : 0) | (info.read_only != 0 ? kReadOnly : 0);
        u64 word[2] = {bytes | changed << kBytesBits,
                       next | changed >> kLowBits << kNextBits | length << kNameShift | flags};
        u8 *to = data.byte + data.size;
        __builtin_memcpy(to, word, kHead);
        std::memcpy(to + kHead, name.data(), length);
        data.size += kHead + static_cast<u32>(length);
        return true;
    }
    // The entry at byte `at`, from 0 on, which becomes that of the next one. False: there is none, or it is none.
    bool take(u32 &at, Entry &entry) const {
        u32 end = data.size < kBytes ? data.size : kBytes;
        if (at > end || end - at < kHead) {
            return false;
        }
        u64 first = word(at), second = word(at + sizeof first);
        u32 name = name_bytes(second);
        if (name == 0 || name > end - at - kHead) {
            return false;
        }
        entry = {static_cast<u32>(second),
                 {(second & kDirectory) != 0 ? Kind::Directory : Kind::File,
                  static_cast<u32>(second >> 63), first & kContentMax,
                  first >> kBytesBits | (second >> kNextBits & kHighMask) << kLowBits},
                 {reinterpret_cast<const char *>(data.byte) + at + kHead, name}};
        at += kHead + name;
        return true;
    }
    // All of it is entries, and their positions grow.
    bool sound() const {
        u32 at = 0, position = 0, end = data.size <= kBytes ? data.size : 0;
        while (end - at >= kHead) {
            u64 second = word(at + sizeof second);
            u32 name = name_bytes(second), next = static_cast<u32>(second);
            if (name == 0 || name > end - at - kHead || next <= position) {
                return false;
            }
            position = next;
            at += kHead + name;
        }
        return at == end && at != 0;
    }
    // Of sound ones: all lie behind this position.
    bool are_behind(u32 position) const {
        u32 at = 0;
        Entry first;
        return take(at, first) && first.next > position;
    }

  private:
    static constexpr u32 kHead = 2 * sizeof(u64);
    static constexpr u32 kBytesBits = 48,
                         kLowBits = 64 - kBytesBits;      // Of the time, in the first word,
    static constexpr u32 kNextBits = 32, kNameShift = 56; // and what is between in the second.
    static constexpr u64 kHighMask = (1ull << (kNameShift - kNextBits)) - 1;
    static constexpr u64 kDirectory = 1ull << 62, kReadOnly = 1ull << 63;
    static_assert(kNameMax == (1u << (62 - kNameShift)) - 1);

    u64 word(u32 at) const {
        u64 word;
        __builtin_memcpy(&word, data.byte + at, sizeof word);
        return word;
    }
    static u32 name_bytes(u64 second) { return static_cast<u32>(second >> kNameShift) & kNameMax; }
};

// Entries from `position` on, 0 at first; ERR_EMPTY behind the last one.
struct List : sel::Asks<Entries, kAnswerMs> {
    u32 position;
    Path data;

    bool accepts(const Entries &entries) const { return entries.are_behind(position); }
};

struct MakeDirectory : sel::Asks<void, kAnswerMs> {
    Path data;
};

// A file, or an empty directory.
struct Remove : sel::Asks<void, kAnswerMs> {
    Path data;
};

// An existing file at the new place is replaced. Another spelling of the same name changes just
// that. ERR_FULL, too: something below would lie deeper than a path can say.
struct Rename : sel::Asks<void, kAnswerMs> {
    Path from;
    Path data;
};

struct Usage {
    u64 bytes, bytes_max;
    u32 files, files_max; // 0: not counted.
    sel::Text<24> data;   // The disk that they are on; empty: none.
};
struct GetUsage : sel::Asks<Usage, kAnswerMs> {};

// The content of the file is on the disk, if there is one.
struct Sync : sel::Asks<void, kAnswerMs> {
    u32 handle;
};

// Everything is. Answer: the server's life.
struct SyncAll : sel::Asks<u32, kAnswerMs> {};

// Looks at everything in the file system that holds the path, a step with each request, and changes
// nothing. Step 0 begins, and ends what another client had begun; then ask for `next` as long as it
// is not 0. ERR_BUSY: something was changed meanwhile. ERR_GONE: somebody else has begun, or the
// server was started anew. Begin again after both.
struct Checked {
    u32 next;
    u32 files, directories; // So far.
    u32 damaged;            // Of these, and of the structures between them.
    u32 unseen;             // 1: the structures have not been looked at, there are too many.
    u64 bytes;              // In files that are whole.
};
struct Check : sel::Asks<Checked, kAnswerMs> {
    u32 step;
    Path data;
};

// Waits until the change count of the path is not `seen`, and answers it; 0 answers at once. A path
// changes when it is written, made, removed or renamed, a directory when something in it does. It
// may also be told of a change when there was none: look, and ask again with the new count.
struct Watch : sel::Asks<u64, sel::kNoLimit> {
    u64 seen;
    Path data;
};

using Api = sel::Protocol<Stat, Resolve, Open, Close, CloseAll, Read, Write, Append, ReadInto,
                          WriteFrom, Truncate, List, MakeDirectory, Remove, Rename, GetUsage, Sync,
                          SyncAll, Check, Watch, Lend, Fetch>;

// Seals handles with the life of the server, of which the low bits count.
class Life {
  public:
    explicit constexpr Life(u32 incarnation) : life_{incarnation & kMask} {}

    constexpr u32 number() const { return life_; }
    // `index` < 65536.
    constexpr u32 seal(u32 index) const { return life_ << kShift | index; }
    constexpr sel::Result<u32> open(u32 handle) const {
        return handle >> kShift == life_ ? sel::Result<u32>{handle & kMask} : ERR_RESTARTED;
    }

  private:
    static constexpr u32 kShift = 16, kMask = 0xffff;
    u32 life_;
};

} // namespace file
