// Shell: runs lines of commands, and keeps what lasts between them.
// SPDX-License-Identifier: BSD-2-Clause
//
// The commands of a pipe run one after the other; what one prints is kept in memory (kPipe bytes)
// and then read by the next. Errors always go to the console.
#pragma once

#include <array>

#include "command.hpp"
#include "editor.hpp"
#include "keeper.hpp"
#include "parser.hpp"

#include "sel/printable.hpp"

namespace shell {

class Shell final : public Completer {
  public:
    static constexpr std::string_view kPrompt = "trust> ";
    static constexpr u32 kPipe = 64 * 1024;
    static constexpr u32 kScriptDepth = 4; // Scripts that run scripts.

    explicit Shell(System &system) : system_{system}, editor_{kPrompt, *this} {}

    // Shows the beginning of /etc/motd, if it is there, runs the script of the keeper, and shows the
    // first prompt.
    void start();
    // Bytes from the keyboard; runs each line that they complete.
    void type(std::string_view bytes);

    // Runs one line; its exit code.
    int run_line(std::string_view text) { return run_line(text, console_); }
    int run_line(std::string_view text, Output &out);
    // Runs the lines of a file.
    int run_script(Context &context, std::string_view name);

    int status() const { return status_; }
    const History &history() const { return editor_.history(); }

    void complete(std::string_view before_cursor, Candidates &candidates) override;

  private:
    void welcome();

    class Console final : public Output {
      public:
        explicit Console(System &system) : system_{system} {}
        void write(std::string_view text) override;
        void flush() override;
        void clear() override;

      private:
        static constexpr u32 kBuffer = file::kChunk;
        void put(char c);

        System &system_;
        // What files and programs say cannot command the terminal.
        sel::Printable printable_{"\a\b\t\n\r", '?'};
        std::array<char, kBuffer> buffer_;
        u32 size_ = 0;
    };

    // The words of one command with $? put in.
    struct Words {
        std::array<std::string_view, kWordsMax> word;
        std::array<char, 2 * kLineMax> text;
    };

    int run_pipeline(const Line &line, const Pipeline &pipeline, Output &out);
    int run_redirected(const Line &line, const Pipeline &pipeline, std::string_view text);
    int run_command(const Line &line, const Command &command, bool piped, std::string_view input,
                    Output &out);
    bool expand(const Line &line, const Command &command, Words &words);
    sel::Result<> replace(std::string_view path, std::string_view text);
    sel::Result<> add_to(std::string_view path, std::string_view text);
    int report(std::string_view problem);
    void keep_history();
    void complete_path(std::string_view word, Candidates &candidates);
    void complete_program(Candidates &candidates);

    System &system_;
    Console console_{system_};
    LineEditor editor_;
    Keeper keeper_{system_};
    bool keeper_failed_ = false;
    int status_ = 0;
    u32 depth_ = 0; // Scripts being run.
    std::array<Line, kScriptDepth + 1> line_;
    std::array<std::array<std::array<char, kPipe>, 2>, kScriptDepth + 1> pipe_;
};

} // namespace shell
