// Commands that start programs, and see to those that run: run, start, about; jobs, fg, bg.
// SPDX-License-Identifier: BSD-2-Clause
#include "shell.hpp"

namespace shell {
namespace {

bool is_program_file(Context &c, std::string_view path) {
    constexpr std::string_view kElf = "\177ELF";
    char head[kElf.size()];
    sel::Result<u32> handle = c.system.open(path, 0);
    if (!handle) {
        return false;
    }
    sel::Result<u32> read = c.system.read(*handle, 0, head);
    [[maybe_unused]] auto closed = c.system.close(*handle);
    return read.value_or(0) == kElf.size() && std::string_view{head, kElf.size()} == kElf;
}

// Moves what the shell reads for a program into its pipe, and what comes out of its other one to where it goes, as long
// as the shell has the other ends.
class Pump {
  public:
    Pump(Context &c, OwnPipe &in, OwnPipe &out) : c_{c}, in_{in}, out_{out} {}

    void run() {
        while (!c_.system.interrupted() && (in_.writes() || out_.reads())) {
            c_.shell.fibers().until([&]() {
                bool moved = in_.writes() && push();
                moved = (out_.reads() && pull()) || moved;
                return moved || c_.system.interrupted();
            });
        }
        in_.release(piping::End::WRITER);
        out_.release(piping::End::READER);
    }

  private:
    // False: there is no room.
    bool push() {
        if (sent_ == size_) {
            size_ = c_.in->read(piece_).value_or(0);
            sent_ = 0;
        }
        sel::Result<u32> count =
            size_ == 0 ? sel::Result<u32>{ERR_GONE}
                       : c_.system.write_pipe(in_.number(), {piece_.data() + sent_, size_ - sent_});
        sent_ += count.value_or(0);
        if (!count && count.error() != ERR_BUSY) {
            in_.release(piping::End::WRITER);
        }
        return count.error() != ERR_BUSY;
    }

    // False: nothing has come.
    bool pull() {
        std::array<char, stream::kChunk> piece;
        sel::Result<u32> count = c_.system.read_pipe(out_.number(), piece);
        if (count.error() == ERR_BUSY) {
            return false;
        }
        c_.out.write({piece.data(), count.value_or(0)});
        if (count.value_or(0) == 0 || c_.out.broken()) {
            out_.release(piping::End::READER);
        }
        return true;
    }

    Context &c_;
    OwnPipe &in_, &out_;
    std::array<char, stream::kChunk> piece_;
    u32 size_ = 0, sent_ = 0;
};

int exit_code(Context &c, std::string_view path, s32 code) {
    if (c.system.interrupted()) {
        return kInterrupted;
    }
    return is_fault(code) ? c.fail("{} was ended by a fault", path) : code;
}

// One whose streams are not the terminal: the other ends are those of other commands, or the shell pumps.
int run_piped(Context &c, Run &run) {
    OwnPipe in{c.system}, out{c.system};
    sel::Result<> made;
    if (c.in != nullptr && c.in->pipe() == 0) {
        made = in.make();
    }
    if (made && c.out.pipe() == 0 && !c.out.is_terminal()) {
        made = out.make();
    }
    if (!made) {
        return c.fail("there is no pipe: {}", sel::describe(made.error()));
    }
    run.start.in = in.number() != 0 || c.in == nullptr ? in.number() : c.in->pipe();
    run.start.out = out.number() != 0 ? out.number() : c.out.pipe();
    u32 number = start_program(c, run);
    if (number == 0) {
        return kFailed;
    }
    in.release(piping::End::READER);
    out.release(piping::End::WRITER);
    c.system.put_in_front(number, run.start.in == 0, false);
    Pump{c, in, out}.run();
    c.shell.fibers().until([&]() { return !c.system.is_bound(number); });
    sel::Result<loader::Status> status = c.system.wait(number);
    return status ? exit_code(c, run.start.path, status->code)
                  : c.fail_on(run.start.path, status.error());
}

int run_file(Context &c, Run &run) {
    if (!run.waits) {
        u32 number = start_program(c, run);
        if (number != 0) {
            c.out.print("{} runs as {}\n", run.start.path, number);
        }
        return number != 0 ? 0 : kFailed;
    }
    if (c.in != nullptr || !c.out.is_terminal()) {
        return run_piped(c, run);
    }
    u32 number = start_program(c, run);
    Job job;
    job.text.append(run.start.path);
    if (number == 0 || !job.program.push_back(number)) {
        return kFailed;
    }
    return c.shell.jobs().foreground(c, job);
}

} // namespace

sel::Text<kLineMax> join_words(std::span<const std::string_view> words) {
    sel::Text<kLineMax> line;
    for (std::string_view word : words) {
        line.append(line.size == 0 ? "" : " ");
        line.append(word);
    }
    return line;
}

int run_program(Context &c, std::string_view name, std::span<const std::string_view> words) {
    sel::Text<kLineMax> arguments = join_words(words);
    c.out.flush();
    sel::Result<Ending> ending = c.system.run(name, arguments, System::kNoLimit);
    if (!ending) {
        return ending.error() == ERR_NAME ? c.fail("there is no program {}", name)
                                          : c.fail_on(name, ending.error());
    }
    if (c.system.interrupted()) {
        return kInterrupted;
    }
    return ending->how == Ending::Fault ? c.fail("{} was ended by a fault", name) : ending->code;
}

int read_run(Context &c, Run &run) {
    bool options = false;
    std::span<const std::string_view> args = c.args;
    for (; !args.empty() && args[0].starts_with('-'); args = args.subspan(1)) {
        options = true;
        if (args[0] == "-b") {
            run.waits = false;
        } else if (args[0] == "--give" && args.size() > 1) {
            args = args.subspan(1);
            run.start.give.append(run.start.give.size == 0 ? "" : " ");
            run.start.give.append(args[0]);
        } else {
            return c.usage("-b or --give WHAT, then a file or program");
        }
    }
    if (args.empty() || run.start.give.full()) {
        return c.usage("a file or program, and fewer things to give");
    }
    run.name = args[0];
    run.words = args.subspan(1);
    run.is_file = run.name.find('/') != run.name.npos && is_program_file(c, run.name);
    if (run.is_file) {
        run.start.path = run.name;
    } else if (options) {
        return c.fail("{} is no program in a file", run.name);
    }
    return 0;
}

u32 start_program(Context &c, Run &run) {
    sel::Text<kLineMax> line = join_words(run.words);
    if (line.size > run.start.data.kCapacity) {
        c.fail("arguments have at most {} bytes, these have {}", u32{run.start.data.kCapacity},
               line.size);
        return 0;
    }
    run.start.data = line.view();
    c.out.flush();
    c.errors.flush();
    sel::Result<loader::Started> started = c.system.start(run.start);
    while (started && started->number == 0 && started->missing.size != 0) {
        if (!c.system.ask_person(run.start.path, started->missing).value_or(false)) {
            c.fail("{} was not given {}", run.start.path, started->missing);
            return 0;
        }
        run.start.give.append(run.start.give.size == 0 ? "" : " ");
        run.start.give.append(started->missing);
        started = c.system.start(run.start);
    }
    if (!started) {
        c.fail_on(run.start.path, started.error());
    } else if (started->number == 0) {
        c.fail("{} {}", run.start.path, started->data);
    }
    return started.ok() ? started->number : 0;
}

int command_about(Context &c) {
    sel::Result<loader::Description> found = c.system.describe(c.args[0]);
    if (!found) {
        return c.fail_on(c.args[0], found.error());
    }
    if (found->good == 0) {
        return c.fail("{} {}", c.args[0], found->data);
    }
    c.out.write(found->data);
    return 0;
}

int command_run(Context &c) {
    Run run;
    if (int wrong = read_run(c, run); wrong != 0) {
        return wrong;
    }
    if (run.is_file) {
        return run_file(c, run);
    }
    if (run.name.find('/') == run.name.npos && (!run.name.empty())) {
        sel::Result<ProgramRow> program = find_program(c.system, run.name);
        if (program) {
            return run_program(c, run.name, run.words);
        }
    }
    if (!run.words.empty()) {
        return c.fail("there is no program {}, and scripts take no arguments", run.name);
    }
    return c.shell.run_script(c, run.name);
}

int command_start(Context &c) {
    sel::Text<kLineMax> arguments = join_words(c.args.subspan(1));
    sel::Result<u32> started = c.system.start(c.args[0], arguments);
    return started ? 0 : c.fail_on(c.args[0], started.error());
}

int command_jobs(Context &c) {
    return c.shell.jobs().list(c);
}

int command_fg(Context &c) {
    return c.shell.jobs().bring(c, true);
}

int command_bg(Context &c) {
    return c.shell.jobs().bring(c, false);
}

} // namespace shell
