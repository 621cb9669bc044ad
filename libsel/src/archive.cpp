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

} // namespace

// Most of a start is this, so it goes four words a round, and no word is copied by a call.
u64 archive_sum(std::span<const u8> bytes, u64 state) {
    const u8 *at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= 4 * sizeof(u64); left -= 4 * sizeof(u64), at += 4 * sizeof(u64)) {
        u64 word[4];
        __builtin_memcpy(word, at, sizeof word);
        state = (state ^ word[0]) * kPrime;
        state = (state ^ word[1]) * kPrime;
        state = (state ^ word[2]) * kPrime;
        state = (state ^ word[3]) * kPrime;
    }
    while (left != 0) {
        u64 word = 0;
        std::size_t n = left < sizeof word ? left : sizeof word;
        std::memcpy(&word, at, n);
        state = (state ^ word) * kPrime;
        at += n;
        left -= n;
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
    return {name_of(i), memory_.subspan(e.offset, e.bytes)};
}

bool Archive::intact(u32 i) const {
    return archive_sum(file(i).content) == entry(i).sum;
}

Result<ArchiveFile> Archive::find(std::string_view name) const {
    for (u32 i = 0; i < count_; i++) {
        if (name == name_of(i)) {
            if (!intact(i)) {
                return ERR_IO;
            }
            return file(i);
        }
    }
    return ERR_NAME;
}

} // namespace sel
