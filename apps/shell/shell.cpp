// Shell: the first prompt, what is typed, completion.
// SPDX-License-Identifier: BSD-2-Clause
#include "shell.hpp"

#include "servers/file/absolute.hpp"

namespace shell {

void Shell::start() {
    welcome();
    keeper_.load(editor_.history());
    if (keeper_.has_start()) {
        sel::Text<64> line{"run "};
        line.append(Keeper::kStart);
        run_job(line);
    }
    begin_line();
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

void Shell::type_key(char byte) {
    LineEditor::Event event = editor_.type(static_cast<u8>(byte), console_);
    if (event == LineEditor::Event::None) {
        return;
    }
    console_.flush(); // The line end, before programs write.
    if (event == LineEditor::Event::Dropped) {
        typed_.clear();
    } else {
        Message problem = editor_.problem();
        keep_history();
        run_typed(problem);
        Context told = interpreter_.context("jobs", interpreter_.console());
        interpreter_.jobs().tell_ended(told);
    }
    begin_line();
}

void Shell::begin_line() {
    constexpr std::string_view kName = "trust:", kCut = "...", kEnd = "> ";
    constexpr std::size_t kMost = stream::kPromptMax - kName.size() - kCut.size() - kEnd.size();
    std::string_view directory = interpreter_.directory();
    bool cut = directory.size() > kMost; // Its end tells more than its beginning.
    directory.remove_prefix(cut ? directory.size() - kMost : 0);
    while (cut && (static_cast<u8>(directory.front()) & 0xc0) == 0x80) {
        directory.remove_prefix(1); // Not in the middle of a character.
    }
    prompt_ = kName;
    prompt_.append(cut ? kCut : "");
    prompt_.append(directory);
    prompt_.append(kEnd);
    bool root = directory == "/" && !cut;
    editor_.set_prompt(typed_.size != 0 ? kMorePrompt : root ? kPrompt : prompt_.view());
    editor_.begin(console_);
}

// Runs what was typed, unless its end has not come yet.
void Shell::run_typed(const Message &problem) {
    if (!has_run_) {
        interpreter_.refusals().see_all(system_); // Of the boot: nobody asks for them who types.
        has_run_ = true;
    }
    Message error = problem;
    typed_.append(editor_.line());
    Parsed parsed = error.size != 0 ? Parsed::Wrong : interpreter_.check(typed_, error);
    if (parsed == Parsed::Incomplete && typed_.size < kUnitMax) {
        typed_.append('\n');
        return;
    }
    if (parsed == Parsed::Wrong) {
        interpreter_.set_status(interpreter_.report(error, console_));
    } else {
        run_job(typed_);
    }
    typed_.clear();
}

// What runs is in front of the terminal.
void Shell::run_job(std::string_view text) {
    system_.begin_job();
    interpreter_.run_text(text, interpreter_.console());
    system_.end_job();
    if (system_.interrupted()) {
        console_.write("^C\n");
        interpreter_.set_status(kInterrupted);
    }
}

// Says once that it cannot be kept.
void Shell::keep_history() {
    error_t error = keeper_.save(editor_.history()).error();
    if (error == ERR_IO && !keeper_failed_) {
        console_.print_error("the lines typed are not kept: {}: {}", Keeper::kHistory,
                             sel::describe(error));
    }
    keeper_failed_ = keeper_failed_ || error == ERR_IO;
}

// --- Completion.

void Shell::complete(std::string_view before_cursor, Candidates &candidates) {
    LastWord last = last_word(before_cursor);
    std::string_view word = before_cursor.substr(last.start);
    candidates.begin(last.start, word);
    if (word.starts_with('$')) {
        complete_variable(word, candidates);
        return;
    }
    bool first = last.command.empty();
    const CommandInfo *info = first ? nullptr : find_command(last.command);
    Argument argument =
        info != nullptr                        ? info->argument
        : first && word.find('/') == word.npos ? Argument::Command
        : first || last.command == kFileExpected || last.command.find('/') != last.command.npos
            ? Argument::Path
            : Argument::None;
    if (argument == Argument::Path || argument == Argument::Directory) {
        complete_path(word, argument == Argument::Directory, candidates);
    } else if (argument == Argument::Program) {
        complete_program(candidates);
    } else if (argument == Argument::Command) {
        for (const CommandInfo &command : commands()) {
            candidates.offer(command.name);
        }
    }
}

void Shell::complete_path(std::string_view word, bool directories, Candidates &candidates) {
    std::string_view directory = word.substr(0, word.rfind('/') + 1);
    sel::Result<file::Path> path =
        file::absolute(interpreter_.directory(), directory.empty() ? "." : directory);
    if (!path) {
        return;
    }
    [[maybe_unused]] auto listed = each_entry(system_, *path, [&](const file::Entry &entry) {
        bool is_directory = entry.info.kind == file::Kind::Directory;
        Candidates::Name name;
        name.append(directory);
        name.append(entry.name);
        name.append(is_directory ? "/" : "");
        if (is_directory || !directories) {
            candidates.offer(name);
        }
        return true;
    });
}

void Shell::complete_program(Candidates &candidates) {
    for (auto row = next_program(system_, 1); row; row = next_program(system_, row->number + 1)) {
        candidates.offer(row->name);
    }
}

void Shell::complete_variable(std::string_view word, Candidates &candidates) {
    Variables::Variable variable{};
    for (u32 place = 0; interpreter_.variables().next(place, variable);) {
        Candidates::Name name{word.substr(0, 1)};
        name.append(variable.name);
        candidates.offer(name);
    }
}

} // namespace shell
