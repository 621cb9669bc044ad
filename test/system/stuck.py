"""What servers may do to a running system, and how it is judged: for test_stuck.py and campaign.py.
SPDX-License-Identifier: BSD-2-Clause
"""

import random
import re
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from archive import TRAP
from build import BUILD
from disk import make_disk
from inside import Liar, OpenMachine
from machine import PROMPT, MachineError
from scene import PAGE, equal, free_bytes, programs

USE = {  # Server: a command that needs it.
    "console": "echo hello",
    "timer": "sleep 0",
    "log": "log",
    "pci": "lspci",
    "supervisor": "attack null",
    "ramfs": "cat /etc/motd",
    "vfs": "ls /etc",
    "pipe": "echo x | cat",
    "fs": "ls /disk",
    "fat": "ls /fat",
    "virtio-blk": "echo x > /disk/x; sync; rm /disk/x; sync",
    "loader": "run /fat/hello",
}
ON_DISK = ("fs", "fat", "virtio-blk")
NEEDS_DISK = (*ON_DISK, "loader")
FILES_OF_PROGRAMS = ("hello", "copy")
ON_SECOND = "echo x > /disk2/x; sync; rm /disk2/x; sync"
SECOND = ("nvme", "ahci")  # Drivers that lie about a second disk.
KEPT = ("/fat/kept", "/disk/kept")
KEPT_SECOND = ("/fat2/kept", "/disk2/kept")
KEPT_TEXT = "".join(f"line {number} of what must be kept\n" for number in range(200))
PATIENCE = 2  # Seconds of guest time.
RECOVERY_MS = 100
UP = re.compile(r"^up 0:(\d\d):(\d\d\.\d+)$", re.M)
MORE_USE = ("report", "restart ramfs", "date", "sleep 0", "df", "log")  # While a server lies,
FILES = ("echo x > {0}/x; cat {0}/x; cp {0}/x {0}/y; cat {0}/y; mv {0}/y {0}/z; wc {0}/z", "mkdir {0}/d; rm {0}/d",
         "ls -l {0}; echo y >> {0}/z; cat {0}/z; rm {0}/x {0}/y {0}/z", "fsck {0}; df; sync")
OFTEN = {  # and of those that are asked little, or in many ways.
    "timer": ("date; uptime; sleep 1; date; uptime", "sleep 0; sleep 0; sleep 0; uptime", "restart fat; ls /fat") * 3,
    "log": ("log", "log -w", "log -e", "log -d", "restart virtio-blk; ls /disk") * 3,
    "pci": ("lspci", "irq; lspci", "restart virtio-blk; ls /disk") * 2,
    "supervisor": ("report", "restart timer; date", "kill ramfs; ls /", "attack null") * 3,
    "pipe": ("run /fat/hello a | cat", "echo x | run /fat/copy", "run /fat/hello a | run /fat/copy | cat") * 5,
    "ramfs": FILES * 2,
    "fs": FILES * 2,
    "fat": FILES * 2,
    "virtio-blk": FILES, "nvme": FILES, "ahci": FILES,
    "loader": ("run /fat/hello a b", "run /fat/hello fail", "echo x | run /fat/hello", "run /fat/hello &; jobs; ps",
               "run /fat/kept; about /fat/hello", "restart fat; run /fat/hello") * 5,
}
UNTIMED = ("console", "timer")
USED_BY_STRESS, BUSY_SECONDS = ("fs", "vfs", "virtio-blk"), 1
BUSY_PATIENCE = 300  # Seconds of the host, for that.
WITHOUT_DISK = {"virtio-blk": "mount none /disk2"}  # Asks it, and waits for nothing that its disk does for others.
SLOWEST = re.compile(r"stress: .* the slowest answer took (\d+) ms\n", re.M)
FAULT = re.compile(r"^(?:--- (\S+) \(start|root: (\S+) at )", re.M)  # What the supervisor, or root, says of one.
LIES_SECONDS = 60  # Of the host: each answer of a liar stops the machine.
SHORTER = {"console": 1 / 10, "pipe": 1 / 4}  # Whose lies commands may wait for.
SETTLE_TRIES, SETTLE_SECONDS = 6, 10
END_TRIES = 100  # Commands, which take longer than what is left for it to do.


@contextmanager
def open_machine(disk=True, second=None, prompt=False):
    """Without a disk the time in which nothing happens is skipped. `second`: the driver of a second disk. `prompt`: as
    in machine.py."""
    kinds = ["virtio", second] if second else ["virtio"] if disk else []
    with tempfile.TemporaryDirectory(prefix="trustos-disks-", dir="/dev/shm") as folder:
        (Path(folder) / "kept").write_text(KEPT_TEXT)
        images = [Path(folder) / f"disk{number}.img" for number in range(len(kinds))]
        for image in images:
            make_disk(image)
            for file in (Path(folder) / "kept", *(BUILD / f"apps/{name}.bin" for name in FILES_OF_PROGRAMS)):
                subprocess.run(["mcopy", "-i", f"{image}@@1M", file, f"::{file.stem}"], check=True)
        with OpenMachine(disks=images, disk_kind=kinds, icount=True, sleep=disk, prompt=prompt,
                         iso=second == "nvme") as machine:
            machine.use = {server: command for server, command in USE.items() if disk or server not in NEEDS_DISK}
            machine.use |= {second: ON_SECOND} if second else {}
            machine.boot()
            try:
                yield machine
            except AssertionError:
                print(f"--- end of the serial log\n{machine.log[-6000:]}\n---", flush=True)
                raise


def wait_for(machine, path):
    """Until the file system of a further disk is mounted: that goes on behind the first prompt."""
    for _ in range(SETTLE_TRIES):
        if f" on {path}," in machine.run("mount"):
            return
        machine.run("sleep 1")
    raise AssertionError(f"nothing is mounted at {path}:\n{machine.run('log')}")


def wait_for_end(machine, name):
    for _ in range(END_TRIES):
        if programs(machine)[name].state == "ended":
            return
    raise AssertionError(f"{name} does not end:\n{machine.run('ps')}")


def ups(output):
    """Seconds, of each `uptime` in it."""
    return [60 * int(minutes) + float(seconds) for minutes, seconds in UP.findall(output)]


def starts(machine):
    return {name: program.starts for name, program in programs(machine).items() if name in USE or name == "shell"}


def all_work(machine, what):
    for server, command in machine.use.items():
        status, output = machine.status(command)
        equal(f"status of `{command}` ({server}) after {what}, which printed {output!r}", status, 0)


def each_server(machine, code, also=()):
    """Each server runs into `code`, and `also` with it. Seconds until its next life has answered, by server."""
    all_work(machine, "the boot")
    free, taken = free_bytes(machine), {}
    for server in USE:
        before = starts(machine)
        for name in {server, *also}:
            machine.spoil(name, code)
        taken[server] = away(machine, server)
        machine.status(USE["supervisor"])  # Where `also` is it.
        after = starts(machine)
        equal(f"restarted after {server} was spoilt", {name for name in after if after[name] != before[name]},
              {server, *also})
        equal(f"free memory after {server} was spoilt", free_bytes(machine), free)
    all_work(machine, "each server was spoilt")
    return taken


def spoilt(machine, server, spoil, command=None):
    """A server that `spoil` has changed is restarted once, and nobody else is. Seconds until its next life has
    answered (command: another one than is used mostly)."""
    free, before = free_bytes(machine), starts(machine)
    spoil()
    taken = away(machine, server, command)
    equal(f"starts after {server} was spoilt", starts(machine), before | {server: before[server] + 1})
    equal(f"free memory after {server} was spoilt", free_bytes(machine), free)
    return taken


def settle(machine):
    """Until the shell does what is typed: what was typed at a console that ended is lost, and its prompts are old."""
    for mark in range(SETTLE_TRIES):
        machine.send(f"\necho here {mark}\n")
        try:
            machine.expect(f"\nhere {mark}\n", SETTLE_SECONDS)
            machine.expect(PROMPT)
            return
        except MachineError as error:
            last = error
    raise last


def away(machine, server, command=None):
    """Uses a spoilt server until its next life answers: seconds, of those that take no part in reading the clock."""
    command = command or USE[server]
    if server == "console":
        machine.send(USE[server] + "\n")
        settle(machine)
        return 0
    _, output = machine.status(f"uptime; {command}; {command}; uptime")
    return 0 if server in UNTIMED else ups(output)[1] - ups(output)[0]


def supervisor_faults(machine, times):
    """The supervisor ends at each of so many faults. When it stays ended root goes on, and tries it again."""
    all_work(machine, "the boot")
    free, before = free_bytes(machine), starts(machine)
    for number in range(times):
        if programs(machine)["supervisor"].state == "ended":
            machine.run("sleep 31", 300)
        machine.spoil("supervisor", TRAP)
        output = machine.run("attack null")
        assert re.search(r"^null +contained ", output, re.M), f"fault {number}: {output}"
    machine.run("sleep 31", 300)
    all_work(machine, f"{times} faults of the supervisor")
    equal("starts", starts(machine), before | {"supervisor": before["supervisor"] + times})
    equal("free memory", free_bytes(machine), free)


def use_all(machine, liar):
    """Whatever comes of it, each command ends: behind a pipe that says that an end of it was closed, at ^C. What a console
    says that lies is nothing to judge by."""
    place = {"ramfs": "", "fat": "/fat"}.get(liar, "/disk2" if liar in SECOND else "/disk")
    for command in (*machine.use.values(), *MORE_USE, *OFTEN.get(liar, ())):
        try:
            machine.status(command.format(place), LIES_SECONDS * SHORTER.get(liar, 1))
        except MachineError:
            assert liar in SHORTER, f"`{command}` does not end while {liar} lies\n{machine.log[-1000:]}"
            if liar == "pipe":
                machine.send("\x03")
                settle(machine)


def keeps(machine, what):
    """Data that was on the disk before anybody lied."""
    for path in KEPT + (KEPT_SECOND if machine.use.keys() & set(SECOND) else ()):
        equal(f"content of {path} after {what}", machine.run(f"cat {path}", 60), KEPT_TEXT)


def lies(server, seeds):
    """The server's answers are random. Then all others still work and have not faulted meanwhile, and so does it when it
    is started anew; what was on the disk is there. How many lies were told."""
    told = 0
    with open_machine(second=server if server in SECOND else None) as machine:
        if server in SECOND:
            wait_for(machine, "/fat2")
            machine.run("cp /fat2/kept /disk2/kept; sync")
        all_work(machine, "the boot")
        machine.run("cp /fat/kept /disk/kept; sync")
        free = free_bytes(machine)
        for seed in seeds:
            what, before = f"lies of {server}, seed {seed}", len(machine.log)
            machine.pages(server)
            with Liar(machine, server, seed) as liar:
                use_all(machine, server)
            told += liar.lies
            settle(machine)
            machine.status(f"restart {server}")
            if server == "pci":  # What it said of a device stays with the driver.
                machine.status("restart virtio-blk")
            all_work(machine, what)
            faults = {name for match in FAULT.findall(machine.log[before:]) for name in match}
            equal(f"faults after {what}", faults - {"", "attack", server}, set())
            keeps(machine, what)
            equal(f"free memory after {what}", free_bytes(machine), free)
        machine.halt()
    return told


def busy_recovery(machine, server, times):
    """(milliseconds, server) for each fault. Of servers that the program uses it is what its slowest answer took, which
    may have had another cause: a fault is met by whoever asks first."""
    begun, taken = len(machine.log), []
    machine.run(f"start stress /disk {BUSY_SECONDS}s")
    for _ in range(times):
        machine.status("cp /disk/kept /fat/copy; cp /fat/copy /disk/copy; cp /disk/copy /copy")
        before = starts(machine)[server]
        machine.spoil(server, TRAP)
        taken.append((1000 * away(machine, server, WITHOUT_DISK.get(server)), server))
        equal(f"starts of {server}", starts(machine)[server], before + 1)
    if not SLOWEST.search(machine.log, begun):
        machine.expect(SLOWEST, BUSY_PATIENCE)
    settle(machine)
    wait_for_end(machine, "stress")  # Which says more than that.
    slowest = float(SLOWEST.search(machine.log, begun)[1])
    return [(max(ms, slowest), server) for ms, _ in taken] if server in USED_BY_STRESS else taken


def recovery(times, batch=10, busy=False):
    """Milliseconds from before the request in which a server faults to the answer of its next life, if `busy` while a
    program uses files all the time and the shell copies some. Some that so often fault in a row are given up: a fresh
    machine goes on. The processor is never idle, so all time is instructions: idle time would be the host's."""
    taken, left = [], times
    while left > 0:
        with open_machine(prompt=True) as machine:
            all_work(machine, "the boot")
            machine.run("cp /fat/kept /disk/kept; sync; start probe fill")
            for server in sorted(USE.keys() - set(UNTIMED)):
                if busy:
                    taken += busy_recovery(machine, server, min(left, batch))
                    print(f"recovery: {server}: at most {max(taken[-min(left, batch):])[0]:.1f} ms", flush=True)
                    continue
                for _ in range(min(left, batch)):
                    before = starts(machine)[server]
                    machine.spoil(server, TRAP)
                    taken.append((1000 * away(machine, server), server))
                    equal(f"starts of {server}", starts(machine)[server], before + 1)
            keeps(machine, "the faults")
            machine.halt()
        left -= batch
    taken.sort()
    at = {part: taken[min(len(taken) - 1, len(taken) * part // 100)] for part in (50, 90, 99, 100)}
    print(f"recovery: {len(taken)} faults, ms of guest time: " +
          ", ".join(f"p{part} {ms:.1f} ({server})" for part, (ms, server) in at.items()))
    return at[99][0] <= RECOVERY_MS


class Flips:
    """Bits of servers' memory, one after the other; what must not be is counted, and a fresh machine goes on."""

    def __init__(self, seed, disk=True):
        self.random, self.seed, self.disk = random.Random(seed), seed, disk
        self.done = self.restarts = 0
        self.bad = []   # What must not be.
        self.data = []  # Of a file system, or below it: the disk was written by the one that was flipped.

    def one(self, machine, free):
        server = self.random.choice(list(machine.use))
        address = self.random.choice(sorted(machine.pages(server))) + self.random.randrange(PAGE)
        bit, before = self.random.randrange(8), starts(machine)
        what = f"flip {self.done} (seed {self.seed}): {server} {address:#x} bit {bit}"
        self.done += 1
        try:
            machine.flip(server, address, bit)
            self.use(machine, server, what)
            self.restart(machine, server)
            self.restarts += sum(now - before[name] for name, now in starts(machine).items()) - 1
            if server in ON_DISK and (lost := self.lost(machine)):
                self.data.append(f"{what}: data: {lost}")
                print(self.data[-1], flush=True)
                return False
            all_work(machine, what)
            equal(f"free memory after {what}", free_bytes(machine), free)
        except (MachineError, AssertionError) as error:
            kind = "KERNEL" if "PANIC" in machine.log or machine.ended else "stuck"
            text = str(error).splitlines()[0]
            self.bad.append(f"{what}: {kind}: {text[:300]}")
            print(self.bad[-1], flush=True)
            return False
        return True

    @staticmethod
    def restart(machine, server):
        """What has not been noticed must not add up. A console may fault just when this is typed."""
        for _ in range(SETTLE_TRIES):
            try:
                machine.status(f"restart {server}", 30)
                break
            except MachineError:
                settle(machine)
        settle(machine)

    @staticmethod
    def lost(machine):
        """What the disk does not give back any more, empty: nothing."""
        return ", ".join(path for path in KEPT if machine.status(f"cat {path}") != (0, KEPT_TEXT))

    def use(self, machine, server, what):
        """Each command, and what is late."""
        for command in machine.use.values():
            try:
                times = ups(machine.status(f"uptime; {command}; uptime", 30)[1])
            except MachineError:
                settle(machine)  # Nobody is stuck: only what was typed is lost.
                continue
            if server not in UNTIMED and len(times) == 2 and times[1] - times[0] > PATIENCE:
                self.bad.append(f"{what}: `{command}` took {times[1] - times[0]:.1f} s")
                print(self.bad[-1], flush=True)

    def run(self, times):
        while self.done < times:
            with open_machine(self.disk) as machine:
                all_work(machine, "the boot")
                if self.disk:
                    machine.run("cp /fat/kept /disk/kept; sync")
                free = free_bytes(machine)
                while self.done < times and self.one(machine, free):
                    if self.done % 25 == 0:
                        self.tell()
        self.tell()
        return not self.bad

    def tell(self):
        print(f"flips: {self.done}, {self.restarts} restarts by themselves, {len(self.data)} disks that the flipped "
              f"server spoilt, {len(self.bad)} that must not be", flush=True)
