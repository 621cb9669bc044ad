// Iobench: instructions of an operation on a disk driver, and on files through vfs, file system and driver.
// SPDX-License-Identifier: BSD-2-Clause
//
// Prints ROW<TAB>INSTRUCTIONS for what is there. Every read is compared with what was written.
// With the path of apps/hello as its argument: the rows of programs instead. With `list`: those of directories.
#include "counter.hpp"

#include "iobench.caps.hpp"

#include "servers/block/client.hpp"
#include "servers/block/scratch.hpp"
#include "servers/file/client.hpp"
#include "servers/stream/print.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/format.hpp"
#include "sel/log.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace {

using block::Op;

constexpr u64 kPatienceMs = 60'000; // Longer than the drivers' own time-outs.
constexpr u32 kBlock = 4096, kLarge = 65536;
constexpr u32 kBlocks = 256; // Of the file: more than the file systems have cache for.
constexpr u32 kOnDisk = 128; // Operations on a driver.

iobench::Counter counter{caps::rest};
file::SharedWindow shared{caps::files, caps::window};

constexpr stream::Printer print{caps::console};

// Numbers below `count` that do not follow each other, always the same ones.
class Random {
  public:
    u32 below(u32 count) {
        state_ = state_ * 6364136223846793005 + 1442695040888963407;
        return static_cast<u32>(state_ >> 33) % count;
    }

  private:
    u64 state_ = 1;
};

// The content of block `number`, in its version `version`.
void fill(std::span<u8> block, u32 number, u32 version) {
    u32 words = static_cast<u32>(block.size() / sizeof(u32));
    for (u32 i = 0; i < words; i++) {
        reinterpret_cast<u32 *>(block.data())[i] = number * 0x01000193 + version * 0x9e3779b1 + i;
    }
}
bool is(std::span<const u8> block, u32 number, u32 version) {
    u32 words = static_cast<u32>(block.size() / sizeof(u32));
    bool same = true;
    for (u32 i = 0; i < words; i++) {
        same = same && reinterpret_cast<const u32 *>(block.data())[i] ==
                           number * 0x01000193 + version * 0x9e3779b1 + i;
    }
    return same;
}

// What operations cost: the mean, as some of them do the work of others, or the median.
class Row {
  public:
    Row(std::string_view subject, std::string_view what) : subject_{subject}, what_{what} {}

    // At most kBlocks times; false if it fails.
    template <typename Operation>
    bool add(Operation operation) {
        u64 start = counter.now();
        sel::Result<> done = operation();
        sample_[count_++] = counter.now() - start;
        if (!done) {
            print("error: iobench: {}_{}: {}\n", subject_, what_, sel::describe(done.error()));
        }
        return done.ok();
    }
    bool wrong() const {
        print("error: iobench: {}_{}: other content than was written\n", subject_, what_);
        return false;
    }
    bool report() const {
        u64 sum = std::accumulate(sample_.begin(), sample_.begin() + count_, u64{0});
        return print("{}_{}\t{}\n", subject_, what_, sum / count_), true;
    }
    // Of each of so many, that all operations were for.
    bool report_each(u64 parts) const {
        u64 sum = std::accumulate(sample_.begin(), sample_.begin() + count_, u64{0});
        return print("{}_{}\t{}\n", subject_, what_, sum / parts), true;
    }
    bool report_median() {
        auto middle = sample_.begin() + count_ / 2;
        std::nth_element(sample_.begin(), middle, sample_.begin() + count_);
        return print("{}_{}\t{}\n", subject_, what_, *middle), true;
    }

  private:
    std::string_view subject_, what_;
    std::array<u64, kBlocks> sample_{};
    u32 count_ = 0;
};

// --- A driver alone: blocks of its partition, one request after the other.

class DiskRows {
  public:
    DiskRows(std::string_view name, sel::Client<block::Api> driver, std::span<u8> region)
        : link_{driver, sel::milliseconds(kPatienceMs), 0, caps::shared.token()}, client_{link_,
                                                                                          region} {
        for (char c : name.substr(0, name.find('/'))) {
            name_.append(c == '-' ? "_" : std::string_view{&c, 1});
        }
    }

    // A disk that may be written.
    bool is_there() {
        return client_.start().ok() && transfer(Op::Read, 0).ok() &&
               std::string_view{reinterpret_cast<const char *>(page().data()),
                                block::kScratchMark.size()} == block::kScratchMark;
    }
    bool run() { return write() && read(); }

  private:
    std::span<u8> page() const { return client_.page(1); }

    sel::Result<> transfer(Op op, u32 number) {
        const u16 pages[] = {1};
        sel::Result<> added = client_.add({.op = op,
                                           .sector = u64{number} * block::kPageSectors,
                                           .sectors = block::kPageSectors,
                                           .pages = pages});
        return added.ok() ? client_.run() : added;
    }

    bool write() {
        Row row{name_.view(), "write_4k"};
        for (u32 i = 1; i <= kOnDisk; i++) {
            fill(page(), i, 0);
            if (!row.add([&] { return transfer(Op::Write, i); })) {
                return false;
            }
        }
        return row.report_median();
    }
    bool read() {
        Row row{name_.view(), "read_4k"};
        for (u32 i = 1; i <= kOnDisk; i++) {
            if (!row.add([&] { return transfer(Op::Read, i); })) {
                return false;
            }
            if (!is(page(), i, 0)) {
                return row.wrong();
            }
        }
        return row.report_median();
    }

    sel::Text<16> name_;
    block::ServerLink link_;
    block::Client client_;
};

// --- A file: through vfs, file system, cache and driver. The content is in shared memory.

class FileRows {
  public:
    FileRows(std::string_view subject, std::string_view path) : subject_{subject}, path_{path} {}

    // A file system that can be written.
    bool is_there() {
        sel::Result<u32> handle = caps::files.call(
            file::Open{.flags = file::kWrite | file::kCreate | file::kTruncate, .data = path_});
        handle_ = handle.value_or(0);
        return handle.ok();
    }
    bool run() {
        bool good = write() && read("read_4k_seq", false) && read("read_4k_random", true) &&
                    read_large() && read_cached() && write_random();
        sel::Result<> closed = caps::files.call(file::Close{.handle = handle_});
        sel::Result<> removed = caps::files.call(file::Remove{.data = path_});
        return good && closed.ok() && removed.ok();
    }

  private:
    static constexpr u32 kRandom = 64; // Each is synced.

    static std::span<u8> window(u32 bytes) { return shared.memory().first(bytes); }

    sel::Result<> put(u32 number) { return shared.write(handle_, u64{number} * kBlock, kBlock); }
    sel::Result<> get(u32 number, u32 bytes = kBlock) {
        sel::Result<u32> count = shared.read(handle_, u64{number} * kBlock, bytes);
        return count.ok() && *count != bytes ? ERR_IO : count.error();
    }
    sel::Result<> sync() { return caps::files.call(file::Sync{.handle = handle_}); }

    // Up to that it is on the disk.
    bool write() {
        Row row{subject_, "write_4k_seq"};
        for (u32 i = 0; i < kBlocks; i++) {
            fill(window(kBlock), i, 0);
            if (!row.add([&] {
                    sel::Result<> done = put(i);
                    return done.ok() && i == kBlocks - 1 ? sync() : done;
                })) {
                return false;
            }
        }
        return row.report();
    }

    bool read(std::string_view what, bool random) {
        Row row{subject_, what};
        Random number;
        for (u32 i = 0; i < kBlocks; i++) {
            u32 block = random ? number.below(kBlocks) : i;
            if (!row.add([&] { return get(block); })) {
                return false;
            }
            if (!is(window(kBlock), block, 0)) {
                return row.wrong();
            }
        }
        return row.report();
    }

    bool read_large() {
        Row row{subject_, "read_64k_seq"};
        for (u32 i = 0; i < kBlocks; i += kLarge / kBlock) {
            if (!row.add([&] { return get(i, kLarge); })) {
                return false;
            }
            for (u32 k = 0; k < kLarge / kBlock; k++) {
                if (!is(window(kLarge).subspan(k * kBlock, kBlock), i + k, 0)) {
                    return row.wrong();
                }
            }
        }
        return row.report();
    }

    bool read_cached() {
        Row row{subject_, "read_4k_cached"};
        bool good = get(0).ok();
        for (u32 i = 0; i < kBlocks && good; i++) {
            good = row.add([&] { return get(0); });
        }
        return good && (is(window(kBlock), 0, 0) ? row.report() : row.wrong());
    }

    bool write_random() {
        Row row{subject_, "write_4k_random"};
        Random number;
        u32 last = 0;
        for (u32 i = 0; i < kRandom; i++) {
            last = number.below(kBlocks);
            fill(window(kBlock), last, 1);
            if (!row.add([&] {
                    sel::Result<> done = put(last);
                    return done.ok() ? sync() : done;
                })) {
                return false;
            }
        }
        bool good = get(last).ok();
        return good && (is(window(kBlock), last, 1) ? row.report_median() : row.wrong());
    }

    std::string_view subject_;
    file::Path path_;
    u32 handle_ = 0;
};

// --- A small file that is open for one read, and what vfs in between costs.

class SmallRows {
  public:
    // `files`: a file system that has this path, or vfs.
    SmallRows(std::string_view subject, sel::Client<file::Api> files, std::string_view path)
        : subject_{subject}, files_{files}, shared_{files, caps::window}, path_{path} {}

    // One block, in the cache, in each row.
    bool run(bool direct) {
        sel::Result<> made = make();
        if (!made) {
            print("error: iobench: {}: {}\n", path_.view(), sel::describe(made.error()));
            return false;
        }
        bool good = direct ? row("direct_4k_cached", [&] { return read(); })
                           : row("open_read_close", [&] { return open_read_close(); }) &&
                                 row("fetch_4k", [&] { return fetch(); });
        sel::Result<> closed = files_.call(file::Close{.handle = handle_});
        return good && closed.ok() && files_.call(file::Remove{.data = path_}).ok();
    }

  private:
    sel::Result<> make() {
        sel::Result<u32> handle = files_.call(
            file::Open{.flags = file::kWrite | file::kCreate | file::kTruncate, .data = path_});
        handle_ = handle.value_or(0);
        fill(shared.memory().first(kBlock), 0, 2);
        sel::Result<> done = handle.ok() ? shared_.write(handle_, 0, kBlock) : handle.error();
        return done.ok() ? files_.call(file::Sync{.handle = handle_}) : done;
    }
    static sel::Result<> all(const sel::Result<u32> &bytes) {
        return bytes.ok() && *bytes != kBlock ? ERR_IO : bytes.error();
    }
    sel::Result<> read() { return all(shared_.read(handle_, 0, kBlock)); }
    sel::Result<> fetch() { return all(shared_.fetch(path_, 0, kBlock)); }
    sel::Result<> open_read_close() {
        sel::Result<u32> handle = files_.call(file::Open{.flags = 0, .data = path_});
        sel::Result<> done = handle.ok() ? all(shared_.read(*handle, 0, kBlock)) : handle.error();
        return done.ok() ? files_.call(file::Close{.handle = *handle}) : done;
    }

    template <typename Operation>
    bool row(std::string_view what, Operation operation) {
        Row row{subject_, what};
        bool good = operation().ok();
        for (u32 i = 0; i < kBlocks && good; i++) {
            good = row.add(operation);
        }
        return good && (is(shared.memory().first(kBlock), 0, 2) ? row.report() : row.wrong());
    }

    std::string_view subject_;
    sel::Client<file::Api> files_;
    file::SharedWindow shared_;
    file::Path path_;
    u32 handle_ = 0;
};

// --- A directory with many entries, listed to its end.

class ListRow {
  public:
    ListRow(std::string_view subject, std::string_view path) : subject_{subject}, path_{path} {}

    // A file system that can be written, and room for it there.
    bool is_there() {
        sel::Result<> made = caps::files.call(file::MakeDirectory{.data = path_});
        return made.ok() || made.error() == ERR_EXISTS;
    }
    bool run() {
        bool good = each_name([](const file::Path &path) { return make(path); });
        Row row{subject_, "list_entry"};
        u32 seen = 0;
        good = good && row.add([&] { return list(seen); });
        if (good && seen != kEntries) {
            print("error: iobench: {} of {} entries\n", seen, kEntries);
            good = false;
        }
        auto remove = [](const file::Path &path) {
            return caps::files.call(file::Remove{.data = path});
        };
        bool gone = each_name(remove) && remove(path_).ok();
        return good && gone && row.report_each(kEntries);
    }

  private:
    static constexpr u32 kEntries = 1000;

    template <typename Action>
    bool each_name(Action action) {
        sel::Result<> done;
        for (u32 i = 0; i < kEntries && done.ok(); i++) {
            file::Path path = path_;
            sel::format(path, "/entry-{}", 1000 + i);
            done = action(path);
        }
        if (!done) {
            print("error: iobench: {}: {}\n", path_.view(), sel::describe(done.error()));
        }
        return done.ok();
    }
    static sel::Result<> make(const file::Path &path) {
        sel::Result<u32> handle =
            caps::files.call(file::Open{.flags = file::kWrite | file::kCreate, .data = path});
        return handle.ok() ? caps::files.call(file::Close{.handle = *handle}) : handle.error();
    }

    sel::Result<> list(u32 &seen) {
        u32 position = 0;
        for (;;) {
            sel::Result<file::Entries> entries =
                caps::files.call(file::List{.position = position, .data = path_});
            if (!entries) {
                return entries.error() == ERR_EMPTY ? OK : entries.error();
            }
            file::Entry entry;
            for (u32 at = 0; entries->take(at, entry); position = entry.next) {
                seen++;
            }
        }
    }

    std::string_view subject_;
    file::Path path_;
};

// --- A small server, from the wish to restart it to its first answer.

bool restart_row() {
    constexpr u32 kTimes = 9;
    Row row{"restart", "small"};
    sel::Result<u32> number = caps::view.call(root::Find{.data = "log"});
    for (u32 i = 0; i < kTimes; i++) {
        bool done = row.add([&]() -> sel::Result<> {
            sel::Result<> started = number.ok()
                                        ? caps::killer.call(supervisor::Restart{.number = *number})
                                        : number.error();
            sel::Log<logging::Writer>{caps::log}.info("back");
            return started;
        });
        if (!done) {
            return false;
        }
    }
    return row.report_median();
}

// --- Programs from a file: their start and end, beside so many others.

class ProgramRows {
  public:
    explicit ProgramRows(std::string_view path) : path_{path} {}

    bool run() {
        bool good = live().ok(); // The file is in the cache.
        for (u32 others : {0u, 10u, 50u, 100u}) {
            good = good && fill(others) && measure(others);
        }
        return good && empty();
    }

  private:
    static constexpr u32 kTimes = 8;

    sel::Result<u32> start(std::string_view arguments) {
        sel::Result<loader::Started> started = caps::programs.call(
            loader::Start{.in = 0, .out = 0, .path = path_, .give = {}, .data = arguments});
        if (!started || started->number == 0) {
            print("error: iobench: {} {}\n", path_.view(),
                  started ? started->data.view() : sel::describe(started.error()));
            return started ? ERR_IO : started.error();
        }
        return started->number;
    }
    sel::Result<> live() {
        sel::Result<u32> number = start("end");
        return number ? caps::programs.call(loader::Wait{.number = *number}).error()
                      : number.error();
    }
    sel::Result<> end(u32 number) { return caps::killer.call(supervisor::Kill{.number = number}); }

    // As many that wait.
    bool fill(u32 others) {
        for (; running_ < others; running_++) {
            sel::Result<u32> number = start("quiet");
            if (!number) {
                return false;
            }
            number_[running_] = *number;
        }
        return true;
    }
    bool empty() {
        while (running_ != 0) {
            if (!end(number_[--running_])) {
                return false;
            }
        }
        return true;
    }

    // Whole lives; then starts up to where the program can run, and ends of such.
    bool measure(u32 others) {
        sel::Text<24> names[3];
        constexpr std::string_view kNames[] = {"life", "start", "end"};
        for (u32 i = 0; i < std::size(names); i++) {
            sel::format(names[i], "{}_beside_{}", kNames[i], others);
        }
        Row lives{"program", names[0]}, starts{"program", names[1]}, ends{"program", names[2]};
        for (u32 i = 0; i < kTimes; i++) {
            u32 number = 0;
            auto begin = [&]() -> sel::Result<> {
                sel::Result<u32> started = start("quiet");
                number = started.value_or(0);
                return started.error();
            };
            if (!lives.add([&] { return live(); }) || !starts.add(begin) ||
                !ends.add([&] { return end(number); })) {
                return false;
            }
        }
        return lives.report_median() && starts.report_median() && ends.report_median();
    }

    file::Path path_;
    u32 number_[100];
    u32 running_ = 0;
};

} // namespace

int main() {
    [[maybe_unused]] auto life = caps::files.call(file::CloseAll{});
    if (sel::Result<> started = counter.start(); !started) {
        print("error: iobench: no thread: {}\n", sel::describe(started.error()));
        return 1;
    }
    std::string_view argument = sel::environment().argument_text();
    bool any = false, good = true;
    if (argument == "list") {
        for (auto [subject, path] :
             {std::pair{"littlefs", "/disk/iolist"}, {"fat", "/fat/iolist"}}) {
            ListRow row{subject, path};
            good = good && row.is_there() && row.run();
        }
        return good ? 0 : 1;
    }
    if (!argument.empty()) {
        static ProgramRows rows{argument};
        return rows.run() ? 0 : 1;
    }
    auto region = caps::shared.make(sel::milliseconds(kPatienceMs));
    sel::Result<> window = shared.make(sel::milliseconds(kPatienceMs));
    if (!region || !window) {
        print("error: iobench: no memory to lend: {}\n",
              sel::describe(region.ok() ? window.error() : region.error()));
        return 1;
    }
    for (const sel::Named<block::Api> &disk : caps::disks) {
        DiskRows rows{disk.name, disk.client, *region};
        if (good && rows.is_there()) {
            any = true;
            good = rows.run();
        }
    }
    constexpr std::string_view kFiles[][2] = {{"littlefs", "/disk/iobench"},
                                              {"fat", "/fat/iobench"}};
    for (auto [subject, path] : kFiles) {
        FileRows rows{subject, path};
        if (good && rows.is_there()) {
            any = true;
            good = rows.run() && SmallRows{subject, caps::files, path}.run(false);
        }
    }
    for (const sel::Named<file::Api> &server : caps::direct) {
        std::string_view subject = server.name == "fs" ? "littlefs" : "fat";
        SmallRows rows{subject, server.client, "/iobench-direct"};
        good = good && (!server.client.call(file::Stat{.data = "/"}) || rows.run(true));
    }
    if (!any) {
        print("error: iobench: expected a disk (scripts/run --disk FILE)\n");
    }
    good = good && restart_row();
    return any && good ? 0 : 1;
}
