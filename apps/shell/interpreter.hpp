// Interpreter: runs what was parsed, and keeps what lasts between lines: variables, the directory, jobs.
// SPDX-License-Identifier: BSD-2-Clause
//
// The commands of a pipeline run at the same time, in turns (fibers.hpp), programs beside them; a pipe holds 4 KiB, and
// who finds it full or empty waits (servers/pipe). They have the same variables and directory.
#pragma once

#include <array>

#include "command.hpp"
#include "editor.hpp"
#include "expansion.hpp"
#include "fibers.hpp"
#include "jobs.hpp"
#include "parser.hpp"
#include "refusals.hpp"
#include "source.hpp"
#include "streams.hpp"
#include "variables.hpp"
#include "workspace.hpp"

namespace shell {

// What a command reads, and writes to.
struct Streams {
    Input *in; // nullptr: nothing.
    Output &out;
    Output &errors;
};

using Words = std::span<const std::string_view>;

class Interpreter final : public Values {
  public:
    static constexpr u32 kScriptDepth = 4;      // Scripts that run scripts,
    static constexpr u32 kPipedScriptDepth = 1; // and on the stack of a fiber.

    Interpreter(System &system, Output &console, const History &history)
        : system_{system}, console_{console}, history_{history}, fibers_{system} {
        task_[0].arena = Arena{memory_};
    }

    // Can it be parsed?
    Parsed check(std::string_view text, Message &error) {
        ArenaMark mark{arena()};
        const Pipeline *list = nullptr;
        return parse(text, arena(), list, error);
    }
    // Runs a line, or several; the status of the last command.
    int run_text(std::string_view text, const Streams &io);
    // Runs one command.
    int run_words(Words words, const Streams &io);
    // Runs the lines of a file; `arguments`: what $1 and so on are in it.
    int run_script(Context &c, std::string_view name, Words arguments);
    // Says why a line is not run.
    int report(std::string_view problem, Output &errors);

    Streams console() { return {nullptr, console_, console_}; }
    Context context(std::string_view name, const Streams &io) {
        return {*this, system_, {}, name, io.in, io.out, io.errors, task().status, {}};
    }

    // --- For commands.
    Fibers &fibers() { return fibers_; }
    Jobs &jobs() { return jobs_; }
    Variables &variables() { return variables_; }
    Refusals &refusals() { return refusals_; }
    const History &history() const { return history_; }
    // nullptr: there is none, and that has been told.
    Workspace *workspace(Context &c);
    void set_directory(std::string_view path) { directory_ = path; }
    // `break`, `continue` and `exit`; false: there is nothing that it could leave.
    enum class Flow : u8 { None, Break, Continue, Exit };
    bool leave(Flow flow);

    int status() const { return task_[fibers_.current()].status; }
    void set_status(int status) { task().status = status; }
    Arena &arena() { return task().arena; }

    // --- Values.
    std::string_view value(std::string_view name) override;
    Words arguments() const override { return task_[fibers_.current()].arguments; }
    bool substitute(std::string_view text, Output &out) override;
    std::string_view directory() const override { return directory_; }

  private:
    static constexpr std::size_t kArena = 48 * 1024;

    // What runs on one stack.
    struct Task {
        Arena arena;
        Words arguments;
        std::string_view script;
        u32 scripts = 0, loops = 0; // In which it is.
        Flow flow = Flow::None;
        int status = 0;
        Output *errors = nullptr; // Of what is being expanded.
    };
    // A command of a pipeline of several.
    struct Stage {
        Interpreter *interpreter;
        const Command *command;
        Words words; // Of a simple one.
        Task parent; // Whose variables and arguments it has.
        const Streams *io;
        OwnPipe *from, *to; // nullptr: io.
        u32 fiber;
    };

    int run(const Pipeline *list, const Streams &io);
    Task &task() { return task_[fibers_.current()]; }
    bool goes_on();
    bool expand(const Word *typed, Output &errors, Words &words);
    bool expand_text(std::string_view typed, Output &errors, std::string_view &text);
    bool told(const Expansion &expansion, Output &errors);

    int run_pipeline(const Pipeline &pipeline, const Streams &io);
    int run_stages(std::span<Stage> stages, const Streams &io);
    bool make_pipes(std::span<Stage> stages, std::span<OwnPipe> pipes, Context &c);
    static void run_stage(void *stage);
    int run_command(const Command &command, const Words *words, const Streams &io);
    int run_redirected(const Command &command, const Words *words, const Streams &io);
    int run_body(const Command &command, const Words *words, const Streams &io);
    int assign(const Command &command, const Streams &io);
    int run_if(const Command &command, const Streams &io);
    int run_while(const Command &command, const Streams &io);
    int run_for(const Command &command, const Streams &io);
    bool ends_loop();

    const CommandInfo *prepare(Words words, Context &c, int &status);
    int tell_unknown(std::string_view name, Output &errors);
    bool are_programs(std::span<const Stage> stages);
    int run_behind(const Pipeline &pipeline, const Streams &io);
    bool start_job(std::span<const Stage> stages, Job &job);
    bool expand_stages(const Pipeline &pipeline, const Streams &io, std::span<Stage> stages);

    int run_lines(Context &c, std::string_view name, Source &source);

    System &system_;
    Output &console_;
    const History &history_;
    Fibers fibers_;
    std::array<Task, Fibers::kMost + 1> task_{};
    Workspace *workspace_ = nullptr;
    Jobs jobs_;
    Variables variables_;
    Refusals refusals_;
    file::Path directory_{"/"};
    sel::Text<16> number_; // A value that was asked for.
    alignas(16) std::array<u8, kArena> memory_;
};

} // namespace shell
