// DirectoryBlock: the entries in one block of a directory of littlefs, all found in one pass.
// SPDX-License-Identifier: BSD-2-Clause
//
// The library looks through the whole block for each name, each size and each attribute. A block is a log of
// tags, of which the last one counts; entries have numbers, and move when one is put in or taken out before them.
// Some tags are a commit, and end with a sum. Sums may be right and it be nonsense all the same, so every place is
// checked. Source: SPEC.md of littlefs, "Metadata blocks" and "Metadata tags".
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string_view>

#include "abi/types.h"

extern "C" u32 lfs2_crc(u32 sum, const void *bytes, std::size_t size); // crc.cpp

namespace volume {

class DirectoryBlock {
  public:
    static constexpr u32 kBytes = 4096;
    static constexpr u32 kEntries = 0x3ff; // Of a block, at most.

    struct Entry {
        std::string_view name;
        bool directory;
        u32 bytes;                     // What the library has of it.
        std::span<const u8> attribute; // That of our type; empty: it has none.
    };

    // Where the block is to be put, before read().
    std::span<u8> room(u32 bytes) { return {byte_.data(), std::min(bytes, kBytes)}; }

    // What the library keeps of a block.
    struct Commits {
        u32 end = 0;  // Of the last one.
        u32 last = 0; // Its last tag, to which the next one is added.
        u32 count = 0;
        u32 tail[2] = {~0u, ~0u}; // Where the list goes on,
        bool split = false;       // as the same directory.
    };

    // All of a block, of which the library has not seen anything. False: something there is for the library: damage, a
    // cut commit, tags that are rare.
    bool read_commits(u8 type, Commits &out) {
        end_ = kBytes;
        count_ = 0;
        Commits now;
        u32 begin = 0, tag = ~0u;
        for (u32 at = sizeof(u32);;) {
            bool more = at + sizeof tag <= kBytes;
            tag ^= more ? load_big(at) : 0;
            if (!more || tag > kTag) {
                return at == begin; // Behind a commit; the rest was never written.
            }
            u32 place = at + static_cast<u32>(sizeof tag), size = size_of(tag);
            if (size > kBytes - place) {
                return false;
            }
            at = place + size;
            if ((tag >> 20 & kSumMask) != SUM) {
                if (!take(tag, place, type, now)) {
                    return false;
                }
                continue;
            }
            if (size < sizeof(u32) ||
                lfs2_crc(~0u, &byte_[begin], place - begin) != load_little(place)) {
                return false;
            }
            tag ^= tag >> 20 << 31; // What the top bit of the next one is.
            now.end = begin = at;
            now.last = tag;
            now.count = count_;
            out = now;
        }
    }

    // `bytes`: up to the end of its last commit, as the library has found it. `type`: of the attribute.
    void read(u32 bytes, u8 type) {
        end_ = std::min(bytes, kBytes);
        count_ = 0;
        u32 tag = ~0u;
        for (u32 at = sizeof(u32); at + sizeof tag <= end_;) {
            tag = (load_big(at) ^ tag) & kTag;
            u32 size = size_of(tag);
            if (size > end_ - at - sizeof tag) {
                return;
            }
            note(tag, static_cast<u16>(at + sizeof tag), type);
            at += static_cast<u32>(sizeof tag) + size;
        }
    }

    // False: number `id` is none that has a name and content.
    bool find(u32 id, Entry &entry) const {
        if (id >= count_ || found_[id].name == 0 || found_[id].content == 0) {
            return false;
        }
        const Found &f = found_[id];
        entry = {{reinterpret_cast<const char *>(&byte_[f.name]), f.name_bytes},
                 f.directory,
                 f.bytes,
                 {&byte_[f.attribute], f.attribute_bytes}};
        return true;
    }

  private:
    static constexpr u32 kTag = 0x7fffffff; // The top bit says whether it is one.
    static constexpr u32 kDeleted = 0x3ff;  // A size.
    enum Type : u32 {
        FILE_NAME = 0x001,
        DIRECTORY_NAME = 0x002,
        DIRECTORY_STRUCT = 0x200,
        INLINE_STRUCT = 0x201,
        LIST_STRUCT = 0x202, // Its size stands behind a number.
        ATTRIBUTE = 0x300,   // And its type.
        CREATE = 0x401,
        DELETE = 0x4ff,
        SUM = 0x500,
        NEXT_SUM = 0x5ff, // Of what is not written yet.
        TAIL = 0x600,
        SPLIT_TAIL = 0x601,
        MOVE = 0x7ff
    };
    static constexpr u32 kSumMask = 0x780;

    // Places in the block; 0: nothing.
    struct Found {
        u16 name = 0, name_bytes = 0;
        u16 content = 0;
        u16 attribute = 0, attribute_bytes = 0;
        bool directory = false;
        u32 bytes = 0;
    };

    static u32 size_of(u32 tag) { return (tag & kDeleted) == kDeleted ? 0 : tag & kDeleted; }

    u32 load_big(u32 at) const {
        u32 value;
        __builtin_memcpy(&value, &byte_[at], sizeof value);
        return __builtin_bswap32(value);
    }
    u32 load_little(u32 at) const {
        u32 value;
        __builtin_memcpy(&value, &byte_[at], sizeof value);
        return value;
    }

    // A tag of a commit. False: it makes no sense here, or is a rare one. Nearly all are of three kinds.
    [[gnu::always_inline]] bool take(u32 tag, u32 at, u8 attribute, Commits &now) {
        u32 type = tag >> 20, id = tag >> 10 & kEntries, size = tag & kDeleted;
        u16 place = static_cast<u16>(at), bytes = static_cast<u16>(size);
        if (size == kDeleted || count_ + 1 >= kEntries) {
            return take_rare(tag, at, attribute, now);
        }
        if (id < count_) {
            if (type == u32{ATTRIBUTE} + attribute) {
                set_attribute(found_[id], place, bytes);
                return true;
            }
            if (is_content(type)) {
                set_content(found_[id], type, place, bytes);
                return true;
            }
        } else if (id == count_ && is_name(type)) {
            found_[count_++] = {};
            set_name(found_[id], type, place, bytes);
            return true;
        }
        return take_rare(tag, at, attribute, now);
    }

    [[gnu::noinline]] bool take_rare(u32 tag, u32 at, u8 attribute, Commits &now) {
        u32 type = tag >> 20, id = tag >> 10 & kEntries, size = tag & kDeleted;
        if (id == kEntries) {
            if ((type == TAIL || type == SPLIT_TAIL) && size == sizeof now.tail) {
                now.tail[0] = load_little(at);
                now.tail[1] = load_little(at + 4);
                now.split = type == SPLIT_TAIL;
                return true;
            }
            return (type == NEXT_SUM || type == MOVE) && size != kDeleted;
        }
        bool adds = is_name(type) || type == CREATE;
        bool known = adds || is_content(type) || type == DELETE || (type & 0x700) == ATTRIBUTE;
        bool sized = type == DELETE || size != kDeleted;
        if (!known || !sized || id >= count_ + (adds ? 1 : 0) || count_ + 1 >= kEntries) {
            return false;
        }
        note(tag, static_cast<u16>(at), attribute);
        return true;
    }

    void note(u32 tag, u16 at, u8 attribute) {
        u32 type = tag >> 20, id = tag >> 10 & kEntries;
        u16 bytes = static_cast<u16>(size_of(tag));
        if (id == kEntries) {
            return; // Of the directory itself.
        }
        if (type == CREATE || type == DELETE) {
            shift(id, type == CREATE);
            return;
        }
        if (is_name(type)) {
            reach(id);
        }
        if (id >= count_) {
            return;
        }
        Found &f = found_[id];
        if (is_name(type)) {
            set_name(f, type, at, bytes);
        } else if (is_content(type)) {
            set_content(f, type, at, bytes);
        } else if (type == u32{ATTRIBUTE} + attribute) {
            set_attribute(f, at, bytes);
        }
    }

    static bool is_name(u32 type) { return type == FILE_NAME || type == DIRECTORY_NAME; }
    static bool is_content(u32 type) { return type >= DIRECTORY_STRUCT && type <= LIST_STRUCT; }

    static void set_name(Found &f, u32 type, u16 at, u16 bytes) {
        f.name = at;
        f.name_bytes = bytes;
        f.directory = type == DIRECTORY_NAME;
    }
    void set_content(Found &f, u32 type, u16 at, u16 bytes) const {
        f.content = at;
        f.bytes = type == INLINE_STRUCT                ? bytes
                  : type == LIST_STRUCT && bytes >= 8u ? load_little(at + 4u)
                                                       : 0;
    }
    static void set_attribute(Found &f, u16 at, u16 bytes) {
        f.attribute = at;
        f.attribute_bytes = bytes;
    }

    // There is a number `id`.
    void reach(u32 id) {
        while (count_ <= id) {
            found_[count_++] = {};
        }
    }

    // An entry `id` is put in, or taken out.
    void shift(u32 id, bool in) {
        auto at = found_.begin() + id, end = found_.begin() + count_;
        if (in && id < count_ && count_ < kEntries) {
            std::memmove(static_cast<void *>(at + 1), at,
                         static_cast<std::size_t>(end - at) * sizeof *at);
            *at = {};
            count_++;
        } else if (in) {
            reach(std::min(id, kEntries - 1));
        } else if (id < count_) {
            std::memmove(static_cast<void *>(at), at + 1,
                         static_cast<std::size_t>(end - at - 1) * sizeof *at);
            count_--;
        }
    }

    u32 end_ = 0;
    u32 count_ = 0;
    std::array<u8, kBytes> byte_;
    std::array<Found, kEntries> found_;
};

} // namespace volume
