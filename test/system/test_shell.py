"""What a person types at the shell, and every way to type it wrong.
SPDX-License-Identifier: BSD-2-Clause
"""

import random
import re
from dataclasses import replace

from machine import PROMPT
from scene import TOP, booted, equal, programs, refused, snapshot

UP, DOWN, RIGHT, LEFT, HOME, END, DELETE = (
    f"\x1b[{key}" for key in ("A", "B", "C", "D", "H", "F", "3~"))
BACKSPACE = "\x7f"


def ctrl(letter):
    return chr(ord(letter) & 0x1F)


KEYS = [  # (typed, what the command prints)
    ("echo abd" + LEFT + "c", "abcd\n"),
    ("echo abc" + LEFT * 3 + RIGHT + "X", "aXbc\n"),
    ("cho start" + HOME + "e" + END + "s", "starts\n"),
    ("ho on" + ctrl("a") + "ec" + ctrl("e") + "e", "one\n"),
    ("echo abc" + BACKSPACE * 2 + "z", "az\n"),
    ("echo axbc" + LEFT * 3 + DELETE, "abc\n"),
    ("nonsense" + ctrl("u") + "echo fresh", "fresh\n"),
    ("echo one two" + ctrl("w") + "three", "one three\n"),
    ("echo keep this" + LEFT * 5 + ctrl("k"), "keep\n"),
    ("echo caf\u00e9s" + LEFT * 2 + BACKSPACE + "F", "caF\u00e9s\n"),
    ("ech\t from tab", "from tab\n"),
    ("cat /et\tmot\t", "Welcome to TRustOs. Type `help` for a list of commands.\n"),
    ("caps cons\t| head -n 1", "console\n"),
]


def test_line_editing():
    with booted() as machine:
        for typed, expected in KEYS:
            equal(repr(typed), machine.run(typed), expected)
        machine.send("nonsense" + ctrl("c"))
        machine.expect("^C\n")
        machine.expect(PROMPT)
        machine.run("echo first")
        machine.run("echo second")
        equal("one up is `status`", machine.run(UP + UP), "second\n")
        equal("up and down", machine.run(UP * 6 + DOWN * 2), "second\n")
        assert "echo first" in machine.run("history")
        machine.send("c\t")  # Many commands begin so: they are shown, and the line again.
        machine.expect(re.compile(rf"caps  cat.*clear.*cp.*\n{re.escape(PROMPT)}c"))
        machine.send(BACKSPACE)
        equal("the line is still good", machine.run("echo good"), "good\n")
        machine.halt()


ANSWERS = [  # (line, exit status, output)
    ("echo 'as it  is $?' \"two $?\"", 0, "as it  is $? two 0\n"),
    ("echo a\\ b 'c;d' \"e|f\" \"\\\"g\\\"\"", 0, "a b c;d e|f \"g\"\n"),
    ("echo one; echo two", 0, "one\ntwo\n"),
    ("false && echo no", 1, ""),
    ("false || echo yes", 0, "yes\n"),
    ("true && echo yes || echo no", 0, "yes\n"),
    ("false; echo $?", 0, "1\n"),
    ("nonsense", 127, "error: unknown command 'nonsense'; 'help' lists all commands\n"),
    ("nonsense; echo $?", 0, "error: unknown command 'nonsense'; 'help' lists all commands\n127\n"),
    ("echo b > /x; echo a >> /x; cat /x", 0, "b\na\n"),
    ("sort /x | head -n 1", 0, "a\n"),
    ("cat /x | grep a | count -l", 0, "1\n"),
    ("echo again > /x; cat /x", 0, "again\n"),
    ("mkdir /d /d/e; ls /d", 0, "e/\n"),
    ("write /d/f some words; cat /d/f", 0, "some words\n"),
    ("echo piped | write /d/g; cat /d/g", 0, "piped\n"),
    ("cp /d/f /d/h; mv /d/h /d/e; ls /d/e", 0, "h\n"),
    ("cat /d/e/h; rm /d/e/h; ls /d/e", 0, "some words\n"),
    ("hexdump /d/f", 0, "00000000  73 6f 6d 65 20 77 6f 72  64 73 0a                 "
                        "|some words.|\n"),
    ("write /script 'echo in a script' 'false'", 0, ""),
    ("run /script", 0, "in a script false\n"),
    ("echo 'echo one' > /script; echo 'nonsense' >> /script; run /script", 127,
     "one\nerror: unknown command 'nonsense'; 'help' lists all commands\n"),
    ("rm /d/f /d/g /d/e /d /x /script; ls", 0, TOP),
    ("date | count -l", 0, "1\n"),
    ("echo made > /x /y; cat /x; rm /x", 0, "made /y\n"),
    ("mkdir -p /demo/a/b; cd /demo/a; echo x > b/f; cat b/*; X=7; echo \"v=$X\"; cd; rm -r /demo", 0, "x\nv=7\n"),
    ("unset X OLDPWD; export", 0, ""),
    ("mount | grep ramfs", 0, "ramfs      on /\n"),
    ("df | grep ramfs | count -l", 0, "1\n"),
    ("fsck / | grep damaged | count -l; sync", 0, "1\n"),
]


def commands(machine):
    """Those that `help` shows."""
    return {line.split()[0] for line in machine.run("help").split("\n\n")[0].splitlines()}


def test_commands():
    with booted() as machine:
        before = snapshot(machine)
        for line, status, expected in ANSWERS:
            got = machine.status(line)
            equal(line, got, (status, expected))
        equal("mem, ps, ls after all files were removed", snapshot(machine), before)
        for command in commands(machine):
            assert machine.run(f"{command} --help").startswith(command), command
        assert re.search(r"^ *4 console \(irq\)$", machine.run("irq"), re.M)
        assert re.search(r"^up 0:\d\d:\d\d\.\d{3}$", machine.run("uptime"), re.M)
        assert re.search(r"^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC$", machine.run("date"), re.M)
        assert len(machine.run("trace 30").splitlines()) == 30
        equal("why", machine.run("why shell"), "the kernel has refused nothing\n")
        assert "log" in machine.run("ps") and machine.run("sleep 1") == ""
        machine.halt()


BAD_ARGUMENTS = {  # Command: lines that are wrong, besides one with an unknown option.
    "[": ["[ ]", "[ a", "[ a b c ]"],
    "about": ["about", "about /nowhere", "about /etc", "about /etc/motd"],
    "ask": ["ask", "ask nobody", "ask console"],
    "attack": ["attack nothing", "attack a b"],
    "bench": ["bench a b"],
    "break": ["break", "break 1"],
    "bg": ["bg", "bg 1", "bg x", "bg 1 2"],
    "caps": ["caps nobody", "caps console log"],
    "cat": ["cat /nowhere", "cat /etc", "cat", "cat /" + "n" * 64],
    "cd": ["cd /nowhere", "cd /etc/motd", "cd a b"],
    "clear": ["clear x"],
    "continue": ["continue", "continue 1"],
    "count": ["count -x", "count /nowhere"],
    "cp": ["cp", "cp /etc/motd", "cp /nowhere /y", "cp /etc/motd /etc/motd", "cp /etc /z",
           "cp /etc/motd /no/where"],
    "date": ["date 1"],
    "df": ["df x"],
    "du": ["du /nowhere"],
    "echo": [],
    "exit": ["exit", "exit x", "exit 1 2"],
    "export": ["export NOWHERE", "export 1=2"],
    "false": ["false x"],
    "fg": ["fg", "fg 1", "fg x", "fg 1 2"],
    "find": ["find /nowhere", "find -type x", "find -name"],
    "fsck": ["fsck", "fsck /nowhere", "fsck x y", "fsck /a/../b", "fsck -r", "fsck -r /etc", "fsck -r /nowhere"],
    "grep": ["grep", "grep -x a", "grep a /nowhere"],
    "halt": ["halt now"],
    "head": ["head -n", "head -n x", "head -n 3 a b", "head /nowhere"],
    "help": ["help nothing", "help a b"],
    "hexdump": ["hexdump /nowhere", "hexdump a b"],
    "history": ["history 3"],
    "ifconfig": ["ifconfig x"],
    "irq": ["irq 4"],
    "jobs": ["jobs 1"],
    "kill": ["kill", "kill nobody", "kill 99", "kill root", "kill attack"],
    "log": ["log x", "log 99999", "log -x"],
    "ls": ["ls /nowhere", "ls -x"],
    "lspci": ["lspci 1"],
    "mem": ["mem x"],
    "mkdir": ["mkdir", "mkdir /etc", "mkdir /no/where", "mkdir /" + "n" * 64, "mkdir -x /made", "mkdir -p /etc/motd/x"],
    "mkfs": ["mkfs", "mkfs /", "mkfs /etc", "mkfs -x /disk", "mkfs /disk /fat", "mkfs etc", "mkfs -f /nowhere"],
    "more": ["more", "more /nowhere", "more a b"],
    "mount": ["mount /", "mount /etc", "mount a b", "mount /nowhere"],
    "mv": ["mv", "mv /nowhere /x", "mv /etc /etc/motd", "mv / /x"],
    "nc": ["nc", "nc h", "nc -l", "nc h x", "nc 10.0.2.2 7 f x"],
    "netstat": ["netstat x", "netstat -m x"],
    "nslookup": ["nslookup", "nslookup a 10.0.2.2 0", "nslookup a 10.0.2.2 x"],
    "part": ["part virtio-blk", "part nothing new", "part virtio-blk make", "part virtio-blk new",
             "part virtio-blk add fat x", "part virtio-blk remove 0"],
    "ping": ["ping", "ping -c 0 10.0.2.2", "ping -c x 10.0.2.2", "ping 10.0.2.2"],
    "ps": ["ps x"],
    "pwd": ["pwd x"],
    "random": ["random", "random 0", "random x", "random 1 2", "random 4097"],
    "reboot": ["reboot now"],
    "report": ["report x"],
    "restart": ["restart", "restart nobody"],
    "rm": ["rm", "rm /nowhere", "rm /etc", "rm /", "rm -r /", "rm -x /etc"],
    "run": ["run", "run nothing", "run /nowhere", "run nothing x", "run -b", "run --give", "run -x /etc/motd", "run -b /etc/motd"],
    "seq": ["seq", "seq x", "seq 1 0 2", "seq 1 2 3 4"],
    "start": ["start", "start nothing", "start shell", "start /nowhere x"],
    "sleep": ["sleep", "sleep x", "sleep 3601", "sleep -1"],
    "sort": ["sort -x", "sort /nowhere"],
    "status": ["status 1"],
    "stress": ["stress", "stress /", "stress / 1s kill=log x"],
    "sync": ["sync now"],
    "tail": ["tail -n", "tail -n x", "tail /nowhere"],
    "test": ["test", "test a b", "test a b c", "test 1 -eq x", "test a b c d"],
    "time": ["time", "time -x true"],
    "top": ["top x", "top -n 0", "top 1 2"],
    "touch": ["touch", "touch /no/where", "touch /etc"],
    "trace": ["trace x", "trace 513"],
    "true": ["true x"],
    "umount": ["umount", "umount /", "umount /etc", "umount /nowhere", "umount a b"],
    "unset": ["unset", "unset 1"],
    "uptime": ["uptime x"],
    "wc": ["wc -x", "wc /nowhere"],
    "wget": ["wget", "wget x", "wget https://10.0.2.2/", "wget http://h/x -O"],
    "which": ["which", "which /nowhere"],
    "why": ["why nobody"],
    "write": ["write", "write /etc/motd x", "write /etc x"],
    "yes": ["yes -x"],
}


def calm(machine):
    """snapshot(), but for how often programs that have ended were started: some refusals are theirs."""
    memory, found, files = snapshot(machine)
    return memory, {name: replace(program, starts=0) if program.state == "ended" else program
                    for name, program in found.items()}, files


def test_bad_arguments():
    with booted() as machine:
        shown = commands(machine)
        equal("commands without a bad example here", shown - BAD_ARGUMENTS.keys(), set())
        before = calm(machine)
        for command in sorted(shown):
            unknown = [] if command in ("[", "echo", "test") else [f"{command} -Q"]
            for line in BAD_ARGUMENTS[command] + unknown:
                message = refused(machine, line)
                assert message.startswith(f"error: {command}: "), (line, message)
                arguments = line.split()[1:]
                assert "expected" in message or any(a in message for a in arguments), \
                    (line, message)
        equal("mem, ps, ls after all refusals", calm(machine), before)
        machine.halt()


def random_text(seed, count):
    """Bytes that are no keys that do something with the whole line (tab, line ends, ctrl-c, ctrl-r)."""
    choice = [byte for byte in range(256) if byte not in b"\0\t\n\r" + (ctrl("c") + ctrl("r")).encode()]
    return bytes(random.Random(seed).choices(choice, k=count))


BAD_LINES = [
    b"x" * 65536,
    b"echo > /made" + b" word" * 13000,
    b"echo made > /made \xff",
    b"echo made > /made \xc3(",
    b"echo made > /made " + bytes(range(0x80, 0x100)),
    b"echo 'made > /made",
    b'echo "made > /made',
    b"echo made > /made \\",
    b"echo made > /made && 'echo",
    b"| echo made > /made",
    b"echo made > /made ||",
    b"echo made > /made; ; echo",
    b"echo made > /made & & echo",
    b"echo made > /made > /made",
    b"echo made > /made; fi",
    b"if echo made > /made; then fi",
    b"echo made > /made; (echo)",
    b"echo made > /made; f() { echo; }",
    b"echo made > /made $(echo",
    b"echo made > /made $(echo |)",
    b"echo made > /made ${x:-y}",
    b"cat << end > /made",
    b"echo made >",
    b"> /made",
]


def test_bad_lines():
    with booted() as machine:
        before = snapshot(machine)
        for line in BAD_LINES:
            message = refused(machine, line)
            assert message.endswith("; nothing was run"), (line[:80], message)
        for seed in range(20):
            status, output = machine.status(b"echo \xff" + random_text(seed, 300))
            assert status != 0 and output.count("error: ") == 1, (seed, status, output)
        equal("mem, ps, ls after all bad lines", snapshot(machine), before)
        equal("the shell", programs(machine)["shell"].starts, 1)
        machine.halt()


test_bad_lines.limit = 240
