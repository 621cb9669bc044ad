// Shell: the prompt: a line is edited, completed, kept, and run.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include "console_output.hpp"
#include "editor.hpp"
#include "interpreter.hpp"
#include "keeper.hpp"

namespace shell {

class Shell final : public Completer {
  public:
    static constexpr std::string_view kPrompt =
        "trust> "; // In "/"; elsewhere it says where: "trust:/etc> ".
    static constexpr std::string_view kMorePrompt = "more> "; // An if, while or for has no end yet.

    explicit Shell(System &system) : system_{system}, editor_{kPrompt, *this} {}

    // Shows the beginning of /etc/motd, if it is there, runs the script of the keeper, and shows the
    // first prompt.
    void start();
    // A byte from the keyboard; runs the line that it completes. What is shown of it may be kept back until flush().
    void type_key(char byte);
    void flush() { console_.flush(); }

    // Runs one line; its exit code.
    int run_line(std::string_view text) {
        return interpreter_.run_text(text, interpreter_.console());
    }
    const History &history() const { return editor_.history(); }

    void complete(std::string_view before_cursor, Candidates &candidates) override;

  private:
    void welcome();
    void begin_line();
    void run_typed(const Message &problem);
    void run_job(std::string_view text);
    void keep_history();
    void complete_path(std::string_view word, bool directories, Candidates &candidates);
    void complete_program(Candidates &candidates);
    void complete_variable(std::string_view word, Candidates &candidates);

    System &system_;
    ConsoleOutput console_{system_};
    LineEditor editor_;
    Interpreter interpreter_{system_, console_, editor_.history()};
    Keeper keeper_{system_};
    bool keeper_failed_ = false;
    bool has_run_ = false; // A line that was typed.
    sel::Text<stream::kPromptMax> prompt_;
    sel::Text<kUnitMax + 1> typed_; // Lines of a command that has no end yet, and the newest.
};

} // namespace shell
