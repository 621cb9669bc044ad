// Hostile disks: 100,000 damaged images are mounted, walked and written to; nothing goes wrong.
// SPDX-License-Identifier: BSD-2-Clause
//
// "Nothing wrong": the program ends (the sanitizers of the other build say whether in peace), no
// operation goes on for ever (pages looked at are counted), and no request is outside the
// disk or the pool. Damage, with a fixed seed: flipped bits, numbers replaced by small and extreme
// ones, blocks copied over others, disks cut short. littlefs protects its metadata by check sums, so
// most of its images get correct ones again after the damage: pointers that loop are believed.
#include "servers/volume/test_disk.hpp"

#include <catch2/catch.hpp>
#include <iostream>
#include <random>

#include <lfs2_util.h>

using namespace volume;

namespace {

// All of them with sanitizers, which see what would otherwise go unseen; a fifth without.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOSTILE_ALL
#endif
#endif
#ifdef HOSTILE_ALL
constexpr u32 kShare = 1;
#else
constexpr u32 kShare = 5;
#endif

// Fixed, unless somebody looks for more.
u32 seed(u32 usual) {
    const char *other = std::getenv("HOSTILE_SEED");
    return other != nullptr ? static_cast<u32>(std::atoi(other)) : usual;
}

constexpr u64 kMe = 1;
constexpr u64 kLooksMax = 2'000'000; // At pages, for one image.

using Image = std::vector<u8>;

u32 load(const u8 *at, bool big_endian) {
    u32 value;
    std::memcpy(&value, at, sizeof value);
    return big_endian ? __builtin_bswap32(value) : value;
}

void store(u8 *at, u32 value, bool big_endian) {
    value = big_endian ? __builtin_bswap32(value) : value;
    std::memcpy(at, &value, sizeof value);
}

class Damage {
  public:
    Damage(Image &image, std::mt19937 &random) : image_{image}, random_{random} {}

    // A value that is likely to mean something else.
    u32 value() {
        static const u32 extreme[] = {0,          1,          0xff,       0xffff,  0x7fffffff,
                                      0x80000000, 0xfffffffe, 0xffffffff, 0x10000, 4096};
        return random_() % 3 == 0 ? extreme[random_() % std::size(extreme)] : random_() % 24;
    }
    // A place in the first `range` bytes, mostly one where there is something.
    std::size_t place(std::size_t range) {
        std::size_t at = random_() % range;
        for (int i = 0; i < 20 && image_[at] == 0; i++) {
            at = random_() % range;
        }
        return at;
    }
    void flip_bits(std::size_t range) {
        for (u32 n = 1 + random_() % 8; n != 0; n--) {
            image_[place(range)] ^= static_cast<u8>(1u << random_() % 8);
        }
    }
    void replace_numbers(std::size_t range) {
        for (u32 n = 1 + random_() % 4; n != 0; n--) {
            std::size_t bytes = std::size_t{1} << random_() % 3;
            std::size_t at = std::min(place(range) / bytes * bytes, image_.size() - 4);
            u32 v = value();
            std::memcpy(&image_[at], &v, bytes);
        }
    }
    void copy_block(std::size_t range, std::size_t block) {
        std::size_t from = place(range) / block * block, to = place(range) / block * block;
        std::copy_n(image_.begin() + static_cast<std::ptrdiff_t>(from), block,
                    image_.begin() + static_cast<std::ptrdiff_t>(to));
    }
    void any(std::size_t range, std::size_t block) {
        switch (random_() % 3) {
        case 0:
            return flip_bits(range);
        case 1:
            return replace_numbers(range);
        default:
            return copy_block(range, block);
        }
    }

  private:
    Image &image_;
    std::mt19937 &random_;
};

// A metadata block of littlefs: walks its commits, may change tags and data, makes the sums right.
class MetadataBlock {
  public:
    explicit MetadataBlock(u8 *block) : block_{block} {}

    // `change(tag, data, size)` may change each of them but the size.
    template <typename Change>
    void edit(Change change) {
        u32 previous = ~0u, old_previous = ~0u, at = 4;
        u32 sum = lfs2_crc(~0u, block_, 4);
        while (at + 4 <= LittleFs::kBlockBytes) {
            u32 tag = load(block_ + at, true) ^ old_previous;
            u32 size = (tag & 0x3ff) == 0x3ff ? 0 : tag & 0x3ff;
            if ((tag & 0x80000000) != 0 || at + 4 + size > LittleFs::kBlockBytes) {
                return;
            }
            u32 type = tag >> 20 & 0x7ff;
            bool is_sum = (type & 0x780) == 0x500 && type != 0x5ff;
            u32 changed = tag;
            if (!is_sum) {
                change(changed, block_ + at + 4, size);
                changed = (changed & 0x7ffffc00) | (tag & 0x3ff);
            }
            store(block_ + at, changed ^ previous, true);
            sum = lfs2_crc(sum, block_ + at, 4);
            if (is_sum) {
                store(block_ + at + 4, sum, false);
                sum = ~0u;
            } else {
                sum = lfs2_crc(sum, block_ + at + 4, size);
            }
            // The tag after a sum may be of the other phase.
            u32 phase = is_sum ? (type & 1) << 31 : 0;
            old_previous = tag ^ phase;
            previous = changed ^ phase;
            at += 4 + size;
        }
    }

  private:
    u8 *block_;
};

// Changes pointers, sizes, names and kinds in the metadata, with right check sums.
void mislead(Image &image, std::mt19937 &random) {
    Damage damage{image, random};
    u32 odds = 4 + random() % 40;
    for (std::size_t block = 0; block < image.size() / LittleFs::kBlockBytes; block++) {
        u8 *start = &image[block * LittleFs::kBlockBytes];
        if (load(start, false) == 0 || load(start, false) > 0xffff) {
            continue; // No revision count: content of a file.
        }
        MetadataBlock{start}.edit([&](u32 &tag, u8 *data, u32 size) {
            if (random() % odds != 0) {
                return;
            }
            switch (random() % 4) {
            case 0: // Its kind.
                tag ^= 1u << (20 + random() % 11);
                return;
            case 1: // What it belongs to.
                tag ^= 1u << (10 + random() % 4);
                return;
            default: // A number in it: block, size, offset.
                if (size >= 4) {
                    store(data + random() % (size / 4) * 4, damage.value(), false);
                }
            }
        });
    }
}

// Changes the numbers of blocks in the node of a tree (BlockTrees): few, and nothing behind them.
void mislead_trees(Image &image, std::mt19937 &random) {
    Damage damage{image, random};
    for (std::size_t at = 0; at + LittleFs::kBlockBytes <= image.size();
         at += LittleFs::kBlockBytes) {
        u8 *node = &image[at];
        bool numbers = std::all_of(node, node + 20, [](u8 byte) { return byte < 32; });
        bool end =
            std::all_of(node + 20, node + LittleFs::kBlockBytes, [](u8 b) { return b == 0; });
        for (u32 n = random() % 4; n != 0 && numbers && end && load(node, false) != 0; n--) {
            store(node + random() % 8 * 4, damage.value(), false);
        }
    }
}

// All that a client could do, in a random order, without believing that anything works.
class Visitor {
  public:
    Visitor(Volume &files, std::mt19937 &random) : files_{files}, random_{random} {}

    void visit() {
        walk("/", 0);
        for (int i = 0; i < 3; i++) {
            write();
        }
        files_.usage().error();
        files_.sync_all().error();
        files_.close_all(kMe);
        list_some(files_, paths_[0]);
    }

  private:
    void walk(const std::string &directory, int depth) {
        u32 position = random_() % 2 == 0 ? 0 : random_() % 4;
        std::vector<Seen> entries = list_some(files_, directory, position).entries;
        for (u32 i = 0; i < entries.size() && i < 4; i++) {
            position = entries[i].next;
            std::string path = (depth == 0 ? "/" : directory + "/") + entries[i].name;
            paths_[random_() % std::size(paths_)] = path;
            if (entries[i].info.kind == file::Kind::Directory && depth < 3) {
                walk(path, depth + 1);
            } else {
                read(path);
            }
        }
        list_some(files_, directory, position);
    }
    void read(const std::string &path) {
        sel::Result<u32> handle = files_.open(kMe, path, 0);
        if (!handle) {
            return;
        }
        u8 part[file::kChunk];
        for (u64 offset : {u64{0}, u64{4000}, u64{1} << 30}) {
            files_.read(kMe, *handle, offset, part).error();
        }
        files_.close(kMe, *handle).error();
    }
    void write() {
        const std::string &path = paths_[random_() % std::size(paths_)];
        const std::string &other = paths_[random_() % std::size(paths_)];
        switch (random_() % 6) {
        case 0:
            files_.make_directory(other + "/new").error();
            return;
        case 1:
            files_.remove(path).error();
            return;
        case 2:
            files_.rename(path, other).error();
            return;
        case 3:
            files_.rename(path, other + "x").error();
            return;
        default:
            break;
        }
        u8 part[file::kChunk] = {1};
        sel::Result<u32> handle = files_.open(kMe, path, file::kWrite | file::kCreate);
        if (handle.ok()) {
            files_.append(kMe, *handle, part).error();
            files_.write(kMe, *handle, random_() % 20'000, part).error();
            files_.truncate(kMe, *handle, random_() % 20'000).error();
            files_.sync(kMe, *handle).error();
            files_.close(kMe, *handle).error();
        }
    }

    Volume &files_;
    std::mt19937 &random_;
    std::string paths_[6] = {"/a", "/b", "/c", "/d/inner", "/d", "/new file"};
};

// Things to be damaged: short and long files, directories, a long directory.
void furnish(Volume &files) {
    REQUIRE(put_file(files, "/a", std::string(100, 'a')).ok());
    REQUIRE(put_file(files, "/b", std::string(6000, 'b')).ok());
    REQUIRE(put_file(files, "/c", std::string(18'000, 'c')).ok());
    REQUIRE(files.make_directory("/d").ok());
    REQUIRE(put_file(files, "/d/inner", "text").ok());
    REQUIRE(files.make_directory("/d/e").ok());
    REQUIRE(put_file(files, "/d/e/A longer name than eight and three", "text").ok());
    for (int i = 0; i < 3; i++) {
        REQUIRE(put_file(files, "/d/file" + std::to_string(i), std::to_string(i)).ok());
    }
    REQUIRE(files.sync_all().ok());
}

struct Count {
    u32 images = 0, mounted = 0, sound = 0, stopped = 0;
    u64 worst = 0;
};

// Did the library meet something that it had not expected?
bool was_stopped(const LittleFs &fs) {
    return fs.broken();
}
bool was_stopped(const Fat &) {
    return false;
}

// One image: `damage` it, use it.
template <typename Fs, typename Damager>
void try_image(TestDisk<Fs> &t, const Image &base, std::mt19937 &random, Count &count,
               Damager damage) {
    t.disk.image = base;
    damage(t.disk.image);
    count.images++;
    if (t.start().ok()) {
        count.mounted++;
        Visitor{*t.files, random}.visit();
        t.files.reset();
        Structures found{};
        for (bool repair : {false, true}) {
            for (bool more = t.fs->begin_check(repair).ok(); more;) {
                more = !t.fs->check(found).value_or(true);
            }
        }
    }
    t.files.reset();
    count.stopped += was_stopped(*t.fs) ? 1 : 0;
    u64 looks = t.cache->counts().hits + t.cache->counts().misses;
    count.worst = std::max(count.worst, looks);
    count.sound += !t.disk.strayed && looks < kLooksMax ? 1 : 0;
}

template <typename Fs>
Image furnished(Image image) {
    TestDisk<Fs> t{std::move(image)};
    REQUIRE(t.start().ok());
    furnish(*t.files);
    return t.disk.image;
}

void report(const char *what, const Count &count) {
    std::cout << "hostile " << what << " images: " << count.sound << " of " << count.images
              << " harmless; " << count.mounted << " mounted, at most " << count.worst
              << " looks at pages each\n";
    if (count.stopped != 0) {
        std::cout << "    " << count.stopped << " of them stopped by an assertion\n";
    }
    CHECK(count.sound == count.images);
    CHECK(count.mounted > count.images / 10);
    CHECK(count.mounted < count.images);
}

} // namespace

TEST_CASE("hostile littlefs images are harmless", "[hostile]") {
    constexpr u32 kImages = 40'000 / kShare;
    constexpr std::size_t kBytes = 32 * LittleFs::kBlockBytes;
    Image base = furnished<LittleFs>(Image(kBytes));
    TestDisk<LittleFs> t{base};
    std::mt19937 random{seed(1)};
    Count count;
    while (count.images < kImages) {
        try_image(t, base, random, count, [&](Image &image) {
            if (random() % 2 == 0) {
                mislead_trees(image, random);
            }
            if (random() % 5 != 0) {
                return mislead(image, random);
            }
            Damage{image, random}.any(image.size(), LittleFs::kBlockBytes);
            if (random() % 4 == 0) {
                image.resize(LittleFs::kBlockBytes * (1 + random() % 32));
            }
        });
    }
    report("littlefs", count);
}

TEST_CASE("hostile FAT images are harmless", "[hostile][fat]") {
    struct Type {
        const char *options;
        std::size_t bytes, metadata; // The metadata, and the directories, are at the start.
        u32 images;
    };
    const Type type = GENERATE(Type{"-F 12 -s 1", 96 << 10, 16 << 10, 56'000},
                               Type{"-F 16 -s 1", 2200 << 10, 60 << 10, 4'000});
    Image base = furnished<Fat>(fat_image(type.bytes, type.options));
    TestDisk<Fat> t{base};
    std::mt19937 random{seed(2)};
    Count count;
    while (count.images < type.images / kShare) {
        try_image(t, base, random, count, [&](Image &image) {
            std::size_t range = random() % 2 == 0 ? 512 : type.metadata;
            Damage{image, random}.any(range, range == 512 ? 32 : 512);
            if (random() % 20 == 0) {
                image.resize(512 * (1 + random() % (type.bytes / 512)));
            }
        });
    }
    report("FAT", count);
}
