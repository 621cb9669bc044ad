// Power cuts: the log of a mixed workload, cut at 1,000 places; files are old or new, never else.
// SPDX-License-Identifier: BSD-2-Clause
//
// The RAM disk logs every write and flush. A cut at place c leaves on the disk what was written
// before c (clean); or that and a part of the write at c, whose next sector is half old, half new
// (torn); or, of what was written since the last flush, any part in any order, sector by sector
// (reordered). The disk is mounted, and each file is compared with what it may be: the version
// last acknowledged by sync, close, rename or remove, or the one that was under way.
#include "servers/volume/test_disk.hpp"

#include <catch2/catch.hpp>
#include <iostream>
#include <map>
#include <optional>
#include <random>

using namespace volume;
using Event = block::RamDisk::Event;
using Content = std::optional<std::string>; // Nothing: there is no such file.

namespace {

constexpr u64 kMe = 1;
constexpr std::size_t kDiskBytes = 1280 << 10;
constexpr u32 kSector = Cache::kSectorBytes;

// A change of one file: under way from `begun` on, acknowledged at `done` (places in the log).
struct Change {
    std::size_t begun, done;
    Content content;
};

struct Cut {
    std::size_t whole, reach;
};

struct Rename {
    std::size_t begun, done;
    std::string from, to;
    Content moved, replaced;
};

struct Workload {
    TestDisk<LittleFs> t{std::vector<u8>(kDiskBytes)};
    std::vector<u8> start;
    std::map<std::string, std::vector<Change>> history;
    std::vector<Rename> renames;
    std::mt19937 random{2024};

    Workload() {
        REQUIRE(t.start().ok());
        REQUIRE(t.files->make_directory("/d").ok());
        start = t.disk.image;
        t.disk.logging = true;
    }

    const std::vector<Event> &log() const { return t.disk.log; }
    Content now(const std::string &path) {
        auto &changes = history[path];
        return changes.empty() ? Content{} : changes.back().content;
    }
    std::string some_name() {
        return (random() % 3 == 0 ? "/d/" : "/") + std::string{"file"} +
               std::to_string(random() % 6);
    }
    std::string some_text() {
        static const std::size_t sizes[] = {10, 300, 900, 4000, 9000, 20000, 40000};
        std::string text(sizes[random() % 7] + random() % 100, '\0');
        u32 first = static_cast<u32>(random() % 26);
        for (std::size_t i = 0; i < text.size(); i++) { // No two sectors of it are the same.
            text[i] = static_cast<char>('a' + (first + i / kSector) % 26);
        }
        return text;
    }

    void write_anew(const std::string &path) {
        std::size_t begun = log().size();
        std::string text = some_text();
        REQUIRE(put_file(*t.files, path, text).ok()); // Closing acknowledges.
        // Created empty, then written.
        if (!now(path)) {
            history[path].push_back({begun, log().size(), ""});
        }
        history[path].push_back({begun, log().size(), text});
    }
    void change(const std::string &path, bool append) {
        Content old = now(path);
        if (!old) {
            return;
        }
        std::size_t begun = log().size();
        u32 handle = t.files->open(kMe, path, file::kWrite).value();
        std::string text(random() % file::kChunk, 'Z');
        std::size_t at = append ? old->size() : random() % (old->size() + 1);
        REQUIRE(t.files->write(kMe, handle, at, bytes_of(text)).ok());
        if (at + text.size() > old->size()) {
            old->resize(at + text.size());
        }
        old->replace(at, text.size(), text);
        REQUIRE(t.files->sync(kMe, handle).ok());
        history[path].push_back({begun, log().size(), old});
        REQUIRE(t.files->close(kMe, handle).ok());
    }
    void remove(const std::string &path) {
        std::size_t begun = log().size();
        if (now(path)) {
            REQUIRE(t.files->remove(path).ok());
            history[path].push_back({begun, log().size(), {}});
        }
    }
    void rename(const std::string &from, const std::string &to) {
        Content moved = now(from), replaced = now(to);
        if (!moved || from == to) {
            return;
        }
        std::size_t begun = log().size();
        REQUIRE(t.files->rename(from, to).ok());
        history[from].push_back({begun, log().size(), {}});
        history[to].push_back({begun, log().size(), moved});
        renames.push_back({begun, log().size(), from, to, moved, replaced});
    }
    void step() {
        std::string path = some_name();
        switch (random() % 6) {
        case 0:
        case 1:
            return write_anew(path);
        case 2:
            return change(path, true);
        case 3:
            return change(path, false);
        case 4:
            return random() % 2 == 0 ? remove(path) : rename(path, some_name());
        default: { // Directories come and go; they are no files, but move the metadata.
            std::string name = "/e" + std::to_string(random() % 3);
            if (!t.files->make_directory(name).ok()) {
                REQUIRE(t.files->remove(name).ok());
            }
        }
        }
    }

    // Is `content` what `path` may be after a cut? Events before `cut.whole` are on the disk, of
    // those before `cut.reach` there may be something.
    bool allowed(const std::string &path, Cut cut, const Content &content) {
        Content settled;
        std::vector<Content> others;
        for (const Change &change : history[path]) {
            if (change.done <= cut.whole) {
                settled = change.content;
                others.clear();
            } else if (change.begun < cut.reach) {
                others.push_back(change.content);
            }
        }
        return content == settled ||
               std::find(others.begin(), others.end(), content) != others.end();
    }
};

enum class Kind { Clean, Torn, Reordered };

void write_sector(std::vector<u8> &image, const Event &event, std::size_t i, std::size_t bytes) {
    std::copy_n(event.data.begin() + static_cast<std::ptrdiff_t>(i * kSector), bytes,
                image.begin() + static_cast<std::ptrdiff_t>((event.sector + i) * kSector));
}

// What is on the disk if the power goes when `cut` events are done.
std::vector<u8> image_at(std::vector<u8> image, const std::vector<Event> &log, std::size_t cut,
                         Kind kind, std::mt19937 &random) {
    std::size_t flushed = cut;
    while (kind == Kind::Reordered && flushed > 0 && log[flushed - 1].op != block::Op::Flush) {
        flushed--;
    }
    for (std::size_t i = 0; i < flushed; i++) {
        block::RamDisk::apply(image, log[i]);
    }
    if (kind == Kind::Reordered) {
        std::vector<std::pair<std::size_t, std::size_t>> sectors;
        for (std::size_t i = flushed; i < cut; i++) {
            for (std::size_t k = 0; k < log[i].data.size() / kSector; k++) {
                sectors.push_back({i, k});
            }
        }
        std::shuffle(sectors.begin(), sectors.end(), random);
        sectors.resize(sectors.empty() ? 0 : random() % sectors.size());
        for (auto [i, k] : sectors) {
            write_sector(image, log[i], k, kSector);
        }
    }
    if (kind == Kind::Torn && cut < log.size() && log[cut].op == block::Op::Write) {
        std::size_t whole = random() % (log[cut].data.size() / kSector);
        for (std::size_t k = 0; k < whole; k++) {
            write_sector(image, log[cut], k, kSector);
        }
        std::size_t most = random() % 2 == 0 ? kSector : 64;
        write_sector(image, log[cut], whole, random() % most);
    }
    return image;
}

Content read_back(Volume &files, const std::string &path) {
    sel::Result<NodeInfo> info = files.stat(path);
    return info.error() == ERR_NAME ? Content{} : content_of(files, path);
}

// Files and directories anywhere; names that nobody gave would be counted too.
int count_entries(Volume &files, const std::string &directory) {
    int count = 0;
    for (const Seen &seen : list_all(files, directory).entries) {
        count++;
        if (seen.info.kind == file::Kind::Directory) {
            count += count_entries(files, (directory == "/" ? "/" : directory + "/") + seen.name);
        }
    }
    return count;
}

// Empty, or what is wrong on `disk`, mounted, after a cut at `cut`.
std::string problem(TestDisk<LittleFs> &disk, Workload &work, Cut cut) {
    int found = 1; // The directory "/d".
    std::map<std::string, Content> all;
    for (auto &[path, changes] : work.history) {
        all[path] = read_back(*disk.files, path);
        found += all[path] ? 1 : 0;
        if (!work.allowed(path, cut, all[path])) {
            return path + " is neither old nor new";
        }
    }
    for (const Rename &r : work.renames) {
        bool under_way = r.begun < cut.reach && cut.whole < r.done;
        bool before = all[r.from] == r.moved && all[r.to] == r.replaced;
        bool after = !all[r.from] && all[r.to] == r.moved;
        if (under_way && !before && !after) {
            return "half of a rename from " + r.from + " to " + r.to;
        }
    }
    for (const char *directory : {"/e0", "/e1", "/e2"}) {
        found += disk.files->stat(directory).ok() ? 1 : 0;
    }
    if (count_entries(*disk.files, "/") != found) {
        return "names that nobody gave";
    }
    // It goes on working.
    if (!put_file(*disk.files, "/after", "the cut").ok() || !disk.start().ok() ||
        content_of(*disk.files, "/after") != "the cut") {
        return "cannot be written any more";
    }
    return {};
}

} // namespace

TEST_CASE("after a power cut every file is old or new", "[power]") {
    constexpr std::size_t kCuts = 1000;
    Workload work;
    for (int i = 0; i < 400; i++) {
        work.step();
    }
    TestDisk<LittleFs> disk{work.start};
    std::mt19937 random{77};
    std::size_t consistent = 0;
    for (std::size_t i = 0; i < kCuts; i++) {
        auto kind = static_cast<Kind>(i % 3);
        std::size_t cut = i * (work.log().size() + 1) / kCuts;
        disk.disk.image = image_at(work.start, work.log(), cut, kind, random);
        Cut places{cut, kind == Kind::Torn ? cut + 1 : cut};
        std::string wrong = disk.start().ok() ? problem(disk, work, places) : "cannot be mounted";
        CAPTURE(i, cut, static_cast<int>(kind));
        CHECK(wrong == "");
        consistent += wrong.empty() ? 1 : 0;
    }
    std::cout << "power cuts: " << consistent << " of " << kCuts << " consistent\n";
    CHECK(work.log().size() > kCuts);
}

TEST_CASE("a power cut while formatting is made good", "[power]") {
    TestDisk<LittleFs> first{std::vector<u8>(kDiskBytes)};
    first.disk.logging = true;
    REQUIRE(first.start().ok());
    std::vector<Event> log = first.disk.log;
    REQUIRE(log.size() > 5);
    std::mt19937 random{5};
    for (std::size_t cut = 0; cut <= log.size(); cut++) {
        for (int i = 0; i < 60; i++) {
            TestDisk<LittleFs> disk{
                image_at(std::vector<u8>(kDiskBytes), log, cut, static_cast<Kind>(i % 3), random)};
            CAPTURE(cut, i);
            REQUIRE(disk.start().ok());
            REQUIRE(put_file(*disk.files, "/f", "x").ok());
            REQUIRE(disk.start().ok());
            REQUIRE(content_of(*disk.files, "/f") == "x");
        }
    }
}

// A disk that lies about flushes may lose what it said it had; that must be no worse than damage.
TEST_CASE("a disk that loses flushes is no trap", "[power]") {
    Workload work;
    work.t.disk.lose_flushes = true;
    for (int i = 0; i < 100; i++) {
        work.step();
    }
    std::mt19937 random{3};
    int mounted = 0;
    for (int i = 0; i < 100; i++) {
        std::size_t cut = static_cast<std::size_t>(i) * work.log().size() / 100;
        TestDisk<LittleFs> disk{image_at(work.start, work.log(), cut, Kind::Reordered, random)};
        if (disk.start().ok()) {
            mounted++;
            for (auto &[path, changes] : work.history) {
                read_back(*disk.files, path);
            }
            put_file(*disk.files, "/after", "the cut").error();
        }
        CHECK_FALSE(disk.disk.strayed);
    }
    CHECK(mounted > 0);
}
