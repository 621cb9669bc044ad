// Stress: writes and reads files while servers are killed: stress /disk 30s kill=fs,virtio-blk
// SPDX-License-Identifier: BSD-2-Clause
#include <atomic>

#include "stress.hpp"

#include "stress.caps.hpp"

#include "sel/clock.hpp"
#include "sel/environment.hpp"
#include "sel/thread.hpp"

namespace {

constexpr u32 kServers = 8;
constexpr u64 kSecondsMax = 3600;
constexpr u64 kShortestMs = 200, kLongestMs = 900; // Between two kills.
constexpr u64 kPatienceMs = 20'000;                // For the last kill to be over.

enum : int { kGood = 0, kBad = 1, kUsage = 2 };

using Files = sel::Client<file::Api>;
using Line = sel::Text<240>;

template <typename... Ts>
void print(std::string_view pattern, const Ts &...values) {
    Line line;
    sel::format(line, pattern, values...);
    console::Write write;
    write.data.assign({reinterpret_cast<const u8 *>(line.byte), line.size});
    [[maybe_unused]] auto taken = caps::console.call(write);
}

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
    u64 seconds;
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

void kill_all_the_time(void *) {
    stress::Random random{sel::now()};
    for (u32 i = 0; !over; i++) {
        u64 pause = kShortestMs + random.below(kLongestMs - kShortestMs);
        [[maybe_unused]] auto nobody = caps::signals.wait(sel::milliseconds(pause));
        if (!over) {
            [[maybe_unused]] auto killed = caps::supervisor.call(
                supervisor::Kill{.number = order.server[i % order.servers].number});
        }
    }
    killer_is_done = true;
}

sel::AllocatorOf<24, 64> memory{caps::pool, caps::free};

bool start_killer(sel::Thread &thread) {
    constexpr u32 kStackPages = 4;
    auto self = caps::self.thread_info();
    return self.ok() && thread
                            .start({caps::space, caps::cspace, caps::time, self->priority,
                                    sel::kWindowBase, kStackPages},
                                   kill_all_the_time, nullptr)
                            .ok();
}

// --- What is asked for.

std::string_view take_word(std::string_view &text) {
    std::size_t start = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(start);
    std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    return word;
}

bool parse_seconds(std::string_view word, u64 &seconds) {
    if (!word.ends_with('s') || word.size() < 2 || word.size() > 5) {
        return false;
    }
    seconds = 0;
    for (char c : word.substr(0, word.size() - 1)) {
        if (c < '0' || c > '9') {
            return false;
        }
        seconds = seconds * 10 + static_cast<u64>(c - '0');
    }
    return seconds <= kSecondsMax;
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
    std::string_view directory = take_word(text), time = take_word(text), kill = take_word(text);
    bool whole = directory.starts_with('/');
    constexpr std::string_view kName = "/stress", kKill = "kill=";
    if (directory.size() + kName.size() + 6 > file::kPathMax ||
        !parse_seconds(time, order.seconds) ||
        (!kill.empty() && (!kill.starts_with(kKill) || kill == kKill)) ||
        !take_word(text).empty()) {
        return refuse("expected PATH SECONDSs [kill=SERVER,...], as in: stress /disk 30s kill=fs");
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
    print("stress: {} written, {} read, {} repeated\n", c.written, c.read, c.repeated);
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
    static stress::Stress<Files> stress{caps::files, order.directory, sel::now()};
    if (!stress.prepare()) {
        return refuse("{}: {}", order.directory, sel::describe(stress.counts().last));
    }
    sel::Thread killer{memory};
    if (order.servers != 0 && !start_killer(killer)) {
        return refuse("no thread that kills");
    }
    u64 end = sel::now() + sel::milliseconds(order.seconds * 1000);
    do {
        stress.round();
    } while (sel::now() < end);
    over = true;
    for (u64 i = 0; i < kPatienceMs && order.servers != 0 && !killer_is_done; i++) {
        [[maybe_unused]] auto slept = caps::timer.call(timer::Sleep{.ns = 1'000'000});
    }
    stress.look_at_all();
    return report(stress.counts());
}
