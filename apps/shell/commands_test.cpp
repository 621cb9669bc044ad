// Tests of the shell's commands: each with good, no and bad arguments.
// SPDX-License-Identifier: BSD-2-Clause
#include "fixture.hpp"

#include <set>

using namespace shell;

namespace {

struct Example {
    const char *command, *line;
    int status;
    const char *output; // Its beginning.
};

// One after the other, on the same system.
const Example kExamples[] = {
    {"mkdir", "mkdir -p /demo/a/b /demo/a; mkdir /demo/c", 0, ""},
    {"mkdir", "mkdir /demo/x/y", 1, "error: mkdir: /demo/x/y: there is no such name\n"},
    {"mkdir", "mkdir -p /etc/motd/x", 1, "error: mkdir: /etc/motd/x: "},
    {"mkdir", "mkdir -- -p; ls -- -p; rm -- -p", 0, ""},
    {"cd", "cd /demo/a; pwd; cd b; pwd; cd ../..; pwd; cd -; cd; pwd", 0,
     "/demo/a\n/demo/a/b\n/demo\n/demo/a/b\n/\n"},
    {"cd", "cd /nowhere", 1, "error: cd: /nowhere: there is no such name\n"},
    {"cd", "cd /etc/motd", 1, "error: cd: /etc/motd: it is a file\n"},
    {"cd", "cd ''", 1, "error: cd: expected a directory\n"},
    {"pwd", "pwd", 0, "/\n"},
    {"touch", "cd /demo; touch f g; ls; touch f; cat f; touch /no/f", 1,
     "a/\nc/\nf\ng\nerror: touch: /no/f: there is no such name\n"},
    {"write", "write f one two; echo three | write a/g; cat f a/g", 0, "one two\nthree\n"},
    {"write", "write /no/where x", 1, "error: write: /no/where: there is no such name\n"},
    {"write", "write f", 2, "error: write: expected a file, or something piped in"},
    {"cat", "cat f - ", 1, "one two\nerror: cat: -: there is no such name\n"},
    {"cat", "cat", 1, "error: cat: expected a file, or something piped in; usage: cat [FILE]"},
    {"cp", "cp f g c; ls c; cp f g g", 1,
     "f\ng\nerror: cp: g: several files need a directory to go to\n"},
    {"cp", "cp -r a /demo/copy; find copy; cp a x", 1,
     "copy\ncopy/b\ncopy/g\nerror: cp: a: it is a directory: cp -r does that\n"},
    {"cp", "cp -r a a/b", 1, "error: cp: /demo/a/b/a lies in /demo/a\n"},
    {"cp", "cp -r / /demo/c", 1, "error: cp: /demo/c lies in /\n"},
    {"cp", "cp -r a c; find c; cp -r nowhere c", 1,
     "c\nc/a\nc/a/b\nc/a/g\nc/f\nc/g\nerror: cp: nowhere: there is no such name\n"},
    {"mv", "mv c/f c/g a; ls a; mv nowhere a", 1,
     "b/\nf\ng\nerror: mv: nowhere: there is no such name\n"},
    {"mv", "mv f g a/f", 1, "error: mv: a/f: several files need a directory to go to\n"},
    {"ls", "ls a c", 0, "a:\nb/\nf\ng\nc:\na/\n"},
    {"ls", "ls -l a/f; ls nowhere", 1,
     "w          8  -                    a/f\nerror: ls: nowhere: there is no such name\n"},
    {"find", "find a -type f -name '*f'; find -name g -type f; find c -type d", 0,
     "a/f\n./a/g\n./c/a/g\n./copy/g\n./g\nc\nc/a\nc/a/b\n"},
    {"find", "find f; find nowhere", 1, "f\nerror: find: nowhere: there is no such name\n"},
    {"find", "find -type x", 2, "error: find: expected f (files) or d (directories) after -type"},
    {"find", "find / -name etc; find /etc", 0, "/etc\n/etc\n/etc/motd\n"},
    {"du", "write a/f 1234567890; cp /etc/motd a/b; du a; du -s a f", 0,
     "1 K         a/b\n1 K         a\n1 K         a\n1 K         f\n"},
    {"du", "du nowhere", 1, "error: du: nowhere: there is no such name\n"},
    {"rm", "rm a", 1, "error: rm: a: the directory is not empty: rm -r does that\n"},
    {"rm", "rm -r a c; rm f copy/b; ls; rm nowhere", 1,
     "copy/\ng\nerror: rm: nowhere: there is no such name\n"},
    {"rm", "rm -r /", 1, "error: rm: /: everything is in it, so it is left alone\n"},
    {"rm", "cd; rm -r /demo g; ls", 0, "error: rm: g: there is no such name\netc/\n"},
    {"echo", "echo -x a -- ''; echo", 0, "-x a -- \n\n"},
    {"seq", "seq 3; seq 2 4; seq 10 5 20; seq -- 1 -2 -3; seq 5 1; seq 0", 0,
     "1\n2\n3\n2\n3\n4\n10\n15\n20\n1\n-1\n-3\n"},
    {"seq", "seq 9223372036854775806 9223372036854775807 | count", 0, "2\n"},
    {"seq", "seq x", 2, "error: seq: expected whole numbers, and a STEP that is not 0"},
    {"seq", "seq 1 0 2", 2, "error: seq: expected whole numbers, and a STEP that is not 0"},
    {"yes", "yes | head -3; yes a b | head -n 1", 0, "y\ny\ny\na b\n"},
    {"head", "seq 20 | head -2; seq 3 | head -n 1; head -n2 /etc/motd", 0,
     "1\n2\n1\nhello\nworld\n"},
    {"head", "head -n x", 2, "error: head: expected a number from 0 to"},
    {"tail", "seq 20 | tail -2; tail -n 1 /etc/motd; seq 30 | tail | head -1", 0,
     "19\n20\nworld\n21\n"},
    {"tail", "tail", 1, "error: tail: expected a file, or something piped in"},
    {"wc", "wc /etc/motd; wc -l -c < /etc/motd; seq 100000 | wc -l", 0, "2 2 12\n2 12\n100000\n"},
    {"wc", "wc /nowhere", 1, "error: wc: /nowhere: there is no such name\n"},
    {"count", "count /etc/motd; echo a b | count -w", 0, "2\n2\n"},
    {"grep", "grep -in WOR /etc/motd; grep -v o /etc/motd", 1, "2:world\n"},
    {"sort", "seq 12 | sort -rn | head -2; sort /etc/motd -r", 0, "12\n11\nworld\nhello\n"},
    {"hexdump", "echo a | hexdump; hexdump", 1,
     "00000000  61 0a                                             |a.|\n"
     "error: hexdump: expected a file, or something piped in"},
    {"more", "more /etc/motd; seq 2 | more | cat; more", 1,
     "hello\nworld\n1\n2\nerror: more: expected a file, or something piped in"},
    {"test", "test a && [ a = a ] && test 2 -lt 10 && [ -d /etc ] && [ ! -f /etc ] && echo yes", 0,
     "yes\n"},
    {"test", "test ''", 1, ""},
    {"test", "test -f /etc/motd; echo $?; test -e /no; echo $?; test -z ''; echo $?", 0,
     "0\n1\n0\n"},
    {"test", "[ -5 -ge -6 ]; echo $?; test a != a; echo $?; test -n ''; echo $?", 0, "0\n1\n1\n"},
    {"test", "test x -eq 1", 2, "error: test: expected numbers on both sides"},
    {"test", "test -q x", 2, "error: test: expected -e, -f, -d, -n or -z, and one word"},
    {"test", "test a b c", 2, "error: test: expected =, != or -eq"},
    {"test", "test a b c d", 2, "error: test: expected one test"},
    {"[", "[ a = a", 2, "error: [: expected a ] at the end; usage: [ TEST ]"},
    {"[", "[ ]", 2, "error: [: expected one test"},
    {"export", "unset OLDPWD; X=7; export Y=8; export X; export", 0,
     "export X='7'\nexport Y='8'\n"},
    {"export", "export Z", 1, "error: export: there is no variable Z\n"},
    {"export", "export 1=2", 2, "error: export: expected names of letters, digits and _"},
    {"export", "export PWD=/x", 1, "error: export: PWD is the directory: `cd` changes it\n"},
    {"unset", "unset X Y NONE OLDPWD; export", 0, ""},
    {"unset", "unset 1", 2, "error: unset: expected names of letters, digits and _"},
    {"time", "time echo a", 0, "a\n0.000 s\n"},
    {"time", "time -- sleep 3", 0, "3.000 s\n"},
    {"time", "time false", 1, "0.000 s\n"},
    {"time", "time nonsense", 127, "error: unknown command 'nonsense'"},
    {"which", "which ls console", 0,
     "ls: a command of the shell\nconsole: a program of the system (run console)\n"},
    {"which", "cd etc; which motd /nowhere; cd", 0,
     "/etc/motd: a script (run /etc/motd)\nerror: which: /nowhere: there is no such command"},
    {"top", "top -n 1 | head -3", 0,
     "up 1:02:06.004, 3 programs, 1 K of 1024 K free\n"
     " NR NAME           CPU  PRIO STATE     MEMORY\n"
     "  3 ramfs"},
    {"top", "top x", 2, "error: top: expected a number of seconds from 1 to 3600"},
    {"top", "top -n 0", 2, "error: top: expected a number from 1 to 1000000 after -n"},
    {"break", "break", 1, "error: break: expected a loop around it\n"},
    {"continue", "continue", 1, "error: continue: expected a loop around it\n"},
    {"exit", "exit 3", 1, "error: exit: expected a script around it; the shell does not end"},
    {"exit", "exit 256", 2, "error: exit: expected a number from 0 to 255"},
    {"true", "true", 0, ""},
    {"false", "false", 1, ""},
    {"status", "false; status", 0, "status 1\n"},
    {"clear", "clear", 0, "\x1b[H"},
    {"date", "date", 0, "2001-09-09 01:46:4"},
    {"uptime", "uptime", 0, "up 1:02:0"},
    {"random", "random 3", 0, "101112\n"},
    {"random", "random 4097", 2, "error: random: expected a number of bytes"},
    {"sleep", "sleep 1", 0, ""},
    {"sleep", "sleep x", 2, "error: sleep: expected a number of seconds"},
    {"sleep", "sleep -1", 2, "error: sleep: unknown option -1; usage: sleep SECONDS\n"},
    {"ps", "ps", 0, " NR NAME"},
    {"mem", "mem", 0, "ram "},
    {"caps", "caps console", 0, "console\n"},
    {"caps", "caps nobody", 1, "error: caps: there is no program nobody"},
    {"irq", "irq", 0, "LINE HANDLED BY\n"},
    {"lspci", "lspci", 0, ""},
    {"kill", "kill ramfs", 0, "ramfs was ended\n"},
    {"restart", "restart ramfs", 0, "ramfs was started again\n"},
    {"why", "why", 0, "the kernel has refused nothing\n"},
    {"log", "log -e 5", 0, ""},
    {"log", "log x", 2, "error: log: expected -e, -w or -d"},
    {"trace", "trace 5", 0, ""},
    {"trace", "trace x", 2, "error: trace: expected a number of events"},
    {"report", "report", 0, "no program has failed\n"},
    {"ask", "ask parrot -x y", 0, "-x y\n"},
    {"attack", "attack nope", 2, "error: attack: expected 'all' or a name"},
    {"bench", "bench", 0, ""},
    {"part", "part", 0, ""},
    {"ifconfig", "ifconfig", 0, ""},
    {"nc", "nc -l 7 f", 0, ""},
    {"nc", "nc", 2, "error: nc: expected 2 to 3 arguments"},
    {"netstat", "netstat -m", 0, ""},
    {"netstat", "netstat", 0, ""},
    {"netstat", "netstat -m x", 2, "error: netstat: expected 0 to 1 arguments"},
    {"nslookup", "nslookup test.example 10.0.2.2 53", 0, ""},
    {"ping", "ping -c 3 10.0.2.2", 0, ""},
    {"ping", "ping", 2, "error: ping: expected 1 to 3 arguments"},
    {"wget", "wget http://10.0.2.2:80/file -O f", 0, ""},
    {"wget", "wget", 2, "error: wget: expected 1 to 3 arguments"},
    {"mkfs", "mkfs -f etc", 0, ""},
    {"stress", "stress etc 3s", 0, ""},
    {"df", "df", 0, "USED"},
    {"mount", "mount", 0, "ramfs      on /\n"},
    {"umount", "umount /etc", 1, "error: umount: /etc: no file system is mounted there\n"},
    {"fsck", "fsck /etc", 0, "2 files"},
    {"sync", "sync", 0, ""},
    {"halt", "halt", 1, "error: halt: the machine did not switch off"},
    {"reboot", "reboot", 1, "error: reboot: the machine did not start anew"},
    {"history", "history", 0, ""},
    {"help", "help nope", 1, "error: help: there is no command nope\n"},
    {"jobs", "jobs", 0, ""},
    {"fg", "fg", 1, "error: fg: expected a job"},
    {"bg", "bg x", 2, "error: bg: expected the number of a job"},
    {"start", "start stress -x", 0, ""},
    {"about", "about hello", 0, "hello: Says hello.\n"},
    {"run", "run ramfs", 0, ""},
    {"attack", "attack", 0, "read "},
    {"bg", "bg", 1, "error: bg: expected a job"},
    {"caps", "caps", 0, "root\n"},
    {"cd", "cd", 0, ""},
    {"count", "count", 1, "error: count: expected a file, or something piped in"},
    {"du", "du", 0, "1 K "},
    {"echo", "echo", 0, "\n"},
    {"exit", "exit", 1, "error: exit: expected a script around it"},
    {"export", "export", 0, "OLDPWD='/'"},
    {"find", "find", 0, ".\n"},
    {"head", "head", 1, "error: head: expected a file, or something piped in"},
    {"hexdump", "hexdump", 1, "error: hexdump: expected a file, or something piped in"},
    {"log", "log", 0, ""},
    {"ls", "ls", 0, "etc/\n"},
    {"more", "more", 1, "error: more: expected a file, or something piped in"},
    {"sort", "sort", 1, "error: sort: expected a file, or something piped in"},
    {"status", "status", 0, "status "},
    {"test", "test", 2, "error: test: expected one test"},
    {"[", "[", 2, "error: [: expected at least 1 argument"},
    {"top", "top | head -1", 0, "up "},
    {"trace", "trace", 0, ""},
    {"wc", "wc", 1, "error: wc: expected a file, or something piped in"},
    {"yes", "yes | head -1", 0, "y\n"},
    {"help", "help", 0, "[ "},
    {"[", "[ a = a ]", 0, ""},
    {"break", "for x in 1 2; do echo $x; break; done", 0, "1\n"},
    {"continue", "for x in 1 2; do continue; echo no; done", 0, ""},
    {"cat", "cat /etc/motd", 0, "hello\nworld\n"},
    {"cp", "cp /etc/motd /m; cat /m", 0, "hello\nworld\n"},
    {"mv", "mv /m /n; cat /n", 0, "hello\nworld\n"},
    {"touch", "touch /n; rm /n", 0, ""},
    {"exit", "write /s 'exit 0'; run /s", 0, ""},
    {"grep", "grep wor /etc/motd", 0, "world\n"},
    {"help", "help pwd", 0, "pwd\n"},
    {"hexdump", "echo a | hexdump", 0, "00000000  61 0a"},
    {"more", "more /etc/motd", 0, "hello\nworld\n"},
    {"umount", "umount /disk", 0, ""},
    {"run", "run nothing", 1, "error: run: nothing: there is no such name\n"},
};

} // namespace

TEST_CASE_METHOD(Fixture, "every command does what its help says", "[shell]") {
    // Nothing is good of `false`; jobs are in shell_test.cpp, and a machine that is off in test/system (`power`).
    const std::set<std::string_view> elsewhere{"bg", "false", "fg", "halt", "reboot"};
    std::set<std::string_view> good, none,
        bad; // Commands with such arguments; `none`: a line that ends behind it.
    for (const Example &example : kExamples) {
        CAPTURE(example.line);
        std::string output = run(example.line);
        CHECK(output.substr(0, std::strlen(example.output)) == example.output);
        CHECK((output.empty() || example.output[0] != '\0'));
        CHECK(status == example.status);
        (status == 0 ? good : bad).insert(example.command);
        std::string_view line = example.line;
        none.insert(line.substr(0, line.find(" |"))); // Also into a pipe.
    }
    for (const CommandInfo &command : commands()) {
        CAPTURE(command.name);
        CHECK((good.contains(command.name) || elsewhere.contains(command.name)));
        CHECK((none.contains(command.name) || command.least > 0));
        CHECK((bad.contains(command.name) || command.options != "*" || command.name == "echo"));
    }
    for (const char *call :
         {"run mkfs [-f /etc]", "run stress [/etc 3s]", "start stress [-x]", "run netstat [-m]",
          "run nc [-l 7 f]", "run nslookup [test.example 10.0.2.2 53]", "run ping [-c 3 10.0.2.2]",
          "run wget [http://10.0.2.2:80/file -O f]"}) {
        CHECK(std::count(system.calls.begin(), system.calls.end(), call) == 1);
    }
}

TEST_CASE_METHOD(Fixture, "every command refuses what it does not know", "[shell]") {
    for (const CommandInfo &command : commands()) {
        std::string name{command.name}, usage = "; usage: " + name + " ";
        CAPTURE(name);
        std::string help = run(name + " --help");
        CHECK(help.starts_with(name));
        CHECK(help.find(std::string{command.about}) != help.npos);
        CHECK(status == 0);
        CHECK(help == run("help '" + name + "'"));
        if (command.options != "*") {
            CHECK(run(name + " -Q").starts_with("error: " + name + ": unknown option -Q" + usage));
            CHECK(status == kUsage);
            CHECK(run(name + " --quite").find("unknown option --quite" + usage) != help.npos);
        }
        if (command.least > 0) {
            CHECK(run(name).find("expected ") != help.npos);
            CHECK(status == kUsage);
        }
        if (command.most != kAnyNumber) {
            std::string line = name;
            for (u32 i = 0; i <= command.most; i++) {
                line += " x";
            }
            CHECK(run(line).find("expected ") != help.npos);
            CHECK(status == kUsage);
        }
    }
    CHECK(system.calls.empty());
}

TEST_CASE_METHOD(Fixture, "a mistyped command is guessed", "[shell]") {
    CHECK(run("sl") == "error: unknown command 'sl'; did you mean 'ls'?\n");
    CHECK(run("gerp x") == "error: unknown command 'gerp'; did you mean 'grep'?\n");
    CHECK(run("hlep") == "error: unknown command 'hlep'; did you mean 'help'?\n");
    CHECK(run("less f") == "error: unknown command 'less'; did you mean 'more'?\n");
    CHECK(run("alias") == "error: unknown command 'alias'; there are no aliases\n");
    CHECK(run("xyzzy") == "error: unknown command 'xyzzy'; 'help' lists all commands\n");
    CHECK(run(std::string(200, 'x')).ends_with("'help' lists all commands\n"));
    CHECK(status == kUnknown);
}

TEST_CASE_METHOD(Fixture, "more shows a page at a time", "[shell]") {
    system.size = {20, 5};
    system.keys = " \rzq";
    std::string shown = run("seq 100 | more");
    const std::string ask = "-- more: space, enter, q --";
    std::string gone = "\r" + std::string(ask.size(), ' ') + "\r";
    CHECK(shown == "1\n2\n3\n4\n" + ask + gone + "5\n6\n7\n8\n" + ask + gone + "9\n" + ask + gone);
    CHECK(status == 0);
    CHECK(system.keys.empty());
    system.keys = "q";
    system.files["/long"] = "a\n" + std::string(50, 'x') + "\nb\n";
    CHECK(run("more /long") == "a\n" + std::string(50, 'x') + "\n" + ask + gone);
    CHECK(run("seq 100 | more | tail -1") == "100\n"); // Not the terminal.
    system.size = {0, 0};
    CHECK(run("seq 23 | more").ends_with("\n23\n"));
    CHECK(run("seq 24 | more").ends_with(gone)); // ^C
    CHECK(status == kInterrupted);
}

TEST_CASE_METHOD(Fixture, "what takes long says how far it is", "[shell]") {
    for (int i = 0; i < 30; i++) {
        system.files["/t/" + std::to_string(i)] = std::string(100, 'x');
    }
    system.files["/t"] = "/";
    system.tick = 300'000'000;
    CHECK(run("cp -r /t /u").starts_with("cp: "));
    CHECK(run("cp -r /t /u 2> /dev").empty()); // Nobody looks.
    CHECK(run("du -s /t").find(" bytes so far\n") != std::string::npos);
    CHECK(run("rm -r /t").starts_with("rm: "));
    CHECK(!system.files.contains("/t"));
    system.tick = 0;
    CHECK(run("rm -r /u").empty());
}

TEST_CASE_METHOD(Fixture, "trees that cannot be removed or copied stay", "[shell]") {
    system.files["/t"] = system.files["/t/a"] = "/";
    system.files["/t/a/keep"] = system.files["/t/b"] = "x";
    system.kept = "/t/a/keep";
    CHECK(run("rm -r /t") == "error: rm: /t/a/keep: it is read-only\n");
    CHECK(status == kFailed);
    CHECK(system.files.contains("/t/b"));
    system.kept.clear();
    system.append_error = ERR_IO;
    CHECK(run("cp -r /t /u") == "error: cp: /u/a/keep: device error\n");
    CHECK(status == kFailed);
    system.append_error = OK;
    // ^C leaves what was done.
    system.interrupt_at = 3;
    run("rm -r /t");
    CHECK(status == kInterrupted);
}
