// Commands about the shell, time, programs to run, and the machine.
// SPDX-License-Identifier: BSD-2-Clause
#include "calendar.hpp"
#include "shell.hpp"

#include "apps/attack/api.hpp"

namespace shell {
namespace {

constexpr u64 kSecond = 1'000'000'000;

sel::Text<kLineMax> join(std::span<const std::string_view> words) {
    sel::Text<kLineMax> line;
    for (std::string_view word : words) {
        line.append(line.size == 0 ? "" : " ");
        line.append(word);
    }
    return line;
}

// Runs one attack; true if it was contained.
bool run_attack(Context &c, const attack::Attack &attack) {
    c.out.flush();
    sel::Result<Ending> ending = c.system.run("attack", attack.name, attack.seconds * kSecond);
    if (!ending) {
        c.out.print("{:<11} not run: {}\n", attack.name, sel::describe(ending.error()));
        return false;
    }
    bool contained = false;
    std::string_view how;
    switch (ending->how) {
    case Ending::Fault:
        contained = attack.end == attack::End::Fault;
        how = "ended by a fault";
        break;
    case Ending::Exit:
        contained = attack.end == attack::End::Exit && ending->code == attack::kContained;
        how = "denied";
        break;
    case Ending::Stopped:
        contained = attack.end == attack::End::Stopped;
        how = "stopped from outside";
        break;
    }
    contained = contained || attack.end == attack::End::Any;
    c.out.print("{:<11} {:<9}  {} ({})\n", attack.name, contained ? "contained" : "ESCAPED",
                attack.about, how);
    return contained;
}

int attack_all(Context &c) {
    sel::Result<MemoryRow> before = c.system.memory();
    u32 escaped = 0;
    for (const attack::Attack &attack : attack::kAttacks) {
        escaped += run_attack(c, attack) ? 0 : 1;
    }
    sel::Result<MemoryRow> after = c.system.memory();
    if (!before || !after) {
        return c.fail("free memory cannot be compared: {}",
                      sel::describe(before ? after.error() : before.error()));
    }
    c.out.print("free memory before {} after {} bytes\n", before->free_bytes, after->free_bytes);
    if (escaped != 0 || before->free_bytes != after->free_bytes) {
        return c.fail("{} not contained, {} bytes of memory lost", escaped,
                      static_cast<s64>(before->free_bytes - after->free_bytes));
    }
    return 0;
}

// Before the machine stops: 0 when all is on the disks, or nothing more can be saved, or with -f.
int save_all(Context &c) {
    bool force = !c.args.empty() && c.args[0] == "-f";
    if (!c.args.empty() && !force) {
        return c.usage("-f or nothing");
    }
    sel::Result<> saved = c.system.sync();
    if (saved) {
        return 0;
    }
    int status = tell_unsaved(c, saved.error());
    c.out.flush();
    if (force || saved.error() == ERR_RESTARTED) {
        return 0;
    }
    c.fail("that would be lost, so nothing is done; {} -f goes on all the same", c.name);
    return status;
}

int show_command(Context &c, const CommandInfo &command) {
    c.out.print("{} {}\n  {}\n", command.name, command.usage, command.about);
    return 0;
}

} // namespace

int run_program(Context &c, std::string_view name, std::span<const std::string_view> words) {
    sel::Text<kLineMax> arguments = join(words);
    c.out.flush();
    sel::Result<Ending> ending = c.system.run(name, arguments, System::kNoLimit);
    if (!ending) {
        return ending.error() == ERR_NAME ? c.fail("there is no program {}", name)
                                          : c.fail_on(name, ending.error());
    }
    return ending->how == Ending::Fault ? c.fail("{} was ended by a fault", name) : ending->code;
}

int command_ask(Context &c) {
    sel::Text<kLineMax> line = join(c.args.subspan(1));
    if (line.size > talk::kTextMax) {
        return c.fail("a line has at most {} bytes, this one has {}", talk::kTextMax, line.size);
    }
    sel::Result<talk::Text> answer = c.system.talk(c.args[0], line);
    if (answer.error() == ERR_NAME) {
        return c.fail("no server called {} answers (see talkers in boot/system.toml)", c.args[0]);
    }
    if (!answer) {
        return c.fail_on(c.args[0], answer.error());
    }
    c.out.print("{}\n", answer->data);
    return 0;
}

int command_attack(Context &c) {
    if (c.args.empty()) {
        for (const attack::Attack &attack : attack::kAttacks) {
            c.out.print("{:<11} {}\n", attack.name, attack.about);
        }
        return 0;
    }
    if (c.args[0] == "all") {
        return attack_all(c);
    }
    for (const attack::Attack &attack : attack::kAttacks) {
        if (attack.name == c.args[0]) {
            return run_attack(c, attack) ? 0 : kFailed;
        }
    }
    return c.usage("'all' or a name; 'attack' alone lists them");
}

int command_bench(Context &c) {
    return run_program(c, "bench", c.args);
}

int command_clear(Context &c) {
    c.out.clear();
    return 0;
}

int command_date(Context &c) {
    sel::Result<u64> seconds = c.system.date();
    if (!seconds) {
        return c.fail("{}", sel::describe(seconds.error()));
    }
    c.out.print("{} UTC\n", date_text(*seconds).view());
    return 0;
}

int command_false(Context &) {
    return kFailed;
}

int command_true(Context &) {
    return 0;
}

int command_halt(Context &c) {
    if (int refused = save_all(c); refused != 0) {
        return refused;
    }
    sel::Result<> refused = c.system.halt();
    return c.fail("the machine did not switch off: {}", sel::describe(refused.error()));
}

int command_reboot(Context &c) {
    if (int refused = save_all(c); refused != 0) {
        return refused;
    }
    sel::Result<> refused = c.system.reboot();
    return c.fail("the machine did not start anew: {}", sel::describe(refused.error()));
}

int command_help(Context &c) {
    if (!c.args.empty()) {
        const CommandInfo *command = find_command(c.args[0]);
        return command != nullptr ? show_command(c, *command)
                                  : c.fail("there is no command {}", c.args[0]);
    }
    for (const CommandInfo &command : commands()) {
        c.out.print("{:<9} {}\n", command.name, command.about);
    }
    c.out.write("\nA ; B  A && B  A || B  A | B  A > FILE  A >> FILE  'as it is'  \"text\"  $?\n");
    return 0;
}

int command_history(Context &c) {
    const History &history = c.shell.history();
    for (u32 age = history.size(); age > 0; age--) {
        c.out.print("{:3}  {}\n", history.size() - age + 1, history.line(age - 1));
    }
    return 0;
}

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

int run_file(Context &c, loader::Start &m, std::span<const std::string_view> words) {
    sel::Text<kLineMax> line = join(words);
    if (line.size > m.data.kCapacity) {
        return c.fail("arguments have at most {} bytes, these have {}", u32{m.data.kCapacity},
                      line.size);
    }
    m.data = line.view();
    c.out.flush();
    sel::Result<loader::Started> started = c.system.start(m);
    if (!started) {
        return c.fail_on(m.path, started.error());
    }
    if (started->number == 0) {
        return c.fail("{} {}", m.path, started->data);
    }
    if (m.wait == 0) {
        c.out.print("{} runs as {}\n", m.path, started->number);
        return 0;
    }
    return is_fault(started->code) ? c.fail("{} was ended by a fault", m.path) : started->code;
}

} // namespace

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
    loader::Start start{.wait = 1, .path = {}, .give = {}, .data = {}};
    bool options = false;
    for (; !c.args.empty() && c.args[0].starts_with('-'); c.args = c.args.subspan(1)) {
        options = true;
        if (c.args[0] == "-b") {
            start.wait = 0;
        } else if (c.args[0] == "--give" && c.args.size() > 1) {
            c.args = c.args.subspan(1);
            start.give.append(start.give.size == 0 ? "" : " ");
            start.give.append(c.args[0]);
        } else {
            return c.usage("-b or --give WHAT, then a file or program");
        }
    }
    if (c.args.empty() || start.give.full()) {
        return c.usage("a file or program, and fewer things to give");
    }
    std::string_view name = c.args[0];
    if (name.find('/') != name.npos && is_program_file(c, name)) {
        start.path = name;
        return run_file(c, start, c.args.subspan(1));
    }
    if (options) {
        return c.fail("{} is no program in a file", name);
    }
    if (name.find('/') == name.npos && (!name.empty())) {
        sel::Result<ProgramRow> program = find_program(c.system, name);
        if (program) {
            return run_program(c, name, c.args.subspan(1));
        }
    }
    if (c.args.size() > 1) {
        return c.fail("there is no program {}, and scripts take no arguments", name);
    }
    return c.shell.run_script(c, name);
}

int command_start(Context &c) {
    sel::Text<kLineMax> arguments = join(c.args.subspan(1));
    sel::Result<u32> started = c.system.start(c.args[0], arguments);
    return started ? 0 : c.fail_on(c.args[0], started.error());
}

int command_mkfs(Context &c) {
    return run_program(c, "mkfs", c.args);
}

int command_part(Context &c) {
    return run_program(c, "part", c.args);
}

int command_stress(Context &c) {
    return run_program(c, "stress", c.args);
}

int command_sleep(Context &c) {
    constexpr u64 kMost = 3600;
    u64 seconds = 0;
    if (!parse_number(c.args[0], kMost, seconds)) {
        return c.usage("a number of seconds, at most 3600");
    }
    sel::Result<> slept = c.system.sleep(seconds * kSecond);
    return slept ? 0 : c.fail("{}", sel::describe(slept.error()));
}

int command_status(Context &c) {
    c.out.print("status {}\n", c.last_status);
    return 0;
}

int command_uptime(Context &c) {
    sel::Result<u64> ns = c.system.uptime_ns();
    if (!ns) {
        return c.fail("{}", sel::describe(ns.error()));
    }
    c.out.print("up {}\n", duration_text(*ns).view());
    return 0;
}

} // namespace shell
