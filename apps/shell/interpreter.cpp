// Interpreter: lists, compound commands, single commands, values.
// SPDX-License-Identifier: BSD-2-Clause
#include "interpreter.hpp"

#include "redirections.hpp"

#include "servers/file/absolute.hpp"

namespace shell {

bool Interpreter::goes_on() {
    return task().flow == Flow::None && !system_.interrupted();
}

int Interpreter::report(std::string_view problem, Output &errors) {
    errors.print_error("{}; nothing was run", problem);
    return kUsage;
}

// NOLINTBEGIN(misc-no-recursion): as deep as the parser lets pass, and scripts at most kScriptDepth.

int Interpreter::run_text(std::string_view text, const Streams &io) {
    ArenaMark mark{arena()};
    const Pipeline *list = nullptr;
    Message error;
    if (parse(text, arena(), list, error) != Parsed::Good) {
        return task().status = report(error.view(), io.errors);
    }
    return run(list, io);
}

int Interpreter::run(const Pipeline *list, const Streams &io) {
    for (const Pipeline *p = list; p != nullptr && goes_on(); p = p->next) {
        int status = task().status;
        bool wanted = p->join == Join::Always || (p->join == Join::And) == (status == 0);
        if (!wanted) {
            continue;
        }
        ArenaMark mark{arena()};
        status = p->behind          ? run_behind(*p, io)
                 : p->commands == 1 ? run_command(*p->first, nullptr, io)
                                    : run_pipeline(*p, io);
        task().status = p->negated ? (status == 0 ? kFailed : 0) : status;
        console_.flush();
    }
    return task().status;
}

// --- Values.

std::string_view Interpreter::value(std::string_view name) {
    Words arguments = task().arguments;
    if (is_digit(name.front())) {
        u64 number = 0;
        bool there = parse_number(name, arguments.size(), number) && number != 0;
        return there ? arguments[number - 1] : number == 0 && name == "0" ? task().script : "";
    }
    number_.clear();
    if (name == "?") {
        sel::format(number_, "{}", task().status);
        return number_;
    }
    if (name == "#") {
        sel::format(number_, "{}", arguments.size());
        return number_;
    }
    return name == file::kDirectoryVariable ? directory_.view() : variables_.value(name);
}

bool Interpreter::substitute(std::string_view text, Output &out) {
    Output &errors = *task().errors;
    run_text(text, {nullptr, out, errors});
    task().errors = &errors;
    return goes_on();
}

bool Interpreter::told(const Expansion &expansion, Output &errors) {
    if (!expansion.problem().empty()) {
        errors.print_error("{}; it was not run", expansion.problem());
    }
    return false;
}

bool Interpreter::expand(const Word *typed, Output &errors, Words &words) {
    task().errors = &errors;
    Expansion expansion{system_, arena(), *this};
    return expansion.words(typed, words) || told(expansion, errors);
}

bool Interpreter::expand_text(std::string_view typed, Output &errors, std::string_view &text) {
    task().errors = &errors;
    Expansion expansion{system_, arena(), *this};
    return expansion.text(typed, text) || told(expansion, errors);
}

// --- One command, or an if, while or for.

// `words`: of a simple one that has been expanded; nullptr: not yet.
int Interpreter::run_command(const Command &command, const Words *words, const Streams &io) {
    return command.redirections == nullptr ? run_body(command, words, io)
                                           : run_redirected(command, words, io);
}

// Its buffers are on the stack only while they are needed.
[[gnu::noinline]] int Interpreter::run_redirected(const Command &command, const Words *words,
                                                  const Streams &io) {
    Redirections redirections{*this, system_, io};
    for (const Redirection *one = command.redirections; one != nullptr; one = one->next) {
        std::string_view file;
        if (!expand_text(one->file, io.errors, file) || !redirections.open(*one, file)) {
            return kFailed;
        }
    }
    return redirections.end(run_body(command, words, redirections.streams()));
}

int Interpreter::run_body(const Command &command, const Words *words, const Streams &io) {
    switch (command.kind) {
    case Command::Simple: {
        Words expanded;
        if (words == nullptr && !expand(command.words, io.errors, expanded)) {
            return kFailed;
        }
        return run_words(words != nullptr ? *words : expanded, io);
    }
    case Command::Assignment:
        return assign(command, io);
    case Command::If:
        return run_if(command, io);
    case Command::For:
        return run_for(command, io);
    default:
        return run_while(command, io);
    }
}

int Interpreter::assign(const Command &command, const Streams &io) {
    int status = 0;
    for (const Word *word = command.words; word != nullptr; word = word->next) {
        std::size_t name = name_length(word->text);
        std::string_view value;
        task().status = 0;
        if (!expand_text(word->text.substr(name + 1), io.errors, value)) {
            return kFailed;
        }
        status = task().status; // Of a $(...) in it.
        Context c = context("=", io);
        if (!c.set_variable(word->text.substr(0, name), value)) {
            return kFailed;
        }
    }
    return status;
}

int Interpreter::run_if(const Command &command, const Streams &io) {
    for (const Branch *branch = command.branch; branch != nullptr; branch = branch->next) {
        int condition = run(branch->condition, io);
        if (!goes_on()) {
            return condition;
        }
        if (condition == 0) {
            return run(branch->body, io);
        }
    }
    task().status = 0;
    return run(command.otherwise, io);
}

// After each round of a loop.
bool Interpreter::ends_loop() {
    Flow &flow = task().flow;
    bool ends = flow == Flow::Break || flow == Flow::Exit || system_.interrupted();
    flow = flow == Flow::Exit ? flow : Flow::None;
    return ends;
}

int Interpreter::run_while(const Command &command, const Streams &io) {
    const Branch &branch = *command.branch;
    int status = 0;
    task().loops++;
    for (;;) {
        int condition = run(branch.condition, io);
        if (!goes_on() || (condition == 0) == (command.kind == Command::Until)) {
            break;
        }
        status = run(branch.body, io);
        if (ends_loop()) {
            break;
        }
    }
    task().loops--;
    return status;
}

int Interpreter::run_for(const Command &command, const Streams &io) {
    Words words;
    if (!expand(command.words, io.errors, words)) {
        return kFailed;
    }
    int status = 0;
    task().loops++;
    for (std::string_view word : words) {
        Context c = context("for", io);
        status = c.set_variable(command.variable, word) ? run(command.branch->body, io) : kFailed;
        if (ends_loop() || !goes_on()) {
            break;
        }
    }
    task().loops--;
    return status;
}

bool Interpreter::leave(Flow flow) {
    Task &now = task();
    if (flow == Flow::Exit ? now.scripts == 0 : now.loops == 0) {
        return false;
    }
    now.flow = flow;
    return true;
}

// --- The words of a command.

int Interpreter::tell_unknown(std::string_view name, Output &errors) {
    Hint hint = hint_for(name);
    if (hint.text.size == 0) {
        errors.print_error("unknown command '{}'; 'help' lists all commands", name);
    } else {
        errors.print_error("unknown command '{}'; {}", name, hint.text);
    }
    return kUnknown;
}

// Which command it is, with its options and operands in `c`; nullptr: `status` is its end.
const CommandInfo *Interpreter::prepare(Words words, Context &c, int &status) {
    const CommandInfo *info = find_command(words[0]);
    if (info == nullptr && words[0].find('/') != words[0].npos) {
        info = find_command("run"); // A file is a program or a script.
    } else {
        words = words.subspan(1);
    }
    if (info == nullptr) {
        status = tell_unknown(c.name, c.errors);
        return nullptr;
    }
    c.name = info->name;
    std::span<std::string_view> operands = arena().make_array<std::string_view>(words.size());
    Message error;
    if (operands.size() != words.size()) {
        status = c.fail("the words do not fit in memory");
        return nullptr;
    }
    if (!c.options.read(info->options, words, operands, error)) {
        c.fail("{}; usage: {} {}", error, info->name, info->usage);
        status = kUsage;
        return nullptr;
    }
    c.args = operands.first(c.options.operands());
    status = 0;
    if (c.options.help()) {
        show_command(c, *info);
        return nullptr;
    }
    if (c.args.size() < info->least || c.args.size() > info->most) {
        status = c.usage(expected_operands(*info));
        return nullptr;
    }
    return info;
}

int Interpreter::run_words(Words words, const Streams &io) {
    if (words.empty()) {
        return 0;
    }
    Context c = context(words[0], io);
    int status = 0;
    const CommandInfo *info = prepare(words, c, status);
    return info == nullptr ? status : info->run(c);
}

// --- Scripts.

int Interpreter::run_script(Context &c, std::string_view name, Words arguments) {
    u32 most = fibers_.current() == 0 ? kScriptDepth : kPipedScriptDepth;
    if (task().scripts == most) {
        return c.fail("{}: scripts run scripts more than {} deep", name, most);
    }
    Source source{c, name};
    if (!source.open()) {
        return kFailed;
    }
    Task before = task();
    task().scripts++;
    task().loops = 0;
    task().script = name;
    task().arguments = arguments;
    task().status = 0;
    int status = run_lines(c, name, source);
    int last = task().status;
    task() = before;
    return source.failed() ? kFailed : status != 0 ? status : last;
}

// Command by command, of which each may go over several lines. What is wrong with one ends it all.
int Interpreter::run_lines(Context &c, std::string_view name, Source &source) {
    Streams io{c.in, c.out, c.errors};
    ArenaMark mark{arena()};
    std::span<char> text = arena().make_array<char>(kUnitMax);
    if (text.data() == nullptr) {
        return c.fail("{}: there is no room for its lines", name);
    }
    Lines lines{source};
    std::string_view line;
    Message error;
    std::size_t size = 0;
    u32 first = 1; // Line where the command begins.
    for (u32 number = 1; goes_on() && lines.next(line); number++) {
        error = refuse(line);
        first = error.size != 0 ? number : first;
        if (error.size == 0 && size + line.size() + 1 > text.size()) {
            sel::format(error, "the command is longer than {} bytes", kUnitMax);
        }
        if (error.size != 0) {
            break;
        }
        size += line.copy(text.data() + size, line.size());
        text[size++] = '\n';
        ArenaMark each{arena()};
        const Pipeline *list = nullptr;
        Parsed parsed = parse({text.data(), size}, arena(), list, error);
        if (parsed == Parsed::Wrong) {
            break;
        }
        if (parsed == Parsed::Good) {
            run(list, io);
            first = number + 1;
            size = 0;
            error.clear();
        }
    }
    if (error.size == 0 || !goes_on()) {
        return 0;
    }
    c.errors.print_error("{}, line {}: {}", name, first, error);
    return kUsage;
}

// NOLINTEND(misc-no-recursion)

} // namespace shell
