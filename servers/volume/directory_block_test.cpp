// Tests of DirectoryBlock: a log of tags by hand, and any bytes.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/directory_block.hpp"

#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>

using namespace volume;

namespace {

// Writes tags as littlefs does.
struct Log {
    std::string bytes = std::string(4, '\0');
    u32 last = 0xffffffff;

    void tag(u32 type, u32 id, std::string_view data, u32 size) {
        u32 tag = type << 20 | id << 10 | size, stored = __builtin_bswap32(tag ^ last);
        bytes.append(reinterpret_cast<const char *>(&stored), sizeof stored);
        bytes.append(data);
        last = tag;
    }
    void tag(u32 type, u32 id, std::string_view data = {}) {
        tag(type, id, data, static_cast<u32>(data.size()));
    }
    // A check sum, which read() does not look at; it turns the top bit of the next tag.
    void sum() {
        tag(0x501, 0x3ff, "SUMS");
        last ^= 0x80000000;
        u32 sum = lfs2_crc(~0u, bytes.data() + begin, bytes.size() - begin - sizeof sum);
        std::memcpy(bytes.data() + bytes.size() - sizeof sum, &sum, sizeof sum);
        begin = bytes.size();
    }
    std::size_t begin = 0; // Of the commit.
    // The whole block, with nothing written behind the log.
    std::unique_ptr<DirectoryBlock> fetch(DirectoryBlock::Commits &commits, bool &good) const {
        auto block = std::make_unique<DirectoryBlock>();
        auto room = block->room(DirectoryBlock::kBytes);
        std::fill(room.begin(), room.end(), u8{0xff});
        // What follows a commit is no tag, whatever its last one was.
        u32 free = 0;
        std::size_t used = std::min(bytes.size(), room.size());
        if (used + sizeof free <= room.size()) {
            free = __builtin_bswap32(last ^ 0x80000000);
            std::memcpy(room.data() + used, &free, sizeof free);
        }
        std::copy_n(bytes.begin(), used, room.begin());
        good = block->read_commits('t', commits);
        return block;
    }
    std::unique_ptr<DirectoryBlock> read() const {
        auto block = std::make_unique<DirectoryBlock>();
        auto room = block->room(static_cast<u32>(bytes.size()));
        std::copy(bytes.begin(), bytes.begin() + static_cast<long>(room.size()), room.begin());
        block->read(static_cast<u32>(bytes.size()), 't');
        return block;
    }
};

std::string shown(const DirectoryBlock &block) {
    std::string all;
    for (u32 id = 0; id < DirectoryBlock::kEntries; id++) {
        DirectoryBlock::Entry e;
        if (block.find(id, e)) {
            all += std::string{e.name} + (e.directory ? "/" : "") + ":" + std::to_string(e.bytes) +
                   ":" + std::string{e.attribute.begin(), e.attribute.end()} + " ";
        }
    }
    return all;
}

} // namespace

TEST_CASE("the last tag of an entry counts, and entries move") {
    Log log;
    log.tag(0x001, 0, "alpha");
    log.tag(0x201, 0, "12345"); // Its content stands here.
    log.tag(0x374, 0, "old");
    log.tag(0x002, 1, "beta");
    log.tag(0x200, 1, "8 bytes.");
    log.sum();
    CHECK(shown(*log.read()) == "alpha:5:old beta/:0: ");
    log.tag(0x374, 0, "new!");
    log.tag(0x202, 0, std::string_view{"\1\0\0\0\0\1\0\0", 8}); // A list of blocks.
    log.sum();
    CHECK(shown(*log.read()) == "alpha:256:new! beta/:0: ");
    log.tag(0x401, 1);
    log.tag(0x001, 1, "amber");
    log.tag(0x201, 1);
    log.sum();
    CHECK(shown(*log.read()) == "alpha:256:new! amber:0: beta/:0: ");
    log.tag(0x4ff, 0);
    log.tag(0x374, 0, "late");
    log.tag(0x374, 1, {}, 0x3ff); // It has none any more.
    log.sum();
    CHECK(shown(*log.read()) == "amber:0:late beta/:0: ");
}

TEST_CASE("half an entry is none") {
    Log log;
    log.tag(0x0ff, 0, "littlefs"); // The superblock.
    log.tag(0x001, 1, "no content");
    log.tag(0x201, 2, "no name");
    log.tag(0x001, 3, "whole");
    log.tag(0x201, 3);
    CHECK(shown(*log.read()) == "whole:0: ");
    log.tag(0x001, 4, "cut", 500); // Ends behind the block.
    CHECK(shown(*log.read()) == "whole:0: ");
}

TEST_CASE("any bytes do no harm") {
    std::mt19937 random{5};
    constexpr u32 kTypes[] = {0x001, 0x002, 0x0ff, 0x200, 0x201, 0x202,
                              0x374, 0x401, 0x4ff, 0x501, 0x600, 0x7ff};
    for (int round = 0; round < 3000; round++) {
        Log log;
        while (log.bytes.size() < 3 * DirectoryBlock::kBytes / 2 && random() % 200 != 0) {
            std::string data(random() % 3 == 0 ? 0 : random() % 12, 'd');
            u32 id = random() % 4 == 0 ? random() % 0x400 : random() % 20;
            u32 size = random() % 30 == 0 ? random() % 0x400 : static_cast<u32>(data.size());
            log.tag(random() % 20 == 0 ? random() % 0x800 : kTypes[random() % std::size(kTypes)],
                    id, data, size);
        }
        auto block = log.read();
        for (u32 id = 0; id <= DirectoryBlock::kEntries + 1; id++) {
            DirectoryBlock::Entry e;
            if (block->find(id, e)) {
                REQUIRE(std::none_of(e.name.begin(), e.name.end(), [](char) { return false; }));
                REQUIRE(e.name.size() + e.attribute.size() < 2 * DirectoryBlock::kEntries);
            }
        }
    }
}

TEST_CASE("a block that nobody has looked at, in one pass") {
    Log log;
    log.tag(0x401, 0);
    log.tag(0x001, 0, "alpha");
    log.tag(0x201, 0, "12345");
    log.tag(0x600, 0x3ff, std::string_view{"\1\0\0\0\2\0\0\0", 8});
    log.sum();
    log.tag(0x401, 0);
    log.tag(0x002, 0, "aaa");
    log.tag(0x200, 0, "12345678");
    log.tag(0x374, 1, "set");
    log.tag(0x601, 0x3ff, std::string_view{"\3\0\0\0\4\0\0\0", 8});
    log.tag(0x5ff, 0x3ff, "12345678");
    log.sum();
    DirectoryBlock::Commits commits;
    bool good = false;
    auto block = log.fetch(commits, good);
    CHECK((good && commits.count == 2 && commits.end == log.bytes.size() &&
           commits.last == log.last));
    CHECK((commits.split && commits.tail[0] == 3 && commits.tail[1] == 4));
    CHECK((shown(*block) == shown(*log.read()) && shown(*block) == "aaa/:0: alpha:5:set "));
    // A cut commit, a tag that is rare, one that makes no sense, and none at all are for the library.
    for (auto [type, id, size] : {std::tuple{0x001u, 2u, 4u},
                                  {0x201u, 2u, 4u},
                                  {0x001u, 3u, 4u},
                                  {0x0ffu, 0u, 8u},
                                  {0x374u, 0u, 0x3ffu},
                                  {0x600u, 0x3ffu, 4u},
                                  {0x101u, 0u, 4u},
                                  {0x401u, 9u, 0u}}) {
        Log more = log;
        more.tag(type, id, std::string(size == 0x3ff ? 0 : size, 'x'), size);
        bool cut = type == 0x001 && id == 2;
        if (!cut) {
            more.sum();
        }
        (void)more.fetch(commits, good);
        CHECK(!good);
    }
    (void)Log{}.fetch(commits, good);
    CHECK(!good);
}

TEST_CASE("a block with one byte damaged is for the library") {
    Log log;
    for (u32 i = 0; i < 20; i++) {
        log.tag(0x401, i);
        log.tag(0x001, i, "name-" + std::to_string(100 + i));
        log.tag(0x201, i, "content");
        log.tag(0x374, i, "123456789");
        if (i % 5 == 4) {
            log.sum();
        }
    }
    DirectoryBlock::Commits commits;
    bool good = false;
    (void)log.fetch(commits, good);
    REQUIRE((good && commits.count == 20));
    for (std::size_t at = 0; at < log.bytes.size(); at++) {
        Log damaged = log;
        damaged.bytes[at] = static_cast<char>(damaged.bytes[at] ^ (1 << at % 8));
        DirectoryBlock::Commits fewer;
        (void)damaged.fetch(fewer, good);
        // Or a tag became one that was never written: then the commits in front of it count.
        CHECK((!good || (fewer.end < commits.end && fewer.count < 20)));
    }
}

TEST_CASE("any bytes as a block that nobody has looked at do no harm") {
    std::mt19937 random{7};
    auto block = std::make_unique<DirectoryBlock>();
    for (u32 round = 0; round < 2000; round++) {
        for (u8 &byte : block->room(DirectoryBlock::kBytes)) {
            byte = static_cast<u8>(random() % 3 == 0 ? random() : 0);
        }
        DirectoryBlock::Commits commits;
        CHECK(!block->read_commits('t', commits));
        (void)shown(*block);
    }
}
