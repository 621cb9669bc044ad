// Interpreter: pipelines of several commands, and programs that run without the shell between them.
// SPDX-License-Identifier: BSD-2-Clause
#include "interpreter.hpp"

namespace shell {

// The words of all commands are known before one of them runs.
bool Interpreter::expand_stages(const Pipeline &pipeline, const Streams &io,
                                std::span<Stage> stages) {
    const Command *command = pipeline.first;
    for (Stage &stage : stages) {
        stage = {this, command, {}, task(), &io, nullptr, nullptr, 0};
        if (command->kind == Command::Simple && !expand(command->words, io.errors, stage.words)) {
            return false;
        }
        command = command->next;
    }
    return true;
}

int Interpreter::run_pipeline(const Pipeline &pipeline, const Streams &io) {
    constexpr u32 kMost = Fibers::kMost + 1;
    Context c = context("|", io);
    if (pipeline.commands > std::max(kMost, Job::kPrograms)) {
        return c.fail("at most {} commands run at a time", kMost);
    }
    std::span<Stage> stages = arena().make_array<Stage>(pipeline.commands);
    if (stages.size() != pipeline.commands) {
        return c.fail("there is no room for so many commands");
    }
    if (!expand_stages(pipeline, io, stages)) {
        return kFailed;
    }
    if (io.in == nullptr && io.out.is_terminal() && are_programs(stages)) {
        Job job;
        return start_job(stages, job) ? jobs_.foreground(c, job) : kFailed;
    }
    if (workspace(c) == nullptr) {
        return kFailed;
    }
    if (pipeline.commands - 1 > fibers_.free()) {
        return c.fail("at most {} commands run at a time", kMost);
    }
    return run_stages(stages, io);
}

// All but the last one get a fiber.
int Interpreter::run_stages(std::span<Stage> stages, const Streams &io) {
    u32 last = static_cast<u32>(stages.size()) - 1;
    sel::StaticVector<OwnPipe, Fibers::kMost> pipes;
    for (u32 i = 0; i < last; i++) {
        [[maybe_unused]] bool room = pipes.emplace_back(system_);
        if (sel::Result<> made = pipes.back().make(); !made) {
            return context("|", io).fail("there is no pipe: {}", sel::describe(made.error()));
        }
    }
    for (u32 i = 0; i < last; i++) {
        stages[i].from = i == 0 ? nullptr : &pipes[i - 1];
        stages[i].to = &pipes[i];
        stages[i].fiber = fibers_.start(run_stage, &stages[i]);
    }
    PipeInput piped{system_, fibers_, pipes[last - 1].number()};
    const Stage &own = stages[last];
    int status = run_command(*own.command, &own.words, {&piped, io.out, io.errors});
    pipes[last - 1].release(piping::End::READER);
    for (u32 i = 0; i < last; i++) {
        fibers_.join(stages[i].fiber);
    }
    return status;
}

void Interpreter::run_stage(void *stage) {
    Stage &s = *static_cast<Stage *>(stage);
    Interpreter &in = *s.interpreter;
    u32 fiber = in.fibers_.current();
    Task &task = in.task();
    task = s.parent;
    task.arena = Arena{in.workspace_->arena[fiber - 1]};
    task.scripts = task.loops = 0; // Those of its own.
    PipeInput piped{in.system_, in.fibers_, s.from != nullptr ? s.from->number() : 0};
    PipeOutput out{in.system_, in.fibers_, s.to->number()};
    in.run_command(*s.command, &s.words,
                   {s.from != nullptr ? &piped : s.io->in, out, s.io->errors});
    out.flush();
    s.to->release(piping::End::WRITER);
    if (s.from != nullptr) {
        s.from->release(piping::End::READER);
    }
}

Workspace *Interpreter::workspace(Context &c) {
    if (workspace_ == nullptr) {
        sel::Result<std::span<u8>> memory = system_.make_work_memory();
        if (!memory) {
            c.fail("there is no memory for it: {}", sel::describe(memory.error()));
            return nullptr;
        }
        workspace_ = new (memory->data()) Workspace;
        fibers_.use(workspace_->stack);
    }
    return workspace_;
}

// --- Programs that run without the shell between them.

// Is each of the commands `run FILE`, with nothing that changes how it is waited for or where it writes?
bool Interpreter::are_programs(std::span<const Stage> stages) {
    MemoryOutput nothing{std::span<char>{}};
    for (const Stage &stage : stages) {
        if (stage.words.empty() || stage.command->redirections != nullptr) {
            return false;
        }
        ArenaMark mark{arena()};
        Context c = context(stage.words[0], {nullptr, nothing, nothing});
        int status = 0;
        const CommandInfo *info = prepare(stage.words, c, status);
        Run run;
        if (info == nullptr || info->run != command_run || read_run(c, run) != 0 || !run.is_file ||
            !run.waits) {
            return false;
        }
    }
    return true;
}

// Starts all of them, or none.
bool Interpreter::start_job(std::span<const Stage> stages, Job &job) {
    sel::StaticVector<OwnPipe, Job::kPrograms> pipes;
    for (const Stage &stage : stages) {
        bool first = job.program.empty(), last = &stage == &stages.back();
        Context c = context("run", *stage.io);
        sel::Result<> made = job.program.full() ? ERR_FULL : OK;
        if (made && !last) {
            [[maybe_unused]] bool room = pipes.emplace_back(system_);
            made = pipes.back().make();
        }
        ArenaMark mark{arena()};
        Run run;
        int status = 0;
        u32 number = 0;
        if (made && prepare(stage.words, c, status) != nullptr && read_run(c, run) == 0) {
            run.start.in = first ? 0 : pipes[pipes.size() - (last ? 1 : 2)].number();
            run.start.out = last ? 0 : pipes.back().number();
            number = start_program(c, run);
        }
        if (number == 0) {
            for (u32 one : job.program) {
                system_.end(one);
            }
            if (!made) {
                c.fail("there is no pipe: {}", sel::describe(made.error()));
            }
            return false;
        }
        [[maybe_unused]] bool fits = job.program.push_back(number);
        job.text.append(first ? "" : " | ");
        job.text.append(join_words(stage.words));
    }
    return true;
}

int Interpreter::run_behind(const Pipeline &pipeline, const Streams &io) {
    Context c = context("&", io);
    if (pipeline.commands > Job::kPrograms) {
        return c.fail("at most {} programs run in a job", Job::kPrograms);
    }
    std::span<Stage> stages = arena().make_array<Stage>(pipeline.commands);
    if (stages.size() != pipeline.commands) {
        return c.fail("there is no room for so many commands");
    }
    if (!expand_stages(pipeline, io, stages)) {
        return kFailed;
    }
    if (!are_programs(stages)) {
        return c.fail("only programs in files run behind the prompt, as `run FILE`, and without < "
                      "and >");
    }
    Job job;
    if (!start_job(stages, job)) {
        return kFailed;
    }
    if (!jobs_.keep(c, job, "runs")) {
        for (u32 one : job.program) {
            system_.end(one);
        }
        return c.fail("there are {} jobs already", u32{Jobs::kMost});
    }
    return 0;
}

} // namespace shell
