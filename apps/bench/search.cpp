// The longest kernel entry, and the longest delay of a device interrupt, by directed search.
// SPDX-License-Identifier: BSD-2-Clause
//
// Each operation of worst_cases.cpp is set up anew, from empty memory, as often as it is measured:
//   1. With the trace on, whose events carry the time: two successive events of a call that restarts
//      are one kernel entry apart, so the longest entry and when it begins are known exactly.
//   2. Then with a device interrupt due within the first instructions of that entry (and, for what
//      interrupts it, at the beginning): the handler notes when it ran.
// The machine counts instructions, so a repetition does the same to the instruction.
#include "apps/bench/bench.hpp"

#include "apps/bench/device.hpp"
#include "apps/bench/worst_cases.hpp"
#include "sel/format.hpp"

namespace bench {
namespace {

constexpr u64 kMemory = 24 << 20, kSlots = 8192;
constexpr u64 kNever = ~0ull;

// What a run of an operation showed; times are instructions since its origin.
struct Run {
    u64 entries;
    u64 longest; // Of its kernel entries.
    u64 begin;   // When that began.
    u64 start;   // When the first began.
    u64 delay;   // Of the interrupt, if it was armed.
};

class Search {
  public:
    Search(Fixture &f, DeviceInterrupt &device) : device_{device}, machine_{*f.means().machine} {
        means_ = f.means();
        means_.memory = sel::Untyped{f.make(CAP_UNTYPED, kMemory)};
        cptr_t slots = f.make(CAP_CNODE, kSlots);
        means_.first_slot = sel::in_cnode(slots, 1);
        means_.slot_step = sel::in_cnode(0, 1);
        spare_slot_ = f.slot();
        check(machine_.trace.start().error(), "start the trace");
    }

    void operation(const WorstCase &worst) {
        Run alone = run(worst, kNever);
        longest_.note(alone.longest, worst.name);
        u64 delay = 0;
        // Where between two events the second entry begins is not known.
        for (u64 offset = 5; offset < 60; offset += 10) {
            delay = max(delay, run(worst, alone.begin + offset).delay);
            if (alone.start != alone.begin) {
                delay = max(delay, run(worst, alone.start + offset).delay);
            }
        }
        delay_.note(delay, worst.name);
        comment(worst.name, alone, delay);
    }

    void print_rows() const {
        row("entry_worst", longest_.value, longest_.name);
        row("irq_delay_worst", delay_.value, delay_.name);
    }

  private:
    struct Maximum {
        u64 value = 0;
        const char *name = "";

        void note(u64 v, const char *n) {
            if (v > value) {
                *this = {v, n};
            }
        }
    };

    static u64 max(u64 a, u64 b) { return a > b ? a : b; }

    static void comment(const char *name, const Run &run, u64 delay) {
        sel::Text<160> line;
        sel::format(line, "# {:<44} entries {:5} longest {:7} delay {:7}", name, run.entries,
                    run.longest, delay);
        print_line(line.view());
    }

    // Number of the next event.
    u64 events() const {
        auto written = machine_.trace.start();
        check(written.error(), "trace");
        return *written + 1; // This call's own.
    }

    // Sets `worst` up and does it, with an interrupt `offset` after its origin.
    Run run(const WorstCase &worst, u64 offset) {
        constexpr u64 kLead = 3000; // From here to the origin: more than arming takes.
        Fixture f{means_};
        Prepared prepared = worst.prepare(f, worst, spare_slot_);
        u64 origin = prepared.time != 0 ? prepared.time : counter() + kLead;
        u64 due = offset == kNever ? 0 : device_.arm(origin + offset);
        u64 first = events();
        ensure(counter() < origin, "time to prepare");
        Run found =
            prepared.time != 0 ? wait(origin, first) : call(prepared.call, worst, origin, first);
        found.begin -= origin;
        found.start -= origin;
        found.delay = due != 0 ? device_.delay(due) : 0;
        (void)sel::Capability{spare_slot_}.remove(); // If the operation left something there.
        // Above all peers: one whose Reply has gone already would spin until its own turn comes.
        check(means_.self.priority(f.top(), f.top()), "highest priority");
        check(means_.memory.revoke(), "revoke");
        check(means_.memory.reset(), "reset");
        check(means_.self.priority(f.own(), f.top()), "own priority");
        return found;
    }

    Run call(Call call, const WorstCase &worst, u64 origin, u64 first) {
        while (counter() < origin) {
        }
        u64 start = counter(), spent = timed(call), end = counter(), last = events() - 1;
        ensure(call.error() == OK, worst.name);
        ensure(last > first, "the trace shows the call");
        if (last - first == 1) {
            return {1, spent, start, start, 0};
        }
        return among(first, last, start, end);
    }

    // Looks at the clock until long after `time`: the longest stretch that was taken from this thread.
    Run wait(u64 time, u64 first) {
        constexpr u64 kLong = 1'000'000, kNotTaken = 64;
        u64 from = 0, to = 0;
        for (u64 before = counter(), now; before < time + kLong; before = now) {
            now = counter();
            if (now - before > to - from && now - before > kNotTaken) {
                from = before;
                to = now;
            }
        }
        u64 last = events() - 1;
        if (from == 0) {
            return {0, 0, time, time, 0};
        }
        return among(first, last, from, to);
    }

    // The longest of the kernel entries from `start` to `end`, of which the events from number `first`
    // to `last` - 1 tell. An entry is counted from the event before to its own: the way out of one
    // stands for that of the other. The first has no event before it: the last way out is added.
    Run among(u64 first, u64 last, u64 start, u64 end) const {
        u64 held = last - first < TRACE_EVENTS ? first : last - TRACE_EVENTS + 1;
        ensure(held == first, "all events are in the trace ring");
        Run found{0, 0, start, start, 0};
        u64 before = start, way_out = 0;
        for (u64 k = first; k < last; k++) {
            u64 tsc = machine_.ring[k % TRACE_EVENTS].tsc;
            if (tsc < start || tsc > end) {
                continue;
            }
            found.entries++;
            way_out = end - tsc;
            if (tsc - before > found.longest) {
                found.longest = tsc - before;
                found.begin = before;
            }
            before = tsc;
        }
        if (found.begin == start) {
            found.longest += way_out;
        }
        return found;
    }

    DeviceInterrupt &device_;
    const Machine &machine_;
    Means means_{};
    cptr_t spare_slot_ = 0;
    Maximum longest_, delay_;
};

} // namespace

u32 run(const Means &means) {
    Fixture f{means};
    check(means.self.priority(f.own(), f.top()), "own priority");
    DeviceInterrupt device{f, f.make_space()};
    device.handle_in_wait();
    Search search{f, device};
    for (const WorstCase &worst : worst_cases()) {
        search.operation(worst);
    }
    search.print_rows();
    return rows_printed();
}

} // namespace bench
