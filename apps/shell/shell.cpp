// Shell: lines, pipes, scripts, completion.
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
    if (size_ == kBuffer) {
        flush();
    }
    buffer_[size_++] = c;
}

void Shell::Console::clear() {
    for (char c : std::string_view{"\x1b[H\x1b[2J"}) {
        put(c);
    }
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
        run_line(line);
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
            status_ = problem.size != 0 ? report(problem.view()) : run_line(editor_.line());
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

int Shell::run_line(std::string_view text, Output &out) {
    Line &line = line_[depth_];
    Message error;
    if (!parse(text, line, error)) {
        return report(error.view());
    }
    int status = status_;
    for (u32 i = 0; i < line.pipelines; i++) {
        const Pipeline &pipeline = line.pipeline[i];
        bool wanted = pipeline.join == Join::Always ||
                      (pipeline.join == Join::And && status == 0) ||
                      (pipeline.join == Join::Or && status != 0);
        if (wanted) {
            status = run_pipeline(line, pipeline, out);
            console_.flush();
            status_ = status;
        }
    }
    return status;
}

int Shell::run_pipeline(const Line &line, const Pipeline &pipeline, Output &final_out) {
    std::string_view input;
    bool cut = false;
    for (u32 i = 0; i < pipeline.commands; i++) {
        const Command &command = line.command[pipeline.first + i];
        bool last = i + 1 == pipeline.commands;
        if (last && pipeline.redirect == Redirect::None) {
            int status = run_command(line, command, i > 0, input, final_out);
            return status == 0 && cut ? kFailed : status;
        }
        MemoryOutput out{pipe_[depth_][i % 2]};
        int status = run_command(line, command, i > 0, input, out);
        if (out.cut()) {
            cut = true;
            console_.print("error: {}: more than {} bytes of output; the rest is lost\n",
                           line.word[command.first], kPipe);
        }
        if (last) {
            int saved = run_redirected(line, pipeline, out.view());
            return status != 0 ? status : cut ? kFailed : saved;
        }
        input = out.view();
    }
    return 0;
}

sel::Result<> Shell::replace(std::string_view path, std::string_view text) {
    NewFile file{system_};
    sel::Result<> opened = file.open(path);
    return opened ? file.end(file.append(text)) : opened;
}

sel::Result<> Shell::add_to(std::string_view path, std::string_view text) {
    sel::Result<u32> handle = system_.open(path, file::kWrite | file::kCreate);
    if (!handle) {
        return handle.error();
    }
    sel::Result<> added = system_.append(*handle, text), closed = system_.close(*handle);
    return added ? closed : added;
}

int Shell::run_redirected(const Line &line, const Pipeline &pipeline, std::string_view text) {
    std::string_view name = line.word[pipeline.target];
    Context context{*this, system_, {}, ">", false, {}, console_, console_, 0};
    file::Path path;
    if (!context.path(name, path)) {
        return kFailed;
    }
    sel::Result<> done =
        pipeline.redirect == Redirect::Replace ? replace(path, text) : add_to(path, text);
    return done ? 0 : context.fail_on(name, done.error());
}

bool Shell::expand(const Line &line, const Command &command, Words &words) {
    MemoryOutput text{words.text};
    for (u32 i = 0; i < command.words; i++) {
        std::size_t start = text.view().size();
        for (char c : line.word[command.first + i]) {
            if (c == kStatusMark) {
                text.print("{}", status_);
            } else {
                text.write({&c, 1});
            }
        }
        words.word[i] = text.view().substr(start);
    }
    return !text.cut();
}

int Shell::run_command(const Line &line, const Command &command, bool piped, std::string_view input,
                       Output &out) {
    Words words;
    if (!expand(line, command, words)) {
        return report("the words are too long once $? is put in");
    }
    std::string_view name = words.word[0];
    const CommandInfo *info = find_command(name);
    if (info == nullptr) {
        console_.print("error: unknown command '{}'; 'help' lists all commands\n", name);
        return kUnknown;
    }
    u32 count = command.words - 1;
    Context context{*this,    system_, {words.word.data() + 1, count}, name, piped, input, out,
                    console_, status_};
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
    if (depth_ == kScriptDepth) {
        return context.fail("{}: scripts run scripts more than {} deep", name, kScriptDepth);
    }
    Source source{context, name};
    if (!source.open()) {
        return kFailed;
    }
    depth_++;
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
        status = run_line(line, context.out);
    }
    depth_--;
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
    });
}

void Shell::complete_program(Candidates &candidates) {
    for (auto row = next_program(system_, 1); row; row = next_program(system_, row->number + 1)) {
        candidates.offer(row->name);
    }
}

} // namespace shell
