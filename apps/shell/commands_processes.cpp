// Commands about programs that run: ps top.
// SPDX-License-Identifier: BSD-2-Clause
#include <algorithm>

#include "calendar.hpp"
#include "command.hpp"

#include "sel/environment.hpp"
#include "sel/explain.hpp"
#include "sel/static_vector.hpp"

namespace shell {
namespace {

// Those that were started at run time.
constexpr u32 kFirstStarted = sel::Environment::kSystemPrograms + 1;
using Started =
    sel::StaticVector<ProgramRow, sel::Environment::kPrograms - sel::Environment::kSystemPrograms>;

// With a + for each of the starters above.
void show_row(Context &c, const ProgramRow &row, u32 depth) {
    ProgramName name;
    for (u32 i = 0; i < depth; i++) {
        name.append('+');
    }
    name.append(row.name);
    c.out.print("{:3} {:<12} {:4} {:<9} {:<12} ", row.number, name.view(), row.priority,
                row.alive ? sel::state_name(row.state) : "ended", duration_text(row.cpu_ns).view());
    c.out.print("{:<6} {:6}\n", size_text(row.memory_bytes).view(), row.starts);
}

// Behind each program those that it has started.
void show_started(Context &c, const Started &started, u32 starter) {
    constexpr u32 kDepthMost = 4;
    struct Level {
        u32 starter, next; // Number of a program; place in `started`.
    };
    sel::StaticVector<Level, kDepthMost> level;
    [[maybe_unused]] bool fits = level.push_back({starter, 0});
    while (!level.empty()) {
        Level &last = level.back();
        if (last.next == started.size()) {
            level.pop_back();
            continue;
        }
        const ProgramRow &row = started[last.next++];
        if (row.starter == last.starter) {
            show_row(c, row, static_cast<u32>(level.size()));
            fits = level.push_back({row.number, 0});
        }
    }
}

// What each program has used of the processor, now and at the time before.
struct Usage {
    ProgramRow row;
    u64 used_ns;
};
constexpr u32 kTopRows = 16;
constexpr u64 kSecond = 1'000'000'000;

class Top {
  public:
    explicit Top(Context &c) : c_{c} { std::fill(std::begin(before_), std::end(before_), 0); }

    sel::Result<> show(bool clear) {
        sel::Result<u64> now = c_.system.uptime_ns();
        sel::Result<MemoryRow> memory = c_.system.memory();
        if (!now || !memory) {
            return now ? memory.error() : now.error();
        }
        sel::StaticVector<Usage, kTopRows> most; // Falling.
        u32 programs = 0;
        auto row = next_program(c_.system, 1);
        for (; row; row = next_program(c_.system, row->number + 1)) {
            programs += row->alive ? 1 : 0;
            keep(most, *row);
        }
        if (row.error() != ERR_NAME) {
            return row.error();
        }
        u64 passed = std::max<u64>(*now - time_, 1);
        time_ = *now;
        if (clear) {
            c_.out.clear();
        }
        c_.out.print("up {}, {} programs, {} of {} free\n", duration_text(*now), programs,
                     size_text(memory->free_bytes), size_text(memory->ram_bytes));
        c_.out.write(" NR NAME           CPU  PRIO STATE     MEMORY\n");
        for (const Usage &usage : most) {
            show_usage(usage, passed);
        }
        c_.out.flush();
        return {};
    }

  private:
    void keep(sel::StaticVector<Usage, kTopRows> &most, const ProgramRow &row) {
        u64 &before = before_[row.number % sel::Environment::kPrograms];
        u64 used = row.cpu_ns - std::min(before, row.cpu_ns);
        before = row.cpu_ns;
        if (most.full() && most.back().used_ns < used) {
            most.pop_back();
        }
        if (row.alive && most.push_back({row, used})) {
            std::sort(most.begin(), most.end(), [](const Usage &a, const Usage &b) {
                return a.used_ns != b.used_ns ? a.used_ns > b.used_ns : a.row.number < b.row.number;
            });
        }
    }

    void show_usage(const Usage &usage, u64 passed) {
        u64 permille = std::min<u64>(usage.used_ns * 1000 / passed, 1000);
        c_.out.print("{:3} {:<12} {:3}.{} % {:4} {:<9} {}\n", usage.row.number, usage.row.name,
                     permille / 10, permille % 10, usage.row.priority,
                     sel::state_name(usage.row.state), size_text(usage.row.memory_bytes));
    }

    Context &c_;
    u64 time_ = 0;
    u64 before_[sel::Environment::kPrograms];
};

} // namespace

int command_ps(Context &c) {
    static Started started;
    started.clear();
    for (auto row = next_program(c.system, kFirstStarted); row && started.push_back(*row);
         row = next_program(c.system, row->number + 1)) {
    }
    c.out.write(" NR NAME         PRIO STATE     CPU          MEMORY STARTS\n");
    auto row = next_program(c.system, 1);
    for (; row; row = next_program(c.system, row->number + 1)) {
        if (row->starter == 0) {
            show_row(c, *row, 0);
            show_started(c, started, row->number);
        }
    }
    return row.error() == ERR_NAME ? 0 : c.fail("{}", sel::describe(row.error()));
}

int command_top(Context &c) {
    constexpr u64 kMostSeconds = 3600, kMostTimes = 1'000'000;
    u64 seconds = 2, times = c.out.is_terminal() ? kMostTimes : 1;
    if (!c.args.empty() && (!parse_number(c.args[0], kMostSeconds, seconds) || seconds == 0)) {
        return c.usage("a number of seconds from 1 to 3600");
    }
    if (c.has("n") && (!parse_number(c.options.value("n"), kMostTimes, times) || times == 0)) {
        return c.usage("a number from 1 to 1000000 after -n");
    }
    Top top{c};
    for (u64 i = 0; i < times && !c.system.interrupted() && !c.out.broken(); i++) {
        if (i != 0 && pause(c, seconds * kSecond) != 0) {
            break;
        }
        if (sel::Result<> shown = top.show(c.out.is_terminal() && !c.has("n")); !shown) {
            return c.fail("{}", sel::describe(shown.error()));
        }
    }
    return c.system.interrupted() ? int{kInterrupted} : 0;
}

} // namespace shell
