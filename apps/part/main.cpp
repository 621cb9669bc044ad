// Part: shows and changes partition tables.
// SPDX-License-Identifier: BSD-2-Clause
//
//   part                           the disks, and what is on them
//   part DISK new [-f]             an empty GPT; -f: also over something
//   part DISK add TYPE [SIZE]      trustos, fat or linux; "100M", or all of the largest gap
//   part DISK remove NUMBER
// A disk is named by its driver, and by its number there if it is not the first: `nvme`, `nvme:2`.
// A disk is changed only while nobody else writes to it. Its driver is then started anew. A file system
// whose partition is another one gets ERR_GONE (servers/block/client.hpp), so nothing is written to the
// wrong place.
#include "gpt.hpp"

#include "part.caps.hpp"

#include "servers/stream/print.hpp"
#include "servers/volume/signature.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/format.hpp"
#include "sel/words.hpp"

#include <optional>

namespace {

constexpr u64 kPatienceMs = 60'000; // Longer than the drivers' own time-outs.

enum : int { kGood = 0, kBad = 1, kUsage = 2 };

constexpr stream::Printer print{caps::console};

template <typename... Ts>
int fail(std::string_view pattern, const Ts &...values) {
    sel::Text<200> line;
    sel::format(line, pattern, values...);
    print("error: part: {}\n", line.view());
    return kBad;
}

int usage() {
    print("error: part: expected nothing, or DISK and one of: new [-f], add trustos|fat|linux "
          "[SIZE], "
          "remove NUMBER\n");
    return kUsage;
}

struct Type {
    std::string_view word, name;
    block::Guid guid;
};
constexpr Type kTypes[] = {
    {"trustos", "system", block::kSystemType},
    {"fat", "exchange", part::kBasicType},
    {"linux", "linux", block::kLinuxType},
};

std::string_view word_of(block::Guid type) {
    for (const Type &known : kTypes) {
        if (known.guid == type) {
            return known.word;
        }
    }
    return type == block::Guid{} ? "" : "other";
}

// Distinct ones, which nobody needs to be unable to guess: of the date and the clock.
block::Guid new_id() {
    static u64 state = caps::timer.call(timer::Date{}).value_or(0) * 1'000'000'007;
    auto next = [&] {
        state += 0x9e3779b97f4a7c15 + sel::now();
        u64 z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9; // SplitMix64.
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
    };
    constexpr u64 kVersion = u64{4} << 60, kVariant = 0x80; // RFC 4122, version 4.
    return {(next() & ~(u64{0xf} << 60)) | kVersion, (next() & ~u64{0xc0}) | kVariant};
}

// "100M" in bytes; 0: it is none.
u64 size_of(std::string_view text) {
    u64 unit = 0, number = 0;
    if (!text.empty()) {
        unit = text.back() == 'M' ? 1 << 20 : text.back() == 'G' ? 1 << 30 : 0;
        text.remove_suffix(1);
    }
    for (char c : text) {
        if (c < '0' || c > '9' || number > 1'000'000) {
            return 0;
        }
        number = number * 10 + static_cast<u64>(c - '0');
    }
    return number * unit;
}

class Disk {
  public:
    Disk(const sel::Named<block::Api> &driver, u32 number, std::span<u8> region)
        : driver_{driver.name}, name_{block::disk_name(driver.name, number)},
          link_{driver.client, sel::milliseconds(kPatienceMs), number, caps::shared.token()},
          client_{link_, region} {}
    std::string_view name() const { return name_; }

    sel::Result<> start(block::Access access) { return client_.start(access); }

    int explain_start(error_t error) {
        switch (error) {
        case ERR_NAME:
            return fail("{}: there is no disk", name_);
        case ERR_IO:
            return fail("{}: the driver cannot use this disk (its log says why)", name_);
        case ERR_BUSY:
            return tell_busy();
        default:
            return fail("{}: {}", name_, sel::describe(error));
        }
    }

    int show() {
        volume::Cache cache{client_};
        const block::Disk &disk = client_.disk();
        block::Table table =
            block::read_table(disk.sectors, disk.sector_bytes, [&](u64 sector, block::Sector &to) {
                return cache.read(sector * block::kSectorBytes, to).ok();
            });
        print("{}: {}, {} MiB, sectors of {} bytes, table {}{}{}\n", name_, disk.data,
              mib(disk.sectors), disk.sector_bytes, table.kind, table.refused.empty() ? "" : ": ",
              table.refused);
        for (u32 i = 0; i < block::Table::kPartitions; i++) {
            const block::Partition &p = table.partition[i];
            if (p.sectors != 0 || !p.doubt.empty()) {
                print("  {}/{:<3} at {:7} MiB, {:7} MiB  {:<7} {}{}{}\n", name_, i + 1,
                      mib(p.first), mib(p.sectors), word_of(p.type), p.label,
                      p.doubt.empty() ? "" : ": ", p.doubt);
            }
        }
        return kGood;
    }

    int make_table(bool force) {
        volume::Cache cache{client_};
        sel::Text<120> found;
        sel::Result<> cleared = volume::clear_for_format(cache, force, found);
        if (cleared.error() == ERR_EXISTS) {
            return fail("{} {}; with -f behind it, that is lost", name_, found);
        }
        part::Gpt gpt{cache};
        if (cleared.ok()) {
            cleared = gpt.clear(new_id());
        }
        return finish(gpt, cleared);
    }

    int add(const Type &type, u64 bytes) {
        volume::Cache cache{client_};
        part::Gpt gpt{cache};
        if (sel::Result<> loaded = gpt.load(); !loaded) {
            return explain(loaded.error());
        }
        sel::Result<u32> number = gpt.add(bytes, type.guid, new_id(), type.name);
        if (!number) {
            return fail("{}: there is no room for it", name_);
        }
        int status = finish(gpt, {});
        if (status == kGood) {
            print("{}/{}\n", name_, *number);
        }
        return status;
    }

    int remove(u32 number) {
        volume::Cache cache{client_};
        part::Gpt gpt{cache};
        if (sel::Result<> loaded = gpt.load(); !loaded) {
            return explain(loaded.error());
        }
        sel::Result<> removed = gpt.remove(number);
        return removed.ok() ? finish(gpt, {}) : fail("{} has no partition {}", name_, number);
    }

  private:
    // Somebody else writes to it.
    int tell_busy() {
        sel::Result<root::Program> user =
            caps::view.call(root::GetProgram{.number = link_.writer()});
        return fail("{} is in use by {}: what is mounted from it is to be taken out first (umount)",
                    name_, user.ok() ? user->data.view() : "another program");
    }

    static u64 mib(u64 sectors) { return sectors >> 11; }

    int explain(error_t error) const {
        switch (error) {
        case ERR_NAME:
            return fail("{} has no GPT, or a damaged one (part {} new makes one)", name_, name_);
        case ERR_TYPE:
            return fail("{} has a GPT of another form: left as it is", name_);
        case ERR_FULL:
            return fail("{} is too small for a partition table", name_);
        case ERR_RIGHT:
            return fail("{} is read-only", name_);
        default:
            return fail("{}: {}", name_, sel::describe(error));
        }
    }

    template <typename Gpt>
    int finish(Gpt &gpt, const sel::Result<> &changed) {
        sel::Result<> done = changed.ok() ? gpt.store() : changed;
        if (!done) {
            return explain(done.error());
        }
        sel::Result<u32> number = caps::view.call(root::Find{.data = driver_});
        sel::Result<> restarted =
            number.ok() ? caps::supervisor.call(supervisor::Restart{.number = *number})
                        : number.error();
        return restarted.ok() ? kGood
                              : fail("the table is written; {} still has the old one: {}", driver_,
                                     sel::describe(restarted.error()));
    }

    std::string_view driver_;
    block::DiskName name_;
    block::ServerLink link_;
    block::Client client_;
};

int change(Disk &disk, std::string_view verb, std::string_view what, std::string_view size) {
    if (verb == "new" && (what.empty() || what == "-f") && size.empty()) {
        return disk.make_table(!what.empty());
    }
    if (verb == "add") {
        for (const Type &type : kTypes) {
            if (type.word == what && (size.empty() || size_of(size) != 0)) {
                return disk.add(type, size.empty() ? 0 : size_of(size));
            }
        }
    }
    sel::Text<24> number{what};
    number.append('M');
    u64 value = size_of(number) >> 20;
    if (verb == "remove" && value != 0 && value <= ~u32{0} && size.empty()) {
        return disk.remove(static_cast<u32>(value));
    }
    return usage();
}

} // namespace

int main() {
    sel::Words words{sel::environment().argument_text()};
    std::string_view name = words.next(), verb = words.next(), what = words.next(),
                     size = words.next();
    if (!words.next().empty() || name.empty() != verb.empty()) {
        return usage();
    }
    auto region = caps::shared.make(sel::milliseconds(kPatienceMs));
    if (!region) {
        return fail("no memory to share with drivers: {}", sel::describe(region.error()));
    }
    for (const auto &driver : caps::disks) {
        for (u32 number = 0; number < block::kDisks; number++) {
            static std::optional<Disk> disk; // No room on the stack.
            disk.emplace(driver, number, *region);
            bool meant = name == disk->name();
            if (!name.empty() && !meant) {
                continue;
            }
            sel::Result<> started = disk->start(meant ? block::Access::Write : block::Access::Read);
            if (started.error() == ERR_NAME && !meant) {
                break;
            }
            int status = started.ok() ? meant ? change(*disk, verb, what, size) : disk->show()
                                      : disk->explain_start(started.error());
            if (meant) {
                return status;
            }
        }
    }
    return name.empty() ? kGood : fail("{}: there is no such driver of disks", name);
}
