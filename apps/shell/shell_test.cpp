// Tests of the shell: lines, variables, loops, pipes, programs, jobs, scripts, completion.
// SPDX-License-Identifier: BSD-2-Clause
#include "fixture.hpp"

using namespace shell;

TEST_CASE_METHOD(Fixture, "sequences and exit codes", "[shell]") {
    CHECK(run("echo a; echo b") == "a\nb\n");
    CHECK(run("false && echo a") == "");
    CHECK(status == 1);
    CHECK(run("false || echo a && echo b") == "a\nb\n");
    CHECK(run("true && echo $?; false; echo \"$?\" '$?'; status") == "0\n1 $?\nstatus 0\n");
    CHECK(run("false; status") == "status 1\n");
    CHECK(run("nonsense; status") ==
          "error: unknown command 'nonsense'; 'help' lists all commands\nstatus 127\n");
    CHECK(run("cp a") == "error: cp: expected at least 2 arguments; usage: cp [-r] FROM... TO\n");
    CHECK(status == kUsage);
    CHECK(run("ps x") == "error: ps: expected no arguments; usage: ps \n");
    CHECK(run("kill a b") == "error: kill: expected 1 argument; usage: kill SERVER\n");
    CHECK(run("echo 'a") == "error: the quote ' in column 6 is not closed; nothing was run\n");
    CHECK(status == kUsage);
    CHECK(run("echo a; | b") ==
          "error: a command was expected before | in column 9; nothing was run\n");
}

TEST_CASE_METHOD(Fixture, "typing at the prompt", "[shell]") {
    sh->start();
    CHECK(system.screen == "hello\nworld\ntrust> ");
    system.screen.clear();
    type("echo hi\nstatus\n");
    CHECK(system.screen == "echo hi\nhi\ntrust> status\nstatus 0\ntrust> ");
    system.screen.clear();
    type(std::string(65536, 'x') + "\nstatus\n");
    CHECK(system.screen == std::string(1024, 'x') +
                               "\nerror: the line is longer than 1024 bytes; nothing was run\n"
                               "trust> status\nstatus 2\ntrust> ");
    system.screen.clear();
    type("\x01\x02\x0e"
         "ec\x1c"
         "ho a\n"); // A key that means nothing rings the bell.
    CHECK(system.screen == "ec\aho a\na\ntrust> ");
}

TEST_CASE_METHOD(Fixture, "variables, substitution and patterns", "[shell]") {
    CHECK(run("X=7; echo \"v=$X\" v=$X '$X' ${X}8") == "v=7 v=7 $X 78\n");
    CHECK(run("Y='a  b'; echo $Y; echo \"$Y\"; X=$Y$X; echo \"$X\"") == "a b\na  b\na  b7\n");
    CHECK(run("A=1 B=$A; echo $B$UNKNOWN.") == "1.\n");
    CHECK(run("X=$(false); echo $? $(echo in | cat) \"$(seq 2)\"") == "1 in 1\n2\n");
    CHECK(run("echo $(cat /none)x").ends_with("/none: there is no such name\nx\n"));
    CHECK(run("echo $(echo $(echo deep; pwd))") == "deep /\n");
    CHECK(run("E=; $E; echo $?; $E echo run") == "0\nrun\n");
    CHECK(run("C='echo two words'; $C; N=ech; ${N}o named") == "two words\nnamed\n");
    CHECK(run("echo /etc/m* /nothing*") == "/etc/motd /nothing*\n");
    CHECK(run("cd /etc; cat m*; cd; echo $PWD; cd /etc; echo $PWD; cd") ==
          "hello\nworld\n/\n/etc\n");
    CHECK(run("PWD=/x") == "error: =: PWD is the directory: `cd` changes it\n");
    CHECK(run("X=$(seq 2000)") == "error: $(...) prints more than 4096 bytes; it was not run\n");
    CHECK(status == kFailed);
    CHECK(run("B=$(seq 900); C=$B").find("all variables together 4096") != std::string::npos);
    CHECK(run("echo $((1+1))") == "error: arithmetic, $((...)), is not there; nothing was run\n");
    CHECK(run("echo a $1 $0 $# b") == "a 0 b\n");
    CHECK(run("echo x | X=3; echo $X") == "3\n"); // One shell, one set of variables.
}

TEST_CASE_METHOD(Fixture, "if, while and for", "[shell]") {
    CHECK(run("if true; then echo a; else echo b; fi") == "a\n");
    CHECK(run("if false; then echo a; elif test 1 -lt 2; then echo b; else echo c; fi") == "b\n");
    CHECK(run("if false; then echo a; fi; status; if ! true; then b; else echo c; fi") ==
          "status 0\nc\n");
    CHECK(run("for x in a 'b c' $(seq 2); do echo \"<$x>\"; done; echo $x") ==
          "<a>\n<b c>\n<1>\n<2>\n2\n");
    CHECK(run("for f in /etc/*; do count $f; done") == "2\n");
    CHECK(run("X=; while test \"$X\" != xxx; do X=x$X; echo $X; done") == "x\nxx\nxxx\n");
    CHECK(run("until [ -f /made ]; do touch /made; done; ls; rm made") == "etc/\nmade\n");
    CHECK(run("for x in 1 2 3 4; do if test $x = 2; then continue; fi; echo $x; "
              "if test $x = 3; then break; fi; done; status") == "1\n3\nstatus 0\n");
    CHECK(run("for x in 1 2; do for y in a b; do break; done; echo $x$y; done") == "1a\n2a\n");
    CHECK(run("for x in 3 1 2; do echo $x; done | sort | tail -1; for x in a; do b; done 2> /e") ==
          "3\n");
    CHECK(run("count /e; for x in 1 2 3; do echo $x; done > /e; cat /e; rm /e") == "1\n1\n2\n3\n");
    CHECK(run("seq 3 | for x in a; do cat; done | count") == "3\n");
    CHECK(run("for x in 1 2; do seq 3 | if true; then cat; fi | tail -1; done") == "3\n3\n");
    CHECK(run("for x in; do echo no; done; false; ! false && echo yes") == "yes\n");
    CHECK(run("if true") == "error: `if` in column 1 has no `then`; nothing was run\n");
    system.interrupt_at = 50;
    run("while true; do true; done");
    CHECK(system.interrupted());
}

TEST_CASE_METHOD(Fixture, "a command goes over several lines at the prompt", "[shell]") {
    sh->start();
    system.screen.clear();
    type("for x in 1 2\ndo\necho $x; done\n");
    CHECK(system.screen == "for x in 1 2\nmore> do\nmore> echo $x; done\n1\n2\ntrust> ");
    system.screen.clear();
    type("if true\nfi\necho on\n");
    CHECK(system.screen == "if true\nmore> fi\nerror: `then` was expected before `fi` in column 1;"
                           " nothing was run\ntrust> echo on\non\ntrust> ");
    system.screen.clear();
    type("while true\n\x03"
         "echo on\n");
    CHECK(system.screen == "while true\nmore> ^C\ntrust> echo on\non\ntrust> ");
    system.screen.clear();
    for (int i = 0; i < 6; i++) {
        type("if " + std::string(1000, 'x') + "\n");
    }
    CHECK(system.screen.find("error: the command is longer than 4096 bytes") != std::string::npos);
    type("\x03"
         "echo still\n");
    CHECK(system.screen.ends_with("still\ntrust> "));
}

TEST_CASE_METHOD(Fixture, "the prompt says where one is", "[shell]") {
    sh->start();
    system.screen.clear();
    type("cd etc\ncd\nmkdir -p /a/very/long/way/to/go/to/the/end\ncd "
         "a/very/long/way/to/go/to/the/end\n");
    CHECK(system.screen.find("\ntrust:/etc> cd\ntrust> ") != std::string::npos);
    CHECK(system.screen.ends_with("trust:.../way/to/go/to/the/end> "));
}

TEST_CASE_METHOD(Fixture, "what was typed is searched", "[shell]") {
    sh->start();
    type("echo first\necho second\nls\n");
    system.screen.clear();
    type("\x12"
         "fir\n");
    CHECK(system.screen.ends_with("first\ntrust> "));
}

TEST_CASE_METHOD(Fixture, "pipes and redirections", "[shell]") {
    CHECK(run("ls / | grep e | count") == "1\n");
    CHECK(run("echo b a | cat | cat") == "b a\n");
    CHECK(run("nonsense | count") ==
          "error: unknown command 'nonsense'; 'help' lists all commands\n0\n");
    CHECK(status == 0);
    CHECK(run("echo one > /f; echo two >> f; cat /f") == "one\ntwo\n");
    CHECK(run("cat /f | sort -r > /g; cat g") == "two\none\n");
    CHECK(run("echo x > /etc") ==
          "error: >: /etc: a directory where a file is needed, or the reverse\n");
    CHECK(status == 1);
    CHECK(run("echo two > f one; cat f") == "two one\n");
    CHECK(run("nonsense 2> err; cat err").starts_with("error: unknown command 'nonsense'"));
    CHECK(run("cat /none >> out 2>> err; count err") == "2\n");
    CHECK(run("cat /none /etc/motd 2>&1 | sort") ==
          "error: cat: /none: there is no such name\nhello\nworld\n");
    CHECK(run("cat /none > all 2>&1; cat all") == "error: cat: /none: there is no such name\n");
    CHECK(run("echo told >&2 | count") == "told\n0\n");
    CHECK(run("echo a 2> /etc") ==
          "error: 2>: /etc: a directory where a file is needed, or the reverse\n");
    CHECK(run("echo a > f | count; cat f") == "0\na\n");
    CHECK(run("seq 3 | cat < /etc/motd") == "hello\nworld\n");
    CHECK(run("rm err all out f; mkdir d; cd d; echo in > f; cat < f; cd; cat d/f; rm d/f d") ==
          "in\nin\n");
    // However long it is, and whoever ends first.
    system.files["/big"] = std::string(100'000, 'x') + "\n";
    CHECK(run("cat /big | count -c") == "100001\n");
    CHECK(run("cat /big | cat | cat | cat | cat | count -c") == "100001\n");
    CHECK(run("cat /big /big /big | head -n 1 | count") == "1\n");
    CHECK(run("cat /big | true; status") == "status 0\n");
    CHECK(run("cat < /etc/motd") == "hello\nworld\n");
    CHECK(run("sort -r < /etc/motd | cat > /g; cat g") == "world\nhello\n");
    CHECK(run("cat < /none") == "error: <: /none: there is no such name\n");
    CHECK(run("cat < /etc") ==
          "error: <: /etc: a directory where a file is needed, or the reverse\n");
    CHECK(run("cat g >> g; cat g") == "world\nhello\nworld\nhello\n");
    std::string many = "cat /etc/motd";
    for (int i = 0; i < 11; i++) {
        many += " | cat";
    }
    CHECK(run(many) == "hello\nworld\n");
    CHECK(run(many + " | cat") == "error: |: at most 12 commands run at a time\n");
    CHECK(status == kFailed);
    system.files["/s"] = "cat /etc/motd | sort -r | cat\necho end";
    CHECK(run("run /s | run /s | count; run /s | sort | cat") == "3\nend\nhello\nworld\n");
    CHECK(run("cat /etc/motd | sort -r | sort | tail -n 1") == "world\n");
    CHECK(run("cat /big | sort | tail | sort -r; sort /etc/motd") ==
          "error: tail: at most 2 commands at a time keep lines: sort and tail\nhello\nworld\n");
}

TEST_CASE_METHOD(Fixture, "memory for pipelines is made for the first one", "[shell]") {
    system.work_error = ERR_MEMORY;
    for (const char *line : {"echo a | cat", "sort /etc/motd", "tail /etc/motd"}) {
        CHECK(run(line).find(": there is no memory for it: ") != std::string::npos);
        CHECK(status == kFailed);
    }
    system.work_error = OK;
    CHECK(run("cat /etc/motd | sort -r; sort /etc/motd") == "world\nhello\nhello\nworld\n");
}

TEST_CASE_METHOD(Fixture, "programs in pipes", "[shell]") {
    system.files["/bin/flood"] = system.files["/bin/copy"] = system.files["/bin/hello"] =
        "\177ELF and more";
    CHECK(run("run /bin/flood | head -n 3") == "line 1\nline 2\nline 3\n");
    CHECK(run("run /bin/flood | run /bin/copy | head -n 2") == "line 1\nline 2\n");
    CHECK(run("cat /etc/motd | run /bin/copy | cat") == "hello\nworld\n");
    CHECK(run("run /bin/copy < /etc/motd > /f; cat /f") == "hello\nworld\n");
    system.files["/big"] = std::string(10'000, 'x') + "\n";
    CHECK(run("run /bin/copy < /big | run /bin/copy | run /bin/copy >> /f; count -c /f") ==
          "10013\n");
    CHECK(run("cat /big | run /bin/copy | run /bin/copy | head -n 1 | count -c") == "2049\n");
    CHECK(run("cat /big | run /bin/hello; status") == "status 0\n"); // It does not read.
    system.code = 3;
    CHECK(run("cat /etc/motd | run /bin/hello; status") == "status 3\n");
    system.files["/s"] = "run /bin/copy < /etc/motd\nrun /bin/copy < /etc/motd";
    CHECK(run("run /s | count") == "4\n");
    system.refusal.data = "has no manifest";
    CHECK(run("cat /big | run /bin/copy | count") == "error: run: /bin/copy has no manifest\n0\n");
    CHECK(run("run /bin/flood > /f") == "error: run: /bin/flood has no manifest\n");
    CHECK(status == kFailed);
}

TEST_CASE_METHOD(Fixture, "^C ends what runs", "[shell]") {
    system.files["/bin/flood"] = system.files["/bin/copy"] = "\177ELF and more";
    system.files["/big"] = std::string(10'000, 'x') + "\n";
    system.files["/old"] = "old\n";
    system.files["/s"] = "echo one\nsleep 100\necho two";
    auto interrupt = [&](std::string_view line, int after) {
        system.screen.clear();
        system.interrupt_at = after;
        type(std::string{line} + "\n");
        REQUIRE(!system.in_job);
        REQUIRE(system.pipes.empty());
        REQUIRE(system.opened == 0);
        std::string shown = system.screen.substr(line.size() + 1);
        return shown.substr(0, shown.size() - Shell::kPrompt.size());
    };
    CHECK(interrupt("sleep 100; echo never", 20) == "^C\n");
    CHECK(interrupt("status", -1) == "status 130\n");
    CHECK(interrupt("run /s", 20) == "one\n^C\n");
    CHECK(interrupt("run /bin/flood | count", 30).ends_with("^C\n"));
    CHECK(interrupt("run /bin/flood > /old", 30) == "^C\n");
    CHECK(interrupt("sort /big > /old", 3) == "^C\n");
    CHECK(interrupt("cp /big /old", 3) == "^C\n");
    CHECK(interrupt("cat /old", -1) == "old\n");
    CHECK(interrupt("run /bin/flood | run /bin/copy | cat > /old", 50) == "^C\n");
    CHECK(interrupt("cat /old; ls / | count", -1) == "old\n4\n");
    for (int after = 0; after < 200; after++) {
        interrupt("cat /big | run /bin/copy | sort | run /bin/copy > /new", after);
        interrupt("run /s | run /bin/copy | cat | head -n 1", after);
    }
}

TEST_CASE_METHOD(Fixture, "what a program is not given the terminal asks for", "[shell]") {
    system.files["/bin/wants"] = "\177ELF and more";
    CHECK(run("run /bin/wants") == "error: run: /bin/wants was not given timer\n");
    CHECK(status == kFailed);
    CHECK(system.asked == std::vector<std::string>{"/bin/wants timer"});
    system.consent = true;
    CHECK(run("run --give timer /bin/wants a") == "");
    CHECK(system.asked.back() == "/bin/wants code");
    CHECK(system.calls.back() == "start /bin/wants [a] give [timer code]");
    CHECK(run("run /bin/wants | count") == "0\n");
    CHECK(system.asked.size() == 4); // Not for ever: each time anew.
}

TEST_CASE_METHOD(Fixture, "jobs run behind the prompt, stop, and come to the front", "[shell]") {
    system.files["/bin/flood"] = system.files["/bin/copy"] = system.files["/bin/hello"] =
        "\177ELF and more";
    jobs_run = true;
    CHECK(run("run /bin/flood | run /bin/copy & echo on") ==
          "[1] runs: run /bin/flood | run /bin/copy\non\n");
    CHECK(system.front.empty());
    CHECK(run("jobs") == "[1] runs: run /bin/flood | run /bin/copy\n");
    CHECK(run("run /bin/hello a b&") == "[2] runs: run /bin/hello a b\n");
    system.code = 4;
    CHECK(run("fg 2; status") == "run /bin/hello a b\nstatus 4\n");
    CHECK(system.reader == 67);
    CHECK(run("fg 2") == "error: fg: there is no job 2; 'jobs' lists them\n");
    CHECK(run("fg x").starts_with("error: fg: expected the number of a job"));
    system.stop_next = true;
    CHECK(run("run /bin/hello; status") == "[2] stopped: /bin/hello\nstatus 148\n");
    CHECK(run("jobs") == "[1] runs: run /bin/flood | run /bin/copy\n[2] stopped: /bin/hello\n");
    system.stop_next = true;
    CHECK(run("fg") == "/bin/hello\n[2] stopped: /bin/hello\n");
    CHECK(run("bg 2; jobs | tail -n 1") == "/bin/hello\n[2] runs: /bin/hello\n");
    system.finish(68, 5);
    system.screen.clear();
    type("\n");
    CHECK(system.screen == "\n[2] has ended with status 5: /bin/hello\ntrust> ");
    CHECK(run("echo a & echo b") ==
          "error: &: only programs in files run behind the prompt, as `run FILE`, and without < "
          "and >\nb\n");
    CHECK(run("run /bin/flood > /f &").starts_with("error: &: only programs"));
    CHECK(run("run -b /bin/flood &").starts_with("error: &: only programs"));
    for (u32 i = 2; i <= Jobs::kMost; i++) {
        run("run /bin/hello &");
        CHECK(status == 0);
    }
    CHECK(run("run /bin/hello &") == "error: &: there are 8 jobs already\n");
    CHECK(system.calls.back().starts_with("end "));
    system.stop_next = true;
    CHECK(run("run /bin/hello") == "error: run: 8 jobs are there already: it was ended\n");
}

TEST_CASE_METHOD(Fixture, "files", "[shell]") {
    CHECK(run("cat /etc/motd") == "hello\nworld\n");
    CHECK(run("cat /etc/motd /nope etc/motd") ==
          "hello\nworld\nerror: cat: /nope: there is no such name\nhello\nworld\n");
    CHECK(status == 1);
    CHECK(run("ls") == "etc/\n");
    CHECK(run("ls -l /etc") == "w         12  -                    motd\n");
    CHECK(run("ls /x") == "error: ls: /x: there is no such name\n");
    CHECK(run("mkdir /d; mkdir /d") == "error: mkdir: /d: it exists already\n");
    CHECK(run("cp /etc/motd /d; cat /d/motd") == "hello\nworld\n");
    CHECK(run("mv /d/motd /d/m; ls /d") == "m\n");
    CHECK(run("cp /d/m d/../d/m") == "error: cp: /d/m and d/../d/m are the same file\n");
    system.any_case = true;
    CHECK(run("cp /d/m /D/M") == "error: cp: /d/m and /D/M are the same file\n");
    CHECK(run("mv /d/m /d/M; ls /d; mv /d/M /d/m") == "M\n");
    system.any_case = false;
    CHECK(run("write /d/w 'a b'  c; cat /d/w") == "a b c\n");
    CHECK(run("echo piped | write /d/w; cat /d/w") == "piped\n");
    CHECK(run("rm /d/w /d/m /d/none; ls /d") == "error: rm: /d/none: there is no such name\n");
    CHECK(run("cat " + std::string(256, 'x')) ==
          "error: cat: a path has 1 to 255 bytes, this one has 256\n");
}

TEST_CASE_METHOD(Fixture, "a file that cannot be written has what it had", "[shell]") {
    system.files["/old"] = "old\n";
    for (error_t *fails : {&system.append_error, &system.close_error}) {
        for (const std::string line : {"write /old new", "cp /etc/motd /old", "echo new > /old"}) {
            *fails = ERR_IO;
            std::string name = line.starts_with("echo") ? ">" : line.substr(0, line.find(' '));
            CHECK(run(line) == "error: " + name + ": /old: device error\n");
            CHECK(status == kFailed);
            CHECK(run(line + "er").find("device error") != std::string::npos); // Not there before.
            *fails = OK;
            CHECK(run("cat /old; ls") == "old\netc/\nold\n");
        }
        *fails = ERR_IO;
        CHECK(run("echo new >> /old") == "error: >: /old: device error\n");
        CHECK(status == kFailed);
        *fails = OK;
        system.files["/old"] = "old\n";
    }
    CHECK(run("write /old new; cat /old; ls") == "new\netc/\nold\n");
    CHECK(system.opened == 0);
}

TEST_CASE_METHOD(Fixture, "errors and directories have a style on the terminal, and nowhere else",
                 "[shell]") {
    using All = std::vector<std::string>;
    CHECK(run("echo a; nonsense; cat /no; ls; ls -l | cat; cat /no 2> /e; cat /no 2>&1 | cat") ==
          "a\nerror: unknown command 'nonsense'; 'help' lists all commands\n"
          "error: cat: /no: there is no such name\netc/\nd          1  -                    etc/\n"
          "error: cat: /no: there is no such name\n");
    CHECK(system.styled == All{"1 error: unknown command 'nonsense'; 'help' lists all commands",
                               "1 error: cat: /no: there is no such name", "2 etc/"});
    std::string name(300, 'x'); // Too long for one.
    CHECK(run(name).starts_with("error: unknown command '" + name + "'"));
    CHECK(system.styled.size() == 3);
    system.styled_error = ERR_BUSY;
    CHECK(run("cat /no") == "error: cat: /no: there is no such name\n");
}

TEST_CASE_METHOD(Fixture, "filters", "[shell]") {
    system.files["/n"] = "10 ten\n9 nine\n\n10 TEN\nlast";
    CHECK(run("grep -n te /n") == "1:10 ten\n");
    CHECK(run("grep -i -v te n") == "9 nine\n\nlast\n");
    CHECK(run("grep zzz n; status") == "status 1\n");
    CHECK(run("head -n 2 n") == "10 ten\n9 nine\n");
    CHECK(run("tail -n 2 n") == "10 TEN\nlast\n");
    CHECK(run("head -n x n").starts_with("error: head: expected a number from 0 to"));
    CHECK(run("tail -n 99999 n").starts_with("error: tail: expected a number from 0 to 4096"));
    CHECK(run("count n; count -w n; wc -c n") == "5\n7\n26\n");
    CHECK(run("sort n") == "\n10 TEN\n10 ten\n9 nine\nlast\n");
    CHECK(run("sort -n -r n | head -n 1") == "10 ten\n");
    CHECK(run("echo 'abcdefghijklmnop' | hexdump") ==
          "00000000  61 62 63 64 65 66 67 68  69 6a 6b 6c 6d 6e 6f 70  |abcdefghijklmnop|\n"
          "00000010  0a                                                |.|\n");
    system.files["/long"] = std::string(5000, 'y');
    CHECK(run("count /long; cat /long | head -n 1 | count -c") == "1\n2049\n");
}

TEST_CASE_METHOD(Fixture, "programs, capabilities, denials", "[shell]") {
    CHECK(run("ps") == " NR NAME         PRIO STATE     CPU          MEMORY STARTS\n"
                       "  1 root          101 receive   0:00:01.500  64 K        1\n"
                       "  2 console       102 receive   0:00:03.000  64 K        1\n"
                       "  3 ramfs         103 receive   0:00:04.500  64 K        1\n");
    CHECK(run("caps console") == "console\n"
                                 "  IrqHandler     -    at 0x9  line 4  (irq)\n"
                                 "    Endpoint       wg   at 0xa  badge 0x2\n");
    CHECK(run("caps nobody") == "error: caps: there is no program nobody; 'ps' lists them\n");
    CHECK(run("irq") == "LINE HANDLED BY\n   4 console (irq)\n");
    CHECK(run("lspci").empty());
    pci::Device disk{0x105, pci::Signal::MSIX, 0, 0x1af41042, 0x010000, 0, "virtio disk"};
    system.pci = {disk, disk};
    system.pci[1].program = 2;
    system.pci_left_out = 3;
    CHECK(run("lspci") == "01:00.5 1af4:1042 virtio disk\n"
                          "01:00.5 1af4:1042 virtio disk                      console (msi-x)\n"
                          "and 3 more, that are left alone\n");
    CHECK(run("kill ramfs; restart console") == "ramfs was ended\nconsole was started again\n");
    CHECK(system.calls == std::vector<std::string>{"kill ramfs", "restart console"});
    CHECK(run("why") == "the kernel has refused nothing\n");
    system.refused = {0x42,
                      CALL_SIGNAL | ERR_TYPE << 8 | 1 << 16 | u64{CAP_ENDPOINT} << 24 |
                          u64{RIGHT_READ} << 32 | u64{CAP_NOTIFICATION} << 40 |
                          u64{RIGHT_WRITE} << 48,
                      0, 3};
    CHECK(run("why") == "ramfs: SIGNAL was refused with ERR_TYPE: a capability of another type is "
                        "needed\n"
                        "  capability address 0x42 holds Endpoint with rights r; needed: "
                        "Notification; needed rights: w\n"
                        "  refusals of this thread so far: 3\n");
    constexpr std::string_view kOld =
        "nothing new: `why SERVER` shows what the kernel refused one last\n";
    CHECK(run("why") == kOld);
    CHECK(run("why console") == "the kernel has refused nothing\n");
    CHECK(run("why ramfs").starts_with("ramfs: SIGNAL was refused"));
    system.refused.count++;
    CHECK(run("why").ends_with("so far: 4\n"));
    sh = std::make_unique<Shell>(system); // What was refused before the first line is nobody's.
    type("why\n");
    CHECK(system.screen.find(kOld) != std::string::npos);
    system.refused.count++;
    CHECK(run("why").ends_with("so far: 5\n"));
    CHECK(run("report") == "no program has failed\n");
    system.report_text = std::string(2000, 'r') + "\n";
    CHECK(run("report") == system.report_text);
    CHECK(run("mem").starts_with("ram  1048576 bytes (1024 K)\nfree 1000 bytes (1 K)\n"));
    system.held_rows = {{1, 2, false, 8192, 1}, {1, 2, true, 4096, 2}};
    CHECK(run("mem").find("held 8 K of root, by console\n"
                          "held 4 K of root, by devices of console\n") != std::string::npos);
    system.held_rows.clear();
}

TEST_CASE_METHOD(Fixture, "ask brings back what a server answers", "[shell]") {
    CHECK(run("ask parrot 'a  b' c") == "a  b c\n");
    CHECK(run("ask nobody x") ==
          "error: ask: no server called nobody answers (see talkers in boot/system.toml)\n");
    CHECK(run("ask") == "error: ask: expected at least 1 argument; usage: ask SERVER [WORD]...\n");
}

TEST_CASE_METHOD(Fixture, "log and trace", "[shell]") {
    CHECK(run("log") == "");
    for (u64 i = 0; i < 30; i++) {
        logging::Line line{i, i * 1'000'000, 2, i % 2 ? sel::Level::INFO : sel::Level::ERROR, {}};
        sel::format(line.data, "line {}", i);
        system.lines.push_back(line);
    }
    CHECK(run("log 2") == "     0.028000 console    error   line 28\n"
                          "     0.029000 console    info    line 29\n");
    CHECK(run("log -e 1") == "     0.028000 console    error   line 28\n");
    CHECK(run("log | count") == "20\n");
    CHECK(run("log x").starts_with("error: log: expected -e, -w or -d, and a number"));
    trace_event_t event{};
    event.tsc = 5'000;
    event.kind = TRACE_CALL;
    event.call = CALL_SIGNAL;
    event.error = ERR_TYPE;
    event.argument = 0x42;
    event.thread = 1;
    event.next = 2;
    system.events = {event, event};
    CHECK(run("trace 1") == "     0.000005 call  SIGNAL 0x42 ERR_TYPE  thread 0x1 -> 0x2\n");
    CHECK(run("trace 513").starts_with("error: trace: expected a number of events"));
}

TEST_CASE_METHOD(Fixture, "time, help and the machine", "[shell]") {
    CHECK(run("uptime; date") == "up 1:02:03.004\n2001-09-09 01:46:40 UTC\n");
    CHECK(run("sleep 2; sleep x") ==
          "error: sleep: expected a number of seconds, at most 3600; usage: sleep SECONDS\n");
    CHECK(system.calls.size() == 40);
    CHECK(system.calls.back() == "sleep 50000000");
    system.calls.clear();
    CHECK(run("halt") == "error: halt: the machine did not switch off: device error\n");
    system.power_error = OK;
    CHECK(run("halt; reboot") == "error: halt: the machine did not switch off: it runs on\n"
                                 "error: reboot: the machine did not start anew: it runs on\n");
    system.power_error = ERR_IO;
    system.calls.resize(2);
    CHECK(run("halt now") == "error: halt: expected no arguments; usage: halt [-f]\n");
    CHECK(system.calls == std::vector<std::string>{"sync", "halt"});
    for (const std::string command : {"halt", "reboot"}) {
        system.calls.clear();
        system.sync_error = ERR_IO;
        std::string lost = "error: " + command +
                           ": /disk: what was changed last is not on the disk: device error\n";
        CHECK(run(command) == lost + "error: " + command +
                                  ": that would be lost, so nothing is done; " + command +
                                  " -f goes on all the same\n");
        CHECK(status == kFailed);
        CHECK(system.calls == std::vector<std::string>{"sync"});
        CHECK(run(command + " -f").starts_with(lost + "error: " + command + ": the machine did"));
        CHECK(system.calls == std::vector<std::string>{"sync", "sync", command});
        system.sync_error = ERR_RESTARTED; // Nothing is left to be saved.
        CHECK(run(command).find("may be lost\nerror: " + command + ": the machine did") !=
              std::string::npos);
    }
    CHECK(run("help kill") == "kill SERVER\n  end a server; the supervisor may start it again\n");
    CHECK(run("help nope") == "error: help: there is no command nope\n");
    std::string help = run("help");
    for (const CommandInfo &command : commands()) {
        CHECK(help.find(std::string{command.name} + " ") != help.npos);
        CHECK(find_command(command.name) == &command);
    }
}

TEST_CASE_METHOD(Fixture, "programs in files", "[shell]") {
    system.files["/bin/hello"] = "\177ELF and more";
    system.files["/s"] = "echo one\n";
    CHECK(run("run /bin/hello a 'b c'") == "");
    CHECK(system.calls.back() == "start /bin/hello [a b c] give []");
    CHECK(run("run -b --give file:/a:ro --give timer /bin/hello -b") == "/bin/hello runs as 66\n");
    CHECK(system.calls.back() == "start /bin/hello [-b] give [file:/a:ro timer]");
    system.code = 3;
    run("run /bin/hello");
    CHECK(status == 3);
    system.code = 128 + FAULT_EXCEPTION;
    CHECK(run("run /bin/hello") == "error: run: /bin/hello was ended by a fault\n");
    system.refusal.data = "has no manifest";
    CHECK(run("run /bin/hello") == "error: run: /bin/hello has no manifest\n");
    CHECK(status == kFailed);
    std::size_t calls = system.calls.size();
    CHECK(run("run -b /s") == "error: run: /s is no program in a file\n");
    CHECK(run("run /s") == "one\n");
    CHECK(run("run /bin/hello " + std::string(401, 'x')) ==
          "error: run: arguments have at most 400 bytes, these have 401 and what was exported 0\n");
    for (const char *wrong :
         {"run -b", "run --give", "run -x /bin/hello", "run --give a", "run ''"}) {
        CHECK(run(wrong).find("; usage: run [-b] [--give WHAT]...") != std::string::npos);
        CHECK(status == kUsage);
    }
    CHECK(run("run --give " + std::string(200, 'x') + " /bin/hello")
              .starts_with("error: run: expected"));
    CHECK(system.calls.size() == calls);
    CHECK(run("about /hello") == "hello: Says hello.\n");
    CHECK(run("about /s") == "error: about: /s has no manifest\n");
    // Relative names, without `run`, and what a program is told.
    system.refusal = {};
    system.code = 0;
    system.files["/bin"] = "/";
    CHECK(run("X=1; export Y='a b'; cd /bin; run hello a; ./hello b; ../bin/hello; run ../s") ==
          "one\n");
    calls = system.calls.size();
    CHECK(system.calls[calls - 3] == "start /bin/hello [a|PWD=/bin|Y=a b] give []");
    CHECK(system.calls[calls - 2] == "start /bin/hello [b|PWD=/bin|Y=a b] give []");
    CHECK(system.calls[calls - 1] == "start /bin/hello [|PWD=/bin|Y=a b] give []");
    CHECK(run("run --give file:../etc:ro --give file:x hello; cd; run ramfs a").empty());
    CHECK(system.calls[calls] == "start /bin/hello [|Y=a b] give [file:/etc:ro file:/bin/x]");
    CHECK(system.calls[calls + 1] == std::string{"run ramfs [a"} + '\0' + "Y=a b]");
    run("cd /etc; run --give file:/etc /bin/hello; run --give file:/:ro /bin/hello; "
        "run --give file:/e /bin/hello; cd"); // What it is given is its "/".
    CHECK(system.calls[calls + 2] == "start /bin/hello [|Y=a b] give [file:/etc]");
    CHECK(system.calls[calls + 3] == "start /bin/hello [|PWD=/etc|Y=a b] give [file:/:ro]");
    CHECK(system.calls[calls + 4] == "start /bin/hello [|Y=a b] give [file:/e]");
    CHECK(run("export Y=" + std::string(400, 'y') + "; bin/hello") ==
          "error: run: arguments have at most 400 bytes, these have 0 and what was exported 403\n");
}

TEST_CASE_METHOD(Fixture, "programs at run time stand behind who has started them", "[shell]") {
    auto started = [&](u32 number, const char *name, u32 starter) {
        system.at_run_time.push_back(
            {number, name, true, STATE_WAIT, 50, 0, 192 * 1024, 1, starter});
    };
    started(65, "hello", 2);
    started(66, "hello", 2);
    started(67, "console", 65);
    CHECK(run("ps | head -n 6") == " NR NAME         PRIO STATE     CPU          MEMORY STARTS\n"
                                   "  1 root          101 receive   0:00:01.500  64 K        1\n"
                                   "  2 console       102 receive   0:00:03.000  64 K        1\n"
                                   " 65 +hello         50 wait      0:00:00.000  192 K       1\n"
                                   " 67 ++console      50 wait      0:00:00.000  192 K       1\n"
                                   " 66 +hello         50 wait      0:00:00.000  192 K       1\n");
    CHECK(run("kill hello") ==
          "error: kill: several programs are called hello: say a number; 'ps' lists them\n");
    CHECK(run("kill 66") == "hello was ended\n");
    CHECK(system.calls.back() == "kill 66");
    CHECK(run("kill console") == "console was ended\n"); // The system's.
    CHECK(system.calls.back() == "kill console");
    CHECK(run("kill 64") == "error: kill: there is no program 64; 'ps' lists them\n");
    CHECK(run("kill 68") == "error: kill: there is no program 68; 'ps' lists them\n");
}

TEST_CASE_METHOD(Fixture, "scripts and programs", "[shell]") {
    system.files["/s"] = "echo one\n# remark\n\necho $?; false\necho $?";
    CHECK(run("run /s") == "one\n0\n1\n");
    CHECK(run("run /s | count") == "3\n");
    system.files["/bad"] = "echo a\necho \x02\necho b\n";
    CHECK(run("run /bad") == "a\nerror: /bad, line 2: byte 0x02 in column 6 is not text\n");
    system.files["/bad"] = "echo a\n\nfor x in 1; do\n\necho 'b\ndone\necho c";
    CHECK(run("run /bad") == "a\nerror: /bad, line 3: the quote ' in column 6 is not closed\n");
    CHECK(status == kUsage);
    system.files["/bad"] = "echo a\nif true\nthen echo b";
    CHECK(run("run /bad") == "a\nerror: /bad, line 2: `if` in column 1 has no `fi`\n");
    system.files["/args"] =
        "echo $# $0 \"$1\" $2\nfor a in \"$@\"\ndo\n  echo \"<$a>\" # each\ndone";
    CHECK(run("run /args 'a  b' c; echo $#") == "2 /args a  b c\n<a  b>\n<c>\n0\n");
    CHECK(run("/args x | sort -r; cd /etc; ../args; cd") == "<x>\n1 /args x\n0 ../args \n");
    system.files["/leave"] = "while true\ndo\necho in\nexit 5\ndone\necho never";
    CHECK(run("run /leave; status") == "in\nstatus 5\n");
    CHECK(run("for x in 1 2; do run /leave || break; done; status") == "in\nstatus 0\n");
    system.files["/many"] = "for x in 1; do\n";
    for (int i = 0; i < 300; i++) {
        system.files["/many"] += "echo " + std::to_string(i) + " $x\n";
    }
    CHECK(run("run /many").starts_with("error: /many, line 1: "));
    system.files["/calls"] = "run /args $1; run /args $1$1; echo $1";
    CHECK(run("run /calls q") == "1 /args q\n<q>\n1 /args qq\n<qq>\nq\n");
    system.files["/loop"] = "run /loop";
    CHECK(run("run /loop") == "error: run: /loop: scripts run scripts more than 4 deep\n");
    CHECK(run("run /loop | cat") == "error: run: /loop: scripts run scripts more than 1 deep\n");
    CHECK(run("echo a | run /loop") == "error: run: /loop: scripts run scripts more than 4 deep\n");
    system.files["/loop"] = "run /loop | cat";
    CHECK(run("run /loop") == "error: |: at most 12 commands run at a time\n");
    system.files["/deep"] = "grep o /s | sort | hexdump | cat";
    CHECK(run("run /deep | run /deep | cat").ends_with("|\n"));
    CHECK(run("run /none") == "error: run: /none: there is no such name\n");
    CHECK(run("run ramfs a 'b c'") == "");
    CHECK(system.calls.back() == "run ramfs [a b c]");
    system.ending = {Ending::Fault, 0};
    CHECK(run("run ramfs") == "error: run: ramfs was ended by a fault\n");
    system.ending = {Ending::Exit, 7};
    CHECK(run("bench ipc; status") == "status 7\n");
}

TEST_CASE_METHOD(Fixture, "attacks", "[shell]") {
    CHECK(run("attack nope").starts_with("error: attack: expected 'all' or a name"));
    CHECK(run("attack divide") == "divide      ESCAPED    divide by zero (denied)\n");
    CHECK(status == 1);
    system.ending = {Ending::Fault, 0};
    CHECK(run("attack divide") == "divide      contained  divide by zero (ended by a fault)\n");
    CHECK(run("attack badge") == "badge       ESCAPED    forge badges (ended by a fault)\n");
    system.contain = true;
    CHECK(run("attack all | grep free") == "free memory before 1000 after 1000 bytes\n");
}

TEST_CASE_METHOD(Fixture, "commands, paths and programs are completed", "[shell]") {
    Candidates candidates;
    auto complete = [&](std::string_view text) {
        sh->complete(text, candidates);
        std::string all;
        for (u32 i = 0; i < candidates.count(); i++) {
            all += std::string{candidates.name(i)} + " ";
        }
        return all;
    };
    CHECK(complete("ca") == "caps cat ");
    CHECK(complete("ls | gr") == "grep ");
    CHECK(complete("cat /e") == "/etc/ ");
    CHECK(complete("cat e") == "etc/ ");
    CHECK(complete("cat /etc/") == "/etc/motd ");
    CHECK(complete("echo > /etc/m") == "/etc/motd ");
    CHECK(complete("kill ") == "root console ramfs ");
    CHECK(complete("help wh") == "which why ");
    CHECK(complete("uptime x") == "");
    CHECK(complete("if ca") == "caps cat ");
    CHECK(complete("cd ") == "etc/ ");
    run("X=1; XY=2; Z=3; cd /etc");
    CHECK(complete("echo $X") == "$X $XY ");
    CHECK(complete("cat m") == "motd ");
    CHECK(complete("cat ../e") == "../etc/ ");
    CHECK(complete("./m") == "./motd ");
    CHECK(complete("time ca") == "caps cat ");
    run("cd");
    CHECK(complete("cat " + std::string(900, '/')) == "");
}

TEST_CASE_METHOD(Fixture, "programs are left to themselves", "[shell]") {
    CHECK(run("start stress /disk 60s") == "");
    CHECK(system.calls.back() == "start stress [/disk 60s]");
    CHECK(run("start nothing") == "error: start: nothing: there is no such name\n");
    CHECK(status == kFailed);
}

TEST_CASE_METHOD(Fixture, "file systems", "[shell]") {
    CHECK(run("mount") == "ramfs      on /\nfs         on /disk\n");
    CHECK(run("df") == "USED         FREE         FILES  SERVER     ON\n"
                       "5 K          19.9 M       3      ramfs      /\n"
                       "-            -            -      fs         /disk: device error\n");
    CHECK(run("mount /disk2") == "");
    CHECK(system.calls.back() == "run mount [/disk2]");
    CHECK(run("mount nvme:2 disk") == "");
    CHECK(system.calls.back() == "run mount [nvme:2 /disk]");
    CHECK(run("mount /disk") == "error: mount: /disk: it is mounted already\n");
    CHECK(status == kFailed);
    CHECK(run("umount /disk; mount") == "ramfs      on /\nfs         on /disk, taken out\n");
    CHECK(run("umount /disk") == "error: umount: /disk: it is taken out already\n");
    CHECK(run("umount /") == "error: umount: /: that is not possible with this one\n");
    CHECK(run("umount /etc") == "error: umount: /etc: no file system is mounted there\n");
    CHECK(run("mount /disk; mount | count -l") == "2\n");
    CHECK(run("fsck etc") == "2 files, 1 directories, 17 bytes, 0 damaged\n");
    CHECK(status == 0);
    system.damaged = 3;
    CHECK(run("fsck /etc") == "2 files, 1 directories, 17 bytes, 3 damaged\n");
    CHECK(status == kFailed);
    system.steps = 3;
    system.changes = 2;
    std::string progress = "fsck: 2 files, 17 bytes so far\n";
    CHECK(run("fsck /etc")
              .ends_with(progress + progress + "2 files, 1 directories, 17 bytes, 3 damaged\n"));
    system.changes = 3;
    CHECK(run("fsck /etc")
              .ends_with("error: fsck: /etc: files there are changed, or its server dies, "
                         "again and again\n"));
    system.steps = 1;
    CHECK(run("fsck /nowhere") == "error: fsck: /nowhere: there is no such name\n");
    system.calls.clear();
    CHECK(run("fsck -r etc") == "");
    CHECK(system.calls == std::vector<std::string>{"run mkfs [-r /etc]"});
    CHECK(run("fsck -r").starts_with("error: fsck: expected 1 argument"));
    CHECK(run("fsck -r /etc /etc").starts_with("error: fsck: expected"));
    CHECK(run("sync") == "");
    system.sync_error = ERR_RESTARTED;
    CHECK(run("sync") ==
          "error: sync: a file system died: what was changed since the last sync may "
          "be lost\n");
    CHECK(status == kFailed);
    system.sync_error = ERR_IO;
    CHECK(run("sync") ==
          "error: sync: /disk: what was changed last is not on the disk: device error\n");
    CHECK(status == kFailed);
    system.sync_error = ERR_TIMEOUT;
    CHECK(run("sync").starts_with("error: sync: "));
}

TEST_CASE_METHOD(Fixture, "history and settings stay on a disk", "[shell]") {
    SECTION("without one nothing is written") {
        sh->start();
        type("echo a\n");
        CHECK(system.files.size() == 2);
    }
    SECTION("with one they are there at the next start") {
        system.files["/disk"] = "/";
        sh->start();
        type("echo a\necho a\n\necho 'b\necho c\n");
        CHECK(system.files.at("/disk/shell") == "/");
        CHECK(system.files.at("/disk/shell/history") == "echo a\necho 'b\necho c\n");
        system.files["/disk/shell/start"] = "echo welcome back\n";
        sh = std::make_unique<Shell>(system);
        system.screen.clear();
        sh->start();
        CHECK(system.screen == "hello\nworld\nwelcome back\ntrust> ");
        system.screen.clear();
        type("\x1b[A\n");
        CHECK(system.screen.find("echo c\nc\n") != std::string::npos);
        CHECK(run("history") == "  1  echo a\n  2  echo 'b\n  3  echo c\n");
        CHECK(system.files.at("/disk/shell/history") == "echo a\necho 'b\necho c\n");
    }
    SECTION("the file is bounded, and keeps the newest") {
        system.files["/disk"] = "/";
        sh->start();
        std::string last;
        for (int i = 0; i < 3000; i++) {
            last = "true " + std::to_string(i);
            type(last + "\n");
            REQUIRE(system.files.at("/disk/shell/history").size() <= Keeper::kBytesMax);
        }
        CHECK(system.files.at("/disk/shell/history").ends_with(last + "\n"));
        CHECK(!system.files.contains("/disk/shell/~saving~"));
        sh = std::make_unique<Shell>(system);
        sh->start();
        CHECK(sh->history().line(0) == last);
    }
    SECTION("what somebody else has put there does no harm") {
        system.files["/disk"] = "/";
        system.files["/disk/shell/history"] =
            std::string(3000, 'x') + "\n\x01\xff\n" + "echo good\n" + "no end";
        sh->start();
        CHECK(sh->history().line(0) == "echo good");
        CHECK(sh->history().size() == 2);
    }
    CHECK(system.opened == 0);
}
