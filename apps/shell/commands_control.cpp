// Commands about the shell, time, and the machine; hostile programs.
// SPDX-License-Identifier: BSD-2-Clause
#include "calendar.hpp"
#include "interpreter.hpp"

#include "apps/attack/api.hpp"

namespace shell {
namespace {

constexpr u64 kSecond = 1'000'000'000;

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
        if (c.system.interrupted()) {
            return kInterrupted;
        }
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
    bool force = c.has("f");
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

} // namespace

int command_ask(Context &c) {
    sel::Text<kLineMax> line = join_words(c.args.subspan(1));
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

int command_halt(Context &c) {
    if (int refused = save_all(c); refused != 0) {
        return refused;
    }
    sel::Result<> refused = c.system.halt();
    return c.fail("the machine did not switch off: {}",
                  refused.ok() ? "it runs on" : sel::describe(refused.error()));
}

int command_reboot(Context &c) {
    if (int refused = save_all(c); refused != 0) {
        return refused;
    }
    sel::Result<> refused = c.system.reboot();
    return c.fail("the machine did not start anew: {}",
                  refused.ok() ? "it runs on" : sel::describe(refused.error()));
}

int command_history(Context &c) {
    const History &history = c.interpreter.history();
    for (u32 age = history.size(); age > 0; age--) {
        c.out.print("{:3}  {}\n", history.size() - age + 1, history.line(age - 1));
    }
    return 0;
}

int command_ifconfig(Context &c) {
    return run_program(c, "ifconfig", c.args);
}

int command_nc(Context &c) {
    return run_program(c, "nc", c.args);
}

int command_netstat(Context &c) {
    return run_program(c, "netstat", c.args);
}

int command_nslookup(Context &c) {
    return run_program(c, "nslookup", c.args);
}

int command_ping(Context &c) {
    return run_program(c, "ping", c.args);
}

int command_wget(Context &c) {
    return run_program(c, "wget", c.args);
}

int command_part(Context &c) {
    return run_program(c, "part", c.args);
}

int pause(Context &c, u64 ns) {
    constexpr u64 kPart = kSecond / 20; // It may be interrupted.
    sel::Result<u64> time = c.system.uptime_ns();
    u64 due = time.value_or(0) + ns;
    do { // By the clock: of a busy machine a part takes longer.
        u64 left = due - std::min(time.value_or(due), due);
        sel::Result<> slept = time.ok() ? c.system.sleep(std::min(left, kPart)) : time.error();
        if (!slept) {
            return c.fail("{}", sel::describe(slept.error()));
        }
        time = c.system.uptime_ns();
    } while (time.value_or(0) < due && !c.system.interrupted());
    return c.system.interrupted() ? kInterrupted : 0;
}

int command_sleep(Context &c) {
    constexpr u64 kMost = 3600;
    u64 seconds = 0;
    if (!parse_number(c.args[0], kMost, seconds)) {
        return c.usage("a number of seconds, at most 3600");
    }
    return pause(c, seconds * kSecond);
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
