// Commands that start programs, and see to those that run: run start about which; jobs fg bg.
// SPDX-License-Identifier: BSD-2-Clause
#include "interpreter.hpp"

#include "servers/file/absolute.hpp"
#include "servers/root/api.hpp"

namespace shell {
namespace {

constexpr std::string_view kFile = "file:", kReadOnly = ":ro"; // Of --give.

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
            c_.interpreter.fibers().until([&]() {
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
    c.interpreter.fibers().until([&]() { return !c.system.is_bound(number); });
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
    return c.interpreter.jobs().foreground(c, job);
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

// The directory as a program sees it that is given these things: what it is given of files is its "/". Empty: it does not
// see the directory.
static std::string_view directory_for(std::string_view directory, std::string_view given) {
    std::size_t file = given.find(kFile);
    if (file == given.npos) {
        return directory;
    }
    std::string_view root = given.substr(file + kFile.size());
    root = root.substr(0, root.find(' '));
    root.remove_suffix(root.ends_with(kReadOnly) ? kReadOnly.size() : 0);
    root = root == "/" ? std::string_view{} : root;
    bool inside = directory.starts_with(root) && directory.substr(root.size()).starts_with('/');
    return inside ? directory.substr(root.size()) : std::string_view{};
}

static bool make_arguments(Context &c, Words words, std::size_t most, std::string_view directory,
                           Arguments &arguments) {
    std::size_t size = 0; // Also of what does not fit.
    auto add = [&](std::string_view text) {
        arguments.append(text);
        size += text.size();
    };
    for (std::string_view word : words) {
        add(size == 0 ? "" : " ");
        add(word);
    }
    std::size_t words_size = size;
    constexpr std::string_view kZero{"\0", 1};
    auto add_variable = [&](std::string_view name, std::string_view value) {
        add(kZero);
        add(name);
        add("=");
        add(value);
    };
    if (directory.size() > 1) {
        add_variable(file::kDirectoryVariable, directory);
    }
    Variables::Variable variable{};
    for (u32 place = 0; c.interpreter.variables().next(place, variable);) {
        if (variable.exported) {
            add_variable(variable.name, variable.value);
        }
    }
    if (size > most) {
        c.fail("arguments have at most {} bytes, these have {} and what was exported {}", most,
               words_size, size - words_size);
    }
    return size <= most;
}

bool make_arguments(Context &c, Words words, std::size_t most, Arguments &arguments) {
    return make_arguments(c, words, most, c.interpreter.directory(), arguments);
}

int run_program(Context &c, std::string_view name, std::span<const std::string_view> words) {
    Arguments arguments;
    if (!make_arguments(c, words, root::Arguments::kCapacity, arguments)) {
        return kFailed;
    }
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

// A program of boot/system.toml.
static bool is_system_program(Context &c, std::string_view name) {
    sel::Result<ProgramRow> row = find_program(c.system, name);
    return row.ok() && row->starter == 0 && row->name == name;
}

// What is to be given, as the loader knows it: file:PATH or file:PATH:ro with an absolute path. False: the error has been
// told.
static bool give(Context &c, std::string_view what, Run &run) {
    auto &all = run.start.give;
    all.append(all.size == 0 ? "" : " ");
    if (!what.starts_with(kFile)) {
        all.append(what);
    } else {
        bool read_only = what.ends_with(kReadOnly);
        std::string_view name = what.substr(kFile.size());
        name.remove_suffix(read_only ? kReadOnly.size() : 0);
        file::Path path;
        if (!c.path(name, path)) {
            return false;
        }
        all.append(kFile);
        all.append(path);
        all.append(read_only ? kReadOnly : "");
    }
    if (all.full()) {
        c.usage("fewer things to give");
    }
    return !all.full();
}

int read_run(Context &c, Run &run) {
    for (const Options::Option &option : c.options.all()) {
        run.waits = run.waits && option.name != "b";
        if (option.name == "give" && !give(c, option.value, run)) {
            return kUsage;
        }
    }
    run.name = c.args[0];
    run.words = c.args.subspan(1);
    file::Path path;
    if (run.name.empty() || !c.path(run.name, path)) {
        return run.name.empty() ? c.usage("a file or program") : int{kFailed};
    }
    run.is_system = run.name.find('/') == run.name.npos && is_system_program(c, run.name);
    run.is_file = !run.is_system && is_program_file(c, path);
    if (run.is_file) {
        run.start.path = path;
    } else if (!c.options.all().empty()) {
        return c.fail("{} is no program in a file", run.name);
    }
    return 0;
}

u32 start_program(Context &c, Run &run) {
    Arguments line;
    std::string_view directory = directory_for(c.interpreter.directory(), run.start.give);
    if (!make_arguments(c, run.words, run.start.data.kCapacity, directory, line)) {
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
    file::Path path;
    if (!c.path(c.args[0], path)) {
        return kFailed;
    }
    sel::Result<loader::Description> found = c.system.describe(path);
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
    return run.is_system ? run_program(c, run.name, run.words)
                         : c.interpreter.run_script(c, run.name, run.words);
}

int command_start(Context &c) {
    Arguments arguments;
    if (!make_arguments(c, c.args.subspan(1), root::Arguments::kCapacity, arguments)) {
        return kFailed;
    }
    sel::Result<u32> started = c.system.start(c.args[0], arguments);
    return started ? 0 : c.fail_on(c.args[0], started.error());
}

int command_which(Context &c) {
    int status = 0;
    for (std::string_view name : c.args) {
        file::Path path;
        if (find_command(name) != nullptr) {
            c.out.print("{}: a command of the shell\n", name);
        } else if (is_system_program(c, name)) {
            c.out.print("{}: a program of the system (run {})\n", name, name);
        } else if (!c.path(name, path)) {
            status = kFailed;
        } else if (sel::Result<file::Info> info = c.system.stat(path);
                   info && info->kind == file::Kind::File) {
            c.out.print("{}: {} (run {})\n", path,
                        is_program_file(c, path) ? "a program in a file" : "a script", path);
        } else {
            status = c.fail("{}: there is no such command, program or file", name);
        }
    }
    return status;
}

int command_jobs(Context &c) {
    return c.interpreter.jobs().list(c);
}

int command_fg(Context &c) {
    return c.interpreter.jobs().bring(c, true);
}

int command_bg(Context &c) {
    return c.interpreter.jobs().bring(c, false);
}

} // namespace shell
