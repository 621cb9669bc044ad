// Jobs: programs that were started together and run behind the prompt, or are stopped there.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "command.hpp"

#include "sel/static_vector.hpp"

namespace shell {

struct Job {
    static constexpr u32 kPrograms = 16;

    Job() = default;
    Job(const Job &other) { *this = other; }
    Job &operator=(const Job &other) {
        number = other.number;
        text = other.text;
        program.clear();
        for (u32 one : other.program) {
            [[maybe_unused]] bool fits = program.push_back(one);
        }
        return *this;
    }

    u32 number = 0;     // As `fg` names it; 0: it has been in front only.
    sel::Text<64> text; // The line that made it.
    sel::StaticVector<u32, kPrograms> program;
};

class Jobs {
  public:
    static constexpr u32 kMost = 8;

    // It runs behind the prompt, or is stopped: kept, and shown. False: there are as many as may be.
    bool keep(Context &c, Job &job, std::string_view how);

    // Waits until it has ended, or is stopped; its exit code.
    int foreground(Context &c, Job &job);

    int list(Context &c);
    // `fg` and `bg`.
    int bring(Context &c, bool in_front);
    // What has ended is said once, and forgotten.
    void tell_ended(Context &c);

  private:
    struct Summary {
        loader::State state;
        s32 code; // Of its last program.
    };

    static Summary look(Context &c, const Job &job);
    // The one in front was stopped: it is kept, or ended if there is no room.
    int put_aside(Context &c, Job &job);
    sel::StaticVector<Job, kMost> jobs_;
};

} // namespace shell
