// Shell: lines, pipelines, scripts, completion.
// SPDX-License-Identifier: BSD-2-Clause
#include "shell.hpp"

#include "new_file.hpp"
#include "source.hpp"

namespace shell {

// --- The console: collected, and sent when a line ends or the buffer is full.

void Shell::Console::write(std::string_view text) {
    for (char c : text) {
        printable_.put(c, [this](char shown) { put(shown); });
    }
}

void Shell::Console::put(char c) {
    constexpr u32 kLongest = 4; // Bytes of a character: it is not parted.
    bool begins = (static_cast<u8>(c) & 0xc0) != 0x80;
    if (begins && size_ + kLongest > kBuffer) {
        flush();
    }
    buffer_[size_++] = c;
}

void Shell::Console::prompt(std::string_view text) {
    flush();
    system_.show_prompt(text);
}

void Shell::Console::clear() {
    flush();
    system_.clear_screen();
}

void Shell::Console::flush() {
    if (size_ > 0) {
        system_.print({buffer_.data(), size_});
        size_ = 0;
    }
}

void Shell::start() {
    welcome();
    keeper_.load(editor_.history());
    if (keeper_.has_start()) {
        constexpr std::string_view kRun = "run ";
        sel::Text<64> line{kRun};
        line.append(Keeper::kStart);
        run_job(line);
    }
    editor_.begin(console_);
    console_.flush();
}

void Shell::welcome() {
    constexpr u32 kPieces = 8;
    sel::Result<u32> handle = system_.open("/etc/motd", 0);
    if (!handle) {
        return;
    }
    char text[file::kChunk];
    u64 offset = 0;
    for (u32 i = 0; i < kPieces; i++) {
        u32 count = system_.read(*handle, offset, text).value_or(0);
        console_.write({text, count});
        offset += count;
    }
    [[maybe_unused]] auto closed = system_.close(*handle); // Only read.
}

void Shell::type(std::string_view bytes) {
    for (char byte : bytes) {
        if (editor_.type(static_cast<u8>(byte), console_) == LineEditor::Event::Line) {
            console_.flush(); // The line end, before programs write.
            Message problem = editor_.problem();
            keep_history();
            status_ = problem.size != 0 ? report(problem.view()) : run_job(editor_.line());
            Context told = context("jobs");
            jobs_.tell_ended(told);
            editor_.begin(console_);
        }
    }
    console_.flush();
}

// Says once that it cannot be kept.
void Shell::keep_history() {
    error_t error = keeper_.save(editor_.history()).error();
    if (error == ERR_IO && !keeper_failed_) {
        console_.print("error: the lines typed are not kept: {}: {}\n", Keeper::kHistory,
                       sel::describe(error));
    }
    keeper_failed_ = keeper_failed_ || error == ERR_IO;
}

int Shell::report(std::string_view problem) {
    console_.print("error: {}; nothing was run\n", problem);
    return kUsage;
}

// --- Running.

// A line that was typed: what runs is in front of the terminal.
int Shell::run_job(std::string_view line) {
    system_.begin_job();
    run_line(line);
    system_.end_job();
    if (system_.interrupted()) {
        console_.write("^C\n");
        status_ = kInterrupted;
    }
    return status_;
}

int Shell::run_line(std::string_view text, Output &out, int last_status) {
    Line line;
    Message error;
    if (!parse(text, line, error)) {
        return report(error.view());
    }
    int status = last_status;
    for (u32 i = 0; i < line.pipelines && !system_.interrupted(); i++) {
        const Pipeline &pipeline = line.pipeline[i];
        bool wanted = pipeline.join == Join::Always ||
                      (pipeline.join == Join::And && status == 0) ||
                      (pipeline.join == Join::Or && status != 0);
        if (wanted) {
            status = pipeline.behind ? run_behind(line, pipeline, status)
                                     : run_pipeline(line, pipeline, out, status);
            console_.flush();
        }
    }
    return status;
}

// For what no command does by itself.
Context Shell::context(std::string_view name) {
    return {*this, system_, {}, name, nullptr, console_, console_, 0};
}

int Shell::run_pipeline(const Line &line, const Pipeline &pipeline, Output &out, int last_status) {
    FileInput input{system_};
    FileOutput output{system_};
    bool reads = pipeline.source != Pipeline::kNone, writes = pipeline.redirect != Redirect::None;
    file::Path path;
    if (reads) {
        Context c = context("<");
        std::string_view name = line.word[pipeline.source];
        if (!c.path(name, path)) {
            return kFailed;
        }
        if (sel::Result<> opened = input.open(path); !opened) {
            return c.fail_on(name, opened.error());
        }
    }
    if (!writes) {
        return run_commands(line, pipeline, reads ? &input : nullptr, out, last_status);
    }
    Context c = context(">");
    std::string_view name = line.word[pipeline.target];
    if (!c.path(name, path)) {
        return kFailed;
    }
    sel::Result<> done = output.open(path, pipeline.redirect == Redirect::Append);
    if (!done) {
        return c.fail_on(name, done.error());
    }
    int status = run_commands(line, pipeline, reads ? &input : nullptr, output, last_status);
    done = output.end(system_.interrupted() ? ERR_EMPTY : OK);
    if (!done && !system_.interrupted()) {
        int failed = c.fail_on(name, done.error());
        status = status != 0 ? status : failed;
    }
    return status;
}

int Shell::run_commands(const Line &line, const Pipeline &pipeline, Input *in, Output &out,
                        int last_status) {
    u32 last = pipeline.commands - 1;
    const Command *command = &line.command[pipeline.first];
    if (last == 0) {
        return run_command(line, *command, in, out, last_status);
    }
    Context c = context("|");
    if (in == nullptr && out.is_terminal() && are_programs(line, pipeline, last_status)) {
        Job job;
        return start_job(line, pipeline, last_status, job) ? jobs_.foreground(c, job) : kFailed;
    }
    if (workspace(c) == nullptr) {
        return kFailed;
    }
    if (last > fibers_.free()) {
        return c.fail("at most {} commands run at a time", Fibers::kMost + 1);
    }
    sel::StaticVector<OwnPipe, Fibers::kMost> pipes;
    for (u32 i = 0; i < last; i++) {
        [[maybe_unused]] bool room = pipes.emplace_back(system_);
        if (sel::Result<> made = pipes.back().make(); !made) {
            return c.fail("there is no pipe: {}", sel::describe(made.error()));
        }
    }
    std::array<Stage, Fibers::kMost> stage;
    for (u32 i = 0; i < last; i++) {
        stage[i] = {this,
                    &line,
                    command + i,
                    last_status,
                    i == 0 ? in : nullptr,
                    i == 0 ? nullptr : &pipes[i - 1],
                    &pipes[i],
                    0};
        stage[i].fiber = fibers_.start(run_stage, &stage[i]);
    }
    PipeInput piped{system_, fibers_, pipes[last - 1].number()};
    int status = run_command(line, command[last], &piped, out, last_status);
    pipes[last - 1].release(piping::End::READER);
    for (u32 i = 0; i < last; i++) {
        fibers_.join(stage[i].fiber);
    }
    return status;
}

void Shell::run_stage(void *stage) {
    Stage &s = *static_cast<Stage *>(stage);
    Shell &sh = *s.shell;
    PipeInput piped{sh.system_, sh.fibers_, s.from != nullptr ? s.from->number() : 0};
    PipeOutput out{sh.system_, sh.fibers_, s.to->number()};
    sh.run_command(*s.line, *s.command, s.from != nullptr ? &piped : s.in, out, s.last_status);
    out.flush();
    s.to->release(piping::End::WRITER);
    if (s.from != nullptr) {
        s.from->release(piping::End::READER);
    }
}

Workspace *Shell::workspace(Context &context) {
    if (workspace_ == nullptr) {
        sel::Result<std::span<u8>> memory = system_.make_work_memory();
        if (!memory) {
            context.fail("there is no memory for it: {}", sel::describe(memory.error()));
            return nullptr;
        }
        workspace_ = new (memory->data()) Workspace;
        fibers_.use(workspace_->stack);
    }
    return workspace_;
}

// --- Programs that run without the shell between them.

// Is each of the commands `run FILE`, without an option that changes how it is waited for?
bool Shell::are_programs(const Line &line, const Pipeline &pipeline, int last_status) {
    for (u32 i = 0; i < pipeline.commands; i++) {
        Words words;
        const Command &command = line.command[pipeline.first + i];
        if (!expand(line, command, last_status, words) || words.word[0] != "run") {
            return false;
        }
        MemoryOutput nothing{std::span<char>{}};
        Run run;
        Context c{*this,   system_, {words.word.data() + 1, command.words - 1},
                  "run",   nullptr, nothing,
                  nothing, 0};
        if (read_run(c, run) != 0 || !run.is_file || !run.waits) {
            return false;
        }
    }
    return true;
}

// Starts all of them, or none.
bool Shell::start_job(const Line &line, const Pipeline &pipeline, int last_status, Job &job) {
    sel::StaticVector<OwnPipe, Job::kPrograms> pipes;
    Context whole = context("run");
    for (u32 i = 0; i < pipeline.commands; i++) {
        Words words;
        Run run;
        const Command &command = line.command[pipeline.first + i];
        bool last = i + 1 == pipeline.commands;
        sel::Result<> made = job.program.full() ? ERR_FULL : OK;
        if (made && !last) {
            [[maybe_unused]] bool room = pipes.emplace_back(system_);
            made = pipes.back().make();
        }
        bool good = made.ok() && expand(line, command, last_status, words);
        Context c{*this,    system_, {words.word.data() + 1, command.words - 1},
                  "run",    nullptr, console_,
                  console_, 0};
        good = good && read_run(c, run) == 0;
        run.start.in = good && i > 0 ? pipes[i - 1].number() : 0;
        run.start.out = good && !last ? pipes[i].number() : 0;
        u32 number = good ? start_program(c, run) : 0;
        if (number == 0) {
            for (u32 one : job.program) {
                system_.end(one);
            }
            if (!made) {
                whole.fail("there is no pipe: {}", sel::describe(made.error()));
            }
            return false;
        }
        [[maybe_unused]] bool fits = job.program.push_back(number);
        job.text.append(i == 0 ? "" : " | ");
        job.text.append(join_words({words.word.data(), command.words}));
    }
    return true;
}

int Shell::run_behind(const Line &line, const Pipeline &pipeline, int last_status) {
    Context c = context("&");
    if (pipeline.source != Pipeline::kNone || pipeline.redirect != Redirect::None ||
        !are_programs(line, pipeline, last_status)) {
        return c.fail("only programs in files run behind the prompt, as `run FILE`, and without < "
                      "and >");
    }
    Job job;
    if (!start_job(line, pipeline, last_status, job)) {
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

// --- Commands.

bool Shell::expand(const Line &line, const Command &command, int last_status, Words &words) {
    MemoryOutput text{words.text};
    for (u32 i = 0; i < command.words; i++) {
        std::size_t start = text.view().size();
        for (char c : line.word[command.first + i]) {
            if (c == kStatusMark) {
                text.print("{}", last_status);
            } else {
                text.write({&c, 1});
            }
        }
        words.word[i] = text.view().substr(start);
    }
    return !text.cut();
}

int Shell::run_command(const Line &line, const Command &command, Input *in, Output &out,
                       int last_status) {
    Words words;
    if (!expand(line, command, last_status, words)) {
        return report("the words are too long once $? is put in");
    }
    std::string_view name = words.word[0];
    const CommandInfo *info = find_command(name);
    if (info == nullptr) {
        console_.print("error: unknown command '{}'; 'help' lists all commands\n", name);
        return kUnknown;
    }
    u32 count = command.words - 1;
    Context context{*this,    system_,    {words.word.data() + 1, count}, name, in, out,
                    console_, last_status};
    if (count < info->least || count > info->most) {
        sel::Text<64> expected;
        if (info->most == 0) {
            expected.append("no arguments");
        } else if (info->least == info->most) {
            sel::format(expected, "{} argument{}", info->least, info->least == 1 ? "" : "s");
        } else if (info->most == kAnyNumber) {
            sel::format(expected, "at least {} argument{}", info->least,
                        info->least == 1 ? "" : "s");
        } else {
            sel::format(expected, "{} to {} arguments", info->least, info->most);
        }
        return context.usage(expected);
    }
    return info->run(context);
}

int Shell::run_script(Context &context, std::string_view name) {
    u32 &depth = depth_[fibers_.current()];
    u32 most = fibers_.current() == 0 ? kScriptDepth : kPipedScriptDepth;
    if (depth == most) {
        return context.fail("{}: scripts run scripts more than {} deep", name, most);
    }
    Source source{context, name};
    if (!source.open()) {
        return kFailed;
    }
    depth++;
    Lines lines{source};
    std::string_view line;
    int status = 0;
    for (u32 number = 1; lines.next(line); number++) {
        Message problem = refuse(line);
        if (problem.size != 0) {
            console_.print("error: {}, line {}: {}\n", name, number, problem.view());
            status = kUsage;
            break;
        }
        status = run_line(line, context.out, status);
        if (system_.interrupted()) {
            break;
        }
    }
    depth--;
    return source.failed() ? kFailed : status;
}

// --- Completion.

void Shell::complete(std::string_view before_cursor, Candidates &candidates) {
    LastWord last = last_word(before_cursor);
    std::string_view word = before_cursor.substr(last.start);
    candidates.begin(last.start, word);
    if (last.command.empty()) {
        for (const CommandInfo &command : commands()) {
            candidates.offer(command.name);
        }
        return;
    }
    const CommandInfo *info = find_command(last.command);
    Argument argument = last.command == ">" ? Argument::Path
                        : info != nullptr   ? info->argument
                                            : Argument::None;
    if (argument == Argument::Path) {
        complete_path(word, candidates);
    } else if (argument == Argument::Program) {
        complete_program(candidates);
    } else if (argument == Argument::Command) {
        for (const CommandInfo &command : commands()) {
            candidates.offer(command.name);
        }
    }
}

void Shell::complete_path(std::string_view word, Candidates &candidates) {
    std::string_view directory = word.substr(0, word.rfind('/') + 1);
    sel::Text<file::kPathMax + 1> path;
    path.append(directory.starts_with('/') ? "" : "/");
    path.append(directory);
    if (path.full()) {
        return;
    }
    [[maybe_unused]] auto listed = each_entry(system_, path, [&](const file::Entry &entry) {
        Candidates::Name name;
        name.append(directory);
        name.append(entry.name);
        name.append(entry.info.kind == file::Kind::Directory ? "/" : "");
        candidates.offer(name);
        return true;
    });
}

void Shell::complete_program(Candidates &candidates) {
    for (auto row = next_program(system_, 1); row; row = next_program(system_, row->number + 1)) {
        candidates.offer(row->name);
    }
}

} // namespace shell
