// Commands: what each gets, gives back, and says about itself.
// SPDX-License-Identifier: BSD-2-Clause
#pragma once

#include <span>
#include <string_view>

#include "options.hpp"
#include "output.hpp"
#include "system.hpp"

namespace shell {

// Exit codes. 0 is success.
enum : int { kFailed = 1, kUsage = 2, kUnknown = 127, kInterrupted = 130, kStopped = 148 };

inline constexpr u32 kFailureMax = 1000; // Bytes of a message.

class Interpreter;
class Input;

struct Context {
    Interpreter &interpreter;
    System &system;
    std::span<const std::string_view> args; // Without the command's name and its options.
    std::string_view name;
    Input *in; // What is piped in; nullptr: nothing.
    Output &out;
    Output &errors;
    int last_status; // Of the command before.
    Options options;

    bool has(std::string_view option) const { return options.has(option); }

    // "error: NAME: ..." as one line; the exit code of a failure.
    template <typename... Ts>
    int fail(std::string_view pattern, const Ts &...values) {
        sel::Text<kFailureMax> text;
        sel::format(text, pattern, values...);
        errors.print_error("{}: {}", name, text);
        return kFailed;
    }
    // The same for something done to `what`: a path, or a program.
    int fail_on(std::string_view what, error_t error);
    // "error: NAME: expected ...; usage: ..."
    int usage(std::string_view expected);
    // The path that a name means, seen from the shell's directory. False: it is too long or empty, and the error has
    // been told.
    bool path(std::string_view text, file::Path &path);
    // False: it cannot be set, and the error has been told.
    bool set_variable(std::string_view variable, std::string_view value);
};

enum class Argument : u8 { None, Path, Directory, Program, Command };

struct CommandInfo {
    std::string_view name;
    std::string_view usage;   // What follows the name.
    std::string_view about;   // One line, with what each option means.
    std::string_view options; // options.hpp
    u32 least, most;          // Operands: words that are no options.
    Argument argument;
    int (*run)(Context &);
};

inline constexpr u32 kAnyNumber = ~u32{0};

// All commands, in the order in which `help` shows them.
std::span<const CommandInfo> commands();
const CommandInfo *find_command(std::string_view name); // nullptr: there is none.
// What `help COMMAND` and `COMMAND --help` say.
void show_command(Context &c, const CommandInfo &command);
// "2 arguments", "at least 1 argument".
sel::Text<64> expected_operands(const CommandInfo &command);

// What somebody may have meant by a command that is not there; empty: nobody knows.
struct Hint {
    sel::Text<64> text;
};
Hint hint_for(std::string_view name);

// A number in decimal or, after 0x, in hexadecimal; false: it is none, or above `most`.
bool parse_number(std::string_view text, u64 most, u64 &number);

// "123 K", "4.5 M": four digits at most.
sel::Text<16> size_text(u64 bytes);

// The first program from `number` on; ERR_NAME: there are no more.
sel::Result<ProgramRow> next_program(System &system, u32 number);

// Finds a program by its name or number; ERR_NAME: there is none, ERR_EXISTS: there are several.
sel::Result<ProgramRow> find_program(System &system, std::string_view name);

// Waits, until ^C; the exit code.
int pause(Context &c, u64 ns);

// After a sync that failed: which file system has what is not on its disk.
int tell_unsaved(Context &c, error_t error);

// Are both the same file or directory, however they are spelled?
bool are_same(Context &c, std::string_view a, std::string_view b);

// The commands, by file. Declared here so that the table can name them.
int command_cat(Context &c);
int command_cp(Context &c);
int command_ls(Context &c);
int command_mkdir(Context &c);
int command_mv(Context &c);
int command_rm(Context &c);
int command_touch(Context &c);
int command_write(Context &c);

int command_du(Context &c);
int command_find(Context &c);

int command_df(Context &c);
int command_fsck(Context &c);
int command_mkfs(Context &c);
int command_mount(Context &c);
int command_stress(Context &c);
int command_sync(Context &c);
int command_umount(Context &c);

int command_count(Context &c);
int command_grep(Context &c);
int command_head(Context &c);
int command_hexdump(Context &c);
int command_more(Context &c);
int command_sort(Context &c);
int command_tail(Context &c);
int command_wc(Context &c);

int command_break(Context &c);
int command_cd(Context &c);
int command_continue(Context &c);
int command_echo(Context &c);
int command_exit(Context &c);
int command_export(Context &c);
int command_false(Context &c);
int command_pwd(Context &c);
int command_seq(Context &c);
int command_status(Context &c);
int command_test(Context &c);
int command_time(Context &c);
int command_true(Context &c);
int command_unset(Context &c);
int command_yes(Context &c);

int command_caps(Context &c);
int command_irq(Context &c);
int command_kill(Context &c);
int command_log(Context &c);
int command_lspci(Context &c);
int command_mem(Context &c);
int command_report(Context &c);
int command_restart(Context &c);
int command_trace(Context &c);
int command_why(Context &c);

int command_ps(Context &c);
int command_top(Context &c);

// Words with a blank between.
sel::Text<kLineMax> join_words(std::span<const std::string_view> words);

// The arguments of a program: words with a blank between, and behind a 0 byte the variables that it is told of
// (libsel/include/sel/environment.hpp). False: they are too long, and the error has been told.
using Arguments = sel::Text<1024>;
bool make_arguments(Context &c, std::span<const std::string_view> words, std::size_t most,
                    Arguments &arguments);

// Starts a program of boot/system.toml with words as its arguments; what its end means for the exit code.
int run_program(Context &c, std::string_view name, std::span<const std::string_view> words);

// What `run` is told.
struct Run {
    loader::Start start{.in = 0, .out = 0, .path = {}, .give = {}, .data = {}};
    std::string_view name;
    std::span<const std::string_view> words; // Its arguments.
    bool waits = true;
    bool is_system = false; // A program of boot/system.toml.
    bool is_file = false;   // A program in a file. Neither: a script.
};
// 0; else the exit code, and the error has been told.
int read_run(Context &c, Run &run);
// Its number; 0: it cannot be started, and that has been told.
u32 start_program(Context &c, Run &run);

int command_about(Context &c);
int command_bg(Context &c);
int command_fg(Context &c);
int command_jobs(Context &c);
int command_run(Context &c);
int command_start(Context &c);
int command_which(Context &c);

int command_ask(Context &c);
int command_attack(Context &c);
int command_bench(Context &c);
int command_clear(Context &c);
int command_date(Context &c);
int command_halt(Context &c);
int command_help(Context &c);
int command_history(Context &c);
int command_ifconfig(Context &c);
int command_nc(Context &c);
int command_netstat(Context &c);
int command_nslookup(Context &c);
int command_part(Context &c);
int command_ping(Context &c);
int command_reboot(Context &c);
int command_random(Context &c);
int command_sleep(Context &c);
int command_uptime(Context &c);
int command_wget(Context &c);

} // namespace shell
