"""What READMEs let a reader type is typed: at the shell of a machine with disks, and on the host what takes seconds.
SPDX-License-Identifier: BSD-2-Clause

The lines are those that scripts/lib/docs.py finds. Each ends with status 0, but for those named here.
"""

import subprocess
import tempfile
from pathlib import Path

import docs
from build import BUILD, ROOT
from disk import make_disk
from scene import booted, equal

PROGRAMS = ("hello", "show", "clock", "copy", "flood")  # In files of the disk.

# Not for the shell: of gdb, of system.toml, of the host.
NOT_TYPED = ("break core_call", 'start = "run"', 'start = "late"', "grep INV- kernel/spec",
             "for n in 21 22 23 24 25; do HOSTILE_SEED=$n build/servers/volume/volume-hostile-test; done")

# Begins of commands that need an argument: how the pages name an option.
OPTIONS = ("run -b", "rm -r", "cp -r", "fsck -r", "run --give file:/nowhere")

# What needs another device, has no end of its own, takes long or leaves nothing: where the like is typed, and how.
ELSEWHERE = {
    "attack all": ("test/system/test_attack.py", "attack all"),
    "halt -f": ("test/system/test_data.py", "halt -f"),
    "help | more": ("test/system/test_hour.py", "| more"),
    "run disktest virtio-blk restarts": ("test/system/test_disks.py", "disktest {driver} restarts"),
    "run disktest virtio-blk hostile 50 7": ("test/system/test_regions.py", "disktest virtio-blk hostile 1000 9"),
    "run disktest virtio-blk": ("test/system/test_regions.py", "run disktest virtio-blk"),
    "run iobench": ("scripts/lib/bench_main.py", "run iobench"),
    "run iobench list": ("scripts/lib/bench_main.py", "run iobench list"),
    "run probe fill": ("test/system/stuck.py", "start probe fill"),
    "mkfs -f /disk": ("test/system/test_partitions.py", "mkfs -f /disk; write /disk/x y"),
    "run edu": ("test/system/test_devices.py", "run edu"),
    "run edu die": ("test/system/test_devices.py", "run edu die"),
    "run edu look": ("test/system/test_devices.py", "run edu look"),
    "run nictest e1000": ("test/system/test_cards.py", "run nictest e1000"),
    "stress /disk": ("test/system/test_disk.py", "stress /disk 60s"),
    "stress /disk 30s kill=fs,virtio-blk": ("test/system/test_disk.py", "stress /disk {kills}x kill={driver}"),
    "stress / 5s kill=ramfs": ("test/system/test_disk.py", "stress / 5s kill=ramfs"),
}

# Typed, and refused: the pages tell of it, or this machine is not as the page has it. With the words of the answer.
REFUSED = {
    "umount /disk4; mount nvme:8 /disk4": "there is no such disk",
    "mkfs /disk": "mkfs -f /disk makes it anew",
    "mkfs /fat": "mkfs -f /fat makes it anew",
    "mount /disk3": "there is no disk for it",
    "mount nvme:2 /disk3": "there is no such disk",
    "mount photos /disk3": "there is no such disk",
    "part virtio-blk new": "virtio-blk is in use by fs",
    "part virtio-blk add fat 32M": "virtio-blk is in use by fs",
    "part virtio-blk remove 2": "virtio-blk is in use by fs",
    "kill probe": "it does not run",
}

# Lines of the host that are run; all others are looked at by docs.py alone (scripts, options, tests).
ON_THE_HOST = ("scripts/run --batch 'help; ps'", "scripts/prove --ledger", "python3 -B scripts/lib/docs.py --update")
MESON_TEST = "meson test -C build "


def test_pages_at_the_shell():
    lines = docs.shell_lines()
    known = {*NOT_TYPED, *OPTIONS, *ELSEWHERE, *REFUSED}
    equal("lines that no page names any more", known - set(lines), set())
    for line, (file, typed) in ELSEWHERE.items():
        assert typed in (ROOT / file).read_text(), f"{line!r}: {file} does not type {typed!r}"
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "disk.img"
        make_disk(disk, 64)
        for name in PROGRAMS:
            subprocess.run(["mcopy", "-i", f"{disk}@@1M", BUILD / f"apps/{name}.bin", f"::{name}"], check=True)
        with booted(disks=[disk]) as machine:
            machine.run("mkdir -p /disk/bin /disk/notes; cp /fat/* /disk/bin; write /disk/notes/today hi")
            for line in [line for line in lines if line not in {*NOT_TYPED, *OPTIONS, *ELSEWHERE}]:
                status, output = machine.status(line, 100)
                if status != 0 if line not in REFUSED else status == 0 or REFUSED[line] not in output:
                    wrong.append(f"{lines[line][0]}: {line}: status {status}: {output[-200:]}")
            machine.halt()
    equal("lines that do not do what pages say", wrong, [])


test_pages_at_the_shell.limit = 240


def test_pages_on_the_host():
    code = [match[1] or match[2] for page in docs.pages(ROOT) for match in docs.CODE.finditer(page.read_text())]
    there = {line.strip() for piece in code for line in piece.split("\n")}
    for line in ON_THE_HOST:
        assert line in there, f"no page names {line!r}"
        done = subprocess.run(line, shell=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    listed = subprocess.run(["meson", "test", "-C", BUILD, "--list"], check=True, capture_output=True, text=True).stdout
    names = {line.split(" / ")[-1].split(":")[-1].strip() for line in listed.splitlines()}
    suites = {suite.strip() for line in listed.splitlines() if " / " in line
              for suite in line.split(" / ")[0].split(":")[-1].split("+")}
    for line in [line for line in there if line.startswith(MESON_TEST) and not docs.PLACEHOLDER.search(line)]:
        words = line.removeprefix(MESON_TEST).split()
        unknown = {words[1]} - suites if words[0] == "--suite" else set(words) - names
        equal(line, unknown, set())
