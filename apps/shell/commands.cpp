// The table of all commands, and what they share.
// SPDX-License-Identifier: BSD-2-Clause
#include "command.hpp"

#include "servers/file/path.hpp"

namespace shell {
namespace {

constexpr CommandInfo kCommands[] = {
    {"about", "FILE", "what a program in a file says of itself", 1, 1, Argument::Path,
     command_about},
    {"ask", "SERVER [WORD]...", "say something to a server, and show what it answers", 1,
     kAnyNumber, Argument::Program, command_ask},
    {"attack", "NAME | all", "run a hostile program and see it contained", 0, 1, Argument::None,
     command_attack},
    {"bench", "[ROW]", "measure the kernel's paths", 0, 1, Argument::None, command_bench},
    {"bg", "[JOB]", "let a stopped job go on behind the prompt", 0, 1, Argument::None, command_bg},
    {"caps", "[SERVER]", "what each server holds: the tree of its capabilities", 0, 1,
     Argument::Program, command_caps},
    {"cat", "[FILE]...", "show files, or what is piped in", 0, kAnyNumber, Argument::Path,
     command_cat},
    {"clear", "", "clear the screen", 0, 0, Argument::None, command_clear},
    {"count", "[-l|-w|-c] [FILE]", "count lines (or -w words, -c bytes)", 0, 2, Argument::Path,
     command_count},
    {"cp", "FROM TO", "copy a file", 2, 2, Argument::Path, command_cp},
    {"date", "", "the date and time of day (UTC)", 0, 0, Argument::None, command_date},
    {"df", "", "how full each file system is", 0, 0, Argument::None, command_df},
    {"echo", "[WORD]...", "print words", 0, kAnyNumber, Argument::None, command_echo},
    {"false", "", "do nothing, and fail", 0, 0, Argument::None, command_false},
    {"fg", "[JOB]", "bring a job to the front, the newest one or number JOB", 0, 1, Argument::None,
     command_fg},
    {"fsck", "[-r] PATH", "look for damage in the file system that holds a path (-r repair)", 1, 2,
     Argument::Path, command_fsck},
    {"grep", "[-v] [-i] [-n] TEXT [FILE]", "show the lines that contain (or -v do not) a text", 1,
     5, Argument::Path, command_grep},
    {"halt", "[-f]", "switch the machine off (-f also when changes are lost)", 0, 1, Argument::None,
     command_halt},
    {"head", "[-n N] [FILE]", "show the first lines (10)", 0, 3, Argument::Path, command_head},
    {"help", "[COMMAND]", "say what there is, or how a command is used", 0, 1, Argument::Command,
     command_help},
    {"hexdump", "[FILE]", "show bytes in hexadecimal", 0, 1, Argument::Path, command_hexdump},
    {"history", "", "the lines typed so far", 0, 0, Argument::None, command_history},
    {"ifconfig", "", "the network card, its link and its address", 0, 0, Argument::None,
     command_ifconfig},
    {"irq", "", "which server handles which interrupt line", 0, 0, Argument::None, command_irq},
    {"jobs", "", "what runs behind the prompt, or is stopped", 0, 0, Argument::None, command_jobs},
    {"kill", "SERVER", "end a server; the supervisor may start it again", 1, 1, Argument::Program,
     command_kill},
    {"log", "[-e|-w|-d] [N]", "the newest messages (-e errors, -w also warnings, -d all)", 0, 2,
     Argument::None, command_log},
    {"ls", "[-l] [PATH]...", "list directories (-l sizes and dates)", 0, kAnyNumber, Argument::Path,
     command_ls},
    {"lspci", "", "devices on PCI, and who has them", 0, 0, Argument::None, command_lspci},
    {"mem", "", "how much memory there is, and who has it", 0, 0, Argument::None, command_mem},
    {"mkdir", "PATH...", "make directories", 1, kAnyNumber, Argument::Path, command_mkdir},
    {"mkfs", "[-f] PATH", "make a file system (-f over what is there)", 1, 2, Argument::Path,
     command_mkfs},
    {"mount", "[[DISK] PATH]", "list the file systems; mount one: a disk (nvme:2), or what was out",
     0, 2, Argument::Path, command_mount},
    {"mv", "FROM TO", "move or rename a file or directory", 2, 2, Argument::Path, command_mv},
    {"netstat", "[-m]", "sockets (-m memory of the network)", 0, 1, Argument::None,
     command_netstat},
    {"nslookup", "NAME [SERVER [PORT]]", "find the addresses of a name", 1, 3, Argument::None,
     command_nslookup},
    {"part", "[DISK new|add|remove ...]", "partition tables of disks", 0, 4, Argument::None,
     command_part},
    {"ping", "[-c COUNT] HOST", "ask another machine for echoes", 1, 3, Argument::None,
     command_ping},
    {"ps", "", "programs: priority, state, CPU time, memory", 0, 0, Argument::None, command_ps},
    {"reboot", "[-f]", "start the machine anew (-f also when changes are lost)", 0, 1,
     Argument::None, command_reboot},
    {"report", "", "how the last program that failed came to its end", 0, 0, Argument::None,
     command_report},
    {"restart", "SERVER", "end a server and start it again", 1, 1, Argument::Program,
     command_restart},
    {"rm", "PATH...", "remove files and empty directories", 1, kAnyNumber, Argument::Path,
     command_rm},
    {"run", "[-b] [--give WHAT]... FILE | PROGRAM [WORD]...",
     "run a script of shell lines, or a program (-b: without waiting)", 1, kAnyNumber,
     Argument::Path, command_run},
    {"sleep", "SECONDS", "wait", 1, 1, Argument::None, command_sleep},
    {"sort", "[-r] [-n] [FILE]", "sort lines (-r downwards, -n by number)", 0, 3, Argument::Path,
     command_sort},
    {"start", "PROGRAM [WORD]...", "start a program and leave it to itself", 1, kAnyNumber,
     Argument::Program, command_start},
    {"status", "", "print the exit code of the command before", 0, 0, Argument::None,
     command_status},
    {"stress", "PATH SECONDSs|KILLSx [kill=SERVER,...]",
     "use files while servers are killed, count losses", 2, 3, Argument::Path, command_stress},
    {"sync", "", "write everything to the disks", 0, 0, Argument::None, command_sync},
    {"tail", "[-n N] [FILE]", "show the last lines (10)", 0, 3, Argument::Path, command_tail},
    {"trace", "[N]", "the newest kernel events (20)", 0, 1, Argument::None, command_trace},
    {"true", "", "do nothing, successfully", 0, 0, Argument::None, command_true},
    {"umount", "PATH", "take a file system out", 1, 1, Argument::Path, command_umount},
    {"uptime", "", "how long the machine has been running", 0, 0, Argument::None, command_uptime},
    {"wc", "[-l|-w|-c] [FILE]", "the same as count", 0, 2, Argument::Path, command_count},
    {"wget", "URL [-O FILE]", "get a file by HTTP (-O -: to the terminal)", 1, 3, Argument::None,
     command_wget},
    {"why", "[SERVER]", "what the kernel refused last, in words", 0, 1, Argument::Program,
     command_why},
    {"write", "FILE [WORD]...", "make a file of words, or of what is piped in", 1, kAnyNumber,
     Argument::Path, command_write},
};

// What an error means for a file or a program; the general words of libsel for all others.
std::string_view words_for(error_t error) {
    switch (error) {
    case ERR_NAME:
        return "there is no such name";
    case ERR_EXISTS:
        return "it exists already";
    case ERR_TYPE:
        return "that is in another file system: cp and rm do that";
    case ERR_CHILDREN:
        return "the directory is not empty";
    case ERR_RIGHT:
        return "it is read-only";
    case ERR_ARG:
        return "that is not possible with this one";
    case ERR_EMPTY:
        return "it does not run";
    default:
        return sel::describe(error);
    }
}

// Not a path, or one that this file system has no name for.
std::string_view words_for_path(std::string_view text) {
    file::Path path;
    path.append(text.starts_with('/') ? "" : "/");
    path.append(text);
    return file::FullPath::parse(path).ok()
               ? "a name there has none of \" * : < > ? |, and not only dots and blanks"
               : "a path has names of 1 to 63 bytes, no . or .. and no control characters or \\";
}

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

int Context::fail_on(std::string_view what, error_t error) {
    return fail("{}: {}", what, error == ERR_SYNTAX ? words_for_path(what) : words_for(error));
}

int Context::usage(std::string_view expected) {
    const CommandInfo *command = find_command(name);
    fail("expected {}; usage: {} {}", expected, name, command == nullptr ? "" : command->usage);
    return kUsage;
}

bool Context::path(std::string_view text, file::Path &path) {
    bool relative = !text.starts_with('/');
    if (text.empty() || text.size() + (relative ? 1 : 0) > file::kPathMax) {
        fail("a path has 1 to {} bytes, this one has {}", file::kPathMax, text.size());
        return false;
    }
    path.clear();
    path.append(relative ? "/" : "");
    path.append(text);
    return true;
}

bool parse_number(std::string_view text, u64 most, u64 &number) {
    bool hexadecimal = text.starts_with("0x");
    u64 base = hexadecimal ? 16 : 10;
    text.remove_prefix(hexadecimal ? 2 : 0);
    number = 0;
    for (char c : text) {
        u64 digit = c >= '0' && c <= '9'   ? static_cast<u64>(c - '0')
                    : c >= 'a' && c <= 'f' ? static_cast<u64>(c - 'a') + 10
                                           : base;
        if (digit >= base || number > (most - digit) / base || digit > most) {
            return false;
        }
        number = number * base + digit;
    }
    return !text.empty();
}

sel::Text<16> size_text(u64 bytes) {
    constexpr u64 kKiB = 1024;
    sel::Text<16> text;
    u64 kib = (bytes + kKiB - 1) / kKiB;
    if (kib < 10 * kKiB) {
        sel::format(text, "{} K", kib);
    } else {
        sel::format(text, "{}.{} M", kib / kKiB, kib % kKiB * 10 / kKiB);
    }
    return text;
}

sel::Result<ProgramRow> next_program(System &system, u32 number) {
    sel::Result<ProgramRow> row = system.program(number);
    while (row.error() == ERR_EMPTY) {
        row = system.program(++number);
    }
    return row;
}

sel::Result<ProgramRow> find_program(System &system, std::string_view name) {
    if (u64 number = 0; parse_number(name, ~0u, number)) {
        sel::Result<ProgramRow> row = system.program(static_cast<u32>(number));
        return row.error() == ERR_EMPTY ? ERR_NAME : row;
    }
    sel::Result<ProgramRow> found = ERR_NAME, row = next_program(system, 1);
    for (; row; row = next_program(system, row->number + 1)) {
        if (row->name != name) {
            continue;
        }
        if (row->starter == 0) {
            return row; // Whoever is called like one of the system is not in its way.
        }
        if (found) {
            return ERR_EXISTS;
        }
        found = row;
    }
    return row.error() == ERR_NAME ? found : row;
}

} // namespace shell
