"""An hour at the shell, as somebody spends it who tries the system: keys, files, variables, loops, pipes, scripts, jobs,
and mistakes.
SPDX-License-Identifier: BSD-2-Clause
"""

import re

from build import BUILD
from machine import PROMPT_AT
from scene import booted, equal, free_bytes, programs
from test_loader import children, disk_with
from test_shell import BACKSPACE, END, HOME, LEFT, UP, ctrl
from test_terminals import PROGRAMS

MORE = "\x1b[1mmore> \x1b[22m"
PROMPT_HERE = re.compile(PROMPT_AT.pattern.removeprefix(r"\n"))
PAGE = "\x1b[1m-- more: space, enter, q --\x1b[22m"

# (typed, exit status, what is printed: text, or a pattern that fits all of it)
ARRIVES = [
    ("help | head -3", 0, re.compile(r"\[ +the same as test\nabout +.*\nask +.*\n")),
    ("help | grep directory", 0, re.compile(r"cd +go to a directory.*\n(.*directory.*\n)+")),
    ("help ls", 0, "ls [-l] [PATH]...\n  list directories (-l sizes and dates)\n"),
    ("mkdir --help", 0, re.compile(r"mkdir \[-p\] PATH\.\.\.\n  make directories.*\n")),
    ("pwd", 0, "/\n"),
    ("ls | head -2", 0, "system\nbin/\n"),
    ("sl", 127, "error: unknown command 'sl'; did you mean 'ls'?\n"),
    ("dir", 127, "error: unknown command 'dir'; did you mean 'ls'?\n"),
    ("wehre", 127, re.compile(r"error: unknown command 'wehre'.*\n")),
    ("cat /etc/motd | wc", 0, re.compile(r"\d+ \d+ \d+\n")),
    ("date | wc -l", 0, "1\n"),
    ("ps | grep shell", 0, re.compile(r" *\d+ shell .*\n")),
    ("which ls probe /nothing", 1, "ls: a command of the shell\nprobe: a program of the system (run probe)\n"
                                  "error: which: /nothing: there is no such command, program or file\n"),
    ("top -n 1 | head -2", 0, re.compile(r"up .* programs, .* free\n NR NAME +CPU .*\n")),
    ("uptime 3", 2, "error: uptime: expected no arguments; usage: uptime \n"),
]
FILES = [
    ("mkdir -p /demo/a/b", 0, ""),
    ("mkdir -p /demo/a/b", 0, ""),
    ("mkdir /demo", 1, "error: mkdir: /demo: it exists already\n"),
    ("mkdir -x /demo/x", 2, "error: mkdir: unknown option -x; usage: mkdir [-p] PATH...\n"),
    ("mkdir -- -p; ls -- -p; rm -- -p", 0, ""),
    ("cd /demo/a", 0, ""),
    ("pwd", 0, "/demo/a\n"),
    ("echo x > b/f", 0, ""),
    ("cat b/*", 0, "x\n"),
    ("cat nothing*", 1, "error: cat: nothing*: there is no such name\n"),
    ("echo 'b/*' b/* ?/f [ab]/f [!b]/f", 0, "b/* b/f b/f b/f [!b]/f\n"),
    ("touch one two 'with blank'; ls", 0, "b/\none\ntwo\nwith blank\n"),
    ("write one some words; cat < one", 0, "some words\n"),
    ("echo more >> one; wc one", 0, "2 3 16\n"),
    ("cp one two; cat two two | sort", 0, "more\nmore\nsome words\nsome words\n"),
    ("cp one two b; ls b", 0, "f\none\ntwo\n"),
    ("cp one two none", 1, "error: cp: none: several files need a directory to go to\n"),
    ("cp b c", 1, "error: cp: b: it is a directory: cp -r does that\n"),
    ("cp -r b c; ls c", 0, "f\none\ntwo\n"),
    ("cp -r . b", 1, re.compile(r"error: cp: /demo/a/b/a lies in /demo/a\n")),
    ("mv c/one c/first; mv c ..; ls ../c", 0, "f\nfirst\ntwo\n"),
    ("find .. -name 'f*'", 0, "../a/b/f\n../c/f\n../c/first\n"),
    ("find .. -type d", 0, "..\n../a\n../a/b\n../c\n"),
    ("du -s ..", 0, re.compile(r"1 K +\.\.\n")),
    ("ls -l one", 0, re.compile(r"w +16  20\d\d-\d\d-\d\d \d\d:\d\d:\d\d  one\n")),
    ("cd ../c; cd -", 0, "/demo/a\n"),
    ("cd nowhere", 1, "error: cd: nowhere: there is no such name\n"),
    ("cd one", 1, "error: cd: one: it is a file\n"),
    ("rm b", 1, "error: rm: b: the directory is not empty: rm -r does that\n"),
    ("rm -r b 'with blank'; ls | sort", 0, "one\ntwo\n"),
    ("cat none 2> err; cat err", 0, "error: cat: none: there is no such name\n"),
    ("cat none one 2>&1 | grep -n o", 0,
     "1:error: cat: none: there is no such name\n2:some words\n3:more\n"),
    ("cat none > both 2>&1; count both", 0, "1\n"),
    ("rm err both n?ne* 2> /demo/e; cat /demo/e", 0, "error: rm: n?ne*: there is no such name\n"),
]
LANGUAGE = [
    ("X=7", 0, ""),
    ('echo "v=$X" \'$X\' ${X}th', 0, "v=7 $X 7th\n"),
    ("X=7 echo", 2, "error: NAME=... in front of a command is not there: `export NAME=...` stands alone; "
                    "nothing was run\n"),
    ("N=$(ls | wc -l); echo $N files", 0, "2 files\n"),
    ("echo $(seq 5) \"$(seq 2)\"", 0, "1 2 3 4 5 1\n2\n"),
    ("export Y='a b'; export", 0, re.compile(r"(?s).*export Y='a b'\n.*")),
    ("unset Y; echo [$Y]", 0, "[]\n"),
    ("for f in one two none; do if [ -f $f ]; then echo $f; else echo no $f; fi; done", 0,
     "one\ntwo\nno none\n"),
    ("X=; while test \"$X\" != aaa; do X=a$X; done; echo $X", 0, "aaa\n"),
    ("until test -f made; do touch made; done && rm made", 0, ""),
    ("for n in $(seq 100); do test $n -gt 3 && break; echo $n; done", 0, "1\n2\n3\n"),
    ("for n in 2 3 1; do echo $n; done | sort -n | tail -1", 0, "3\n"),
    ("! false && echo yes || echo no", 0, "yes\n"),
    ("if nonsense 2> /demo/e; then echo a; elif true; then echo $?; fi", 0, "0\n"),
    ("seq 100000 | wc -l", 0, "100000\n"),
    ("yes | head -3", 0, "y\ny\ny\n"),
    ("yes no | head -n 100000 | sort | wc -l", 0, re.compile(r"error: sort: the input has more than .*\n0\n")),
    ("seq 10 -3 1", 2, "error: seq: unknown option -3; usage: seq [FIRST [STEP]] LAST\n"),
    ("seq -- 10 -3 1", 0, "10\n7\n4\n1\n"),
    ("time sleep 1", 0, re.compile(r"1\.\d\d\d s\n")),
    ("time", 2, "error: time: expected at least 1 argument; usage: time COMMAND [WORD]...\n"),
    ("echo $((1+1))", 2, "error: arithmetic, $((...)), is not there; nothing was run\n"),
    ("cat << end", 2, re.compile(r"error: text in the line \(<<\) is not there: .*\n")),
    ("f() { echo; }", 2, re.compile(r"error: functions, .* are not there.*\n")),
    ("echo `date`", 2, "error: `...` is not there: $(...) does that; nothing was run\n"),
    ("(cd /; ls)", 2, re.compile(r"error: groups in \( \) are not there.*\n")),
    ("echo 'never", 2, "error: the quote ' in column 6 is not closed; nothing was run\n"),
    ("echo a; ; echo b", 2, "error: a command was expected before ; in column 9; nothing was run\n"),
    ("exit", 1, "error: exit: expected a script around it; the shell does not end: 'halt' switches off\n"),
    ("break", 1, "error: break: expected a loop around it\n"),
]
SCRIPTS = [
    ("echo 'echo $# $1' > s; echo 'for a in \"$@\"' >> s; echo do >> s; echo 'echo \"<$a>\"' >> s; echo done >> s",
     0, ""),
    ("cat s | head -2", 0, "echo $# $1\nfor a in \"$@\"\n"),
    ("run s 'a b' c", 0, "2 a b\n<a b>\n<c>\n"),
    ("./s x | sort", 0, "1 x\n<x>\n"),
    ("echo 'if test $1 = 0' > t; echo 'then exit 3' >> t; echo fi >> t; echo 'echo on $1' >> t; ./t 0", 3, ""),
    ("./t 1", 0, "on 1\n"),
    ("for n in 0 1; do ./t $n || echo failed; done", 0, "failed\non 1\n"),
    ("echo 'echo begun' > u; echo 'while true' >> u; ./u", 2,
     "begun\nerror: ./u, line 2: `while` in column 1 has no `do`\n"),
    ("run nothing", 1, "error: run: nothing: there is no such name\n"),
    ("./t", 0, re.compile(r"error: test: expected .*\non\n")),
]
PROGRAM = [
    ("run /fat/hello a b", 0, "hello from hello: a b\n"),
    ("cd /fat; hello", 127, "error: unknown command 'hello'; did you mean 'help'?\n"),
    ("./hello x", 0, "hello from hello: x\n"),
    ("./hello '$PWD'", 0, "hello from hello: $PWD\n/fat\n"),
    ("export WHO=you; ./hello '$WHO'", 0, "hello from hello: $WHO\nyou\n"),
    ("./hello fail; echo $?", 0, "hello from hello: fail\n3\n"),
    ("./hello fault 2> /demo/e", 1, re.compile(r"(?s).*hello from hello: fault\n.*")),
    ("./flood 3 | ./copy | wc -l", 0, "3\n"),
    ("echo $(./flood 2)", 0, "line 1 line 2\n"),
    ("cd /demo/a; run --give file:/demo:ro /fat/show one; run --give file:. /fat/show one; cd -", 0,
     "some words\nmore\n" * 2 + "/fat\n"),
    ("run --give file:/nowhere /fat/show one", 1,
     "error: run: /fat/show cannot be given /nowhere: no such name\n"),
    ("which hello", 0, "/fat/hello: a program in a file (run /fat/hello)\n"),
    ("about hello | head -1", 0, re.compile(r"hello: Says hello, .*\n")),
    ("cd /demo/a", 0, ""),
]
LEAVES = [
    ("history | tail -2 | head -1", 0, " 63  status\n"),
    ("rm -r /", 1, "error: rm: /: everything is in it, so it is left alone\n"),
    ("cd; rm -r /demo; ls /demo", 1, "error: ls: /demo: there is no such name\n"),
    ("report | head -1", 0, re.compile(r"--- hello.*\n")),
    ("sync", 0, ""),
    ("df | grep ramfs | wc -l", 0, "1\n"),
]


def until_prompt(machine, timeout=30):
    return machine.expect(PROMPT_AT, timeout)


def walk(machine, steps):
    """All of the steps, and then what was not as it should be."""
    wrong = []
    for typed, status, printed in steps:
        got_status, output = machine.status(typed)
        fits = output == printed if isinstance(printed, str) else printed.fullmatch(output)
        if got_status != status or not fits:
            wrong.append(f"{typed!r}: status {got_status}, printed\n{output!r}, not {status}, {printed!r}")
    assert not wrong, "\n".join(wrong)
    return len(steps)


def keys(machine):
    """Editing, history, search, completion, commands that go over several lines, the pager."""
    equal("history", machine.run("echo first"), "first\n")
    equal("edited", machine.run("cho secnd" + HOME + "e" + END + LEFT * 2 + "o"), "second\n")
    equal("up", machine.run(UP * 4), "first\n")
    equal("^R", machine.run(ctrl("r") + "sec"), "second\n")
    equal("^R twice, and edited", machine.run(ctrl("r") + "echo" + ctrl("r") + END + " again"), "first again\n")
    equal("^R given up", machine.run("echo kept" + ctrl("r") + "first" + ctrl("g")), "kept\n")
    equal("keys that mean nothing", machine.run("ec" + ctrl("t") + ctrl("_") + "ho on" + BACKSPACE + "ly"), "oly\n")
    equal("tab", machine.run("cat /demo/a/on\t"), "some words\nmore\n")
    equal("tab in the directory", machine.run("ec\t$(wc -l on\t)"), "2\n")
    machine.send("for x in 1 2\n")
    machine.expect(f"\n{MORE}")
    machine.send("do echo =$x\n")
    machine.expect(f"\n{MORE}")
    equal("over several lines", machine.run("done"), "=1\n=2\n")
    machine.send("while true\n")
    machine.expect(f"\n{MORE}")
    machine.send(ctrl("c"))
    until_prompt(machine)
    machine.send("seq 60 | more\n")
    machine.expect(f"\n23\n{PAGE}")
    machine.send(" ")
    machine.expect(f"\n46\n{PAGE}")
    machine.send("\r")
    machine.expect(f"47\n{PAGE}")
    machine.send("q")
    machine.expect(PROMPT_HERE)
    equal("behind the pager", machine.run("echo on"), "on\n")
    machine.send("seq 60 | more\n")
    machine.expect(PAGE)
    machine.send(ctrl("c"))
    machine.expect(PROMPT_HERE)
    equal("^C in the pager", machine.run("status"), "status 130\n")
    return 16


def jobs(machine):
    """^C, ^Z, and what runs behind the prompt."""
    for line, shown in (("while true; do echo round; done", "round\nround\n"), ("yes", "y\ny\ny\n"),
                        ("top 1", "NR NAME"), ("/fat/hello loop", "hello: loop\n"),
                        ("for x in a b; do sleep 100; done", None)):
        machine.send(line + "\n")
        machine.expect(shown or "\n", 60)
        machine.send(ctrl("c"))
        until_prompt(machine, 60)
        equal(f"^C of {line}", machine.run("status"), "status 130\n")
    machine.send("/fat/hello wait\n")
    machine.expect("hello: wait\n")
    machine.send(ctrl("z"))
    until_prompt(machine)
    equal("stopped", machine.run("jobs"), "[1] stopped: /fat/hello\n")
    equal("bg", machine.run("bg"), "/fat/hello\n")
    equal("runs", machine.run("jobs"), "[1] runs: /fat/hello\n")
    assert "[2] runs" in machine.run("run /fat/hello quiet &")
    equal("two", len(machine.run("jobs").splitlines()), 2)
    machine.send("fg 2\n")
    machine.expect("hello quiet\n")
    machine.send(ctrl("c"))
    until_prompt(machine)
    machine.send("fg\n")
    machine.expect("/fat/hello\n")
    machine.send(ctrl("c"))
    until_prompt(machine)
    equal("no jobs", machine.run("jobs"), "")
    return 13


def test_hour():
    show = PROGRAMS | {"show": (BUILD / "apps/show.bin").read_bytes()}
    with disk_with(show) as disk, booted(disks=[disk]) as machine:
        free = free_bytes(machine)
        steps = walk(machine, ARRIVES) + walk(machine, FILES) + walk(machine, LANGUAGE)
        steps += keys(machine) + walk(machine, SCRIPTS) + walk(machine, PROGRAM) + jobs(machine)
        steps += walk(machine, LEAVES)
        print(f"{steps} steps")
        assert steps >= 120, steps
        equal("nothing runs", children(machine), [])
        equal("the shell", programs(machine)["shell"].starts, 1)
        equal("free memory", free_bytes(machine), free)
        machine.halt()


test_hour.limit = 240
