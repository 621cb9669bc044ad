"""Programs at run time: from files that the host has put on a disk, any number of runs, and nothing left of them.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from build import BUILD, ROOT
from disk import make_disk
from machine import ShellError
from scene import booted, equal, free_bytes, programs

FAT_AT = "@@1M"
QUOTA = "run --give file:/fat --give loader:4/20% /fat/launch"
HELLO, SHOW = BUILD / "apps/hello.bin", BUILD / "apps/show.bin"
COUNTS = (10, 50, 100)
CHILD = re.compile(r"^ *(\d+) \+(\w+) ", re.M)
FIRST = 65  # Number of the first program at run time.


@contextmanager
def disk_with(files):
    """The image of a disk on whose FAT partition the host has put these: {name: content}."""
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "disk.img"
        make_disk(disk, 32)
        for name, content in files.items():
            file = Path(folder) / name
            file.write_bytes(content)
            subprocess.run(["mcopy", "-i", f"{disk}{FAT_AT}", file, f"::{name}"], check=True)
        yield disk


@contextmanager
def machine_with(files, **options):
    """A machine with such a disk."""
    with disk_with(files) as disk, booted(disks=[disk], **options) as machine:
        yield machine
        machine.halt()


def children(machine):
    """[(number, name)] of those that loader has started, as `ps` shows them."""
    text = machine.run("ps")
    found = [(int(number), name) for number, name in CHILD.findall(text)]
    rows = text.splitlines()
    at = next(i for i, row in enumerate(rows) if " loader " in row)
    equal("rows behind loader", [int(row.split()[0]) for row in rows[at + 1:at + 1 + len(found)]],
          [number for number, _ in found])
    return found


def fails(machine, command, *words):
    try:
        output = machine.run(command)
    except ShellError as error:
        for word in words:
            assert word in error.output, error.output
        return error.status
    raise AssertionError(f"`{command}` ended well: {output}")


def test_loader_runs_files():
    """Acceptance: from a disk that the host wrote, without a new boot image."""
    with machine_with({"hello": HELLO.read_bytes(), "show": SHOW.read_bytes()}) as machine:
        free = free_bytes(machine)
        equal("/fat", machine.run("run /fat/hello a b"), "hello from hello: a b\n")
        machine.run("mkdir /disk/bin; cp /fat/hello /disk/bin/hello; cp /fat/hello /hello")
        equal("/disk", machine.run("run /disk/bin/hello"), "hello from hello\n")
        equal("/", machine.run("run /hello x"), "hello from hello: x\n")
        equal("its code", fails(machine, "run /disk/bin/hello fail", "hello from hello: fail"), 3)
        fails(machine, "run /disk/bin/hello fault", "exception 6", "was ended by a fault")
        assert "--- hello" in machine.run("report") and "rip 0" in machine.run("report")
        assert "hello: Says hello" in machine.run("about /disk/bin/hello")
        equal("nothing runs", children(machine), [])

        # What it holds is what the start said: its terminal.
        equal("started", machine.run("run -b /fat/hello quiet"), f"/fat/hello runs as {FIRST + 5}\n")
        rows = machine.run(f"caps {FIRST + 5}").splitlines()
        equal("held", [(row.split()[0], row.split("(")[-1]) for row in rows[1:]],
              [("TCB", "self)"), ("Notification", "signals)"), ("Reply", "reply)"), ("Endpoint", "out)")])
        assert f"badge {1 << 32 | FIRST + 5:#x}" in rows[4], rows  # Of the second protocol of the console.
        fails(machine, "restart hello", "error:")
        machine.run("run -b /fat/hello quiet")
        fails(machine, "kill hello", "several programs are called hello: say a number")
        machine.run(f"kill {FIRST + 5}")
        equal("one is left", children(machine), [(FIRST + 6, "hello")])
        machine.run("kill hello")
        fails(machine, "kill hello", "there is no program hello")
        equal("free memory", free_bytes(machine), free)
        assert "did not come back" not in machine.run("log 200")


def test_loader_runs_a_new_app():
    """Acceptance: made by scripts/new-app in a copy of the project; the boot image is that of before."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", "build-*", ".git", "__pycache__"))
        before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
        subprocess.run([copy / "scripts/new-app", "greeter"], check=True)
        touched = {p.relative_to(copy).parts[:2] for p in copy.rglob("*")
                   if p.is_file() and before.get(p) != p.read_bytes()}
        equal("touched", touched, {("apps", "greeter")})
        subprocess.run(["meson", "setup", copy / "build"], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", copy / "build", "--quiet", "apps/greeter.bin"], check=True)
        with machine_with({"greeter": (copy / "build/apps/greeter.bin").read_bytes()}) as machine:
            equal("greeter", machine.run("run /fat/greeter"), "hello from greeter\n")


test_loader_runs_a_new_app.limit = 900


def test_loader_gives_files():
    """Files only if the command says so, and none outside of what it says."""
    with machine_with({"hello": HELLO.read_bytes(), "show": SHOW.read_bytes()}) as machine:
        machine.run("mkdir /disk/a; write /disk/a/x inside; write /disk/secret outside")
        show = "/fat/show"
        fails(machine, f"run {show} /x", "asks for file: --give file:/PATH")
        fails(machine, f"run --give timer --give file:/disk/a {show} /x", "does not ask for timer")
        fails(machine, f"run --give file:/disk/a --give file:/ {show} /x", "cannot be given")
        fails(machine, "run --give file:/disk/a /fat/hello", "does not ask for file")
        equal("inside", machine.run(f"run --give file:/disk/a:ro {show} /x"), "inside\n")
        for path in "/secret", "/disk/secret", "/../secret", "/disk/a/x":
            assert "outside" not in fails_or_shows(machine, f"run --give file:/disk/a {show} {path}")
        assert "show: /x: " in fails_or_shows(machine, f"run --give file:/disk/a:ro {show} /x write")
        equal("unchanged", machine.run("cat /disk/a/x"), "inside\n")
        machine.run(f"run --give file:/disk/a {show} /x write")
        equal("written", machine.run("cat /disk/a/x"), "inside\nwritten by show\n")
        # A part is free again with its program: more runs than there are parts.
        machine.run("umount /disk; mount /disk")
        equal("again", machine.run(f"run --give file:/disk/a {show} /x"), "inside\nwritten by show\n")


def fails_or_shows(machine, command):
    try:
        return machine.run(command)
    except ShellError as error:
        return error.output


def script(lines):
    return "".join(line + "\n" for line in lines).encode()


def below(machine):
    """["+launch", "++hello"]: the programs below loader, with a + for each starter."""
    return re.findall(r"^ *\d+ (\++\w+) ", machine.run("ps"), re.M)


def becomes(machine, tree, timeout=60):
    """Waits until that is what stands below loader."""
    deadline = time.monotonic() + timeout
    while (now := below(machine)) != tree:
        assert time.monotonic() < deadline, f"expected {tree} below loader, got {now}"


def test_loader_starters_below_starters():
    """A program that was started starts others with at most what it has; all below it ends with it, memory comes back."""
    files = {name: (BUILD / f"apps/{name}.bin").read_bytes() for name in ("hello", "launch", "clock", "show", "lender")}
    with machine_with(files) as machine:
        machine.run("write /disk/secret secret")
        free = free_bytes(machine)
        equal("one below", machine.run(f"{QUOTA} /hello - below"), "hello from hello: below\nlaunch: /hello has ended\n")
        equal("two below", machine.run(f"{QUOTA} /launch loader:2/10%,file:/ /hello - deep"),
              "hello from hello: deep\nlaunch: /hello has ended\nlaunch: /launch has ended\n")
        fails(machine, "run /fat/launch", "asks for file: --give file:/PATH")
        fails(machine, "run --give file:/fat /fat/launch", "asks for loader: --give loader:PROGRAMS/PERCENT%")
        for arguments, why in {
                "/clock timer": "asks for timer, which its starter does not have",
                "/fat/hello": "cannot be read: no such name",
                "/../disk/secret": "cannot be read",
                "/lender file:/": "asks for",
                "/launch loader:4/20%,file:/": "takes 5 programs",
                "/launch loader:1/20%,file:/": "21.0 % of the processor: its starter has 4 and 20.0 % left",
                "5x/hello - wait": "takes 1 programs"}.items():
            fails(machine, f"{QUOTA} {arguments}", f"launch: {arguments.split()[0].removeprefix('5x')} ", why)
        fails(machine, "run --give file:/fat:ro --give loader:4/20% /fat/launch /show file:/", "can only read it")
        shown = fails_or_shows(machine, f"{QUOTA} /show file:/ /secret")
        assert "show: /secret: " in shown, shown
        assert "asks for stream.Out, which its starter does not have" in machine.run(f"{QUOTA} /hello - wait | cat")
        equal("nothing runs", below(machine), [])

        # Whoever is ended, what is below goes with it, and nothing else.
        machine.run("run /fat/hello wait &")
        machine.run(f"{QUOTA} /launch loader:2/10%,file:/ /hello - wait &")
        becomes(machine, ["+hello", "+launch", "++launch", "+++hello"])
        machine.run(f"kill {re.search(r'^ *([0-9]+) [+]{3}hello ', machine.run('ps'), re.M)[1]}")
        becomes(machine, ["+hello"])  # Both that waited have ended by themselves.
        for depth in "+", "++":
            machine.run(f"{QUOTA} /launch loader:2/10%,file:/ /hello - wait &")
            becomes(machine, ["+hello", "+launch", "++launch", "+++hello"])
            pattern = rf"^ *([0-9]+) {re.escape(depth)}launch "
            machine.run(f"kill {re.search(pattern, machine.run('ps'), re.M)[1]}")
            becomes(machine, ["+hello"])
        machine.run("restart loader")
        becomes(machine, [])
        equal("free memory", free_bytes(machine), free)


def test_loader_runs_a_hundred_at_once():
    """Acceptance: started 100 times at once, killed, memory back to the byte; and a loader that dies takes all along."""
    start = script(["run -b /fat/hello quiet"] * 100)
    kill = script(f"kill {number}" for number in range(FIRST, FIRST + 100))
    with machine_with({"hello": HELLO.read_bytes(), "start": start, "kill": kill}) as machine:
        free, before = free_bytes(machine), programs(machine)
        machine.run("run /fat/start", 300)
        equal("numbers", [number for number, _ in children(machine)], list(range(FIRST, FIRST + 100)))
        machine.run("run /fat/kill", 300)
        equal("killed", children(machine), [])
        equal("free memory", free_bytes(machine), free)
        assert "did not come back" not in machine.run("log 1000")

        machine.run("run /fat/start", 300)  # In the same places.
        equal("again", len(children(machine)), 100)
        fails(machine, "run -b /fat/hello quiet; run -b /fat/hello quiet; run -b /fat/hello quiet; "
                       "run -b /fat/hello quiet; run -b /fat/hello quiet; run -b /fat/hello quiet; "
                       "run -b /fat/hello quiet; run -b /fat/hello quiet; run -b /fat/hello quiet; "
                       "run -b /fat/hello quiet; run -b /fat/hello quiet; run -b /fat/hello quiet; "
                       "run -b /fat/hello quiet", "all is taken")
        machine.run("kill loader")
        equal("all are gone", children(machine), [])
        equal("free memory", free_bytes(machine), free)
        equal("loader works", machine.run("run /fat/hello"), "hello from hello\n")
        after = programs(machine)
        for name in ("console", "vfs", "shell", "supervisor"):
            equal(name, after[name].starts, before[name].starts)


test_loader_runs_a_hundred_at_once.limit = 600


def test_loader_refuses_what_is_damaged():
    """By name, and nothing is started."""
    good = HELLO.read_bytes()
    note = good.index(b"TRustOs\0") + 8
    damaged = {"empty": (b"", "no program in a file|"), "cut": (good[:0x1000], "truncated"),
               "type": (good[:16] + b"\3" + good[17:], "static ELF"),
               "nonote": (good.replace(b"TRustOs\0", b"XRustOs\0"), "has no manifest"),
               "version": (good[:note] + b"\7" + good[note + 1:], "another version"),
               "memory": (good[:note + 24] + b"\1" + good[note + 25:], "no possible memory"),
               "large": (good[:note + 24] + (512 << 20).to_bytes(8, "little") + good[note + 32:], "so much is not there"),
               "small": (good[:note + 24] + (64 << 10).to_bytes(8, "little") + good[note + 32:], ""),
               "priority": (good[:note + 46] + b"\xfa" + good[note + 47:], "higher priority"),
               "need": (good.replace(b"stream.Out".ljust(24, b"\0"), b"root.Control".ljust(24, b"\0"), 1), "not there to be given"),
               "big": (good + bytes(300 << 10), "cannot be read")}
    with machine_with({name: content for name, (content, _) in damaged.items()} | {"hello": good}) as machine:
        free = free_bytes(machine)
        for name, (_, words) in damaged.items():
            if words:
                fails(machine, f"run -b /fat/{name}", *([] if "|" in words else [f"/fat/{name}", words]))
        fails(machine, "run -b /fat/none", "/fat/none")
        equal("nothing runs", children(machine), [])
        equal("free memory", free_bytes(machine), free)
        equal("loader works", machine.run("run /fat/hello"), "hello from hello\n")


def test_loader_costs_do_not_grow():
    """Acceptance: beside 10, 50 and 100 programs a start and an end cost the same, within 5 %."""
    with machine_with({"hello": HELLO.read_bytes()}, icount=True, sleep=True) as machine:
        rows = dict(re.findall(r"^program_(\w+)\t(\d+)$", machine.run("run iobench /fat/hello", 400), re.M))
        for what in "start", "end", "life":
            counts = [int(rows[f"{what}_beside_{others}"]) for others in COUNTS]
            assert max(counts) <= 1.05 * min(counts), f"{what}: {counts}"
        equal("nothing runs", children(machine), [])


test_loader_costs_do_not_grow.limit = 600
