// Jobs: the table, in front and behind.
// SPDX-License-Identifier: BSD-2-Clause
#include "jobs.hpp"

namespace shell {

bool Jobs::keep(Context &c, Job &job, std::string_view how) {
    if (job.number == 0) {
        if (jobs_.full()) {
            return false;
        }
        job.number = jobs_.empty() ? 1 : jobs_.back().number + 1;
        [[maybe_unused]] bool kept = jobs_.push_back(job);
    }
    c.errors.print("[{}] {}: {}\n", job.number, how, job.text);
    return true;
}

int Jobs::put_aside(Context &c, Job &job) {
    c.system.clear_front();
    if (keep(c, job, "stopped")) {
        return kStopped;
    }
    for (u32 program : job.program) {
        c.system.end(program);
    }
    return c.fail("{} jobs are there already: it was ended", u32{kMost});
}

int Jobs::foreground(Context &c, Job &job) {
    for (u32 i = 0; i < job.program.size(); i++) {
        c.system.put_in_front(job.program[i], i == 0, true);
    }
    int status = 0;
    for (u32 program : job.program) {
        sel::Result<loader::Status> ended = c.system.wait(program);
        if (!ended) {
            return c.fail_on(job.text, ended.error());
        }
        if (ended->state == loader::State::STOPPED) {
            return put_aside(c, job);
        }
        status = ended->code;
    }
    if (c.system.interrupted()) {
        return kInterrupted;
    }
    return is_fault(status) ? c.fail("{} was ended by a fault", job.text) : status;
}

Jobs::Summary Jobs::look(Context &c, const Job &job) {
    Summary summary{loader::State::ENDED, 0};
    for (u32 program : job.program) {
        sel::Result<loader::Status> status = c.system.look(program);
        if (status && status->state != loader::State::ENDED) {
            summary.state = status->state;
        }
        summary.code = status ? status->code : kFailed;
    }
    return summary;
}

int Jobs::list(Context &c) {
    for (const Job &job : jobs_) {
        loader::State state = look(c, job).state;
        c.out.print("[{}] {}: {}\n", job.number,
                    state == loader::State::RUNNING   ? "runs"
                    : state == loader::State::STOPPED ? "stopped"
                                                      : "has ended",
                    job.text);
    }
    return 0;
}

int Jobs::bring(Context &c, bool in_front) {
    u64 wanted = 0;
    if (!c.args.empty() && !parse_number(c.args[0], ~0u, wanted)) {
        return c.usage("the number of a job; 'jobs' lists them");
    }
    u32 place = jobs_.size();
    for (u32 i = 0; i < jobs_.size(); i++) {
        place = wanted == 0 || jobs_[i].number == wanted ? i : place;
    }
    if (place == jobs_.size()) {
        return wanted == 0 ? c.fail("expected a job that was stopped or runs behind: there is none")
                           : c.fail("there is no job {}; 'jobs' lists them", wanted);
    }
    Job job = jobs_[place];
    c.errors.print("{}\n", job.text);
    c.errors.flush();
    for (u32 i = 0; i < job.program.size(); i++) {
        if (in_front) {
            c.system.put_in_front(job.program[i], i == 0, true);
        }
        c.system.go_on(job.program[i]);
    }
    if (!in_front) {
        return 0;
    }
    int status = foreground(c, job);
    if (status != kStopped) {
        for (u32 i = jobs_.size(); i-- != 0;) {
            if (jobs_[i].number == job.number) {
                jobs_.remove(i);
            }
        }
    }
    return status;
}

void Jobs::tell_ended(Context &c) {
    for (u32 i = 0; i < jobs_.size();) {
        Summary summary = look(c, jobs_[i]);
        if (summary.state != loader::State::ENDED) {
            i++;
            continue;
        }
        c.errors.print("[{}] has ended with status {}: {}\n", jobs_[i].number, summary.code,
                       jobs_[i].text);
        jobs_.remove(i);
    }
}

} // namespace shell
