// Boot archives for tests, as scripts/pack_archive.py makes them.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "sel/archive.hpp"

namespace sel::test {

// Its header says of the header and the entries what they are now.
inline void seal(std::vector<u8> &archive) {
    ArchiveHeader h;
    std::memcpy(&h, archive.data(), sizeof h);
    h.sum = 0;
    std::memcpy(archive.data(), &h, sizeof h);
    h.sum = archive_sum({archive.data(), sizeof h + h.count * sizeof(ArchiveEntry)});
    std::memcpy(archive.data(), &h, sizeof h);
}

// Name and content of each file.
inline std::vector<u8>
make_archive(const std::vector<std::pair<std::string, std::vector<u8>>> &files) {
    std::vector<u8> b(sizeof(ArchiveHeader) + files.size() * sizeof(ArchiveEntry));
    for (std::size_t i = 0; i < files.size(); i++) {
        const auto &[name, content] = files[i];
        ArchiveEntry e{};
        std::strncpy(e.name, name.c_str(), sizeof e.name - 1);
        e.offset = b.size();
        e.bytes = content.size();
        e.sum = archive_sum(content);
        std::memcpy(b.data() + sizeof(ArchiveHeader) + i * sizeof e, &e, sizeof e);
        b.insert(b.end(), content.begin(), content.end());
        b.resize((b.size() + 15) & ~15ull);
    }
    ArchiveHeader h{ArchiveHeader::kMagic, ArchiveHeader::kVersion, static_cast<u32>(files.size()),
                    b.size(), 0};
    std::memcpy(b.data(), &h, sizeof h);
    seal(b);
    return b;
}

} // namespace sel::test
