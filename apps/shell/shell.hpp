// Shell: runs lines of commands, and keeps what lasts between them.
// SPDX-License-Identifier: BSD-2-Clause
//
// The commands of a pipeline run at the same time, in turns (fibers.hpp), programs beside them; a pipe holds 4 KiB, and
// who finds it full or empty waits (servers/pipe). Errors always go to the terminal.
#pragma once

#include <array>

#include "command.hpp"
#include "editor.hpp"
#include "fibers.hpp"
#include "jobs.hpp"
#include "keeper.hpp"
#include "parser.hpp"
#include "streams.hpp"
#include "workspace.hpp"

#include "sel/printable.hpp"

namespace shell {

class Shell final : public Completer {
  public:
    static constexpr std::string_view kPrompt = "trust> ";
    static constexpr u32 kScriptDepth = 4;      // Scripts that run scripts,
    static constexpr u32 kPipedScriptDepth = 1; // and on the stack of a fiber.

    explicit Shell(System &system) : system_{system}, editor_{kPrompt, *this} {}

    // Shows the beginning of /etc/motd, if it is there, runs the script of the keeper, and shows the
    // first prompt.
    void start();
    // Bytes from the keyboard; runs each line that they complete.
    void type(std::string_view bytes);

    // Runs one line; its exit code.
    int run_line(std::string_view text) { return status_ = run_line(text, console_, status_); }
    // Runs the lines of a file.
    int run_script(Context &context, std::string_view name);

    int status() const { return status_; }
    Fibers &fibers() { return fibers_; }
    Jobs &jobs() { return jobs_; }
    // nullptr: there is none, and that has been told.
    Workspace *workspace(Context &context);
    const History &history() const { return editor_.history(); }

    void complete(std::string_view before_cursor, Candidates &candidates) override;

  private:
    void welcome();

    class Console final : public Output {
      public:
        explicit Console(System &system) : system_{system} {}
        void write(std::string_view text) override;
        void flush() override;
        void prompt(std::string_view text) override;
        void clear() override;
        bool is_terminal() const override { return true; }

      private:
        static constexpr u32 kBuffer = stream::kChunk;
        void put(char c);

        System &system_;
        // Whole characters, as the terminal wants them.
        sel::Printable printable_{"\a\b\t\n\r", '?'};
        std::array<char, kBuffer> buffer_;
        u32 size_ = 0;
    };

    // The words of one command with $? put in.
    struct Words {
        std::array<std::string_view, kWordsMax> word;
        std::array<char, 2 * kLineMax> text;
    };

    // One command of a pipeline of several, in its fiber.
    struct Stage {
        Shell *shell;
        const Line *line;
        const Command *command;
        int last_status;
        Input *in; // nullptr: what comes out of `from`, if that is there.
        OwnPipe *from, *to;
        u32 fiber;
    };

    // `last_status`: of the command before, for $?.
    int run_line(std::string_view text, Output &out, int last_status);
    int run_job(std::string_view line);
    int run_pipeline(const Line &line, const Pipeline &pipeline, Output &out, int last_status);
    int run_commands(const Line &line, const Pipeline &pipeline, Input *in, Output &out,
                     int last_status);
    static void run_stage(void *stage);
    int run_command(const Line &line, const Command &command, Input *in, Output &out,
                    int last_status);
    bool expand(const Line &line, const Command &command, int last_status, Words &words);
    Context context(std::string_view name);
    bool are_programs(const Line &line, const Pipeline &pipeline, int last_status);
    int run_behind(const Line &line, const Pipeline &pipeline, int last_status);
    bool start_job(const Line &line, const Pipeline &pipeline, int last_status, Job &job);
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
    Fibers fibers_{system_};
    std::array<u32, Fibers::kMost + 1> depth_{}; // Scripts being run, on the stack of each.
    Workspace *workspace_ = nullptr;
    Jobs jobs_;
};

} // namespace shell
