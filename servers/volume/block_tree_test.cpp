// Large files of littlefs: against a string, what a change costs, nearly full disks, older disks.
// SPDX-License-Identifier: BSD-2-Clause
#include "servers/volume/test_disk.hpp"

#include <catch2/catch.hpp>
#include <random>

#include <lfs2_util.h>

using namespace volume;

namespace {

constexpr u64 kMe = 1;
constexpr u32 kNew = file::kWrite | file::kCreate;
constexpr u32 kBlock = LittleFs::kBlockBytes;
constexpr std::size_t kMiB = 1 << 20;

// Each place has other content.
std::string text_of(std::size_t bytes, u32 version) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; i++) {
        text[i] = static_cast<char>((i >> 9) * 7 + i + version);
    }
    return text;
}

struct Large : TestDisk<LittleFs> {
    explicit Large(std::size_t bytes) : TestDisk{std::vector<u8>(bytes)} {
        REQUIRE(start().ok());
        open();
    }
    void open() { handle = files->open(kMe, "/f", kNew).value(); }
    sel::Result<> put(u64 offset, std::string_view text) {
        return files->write(kMe, handle, offset, bytes_of(text));
    }
    std::string get() {
        std::string text(files->stat("/f").value().bytes, '?');
        std::span<u8> out{reinterpret_cast<u8 *>(text.data()), text.size()};
        REQUIRE(files->read(kMe, handle, 0, out).value() == text.size());
        return text;
    }
    u64 used() { return files->usage().value().bytes; }

    u32 handle = 0;
};

// The version that the superblocks of littlefs say, with right check sums.
void set_version(std::vector<u8> &image, u32 version) {
    for (std::size_t block : {std::size_t{0}, std::size_t{kBlock}}) {
        u32 previous = ~u32{0}, sum = lfs2_crc(~u32{0}, &image[block], 4);
        for (std::size_t at = block + 4; at < block + kBlock;) {
            u32 tag;
            std::memcpy(&tag, &image[at], sizeof tag);
            previous ^= __builtin_bswap32(tag);
            u32 size = previous & 0x3ff;
            sum = lfs2_crc(sum, &image[at], 4);
            if ((previous >> 20 & 0x780) == 0x500 && previous >> 20 != 0x5ff) {
                std::memcpy(&image[at + 4], &sum, sizeof sum);
                break;
            }
            if (previous >> 20 == 0x201 && (previous >> 10 & 0x3ff) == 0) {
                std::memcpy(&image[at + 4], &version, sizeof version);
            }
            u32 data = size == 0x3ff ? 0 : size;
            sum = lfs2_crc(sum, &image[at + 4], data);
            at += 4 + data;
        }
    }
}

// A file that littlefs itself keeps, as all were before there were trees; of its version then.
std::vector<u8> image_of_littlefs(std::string_view content) {
    TestDisk<LittleFs> t{std::vector<u8>(4 * kMiB)};
    REQUIRE(t.start().ok());
    static std::vector<u8> *image;
    image = &t.disk.image;
    lfs2_config config{};
    config.context = t.fs.get(); // Which our patch asks for trees; it has none.
    config.read = [](auto *, lfs2_block_t block, lfs2_off_t offset, void *to, lfs2_size_t size) {
        std::memcpy(to, &(*image)[std::size_t{block} * kBlock + offset], size);
        return 0;
    };
    config.prog = [](auto *, lfs2_block_t block, lfs2_off_t offset, const void *from,
                     lfs2_size_t size) {
        std::memcpy(&(*image)[std::size_t{block} * kBlock + offset], from, size);
        return 0;
    };
    config.erase = [](auto *, lfs2_block_t) { return 0; };
    config.sync = [](auto *) { return 0; };
    std::vector<u64> buffer(4 * kBlock / sizeof(u64));
    config.read_size = 64;
    config.prog_size = 512;
    config.block_size = kBlock;
    config.block_count = 4 * kMiB / kBlock - 1;
    config.block_cycles = -1;
    config.cache_size = 1024;
    config.lookahead_size = 4096;
    config.read_buffer = &buffer[0];
    config.prog_buffer = &buffer[512];
    config.lookahead_buffer = &buffer[1024];
    lfs2_t fs{};
    lfs2_file_t file{};
    lfs2_file_config open{};
    open.buffer = &buffer[1536];
    REQUIRE(lfs2_mount(&fs, &config) == 0);
    REQUIRE(lfs2_file_opencfg(&fs, &file, "f", LFS2_O_CREAT | LFS2_O_RDWR, &open) == 0);
    REQUIRE(lfs2_file_write(&fs, &file, content.data(), static_cast<lfs2_size_t>(content.size())) ==
            static_cast<lfs2_ssize_t>(content.size()));
    REQUIRE(lfs2_file_close(&fs, &file) == 0);
    set_version(t.disk.image, 0x00020001);
    return t.disk.image;
}

// Does a superblock say so? The newest commit of it stands behind the others.
bool says_version(const std::vector<u8> &image, u8 minor) {
    const u8 version[] = {minor, 0, 2, 0, 0, 0x10, 0, 0}; // And the size of a block.
    auto end = image.begin() + 2 * kBlock;
    return std::search(image.begin(), end, std::begin(version), std::end(version)) != end;
}

} // namespace

TEST_CASE("a large file agrees with a string", "[tree]") {
    Large t{24 * kMiB};
    const std::size_t most = GENERATE(100'000u, 5u << 20); // One level of numbers, and two.
    t.disk.sector_bytes = GENERATE(512u, 4096u);
    REQUIRE(t.start().ok());
    t.open();
    std::mt19937 random{7};
    std::string model;
    for (u32 step = 0; step < 400; step++) {
        std::size_t at = random() % (model.size() + 9000) % most;
        switch (random() % 8) {
        case 0:
            at = random() % 4 == 0 ? random() % 100 : random() % (most / 2 + model.size());
            at = std::min(at, model.size() + (3 << 20));
            REQUIRE(t.files->truncate(kMe, t.handle, at).ok());
            model.resize(at, '\0');
            break;
        case 1:
            REQUIRE(t.files->sync(kMe, t.handle).ok());
            break;
        case 2:
            REQUIRE(t.files->sync(kMe, t.handle).ok());
            REQUIRE(t.start().ok());
            REQUIRE(t.files->stat("/f")->bytes == model.size());
            t.open();
            break;
        case 3:
            REQUIRE(t.files->rename("/f", "/g").ok());
            REQUIRE(t.files->rename("/g", "/f").ok());
            break;
        default: {
            std::string text = text_of(random() % (random() % 4 == 0 ? 70'000 : 5000), step);
            REQUIRE(t.put(at, text).ok());
            model.resize(std::max(model.size(), text.empty() ? 0 : at + text.size()), '\0');
            model.replace(std::min(at, model.size()), text.size(), text);
        }
        }
        if (step % 10 == 0) {
            REQUIRE((t.get() == model));
        }
    }
    REQUIRE((t.get() == model));
    CHECK(check_all(*t.files, "/")->damaged == 0);
    CHECK_FALSE(t.disk.strayed);
}

TEST_CASE("a change in the middle writes what it changes", "[tree]") {
    const std::size_t bytes = GENERATE(1u << 20, 6u << 20);
    Large t{16 * kMiB};
    REQUIRE(t.put(0, text_of(bytes, 0)).ok());
    REQUIRE(t.files->sync(kMe, t.handle).ok());
    u64 before = t.cache->counts().pages_written;
    REQUIRE(t.put(bytes / 2, text_of(kBlock, 1)).ok());
    REQUIRE(t.files->sync(kMe, t.handle).ok());
    // Content, numbers, in the longer file numbers of those, and the commit that names them.
    CHECK(t.cache->counts().pages_written - before <= (bytes > 4 * kMiB ? 5 : 4));
}

TEST_CASE("blocks of a large file come back", "[tree]") {
    Large t{8 * kMiB};
    u64 empty = t.used();
    REQUIRE(t.put(0, text_of(5 * kMiB, 0)).ok());
    REQUIRE(t.files->sync(kMe, t.handle).ok());
    CHECK(t.used() == empty + 5 * kMiB + 3 * kBlock);
    // More than is free: what was replaced is free with the commit.
    for (u32 round = 0; round < 6; round++) {
        CAPTURE(round);
        REQUIRE(t.put(round * kMiB / 2, text_of(2 * kMiB, round)).ok());
        CHECK(t.used() > empty + 7 * kMiB);
        REQUIRE(t.files->sync(kMe, t.handle).ok());
        CHECK(t.used() == empty + 5 * kMiB + 3 * kBlock);
    }
    REQUIRE(t.files->truncate(kMe, t.handle, kMiB).ok());
    REQUIRE(t.files->sync(kMe, t.handle).ok());
    CHECK(t.used() == empty + kMiB + kBlock);
    REQUIRE(t.files->truncate(kMe, t.handle, 0).ok());
    REQUIRE(t.files->sync(kMe, t.handle).ok());
    CHECK(t.used() == empty);
    CHECK(t.put(0, "small again").ok());
    CHECK(t.get() == "small again");
}

TEST_CASE("a full disk refuses a change of a large file, and keeps it", "[tree]") {
    Large t{8 * kMiB};
    const std::string old = text_of(5 * kMiB, 0);
    REQUIRE(t.put(0, old).ok());
    REQUIRE(t.files->sync(kMe, t.handle).ok());
    std::size_t changed = 0;
    error_t error = OK;
    while (error == OK && changed < old.size()) {
        error = t.put(changed, text_of(kBlock, 9)).error();
        changed += error == OK ? kBlock : 0;
    }
    CHECK(error == ERR_FULL);
    CHECK(changed > 2 * kMiB);
    REQUIRE(t.files->sync(kMe, t.handle).ok());
    std::string now = t.get();
    CHECK((now.substr(changed) == old.substr(changed)));
    CHECK((now.substr(changed - kBlock, kBlock) == text_of(kBlock, 9)));
    CHECK(t.put(changed, text_of(kBlock, 9)).ok());
}

TEST_CASE("what is not committed of a large file is forgotten with a failure", "[tree]") {
    Large t{8 * kMiB};
    const std::string old = text_of(kMiB, 0);
    REQUIRE(t.put(0, old).ok());
    REQUIRE(t.files->sync(kMe, t.handle).ok());
    REQUIRE(t.put(5000, text_of(70'000, 3)).ok());
    t.disk.fault = [](const block::Request &r) { return r.op == block::Op::Write ? ERR_IO : OK; };
    CHECK(t.files->sync(kMe, t.handle).error() == ERR_IO);
    t.disk.fault = {};
    CHECK((t.get() == old));
}

TEST_CASE("files from before there were trees stay as they are", "[tree]") {
    const std::string old = text_of(100'000, 4);
    TestDisk<LittleFs> t{image_of_littlefs(old)};
    REQUIRE_FALSE(says_version(t.disk.image, 2));
    REQUIRE(t.start().ok());
    CHECK((content_of(*t.files, "/f") == old));
    CHECK(says_version(t.disk.image, 1));
    CHECK_FALSE(says_version(t.disk.image, 2));
    u32 handle = t.files->open(kMe, "/f", file::kWrite).value();
    const std::string change = text_of(file::kChunk, 5);
    REQUIRE(t.files->write(kMe, handle, 50'000, bytes_of(change)).ok());
    REQUIRE(t.files->close(kMe, handle).ok());
    REQUIRE(t.start().ok());
    std::string now = old;
    now.replace(50'000, change.size(), change);
    CHECK((content_of(*t.files, "/f") == now));
    CHECK(check_all(*t.files, "/")->damaged == 0);
    // The disk says that there may be trees, before there are.
    CHECK(says_version(t.disk.image, 2));
}
