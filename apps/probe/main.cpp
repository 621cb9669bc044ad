// Probe: runs the experiment that its argument names.
// SPDX-License-Identifier: BSD-2-Clause
#include "probe.hpp"

#include "servers/stream/print.hpp"

namespace probe {

sel::AllocatorOf<24, 96> memory{caps::pool, caps::free};

namespace {

struct Experiment {
    std::string_view name;
    bool (*measure)(Line &);
};

constexpr Experiment kExperiments[] = {
    {"budget", measure_budget},     {"priority", measure_priority}, {"turns", measure_turns},
    {"timeouts", measure_timeouts}, {"passive", measure_passive},   {"vectors", measure_vectors},
    {"restarts", measure_restarts}, {"keys", leave_keys},           {"fill", fill_time},
};

constexpr stream::Printer print{caps::console};

} // namespace
} // namespace probe

int main() {
    std::string_view name = sel::environment().argument_text();
    for (const probe::Experiment &experiment : probe::kExperiments) {
        if (experiment.name == name) {
            probe::Line line{name};
            bool done = experiment.measure(line);
            line.append(done ? "\n" : " could not be measured\n");
            probe::print("{}", line);
            return done ? 0 : 1;
        }
    }
    probe::print("probe: expected budget, priority, turns, timeouts, passive, vectors, restarts, "
                 "keys or fill\n");
    return 2;
}
