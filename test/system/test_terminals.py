"""Terminals, pipes and jobs: ^C and ^Z, who reads what is typed, both sides of a pipe at the same time.
SPDX-License-Identifier: BSD-2-Clause
"""

import re

from build import BUILD
from machine import ESCAPE, PROMPT
from scene import batch, equal, free_bytes
from test_loader import children, disk_with, fails, machine_with

PROGRAMS = {name: (BUILD / f"apps/{name}.bin").read_bytes() for name in ("hello", "flood", "copy", "clock")}
INTERRUPT, STOP, END = "\x03", "\x1a", "\x04"
LINES = 100_000
INTERRUPT_MS = 100
MARK = "\x1b[7m[?]\x1b[0m "  # servers/console/question.hpp
QUESTION = f"{MARK}/fat/clock asks for timer. May it have that, this once? (y/n) "


def until_prompt(machine, timeout=60):
    return machine.expect(f"\n{PROMPT}", timeout)


def interrupted(machine, command, shown):
    """The command shows this, then ^C ends it."""
    machine.send(f"{command}\n")
    machine.expect(shown, 60)
    machine.send(INTERRUPT)
    assert "^C\n" in until_prompt(machine), machine.log[-500:]
    equal(f"status of {command}", machine.run("status"), "status 130\n")
    equal(f"what {command} leaves", children(machine), [])


def milliseconds(text):
    """What `uptime` says."""
    hours, minutes, seconds = re.search(r"^up (\d+):(\d\d):(\d\d\.\d+)$", text, re.M).groups()
    return (int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000


def test_terminals_interrupt():
    """Acceptance: ^C ends a program that never ends, within 100 ms of guest time, and commands that take long."""
    with machine_with(PROGRAMS, icount=True, sleep=True) as machine:
        free = free_bytes(machine)
        machine.send("run /fat/hello time\n")
        machine.expect(re.compile(r"(\d+ ms\n){20}"), 60)
        # While the machine stands still ^C is typed: what it said last was before that.
        machine.control.call("stop")
        before = int(re.findall(r"^(\d+) ms$", machine.log, re.M)[-1])
        machine.send(f"{INTERRUPT}uptime\n")
        machine.control.call("cont")
        taken = milliseconds(machine.expect(re.compile(r"^up .*(?=\n)", re.M), 60)) - before
        print(f"from before ^C to the next command: {taken:.0f} ms")
        assert taken <= INTERRUPT_MS, taken
        until_prompt(machine)
        interrupted(machine, "run /fat/hello loop", "hello from hello: loop")
        interrupted(machine, "run /fat/flood", "line 100\n")
        interrupted(machine, "run /fat/flood | run /fat/copy", "line 100\n")
        interrupted(machine, "run /fat/flood | cat | run /fat/copy | cat", "line 100\n")
        interrupted(machine, "echo begun; sleep 1000; echo never", "begun\n")
        machine.run("write /disk/s 'echo begun; run /fat/hello wait; echo never'; write /disk/old old")
        interrupted(machine, "run /disk/s", "begun\n")
        interrupted(machine, "echo begun; run /fat/flood | sort > /disk/old", "begun\n")
        equal("a file that was not finished", machine.run("cat /disk/old"), "old\n")
        interrupted(machine, "echo begun; run attack starve", "begun\n")
        assert "never\n" not in machine.log.replace("echo never\n", ""), machine.log[-1000:]
        equal("free memory", free_bytes(machine), free)


def test_terminals_pipes():
    """Acceptance: 100,000 lines through a pipe between two programs and into a file; who writes ends when its reader
    does; pipes of any length between commands and programs."""
    with machine_with(PROGRAMS) as machine:
        free = free_bytes(machine)
        machine.run(f"run /fat/flood {LINES} | run /fat/copy > /disk/lines", 300)
        equal("lines", machine.run("count /disk/lines"), f"{LINES}\n")
        equal("in order", machine.run(f"grep -n 'line {LINES}' /disk/lines"), f"{LINES}:line {LINES}\n")
        equal("a long pipe", machine.run("cat /disk/lines | run /fat/copy | cat | run /fat/copy | count", 200),
              f"{LINES}\n")

        equal("its reader ends", sorted(machine.run("run /fat/flood | head -n 3").splitlines()),
              ["flood: nobody reads any more", "line 1", "line 2", "line 3"])
        output = machine.run("run /fat/flood | run /fat/copy | head -n 1; echo on")
        for line in "line 1", "on", "flood: nobody reads any more", "copy: nobody reads any more":
            assert f"{line}\n" in output, output
        equal("nothing runs", children(machine), [])

        motd = machine.run("cat /etc/motd")
        equal("from a file", machine.run("run /fat/copy < /etc/motd | cat"), motd)
        machine.run("run /fat/copy < /etc/motd >> /disk/two; run /fat/copy < /etc/motd >> /disk/two")
        equal("added", machine.run("cat /disk/two"), 2 * motd)
        machine.run("write /disk/s 'run /fat/flood 1000'")
        equal("in a script", machine.run("run /disk/s | count"), "1000\n")
        fails(machine, "echo a | run /fat/hello", "does not read a stream")
        machine.run("write /disk/old old")
        fails(machine, "run /fat/flood | run /fat/none > /disk/old", "/fat/none")

        equal("free memory", free_bytes(machine), free)


def test_terminals_jobs():
    """Acceptance: a background job and `fg`; ^Z and `bg`; nobody but the one in front reads what is typed."""
    with machine_with(PROGRAMS) as machine:
        free = free_bytes(machine)
        equal("behind", machine.run("run /fat/copy &"), "[1] runs: run /fat/copy\n")
        equal("the shell reads", machine.run("echo typed"), "typed\n")
        equal("jobs", machine.run("jobs"), "[1] runs: run /fat/copy\n")
        machine.send("fg\n")
        machine.expect("fg\nrun /fat/copy\n")
        machine.send("in front\r")
        machine.expect("in front\n")
        machine.send(STOP)
        assert "[1] stopped: run /fat/copy\n" in until_prompt(machine)
        equal("its status", machine.run("status"), "status 148\n")
        equal("stopped", machine.run("jobs"), "[1] stopped: run /fat/copy\n")
        machine.run("bg")
        equal("goes on", machine.run("jobs"), "[1] runs: run /fat/copy\n")
        machine.send("fg 1\n")
        machine.expect("fg 1\nrun /fat/copy\n")
        machine.send("again\r")
        machine.expect("again")
        machine.send(END)
        until_prompt(machine)
        equal("ended by itself", machine.run("status"), "status 0\n")
        equal("no jobs", machine.run("jobs"), "")
        fails(machine, "fg", "expected a job")

        # One that computes stands still while it is stopped.
        machine.send("run /fat/hello loop\n")
        machine.expect("hello from hello: loop\n")
        machine.send(STOP)
        until_prompt(machine)
        first = machine.run("ps | grep hello")
        equal("no time", machine.run("sleep 1; ps | grep hello"), first)
        machine.run("bg; sleep 1")
        assert machine.run("ps | grep hello") != first, first
        number = children(machine)[0][0]
        machine.send(f"kill {number}\n")
        assert "[1] has ended with status 137: /fat/hello\n" in until_prompt(machine)

        # A pipe of programs is one job.
        machine.run("run /fat/hello wait | run /fat/copy &")
        equal("both run", [name for _, name in children(machine)], ["hello", "copy"])
        machine.send("fg\n")
        machine.expect("fg\nrun /fat/hello wait | run /fat/copy\n")
        machine.send(INTERRUPT)
        assert "^C\n" in until_prompt(machine)
        equal("both are ended", children(machine), [])

        # Whose stream dies ends; the terminal comes back with who is in front.
        machine.run("run /fat/hello wait | run /fat/copy &")
        machine.send("restart pipe\n")
        said = r"(?=(?s:.*)copy: the server was restarted\n)"
        machine.expect(re.compile(rf"restart pipe\n{said}(?s:.*)\n{re.escape(PROMPT)}"), 60)
        machine.send("fg\n")
        machine.expect("fg\nrun /fat/hello wait | run /fat/copy\n")
        machine.send(INTERRUPT)
        assert "^C\n" in until_prompt(machine)
        equal("nothing runs", children(machine), [])
        equal("pipes are there again", machine.run("run /fat/flood 10 | run /fat/copy | count"), "10\n")
        machine.run("restart console")
        machine.send("run /fat/copy\n")
        machine.expect("run /fat/copy\n")
        machine.send("still\r")
        machine.expect("still\n")
        machine.send(INTERRUPT)
        assert "^C\n" in until_prompt(machine)
        fails(machine, "echo a & ", "only programs in files run behind the prompt")
        equal("free memory", free_bytes(machine), free)


def question(machine, command):
    machine.send(f"{command}\n")
    machine.expect(QUESTION, 60)


def test_terminals_questions():
    """The terminal asks, behind a mark that no program can write; what was typed before the question is no answer."""
    every_byte = bytes(range(256)) + MARK.encode() + f"\n{PROMPT}\ntrust> ".encode() + b"\xc2\x9b7m\x1b\x1b\x1b[7m"
    slow = b"a line of a file that is not in memory\n" * 3000
    with machine_with({**PROGRAMS, "bytes": every_byte * 20, "slow1": slow, "slow2": slow}) as machine:
        free = free_bytes(machine)
        question(machine, "run /fat/clock")
        machine.send("y")
        assert re.search(r"yes\nup \d+ ms\n", until_prompt(machine)), machine.log[-500:]
        for answer in "n", "\r", INTERRUPT:
            question(machine, "run /fat/clock")  # Each time anew.
            machine.send(answer)
            assert "no\nerror: run: /fat/clock was not given timer\n" in ESCAPE.sub("", until_prompt(machine)), \
                machine.log[-500:]
            equal("status", machine.run("status"), "status 1\n")
        for keys, name in ("y", "slow1"), ("yyyyyyyy\r", "slow2"):
            machine.throttle("disk0", 1)  # The command before the question ends only when it is told to.
            machine.send(f"echo begun; cat /fat/{name} | count; run /fat/clock\n")
            machine.expect("\nbegun\n", 60)
            machine.type_in(keys)
            assert not machine.log.endswith(QUESTION), machine.log[-500:]
            machine.throttle("disk0", 0)
            machine.expect(QUESTION, 60)
            machine.send("n")
            assert until_prompt(machine).startswith("no\n"), machine.log[-500:]
            equal("status", machine.run("status"), "status 1\n")
        assert re.search(r"^up \d+ ms$", machine.run("run --give timer /fat/clock"), re.M)

        # No program writes the marks, or moves the cursor.
        machine.send("run /fat/copy < /fat/bytes; echo that was all\n")
        machine.expect("that was all\n")  # Typed.
        shown = machine.expect("that was all\n", 60)
        odd = {character for character in shown if not character.isprintable()} - {"\t", "\n"}
        equal("characters that are not text", odd, set())
        assert "[7m[?]" in shown, shown[:500]
        machine.expect(PROMPT)
        start = machine.read
        for attack in "imitate", "listen":
            assert re.search(rf"^{attack} +contained ", machine.run(f"attack {attack}"), re.M), machine.log[-500:]
        shown = machine.log[start:].replace(PROMPT, "")
        equal("marks of others", sorted(set(shown) & {"\x1b", "\x9b"}), [])
        assert "?[7m[?]" in shown, shown[:500]
        equal("free memory", free_bytes(machine), free)


def test_terminals_batch():
    """Where nobody is there the answer is no: the command fails, and with it the batch."""
    with disk_with(PROGRAMS) as disk:
        status, output, errors = batch("run /fat/clock; echo on", "--disk", str(disk))
        equal("status", status, 1)
        assert output.endswith("(y/n) no\nerror: run: /fat/clock was not given timer\non\n"), output
        assert "`run /fat/clock` ended with status 1" in errors, errors
