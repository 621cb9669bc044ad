// Loader: starts programs from files, and sees to their ends.
// SPDX-License-Identifier: BSD-2-Clause
//
// World is what it acts through (main.cpp: kernel, root, vfs, log; tests: a model):
//   Result<std::span<const u8>> read(path)         the file, until the next is read
//   Result<> make(place, Elf, Manifest, arguments) the program, in the memory of this place
//   Result<root::Admitted> admit(place, root::Admit)  who it is, and what it is given
//   Result<> bind(number, path, read_only)         the files that it may name
//   Result<> connect(piping::Bind)                   an end of a pipe of whoever starts it
//   Result<> run(place, root::Admitted)
//   Result<> stop(number, bool)                    it has no processor time, or has it again
//   Result<> end(place)                            its memory is whole again; refused: it is not
//   Result<s32> drop(number)                       its number is free; how it ended
//   void note(pattern, values...)                  a line for the log
// A program that cannot be started is ended at once, and the answer says in words why. One that runs ends when
// root says so (on_ended); then its memory comes back, its number, and whoever waits for it hears of it.
#pragma once

#include <algorithm>
#include <array>

#include "places.hpp"
#include "plan.hpp"

#include "sel/server.hpp"

namespace loader {

template <typename World>
class Loader {
  public:
    Loader(World &world, std::span<const Offer> offers) : world_{world}, offers_{offers} {}

    sel::Result<Started> on(const Start &m, sel::Caller caller) {
        Started started{};
        start(m, caller.client, started);
        return started;
    }

    sel::Result<Status> on(const GetStatus &m, sel::Caller caller) {
        Record *record = record_of(m.number, caller.client);
        return record != nullptr ? sel::Result<Status>{status(*record)} : ERR_NAME;
    }

    void on(const Wait &m, sel::Caller caller, sel::Later<Wait> later) {
        Record *record = record_of(m.number, caller.client);
        if (record == nullptr) {
            later.answer(ERR_NAME);
        } else if (record->state != State::RUNNING) {
            later.answer(status(*record));
        } else {
            record->later = std::move(later);
        }
    }

    sel::Result<> on(const End &m, sel::Caller caller) {
        Record *record = record_of(m.number, caller.client);
        if (record == nullptr) {
            return ERR_NAME;
        }
        if (record->state != State::ENDED) {
            end(*record, m.number);
        }
        return {};
    }

    sel::Result<> on(const Stop &m, sel::Caller caller) {
        Record *record = record_of(m.number, caller.client);
        if (record == nullptr || record->state == State::ENDED) {
            return record == nullptr ? ERR_NAME : ERR_EMPTY;
        }
        if ((record->state == State::STOPPED) == (m.stop != 0)) {
            return {};
        }
        sel::Result<> done = world_.stop(m.number, m.stop != 0);
        if (done) {
            record->state = m.stop != 0 ? State::STOPPED : State::RUNNING;
            tell(*record);
        }
        return done;
    }

    sel::Result<Description> on(const Describe &m) {
        Description description{};
        Program program;
        Why why;
        description.good = read(m.data, program, why) ? 1 : 0;
        if (description.good != 0) {
            describe(program.manifest, description.data);
        } else {
            description.data.append(why);
        }
        return description;
    }

    // Also those that it has not started are named here, if it is a server of theirs. What a client has started that
    // ends itself goes on.
    void on_ended(u32 number) {
        Record *record = record_at(number);
        if (record != nullptr && record->starter != 0 && record->state != State::ENDED) {
            end(*record, number);
        }
    }

  private:
    static constexpr u32 kFirst = sel::Environment::kSystemPrograms + 1;
    static constexpr s32 kUnknown = -1; // Root has forgotten it.

    struct Program {
        sel::Elf elf;
        sel::Manifest manifest;
    };
    // Of a number: who had it last, and what became of it.
    struct Record {
        u32 starter = 0; // 0: nobody has had it.
        u8 place = 0;
        State state = State::ENDED;
        s32 code = 0;
        sel::Later<Wait> later; // Who waits for it.
    };

    Record *record_at(u32 number) {
        return number - kFirst < record_.size() ? &record_[number - kFirst] : nullptr;
    }
    Record *record_of(u32 number, u32 starter) {
        Record *record = record_at(number);
        return record != nullptr && record->starter == starter ? record : nullptr;
    }

    static Status status(const Record &record) { return {record.state, record.code}; }

    static void tell(Record &record) {
        if (record.later && record.state != State::RUNNING) {
            record.later.answer(status(record));
        }
    }

    void end(Record &record, u32 number) {
        finish(record.place);
        record.code = world_.drop(number).value_or(kUnknown);
        record.state = State::ENDED;
        tell(record);
    }

    bool read(std::string_view path, Program &program, Why &why) {
        sel::Result<std::span<const u8>> file = world_.read(path);
        if (!file) {
            return refuse(why, "cannot be read: {}", sel::describe(file.error()));
        }
        const char *words = nullptr;
        auto elf = sel::read_elf(*file, words);
        auto manifest = elf.ok() ? sel::read_manifest(*file, words) : elf.error();
        if (!manifest) {
            return refuse(why, "{}", words);
        }
        program = {*elf, *manifest};
        return true;
    }

    void start(const Start &m, u32 starter, Started &started) {
        Program program;
        Plan plan;
        if (!read(m.path, program, started.data)) {
            return;
        }
        if (!plan.make(program.manifest, offers_, m.give, {m.in != 0, m.out != 0}, started.data)) {
            started.missing.append(plan.missing());
            return;
        }
        sel::Result<u32> place = places_.take(program.manifest.head().memory);
        if (!place) {
            refuse(started.data, "asks for {} K of memory: {}",
                   program.manifest.head().memory >> 10,
                   place.error() == ERR_FULL ? "all is taken" : "so much is not there");
            return;
        }
        started.number = run(*place, program, plan, m, starter, started.data);
        if (started.number == 0) {
            finish(*place);
        }
    }

    // Its number; 0: `why` says which step was refused.
    u32 run(u32 place, const Program &program, const Plan &plan, const Start &m, u32 starter,
            Why &why) {
        if (auto made = world_.make(place, program.elf, program.manifest, m.data); !made) {
            refuse(why, "does not fit its memory: {}", sel::describe(made.error()));
            return 0;
        }
        sel::Result<root::Admitted> admitted = world_.admit(place, plan.admit());
        if (!admitted) {
            refuse(why, "{}", refusal(admitted.error()));
            return 0;
        }
        Record *record = record_at(admitted->number);
        if (record == nullptr || !set_up(place, *admitted, plan, m, starter, why)) {
            [[maybe_unused]] auto dropped = world_.drop(admitted->number);
            return 0;
        }
        record->later = {};
        record->starter = starter;
        record->place = static_cast<u8>(place);
        record->state = State::RUNNING;
        return admitted->number;
    }

    // It has its files and pipes, and runs.
    bool set_up(u32 place, const root::Admitted &who, const Plan &plan, const Start &m, u32 starter,
                Why &why) {
        sel::Result<> done;
        if (plan.has_files()) {
            done = world_.bind(who.number, plan.path(), plan.read_only());
        }
        if (!done) {
            return refuse(why, "cannot be given {}: {}", plan.path(), sel::describe(done.error()));
        }
        if (m.in != 0) {
            done = connect(starter, m.in, who.number, piping::End::READER);
        }
        if (done && m.out != 0) {
            done = connect(starter, m.out, who.number, piping::End::WRITER);
        }
        if (!done) {
            return refuse(why, "cannot be given its pipes: {}", sel::describe(done.error()));
        }
        done = world_.run(place, who);
        return done.ok() || refuse(why, "{}", sel::describe(done.error()));
    }

    // The pipe must be one that the starter has made: `pipe` looks.
    sel::Result<> connect(u32 starter, u32 pipe, u32 number, piping::End end) {
        return world_.connect({.maker = starter, .pipe = pipe, .client = number, .end = end});
    }

    static std::string_view refusal(error_t error) {
        switch (error) {
        case ERR_FULL:
            return "cannot be started: as many programs run as may, or their processor time is "
                   "used up";
        case ERR_PRIORITY:
            return "asks for a higher priority than may be given";
        default:
            return sel::describe(error);
        }
    }

    // Memory that does not come back is not used again.
    void finish(u32 place) {
        if (sel::Result<> back = world_.end(place); back) {
            places_.release(place);
        } else {
            world_.note("the memory of place {} did not come back: {}", place,
                        sel::describe(back.error()));
        }
    }

    template <typename Text>
    static void describe(const sel::Manifest &manifest, Text &out) {
        const sel::ManifestHead &head = manifest.head();
        u32 permille = static_cast<u32>(u64{head.budget_us} * 1000 / head.period_us);
        sel::format(out, "{}: {}\n  {} K, priority {}, {}.{} % of the processor\n", manifest.name(),
                    manifest.about(), head.memory >> 10, head.priority, permille / 10,
                    permille % 10);
        for (u32 i = 0; i < manifest.count(); i++) {
            sel::ManifestNeed need = manifest.need(i);
            sel::format(out, "  {} ({})\n", need.kind(), need.title());
        }
    }

    template <typename... Ts>
    static bool refuse(Why &why, std::string_view pattern, const Ts &...values) {
        why.clear();
        sel::format(why, pattern, values...);
        return false;
    }

    World &world_;
    std::span<const Offer> offers_;
    Places places_;
    std::array<Record, sel::Environment::kPrograms - sel::Environment::kSystemPrograms> record_;
};

} // namespace loader
