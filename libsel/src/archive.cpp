// Archive: checks once, then hands out views.
// SPDX-License-Identifier: BSD-2-Clause
#include "sel/archive.hpp"

#include <cstring>

namespace sel {

namespace {

constexpr u64 kPrime = 0x100000001b3;

bool is_name(const char (&name)[ArchiveEntry::kNameBytes]) {
    std::size_t length = ::strnlen(name, sizeof name);
    bool good = length != 0 && length < sizeof name && name[0] != '/' && name[length - 1] != '/';
    for (std::size_t i = 0; i < length; i++) {
        good = good && name[i] > ' ' && name[i] < 0x7f;
    }
    return good;
}

u64 word_at(const u8 *at) {
    u64 word;
    std::memcpy(&word, at, sizeof word);
    return word;
}

} // namespace

// Much of a start is this. A word is read where it is used: an array of them would be made on the stack.
u64 archive_sum(std::span<const u8> bytes, u64 state) {
    constexpr std::size_t kWord = sizeof(u64), kRound = 4 * kWord;
    const u8 *at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= kRound; left -= kRound, at += kRound) {
        state = (state ^ word_at(at)) * kPrime;
        state = (state ^ word_at(at + kWord)) * kPrime;
        state = (state ^ word_at(at + 2 * kWord)) * kPrime;
        state = (state ^ word_at(at + 3 * kWord)) * kPrime;
    }
    for (; left >= kWord; left -= kWord, at += kWord) {
        state = (state ^ word_at(at)) * kPrime;
    }
    if (left != 0) {
        u64 word = 0;
        std::memcpy(&word, at, left);
        state = (state ^ word) * kPrime;
    }
    return state;
}

Result<Archive> Archive::open_mapped(u64 address) {
    auto memory = reinterpret_cast<const u8 *>(address);
    ArchiveHeader header;
    std::memcpy(&header, memory, sizeof header);
    return open({memory, header.bytes});
}

Result<Archive> Archive::open(std::span<const u8> memory) {
    ArchiveHeader header;
    if (memory.size() < sizeof header) {
        return ERR_EMPTY;
    }
    std::memcpy(&header, memory.data(), sizeof header);
    if (header.magic != ArchiveHeader::kMagic || header.version != ArchiveHeader::kVersion) {
        return ERR_EMPTY;
    }
    u64 table = sizeof header + u64{header.count} * sizeof(ArchiveEntry);
    if (header.bytes > memory.size()) {
        return ERR_MEMORY;
    }
    if (header.count > ArchiveHeader::kCountMax || table > header.bytes) {
        return ERR_IO;
    }
    u64 sum = header.sum;
    header.sum = 0;
    u64 state = archive_sum({reinterpret_cast<const u8 *>(&header), sizeof header});
    auto entries = memory.subspan(sizeof header, table - sizeof header);
    if (archive_sum(entries, state) != sum) {
        return ERR_IO;
    }
    Archive archive;
    archive.memory_ = memory.first(header.bytes);
    archive.count_ = header.count;
    for (u32 i = 0; i < archive.count_; i++) {
        ArchiveEntry e = archive.entry(i);
        if (!is_name(e.name) || e.offset > header.bytes || e.bytes > header.bytes - e.offset) {
            return ERR_IO;
        }
    }
    return archive;
}

ArchiveEntry Archive::entry(u32 i) const {
    ArchiveEntry e;
    std::memcpy(&e, memory_.data() + sizeof(ArchiveHeader) + i * sizeof e, sizeof e);
    return e;
}

const char *Archive::name_of(u32 i) const {
    auto e = memory_.data() + sizeof(ArchiveHeader) + i * sizeof(ArchiveEntry);
    return reinterpret_cast<const char *>(e);
}

ArchiveFile Archive::file(u32 i) const {
    ArchiveEntry e = entry(i);
    return {name_of(i), memory_.subspan(e.offset, e.bytes), e.sum};
}

bool ArchiveFile::intact() const {
    return archive_sum(content) == sum;
}

Result<ArchiveFile> Archive::find(std::string_view name) const {
    for (u32 i = 0; i < count_; i++) {
        if (name == name_of(i)) {
            ArchiveFile found = file(i);
            return found.intact() ? Result{found} : ERR_IO;
        }
    }
    return ERR_NAME;
}

} // namespace sel
