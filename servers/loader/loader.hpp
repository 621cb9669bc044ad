// Loader: starts programs from files, and sees to their ends.
// SPDX-License-Identifier: BSD-2-Clause
//
// World is what it acts through (main.cpp: kernel, root, vfs, log; tests: a model):
//   Result<std::span<const u8>> read(path)         the file, until the next is read
//   Result<> make(place, Elf, Manifest, arguments) the program, in the memory of this place
//   Result<root::Admitted> admit(place, root::Admit)  who it is, and what it is given
//   Result<> bind(number, path, read_only)         the files that it may name
//   Result<> run(place, root::Admitted)
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
    Loader(World &world, std::span<const Offer> offers) : world_{world}, offers_{offers} {
        place_of_.fill(kNone);
    }

    void on(const Start &m, sel::Caller, sel::Later<Start> later) {
        Started started{};
        u32 place = start(m, started);
        if (started.number != 0 && m.wait != 0) {
            place_[place].later = std::move(later);
        } else {
            later.answer(started);
        }
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

    // Also those that it has not started are named here, if it is a server of theirs.
    void on_ended(u32 number) {
        u32 place = place_of(number);
        if (place == kNone) {
            return;
        }
        finish(place);
        Started ended{.number = number, .code = world_.drop(number).value_or(kUnknown), .data = {}};
        place_of_[number - kFirst] = kNone;
        if (place_[place].later) {
            place_[place].later.answer(ended);
        }
    }

  private:
    static constexpr u32 kFirst = sel::Environment::kSystemPrograms + 1;
    static constexpr u8 kNone = 255;
    static constexpr s32 kUnknown = -1; // Root has forgotten it.

    struct Program {
        sel::Elf elf;
        sel::Manifest manifest;
    };
    struct Place {
        sel::Later<Start> later; // Who waits for the end of the program.
    };

    u32 place_of(u32 number) const {
        return number - kFirst < place_of_.size() ? place_of_[number - kFirst] : kNone;
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

    // The place in which it runs, if started.number is not 0.
    u32 start(const Start &m, Started &started) {
        Program program;
        Plan plan;
        if (!read(m.path, program, started.data) ||
            !plan.make(program.manifest, offers_, m.give, started.data)) {
            return kNone;
        }
        sel::Result<u32> place = places_.take(program.manifest.head().memory);
        if (!place) {
            refuse(started.data, "asks for {} K of memory: {}",
                   program.manifest.head().memory >> 10,
                   place.error() == ERR_FULL ? "all is taken" : "so much is not there");
            return kNone;
        }
        started.number = run(*place, program, plan, m.data, started.data);
        if (started.number == 0) {
            finish(*place);
        }
        return *place;
    }

    // Its number; 0: `why` says which step was refused.
    u32 run(u32 place, const Program &program, const Plan &plan, std::string_view arguments,
            Why &why) {
        if (auto made = world_.make(place, program.elf, program.manifest, arguments); !made) {
            refuse(why, "does not fit its memory: {}", sel::describe(made.error()));
            return 0;
        }
        sel::Result<root::Admitted> admitted = world_.admit(place, plan.admit());
        if (!admitted) {
            refuse(why, "{}", refusal(admitted.error()));
            return 0;
        }
        u32 number = admitted->number;
        sel::Result<> done =
            plan.has_files() ? world_.bind(number, plan.path(), plan.read_only()) : sel::Result<>{};
        if (!done) {
            refuse(why, "cannot be given {}: {}", plan.path(), sel::describe(done.error()));
        } else if (done = world_.run(place, *admitted); !done) {
            refuse(why, "{}", sel::describe(done.error()));
        }
        if (!done || number - kFirst >= place_of_.size()) {
            [[maybe_unused]] auto dropped = world_.drop(number);
            return 0;
        }
        place_of_[number - kFirst] = static_cast<u8>(place);
        return number;
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
    std::array<Place, kPlaces> place_;
    std::array<u8, sel::Environment::kPrograms - sel::Environment::kSystemPrograms> place_of_;
};

} // namespace loader
