// Stress: writes and reads files while servers are killed: stress /disk 30s kill=fs,virtio-blk, or
// 100x instead of 30s: until each has been killed 100 times.
// SPDX-License-Identifier: BSD-2-Clause
#include <atomic>

#include "stress.hpp"

#include "stress.caps.hpp"

#include "servers/stream/print.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/words.hpp"

namespace {

constexpr u32 kServers = 12;
constexpr u64 kAmountMax = 3600;

// Between two kills.
struct Pause {
    u64 shortest_ms, longest_ms;
};
constexpr Pause kCalm{200, 900}, kHasty{10, 90};
constexpr u64 kPatienceMs = 20'000; // For the last kill to be over.

enum : int { kGood = 0, kBad = 1, kUsage = 2 };

// The files, and the longest that an answer has taken.
class Files {
  public:
    explicit Files(sel::Client<file::Api> files) : files_{files} {}

    template <typename M>
    auto call(const M &m) const {
        u64 begun = sel::now();
        auto answer = files_.call(m);
        slowest = std::max(slowest, sel::now() - begun);
        return answer;
    }

    static inline u64 slowest = 0; // Ticks.

  private:
    sel::Client<file::Api> files_;
};

using Line = sel::Text<240>;

constexpr stream::Printer print{caps::console};

template <typename... Ts>
int refuse(std::string_view pattern, const Ts &...values) {
    print("error: stress: ");
    print(pattern, values...);
    print("\n");
    return kUsage;
}

struct Server {
    root::Name name;
    u32 number;
    u32 starts; // Before.
};

struct Order {
    file::Path directory;
    u64 seconds; // 0: as long as it takes.
    u64 kills;   // Of each server; 0: as many as there is time for.
    u32 servers;
    Server server[kServers];
};

u32 starts(u32 number) {
    auto program = caps::view.call(root::GetProgram{.number = number});
    return program.ok() ? program->incarnation : 0;
}

// --- Killing, in a thread of its own.

Order order;
std::atomic<bool> over = false, killer_is_done = false;
std::atomic<u32> rounds = 0; // Done.

void pause(u64 ms) {
    [[maybe_unused]] auto nobody = caps::signals.wait(sel::milliseconds(ms));
}

// Until files have been used since `before`; no longer than kPatienceMs.
void await_round(u32 before) {
    constexpr u64 kStepMs = 5;
    for (u64 ms = 0; ms < kPatienceMs && rounds == before && !over; ms += kStepMs) {
        pause(kStepMs);
    }
}

void kill_all_the_time(void *) {
    stress::Random random{sel::now()};
    Pause range = order.kills != 0 ? kHasty : kCalm;
    for (u32 i = 0; !over && (order.kills == 0 || i < order.kills * order.servers); i++) {
        pause(range.shortest_ms + random.below(range.longest_ms - range.shortest_ms));
        u32 before = rounds;
        if (!over) {
            [[maybe_unused]] auto killed = caps::supervisor.call(
                supervisor::Kill{.number = order.server[i % order.servers].number});
        }
        if (order.kills != 0) {
            await_round(before);
        }
    }
    killer_is_done = true;
}

// --- What is asked for.

// A number and the letter `unit`.
bool parse_amount(std::string_view word, char unit, u64 &amount) {
    if (!word.ends_with(unit) || word.size() < 2 || word.size() > 5) {
        return false;
    }
    u64 number = 0;
    for (char c : word.substr(0, word.size() - 1)) {
        if (c < '0' || c > '9') {
            return false;
        }
        number = number * 10 + static_cast<u64>(c - '0');
    }
    amount = number;
    return number <= kAmountMax;
}

int parse_servers(std::string_view names) {
    while (!names.empty()) {
        std::string_view name = names.substr(0, names.find(','));
        names.remove_prefix(std::min(name.size() + 1, names.size()));
        auto number = caps::view.call(root::Find{.data = name});
        if (!number || order.servers == kServers) {
            return number.ok() ? refuse("expected at most {} servers", kServers)
                               : refuse("expected names of programs behind kill=, not {}", name);
        }
        order.server[order.servers++] = {name, *number, starts(*number)};
    }
    return kGood;
}

int parse(std::string_view text) {
    sel::Words words{text};
    std::string_view directory = words.next(), amount = words.next(), kill = words.next();
    bool whole = directory.starts_with('/');
    constexpr std::string_view kName = "/stress", kKill = "kill=";
    bool counted = parse_amount(amount, 'x', order.kills);
    if (directory.size() + kName.size() + 6 > file::kPathMax ||
        !(counted ? order.kills != 0 && !kill.empty() : parse_amount(amount, 's', order.seconds)) ||
        (!kill.empty() && (!kill.starts_with(kKill) || kill == kKill)) || !words.next().empty()) {
        return refuse("expected PATH SECONDSs [kill=SERVER,...] or PATH KILLSx kill=SERVER,..., "
                      "as in: stress /disk 30s kill=fs");
    }
    order.directory.append(whole ? "" : "/");
    order.directory.append(directory == "/" ? "" : directory);
    order.directory.append(kName);
    return kill.empty() ? kGood : parse_servers(kill.substr(kKill.size()));
}

// --- What came of it.

u32 report_restarts(Line &line) {
    u32 sum = 0;
    for (u32 i = 0; i < order.servers; i++) {
        u32 count = starts(order.server[i].number) - order.server[i].starts;
        sel::format(line, "{}{} {}", i == 0 ? " (" : ", ", order.server[i].name, count);
        sum += count;
    }
    line.append(order.servers != 0 ? ")" : "");
    return sum;
}

int report(const stress::Counts &c) {
    Line each;
    u32 restarts = report_restarts(each);
    u64 slowest_ms = sel::clock().nanoseconds(Files::slowest) / 1'000'000;
    print("stress: {} written, {} read, {} repeated, the slowest answer took {} ms\n", c.written,
          c.read, c.repeated, slowest_ms);
    if (c.failed != 0) {
        print("stress: {} failed, the last one: {}\n", c.failed, sel::describe(c.last));
    }
    print("stress: {} restarts{}, {} lost, {} corrupt\n", restarts, each, c.lost, c.corrupt);
    bool good = c.lost + c.corrupt + c.failed == 0 && c.written != 0;
    return good ? kGood : kBad;
}

} // namespace

int main() {
    if (int usage = parse(sel::environment().argument_text()); usage != kGood) {
        return usage;
    }
    static stress::Stress<Files> stress{Files{caps::files}, order.directory, sel::now()};
    if (!stress.prepare()) {
        return refuse("{}: {}", order.directory, sel::describe(stress.counts().last));
    }
    if (order.servers != 0 && !caps::killer.start(kill_all_the_time, nullptr).ok()) {
        return refuse("no thread that kills");
    }
    u64 end = sel::now() + sel::milliseconds(order.seconds * 1000);
    do {
        stress.round();
        rounds++;
    } while (order.kills != 0 ? !killer_is_done : sel::now() < end);
    over = true;
    for (u64 i = 0; i < kPatienceMs && order.servers != 0 && !killer_is_done; i++) {
        [[maybe_unused]] auto slept = caps::timer.call(timer::Sleep{.ns = 1'000'000});
    }
    stress.look_at_all();
    return report(stress.counts());
}
