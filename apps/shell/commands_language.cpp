// Commands of the language itself, and those that print words: variables, the directory, conditions, loops.
// SPDX-License-Identifier: BSD-2-Clause
#include "interpreter.hpp"

namespace shell {
namespace {

// A whole number, perhaps less than 0. False: it is none.
bool parse_signed(std::string_view text, s64 &number) {
    constexpr u64 kMost = ~u64{0} >> 1;
    bool negative = text.starts_with('-');
    u64 size = 0;
    bool good = parse_number(text.substr(negative ? 1 : 0), kMost, size);
    number = negative ? -static_cast<s64>(size) : static_cast<s64>(size);
    return good;
}

// What `test` says of its words: kUsage, if they are none that it knows.
class Test {
  public:
    explicit Test(Context &c) : c_{c} {}

    int run(Words words) {
        bool negated = false;
        for (; !words.empty() && words[0] == "!"; words = words.subspan(1)) {
            negated = !negated;
        }
        int status = plain(words);
        return status == kUsage || !negated ? status : 1 - status;
    }

  private:
    int plain(Words words) {
        switch (words.size()) {
        case 1:
            return words[0].empty() ? 1 : 0;
        case 2:
            return one(words[0], words[1]);
        case 3:
            return two(words[0], words[1], words[2]);
        default:
            return c_.usage("one test");
        }
    }

    int one(std::string_view what, std::string_view text) {
        if (what == "-n" || what == "-z") {
            return text.empty() == (what == "-z") ? 0 : 1;
        }
        if (what != "-e" && what != "-f" && what != "-d") {
            return c_.usage("-e, -f, -d, -n or -z, and one word");
        }
        file::Path path;
        if (text.empty() || !c_.path(text, path)) {
            return 1;
        }
        sel::Result<file::Info> info = c_.system.stat(path);
        bool directory = info && info->kind == file::Kind::Directory;
        return info && (what == "-e" || directory == (what == "-d")) ? 0 : 1;
    }

    int two(std::string_view a, std::string_view how, std::string_view b) {
        if (how == "=" || how == "!=") {
            return (a == b) == (how == "=") ? 0 : 1;
        }
        s64 x = 0, y = 0;
        constexpr std::string_view kHow[] = {"-eq", "-ne", "-lt", "-le", "-gt", "-ge"};
        std::size_t place = 0;
        while (place < std::size(kHow) && how != kHow[place]) {
            place++;
        }
        if (place == std::size(kHow)) {
            return c_.usage("=, != or -eq, -ne, -lt, -le, -gt, -ge between two words");
        }
        if (!parse_signed(a, x) || !parse_signed(b, y)) {
            return c_.usage("numbers on both sides");
        }
        const bool holds[] = {x == y, x != y, x<y, x <= y, x> y, x >= y};
        return holds[place] ? 0 : 1;
    }

    Context &c_;
};

bool is_name(std::string_view text) {
    return !text.empty() && name_length(text) == text.size();
}

} // namespace

int command_cd(Context &c) {
    Variables &variables = c.interpreter.variables();
    constexpr std::string_view kBefore = "OLDPWD";
    std::string_view name = c.args.empty() ? std::string_view{"/"} : c.args[0];
    bool back = name == "-";
    name = back ? variables.value(kBefore) : name;
    if (name.empty()) {
        return c.fail(back ? "there is no directory before this one" : "expected a directory");
    }
    file::Path path;
    if (!c.path(name, path)) {
        return kFailed;
    }
    sel::Result<file::Info> info = c.system.stat(path);
    if (!info) {
        return c.fail_on(name, info.error());
    }
    if (info->kind != file::Kind::Directory) {
        return c.fail("{}: it is a file", name);
    }
    if (back) {
        c.out.print("{}\n", path);
    }
    [[maybe_unused]] bool kept = variables.set(kBefore, c.interpreter.directory());
    c.interpreter.set_directory(path);
    return 0;
}

int command_pwd(Context &c) {
    c.out.print("{}\n", c.interpreter.directory());
    return 0;
}

int command_echo(Context &c) {
    for (std::size_t i = 0; i < c.args.size(); i++) {
        c.out.write(i == 0 ? "" : " ");
        c.out.write(c.args[i]);
    }
    c.out.write("\n");
    return 0;
}

int command_export(Context &c) {
    Variables &variables = c.interpreter.variables();
    if (c.args.empty()) {
        Variables::Variable variable{};
        for (u32 place = 0; variables.next(place, variable);) {
            c.out.print("{}{}='{}'\n", variable.exported ? "export " : "", variable.name,
                        variable.value);
        }
    }
    for (std::string_view word : c.args) {
        std::string_view name = word.substr(0, word.find('='));
        if (!is_name(name)) {
            return c.usage("names of letters, digits and _");
        }
        bool sets = name.size() < word.size();
        if (sets && !c.set_variable(name, word.substr(name.size() + 1))) {
            return kFailed;
        }
        if (!variables.export_to_programs(name)) {
            return c.fail("there is no variable {}", name);
        }
    }
    return 0;
}

int command_unset(Context &c) {
    for (std::string_view name : c.args) {
        if (!is_name(name)) {
            return c.usage("names of letters, digits and _");
        }
        c.interpreter.variables().remove(name);
    }
    return 0;
}

int command_test(Context &c) {
    Words words = c.args;
    if (c.name == "[") {
        if (words.back() != "]") {
            return c.usage("a ] at the end");
        }
        words = words.first(words.size() - 1);
    }
    return Test{c}.run(words);
}

int command_break(Context &c) {
    return c.interpreter.leave(Interpreter::Flow::Break) ? 0 : c.fail("expected a loop around it");
}

int command_continue(Context &c) {
    return c.interpreter.leave(Interpreter::Flow::Continue) ? 0
                                                            : c.fail("expected a loop around it");
}

int command_exit(Context &c) {
    constexpr u64 kMost = 255;
    u64 status = static_cast<u64>(c.last_status);
    if (!c.args.empty() && !parse_number(c.args[0], kMost, status)) {
        return c.usage("a number from 0 to 255");
    }
    return c.interpreter.leave(Interpreter::Flow::Exit)
               ? static_cast<int>(status)
               : c.fail("expected a script around it; the shell does not end: 'halt' switches off");
}

int command_false(Context &) {
    return kFailed;
}

int command_true(Context &) {
    return 0;
}

int command_status(Context &c) {
    c.out.print("status {}\n", c.last_status);
    return 0;
}

int command_seq(Context &c) {
    s64 first = 1, step = 1, last = 0;
    std::size_t count = c.args.size();
    bool good = parse_signed(c.args[count - 1], last) &&
                (count < 2 || parse_signed(c.args[0], first)) &&
                (count < 3 || parse_signed(c.args[1], step));
    if (!good || step == 0) {
        return c.usage("whole numbers, and a STEP that is not 0");
    }
    bool room = true; // The next one is a number.
    for (s64 now = first; room && (step > 0 ? now <= last : now >= last);
         room = !__builtin_add_overflow(now, step, &now)) {
        if (c.out.broken() || c.system.interrupted()) {
            return c.system.interrupted() ? kInterrupted : 0;
        }
        c.out.print("{}\n", now);
    }
    return 0;
}

int command_yes(Context &c) {
    sel::Text<kLineMax> line = c.args.empty() ? sel::Text<kLineMax>{"y"} : join_words(c.args);
    while (!c.out.broken() && !c.system.interrupted()) {
        c.out.print("{}\n", line);
    }
    return c.system.interrupted() ? kInterrupted : 0;
}

int command_time(Context &c) {
    sel::Result<u64> begun = c.system.uptime_ns();
    int status = c.interpreter.run_words(c.args, {c.in, c.out, c.errors});
    sel::Result<u64> ended = c.system.uptime_ns();
    if (!begun || !ended) {
        return c.fail("{}", sel::describe(begun ? ended.error() : begun.error()));
    }
    u64 ms = (*ended - *begun) / 1'000'000;
    c.out.flush();
    c.errors.print("{}.{:03} s\n", ms / 1000, ms % 1000);
    return status;
}

} // namespace shell
