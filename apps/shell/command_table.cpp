// The table of all commands: their names, what they take, and all that the shell says in help of them.
// SPDX-License-Identifier: BSD-2-Clause
#include "command.hpp"

namespace shell {
namespace {

using enum Argument;
constexpr u32 kAny = kAnyNumber;

constexpr CommandInfo kCommands[] = {
    {"[", "TEST ]", "the same as test", "*", 1, kAny, Path, command_test},
    {"about", "FILE", "what a program in a file says of itself", "", 1, 1, Path, command_about},
    {"ask", "SERVER [WORD]...", "say something to a server, and show what it answers", "+", 1, kAny,
     Program, command_ask},
    {"attack", "NAME | all", "run a hostile program and see it contained", "", 0, 1, None,
     command_attack},
    {"bench", "[ROW]", "measure the kernel's paths", "", 0, 1, None, command_bench},
    {"bg", "[JOB]", "let a stopped job go on behind the prompt", "", 0, 1, None, command_bg},
    {"break", "", "leave a loop", "", 0, 0, None, command_break},
    {"caps", "[SERVER]", "what each server holds: the tree of its capabilities", "", 0, 1, Program,
     command_caps},
    {"cat", "[FILE]...", "show files, or what is piped in", "", 0, kAny, Path, command_cat},
    {"cd", "[DIRECTORY]", "go to a directory (- the one before, none: /)", "", 0, 1, Directory,
     command_cd},
    {"clear", "", "clear the screen", "", 0, 0, None, command_clear},
    {"continue", "", "go on with the next round of a loop", "", 0, 0, None, command_continue},
    {"count", "[-lwc] [FILE]", "count lines (or -w words, -c bytes)", "l,w,c", 0, 1, Path,
     command_count},
    {"cp", "[-r] FROM... TO", "copy files (-r directories, too)", "r", 2, kAny, Path, command_cp},
    {"date", "", "the date and time of day (UTC)", "", 0, 0, None, command_date},
    {"df", "", "how full each file system is", "", 0, 0, None, command_df},
    {"du", "[-s] [PATH]...", "how much lies in directories (-s only the sums)", "s", 0, kAny, Path,
     command_du},
    {"echo", "[WORD]...", "print words", "*", 0, kAny, Path, command_echo},
    {"exit", "[STATUS]", "end a script", "", 0, 1, None, command_exit},
    {"export", "[NAME[=VALUE]]...", "tell programs of variables; show all variables", "", 0, kAny,
     None, command_export},
    {"false", "", "do nothing, and fail", "", 0, 0, None, command_false},
    {"fg", "[JOB]", "bring a job to the front, the newest one or number JOB", "", 0, 1, None,
     command_fg},
    {"find", "[-name PATTERN] [-type f|d] [DIRECTORY]...",
     "what lies in directories (-name called so, -type files or directories)", "name:,type:", 0,
     kAny, Directory, command_find},
    {"fsck", "[-r] PATH", "look for damage in the file system that holds a path (-r repair)", "r",
     1, 1, Path, command_fsck},
    {"grep", "[-vin] TEXT [FILE]",
     "show the lines with a text (-v without, -i any case, -n numbers)", "v,i,n", 1, 2, Path,
     command_grep},
    {"halt", "[-f]", "switch the machine off (-f also when changes are lost)", "f", 0, 0, None,
     command_halt},
    {"head", "[-n N] [FILE]", "show the first lines (10)", "n:", 0, 1, Path, command_head},
    {"help", "[COMMAND]", "say what there is, or how a command is used", "", 0, 1, Command,
     command_help},
    {"hexdump", "[FILE]", "show bytes in hexadecimal", "", 0, 1, Path, command_hexdump},
    {"history", "", "the lines typed so far", "", 0, 0, None, command_history},
    {"ifconfig", "", "the network card, its link and its address", "", 0, 0, None,
     command_ifconfig},
    {"irq", "", "which server handles which interrupt line", "", 0, 0, None, command_irq},
    {"jobs", "", "what runs behind the prompt, or is stopped", "", 0, 0, None, command_jobs},
    {"kill", "SERVER", "end a server; the supervisor may start it again", "", 1, 1, Program,
     command_kill},
    {"log", "[-e|-w|-d] [N]", "the newest messages (-e errors, -w also warnings, -d all)", "e,w,d",
     0, 1, None, command_log},
    {"ls", "[-l] [PATH]...", "list directories (-l sizes and dates)", "l", 0, kAny, Path,
     command_ls},
    {"lspci", "", "devices on PCI, and who has them", "", 0, 0, None, command_lspci},
    {"mem", "", "how much memory there is, and who has it", "", 0, 0, None, command_mem},
    {"mkdir", "[-p] PATH...", "make directories (-p also those above, if they are not there)", "p",
     1, kAny, Directory, command_mkdir},
    {"mkfs", "[-f] PATH", "make a file system (-f over what is there)", "f", 1, 1, Path,
     command_mkfs},
    {"more", "[FILE]", "show a page at a time (space, enter: go on; q: enough)", "", 0, 1, Path,
     command_more},
    {"mount", "[[DISK] PATH]", "list the file systems; mount one: a disk (nvme:2), or what was out",
     "", 0, 2, Path, command_mount},
    {"mv", "FROM... TO", "move or rename files or directories", "", 2, kAny, Path, command_mv},
    {"nc", "HOST PORT [FILE] or -l PORT [FILE]", "send a file, show what comes (-l: wait for one)",
     "*", 2, 3, Path, command_nc},
    {"netstat", "[-m]", "sockets (-m memory of the network)", "*", 0, 1, None, command_netstat},
    {"nslookup", "NAME [SERVER [PORT]]", "find the addresses of a name", "", 1, 3, None,
     command_nslookup},
    {"part", "[DISK new|add|remove ...]", "partition tables of disks", "", 0, 4, None,
     command_part},
    {"ping", "[-c COUNT] HOST", "ask another machine for echoes", "*", 1, 3, None, command_ping},
    {"ps", "", "programs: priority, state, CPU time, memory", "", 0, 0, None, command_ps},
    {"pwd", "", "the directory where relative names begin", "", 0, 0, None, command_pwd},
    {"random", "N", "so many random bytes, in hexadecimal", "", 1, 1, None, command_random},
    {"reboot", "[-f]", "start the machine anew (-f also when changes are lost)", "f", 0, 0, None,
     command_reboot},
    {"report", "", "how the last program that failed came to its end", "", 0, 0, None,
     command_report},
    {"restart", "SERVER", "end a server and start it again", "", 1, 1, Program, command_restart},
    {"rm", "[-r] PATH...", "remove files and empty directories (-r all in them)", "r", 1, kAny,
     Path, command_rm},
    {"run", "[-b] [--give WHAT]... FILE | PROGRAM [WORD]...",
     "run a script of shell lines, or a program (-b: without waiting)", "+b,give:", 1, kAny, Path,
     command_run},
    {"seq", "[FIRST [STEP]] LAST", "print numbers", "", 1, 3, None, command_seq},
    {"sleep", "SECONDS", "wait", "", 1, 1, None, command_sleep},
    {"sort", "[-rn] [FILE]", "sort lines (-r downwards, -n by number)", "r,n", 0, 1, Path,
     command_sort},
    {"start", "PROGRAM [WORD]...", "start a program and leave it to itself", "+", 1, kAny, Program,
     command_start},
    {"status", "", "print the exit code of the command before", "", 0, 0, None, command_status},
    {"stress", "PATH SECONDSs|KILLSx [kill=SERVER,...]",
     "use files while servers are killed, count losses", "", 2, 3, Path, command_stress},
    {"sync", "", "write everything to the disks", "", 0, 0, None, command_sync},
    {"tail", "[-n N] [FILE]", "show the last lines (10)", "n:", 0, 1, Path, command_tail},
    {"test", "[!] -e|-f|-d PATH | -n|-z TEXT | A =|!=|-eq|-ne|-lt|-le|-gt|-ge B",
     "succeed if it is so: a path is there, a text is not empty, two are equal", "*", 0, kAny, Path,
     command_test},
    {"time", "COMMAND [WORD]...", "run a command, and say how long it took", "+", 1, kAny, Command,
     command_time},
    {"top", "[-n TIMES] [SECONDS]", "who uses the processor, shown again and again (2) until ^C",
     "n:", 0, 1, None, command_top},
    {"touch", "FILE...", "make files that are not there; the others are of now", "", 1, kAny, Path,
     command_touch},
    {"trace", "[N]", "the newest kernel events (20)", "", 0, 1, None, command_trace},
    {"true", "", "do nothing, successfully", "", 0, 0, None, command_true},
    {"umount", "PATH", "take a file system out", "", 1, 1, Path, command_umount},
    {"unset", "NAME...", "forget variables", "", 1, kAny, None, command_unset},
    {"uptime", "", "how long the machine has been running", "", 0, 0, None, command_uptime},
    {"wc", "[-lwc] [FILE]", "count lines, words and bytes (-l, -w, -c only these)", "l,w,c", 0, 1,
     Path, command_wc},
    {"wget", "URL [-O FILE]", "get a file by HTTP (-O -: to the terminal)", "*", 1, 3, None,
     command_wget},
    {"which", "NAME...", "what a command is: of the shell, a program, a file", "", 1, kAny, Command,
     command_which},
    {"why", "[SERVER]", "what the kernel has refused since this was last asked, or SERVER last", "",
     0, 1, Program, command_why},
    {"write", "FILE [WORD]...", "make a file of words, or of what is piped in", "+", 1, kAny, Path,
     command_write},
    {"yes", "[WORD]...", "print a line until nobody reads any more", "+", 0, kAny, None,
     command_yes},
};

constexpr std::string_view kLanguage = R"(
A ; B   A && B   A || B   ! A     one after the other; B if A did well, or failed; the reverse
A | B   A < FILE   A > FILE   A >> FILE   A 2> FILE   A 2>&1
NAME=word   $NAME   $(A)   $?   $1   $#   $@   *.txt   'as it is'   "with $NAME"   \x
if A; then B; elif C; then D; else E; fi
while A; do B; done   until A; do B; done   for NAME in WORD...; do A; done
run FILE [WORD]... or /disk/FILE: a program or a script; with & behind it, behind the prompt
COMMAND --help says how one is used; tab completes, ^R searches in what was typed
)";

} // namespace

std::span<const CommandInfo> commands() {
    return kCommands;
}

const CommandInfo *find_command(std::string_view name) {
    for (const CommandInfo &command : kCommands) {
        if (command.name == name) {
            return &command;
        }
    }
    return nullptr;
}

void show_command(Context &c, const CommandInfo &command) {
    c.out.print("{}{}{}\n  {}\n", command.name, command.usage.empty() ? "" : " ", command.usage,
                command.about);
}

int command_help(Context &c) {
    if (!c.args.empty()) {
        const CommandInfo *command = find_command(c.args[0]);
        if (command == nullptr) {
            return c.fail("there is no command {}", c.args[0]);
        }
        show_command(c, *command);
        return 0;
    }
    for (const CommandInfo &command : commands()) {
        c.out.print("{:<9} {}\n", command.name, command.about);
    }
    c.out.write(kLanguage);
    return 0;
}

} // namespace shell
