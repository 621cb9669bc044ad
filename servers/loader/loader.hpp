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
        } else if (is_child(caller.client) && waits_below() >= kWaitsBelow) {
            later.answer(ERR_FULL);
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

    sel::Result<Description> on(const Describe &m, sel::Caller caller) {
        Description description{};
        Program program;
        Why why;
        const Record *above = nullptr;
        description.good =
            find_starter(caller.client, above, why) && read(m.data, above, program, why) ? 1 : 0;
        if (description.good != 0) {
            describe(program.manifest, description.data);
        } else {
            description.data.append(why);
        }
        return description;
    }

    // Also those that it has not started are named here, if it is a server of theirs. What a client of boot/system.toml
    // has started goes on when that ends; what a program at run time has started ends with it.
    void on_ended(u32 number) {
        Record *record = record_at(number);
        if (record != nullptr && record->starter != 0 && record->state != State::ENDED) {
            end(*record, number);
        }
    }

  private:
    static constexpr u32 kWaitsBelow =
        8; // Programs at run time that wait for an end; others have the rest.
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
        bool starts = false; // It may start others.
        State state = State::ENDED;
        s32 code = 0;
        sel::Later<Wait> later;         // Who waits for it.
        Rights rights;                  // What it may pass on,
        u32 programs = 0, permille = 0; // and what it took of its starter's quota.
    };

    Record *record_at(u32 number) {
        return number - kFirst < record_.size() ? &record_[number - kFirst] : nullptr;
    }
    Record *record_of(u32 number, u32 starter) {
        Record *record = record_at(number);
        return record != nullptr && record->starter == starter ? record : nullptr;
    }

    static bool is_child(u32 client) { return client >= kFirst; }

    // `above`: the program at run time that asks; nullptr: it is none. False: it starts nobody.
    bool find_starter(u32 client, const Record *&above, Why &why) {
        above = is_child(client) ? record_at(client) : nullptr;
        bool good = !is_child(client) ||
                    (above != nullptr && above->starter != 0 && above->state != State::ENDED &&
                     above->starts && above->rights.files);
        return good || refuse(why, "cannot be started: its starter has no files");
    }

    u32 waits_below() const {
        u32 count = 0;
        for (const Record &record : record_) {
            count += is_child(record.starter) && record.later ? 1 : 0;
        }
        return count;
    }

    static Status status(const Record &record) { return {record.state, record.code}; }

    static void tell(Record &record) {
        if (record.later && record.state != State::RUNNING) {
            record.later.answer(status(record));
        }
    }

    void end(Record &record, u32 number) {
        bool starts = end_one(record, number);
        for (bool more = starts; more;) { // Those below, then those below these.
            more = false;
            for (u32 i = 0; i < record_.size(); i++) {
                more = end_orphan(record_[i], kFirst + i) || more;
            }
        }
    }
    // True: it may have started others.
    bool end_one(Record &record, u32 number) {
        finish(record.place);
        record.code = world_.drop(number).value_or(kUnknown);
        record.state = State::ENDED;
        if (Record *above = is_child(record.starter) ? record_at(record.starter) : nullptr) {
            above->rights.programs += record.programs;
            above->rights.permille += record.permille;
        }
        tell(record);
        return record.starts;
    }
    // Whose starter has ended is ended, too, and nobody's any more: the number may soon be another's.
    bool end_orphan(Record &record, u32 number) {
        const Record *above = is_child(record.starter) ? record_at(record.starter) : nullptr;
        if (above == nullptr || above->state != State::ENDED) {
            return false;
        }
        bool starts = record.state != State::ENDED && end_one(record, number);
        record.starter = 0;
        return starts;
    }

    // As who asks names it.
    bool read(std::string_view name, const Record *above, Program &program, Why &why) {
        sel::Result<std::span<const u8>> file = ERR_SYNTAX;
        if (above == nullptr) {
            file = world_.read(name);
        } else {
            auto path = path_within(above->rights.path, name);
            file = path.ok() ? world_.read(path->view()) : path.error();
        }
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
        const Record *above = nullptr;
        if (!find_starter(starter, above, started.data) ||
            !read(m.path, above, program, started.data)) {
            return;
        }
        Plan plan{above != nullptr ? &above->rights : nullptr};
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
        root::Admit admit = plan.admit();
        admit.above = is_child(starter) ? starter : 0;
        sel::Result<root::Admitted> admitted = world_.admit(place, admit);
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
        record->starts = plan.rights().programs != 0;
        if (record->starts) {
            record->rights = plan.rights();
        }
        record->programs = plan.programs();
        record->permille = plan.permille();
        if (Record *above = is_child(starter) ? record_at(starter) : nullptr) {
            above->rights.programs -= record->programs;
            above->rights.permille -= record->permille;
        }
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
