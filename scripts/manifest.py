#!/usr/bin/env python3
"""Checks boot/system.toml against the manifests, and makes from both what the build needs.
SPDX-License-Identifier: BSD-2-Clause

usage: manifest.py check  PROJECT                        everything, without the programs' sizes
       manifest.py list   PROJECT                        FOLDER VECTOR of each program, a line each
       manifest.py header PROJECT NAME OUTPUT.hpp        typed capability names of one program
       manifest.py table  PROJECT OUTPUT NAME=ELF...     the table that root starts the system from

Exits 1 with one line for each mistake: file, key, what stands there and what was expected.
servers/README.md explains the keys. The table's layout is that of servers/root/system.hpp.
"""

import re
import struct
import sys
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

PAGE = 4096
SYSTEM = "boot/system.toml"
ROOT = "root"
ROOT_PRIORITY = 255

# Slots that every program has; the Reply objects and then the needs follow.
SLOT_SELF, SLOT_ENDPOINT, SLOT_NOTIFICATION, SLOT_REPLIES = 1, 2, 3, 4

# Bytes of kernel objects (kernel/abi/capability.h).
SLOT_BYTES, TABLE_BYTES, TCB_BYTES, UNTYPED_BYTES = 32, 8192, 2048, 32
ENDPOINT_BYTES = NOTIFICATION_BYTES = REPLY_BYTES = 32
CONTEXT_BYTES = 160

# Address space of a program (libsel/include/sel/environment.hpp).
WINDOW_BASE, ARCHIVE_BASE = 0x7FFE00000000, 0x7FFE80000000
ENVIRONMENT, BUFFER, STACK_TOP = 0x7FFF00000000, 0x7FFF00001000, 0x7FFF00200000
STACK_MAX = 1 << 20
TRACE_BYTES = 4 * PAGE
POOL_MAX, POOLS_MAX = 1 << 20, 16
PCI_PAGES = 64  # Of a device's registers, at most; servers/root/system.hpp has it, too.
PART_MAX = 255
PATH_MAX, PATH = 255, re.compile(r"/|(/[A-Za-z0-9._-]{1,63})+")  # servers/file/api.hpp
FILES = "file"  # The protocol of what is mounted.

# Grant kinds (servers/root/system.hpp).
(CLIENT, IO, IRQ, DEVICE, ARCHIVE, TRACE, TRACE_CONTROL, UNTYPED, CONTEXT, VSPACE, CNODE, DOORBELL,
 SLOTS, POOL, PCI) = range(1, 16)
RIGHT_WRITE, RIGHT_GRANT = 2, 4
PCI_CLASS = 0xFFFF << 48  # There is no vendor 0xffff.

GIVEN = {"io", "irq", "device", "archive", "trace", "trace-control", "pool", "pci"}  # By system.toml.
MOUNTS = "mounts"  # The need of the server that makes one name space of the file systems.
OWN = {"untyped", "context", "vspace", "cnode", "doorbell", "slots"}  # From the own memory.
RESTART = {"never": 0, "always": 1, "backoff": 2}
FLAG_BOOT, FLAG_VECTOR, FLAG_SERVES, FLAG_FAULTS = 1, 2, 4, 8

NAME = re.compile(r"[a-z][a-z0-9_]{0,14}$")
PROGRAM_NAME = re.compile(r"[a-z][a-z0-9_-]{0,14}$")
KEYS = {"about": str, "priority": int, "memory": str, "stack": str, "replies": int, "budget": str,
        "period": str, "vector": bool, "restart": str, "tries": int, "provides": dict,
        "needs": dict}
RESERVED = {"self", "service", "signals"}
REQUIRED = ("about", "priority", "memory")


class Mistake(Exception):
    """One line for the person who wrote the file."""


def parse_size(text):
    """Bytes of "64K", "2M" or "4096"; a multiple of the page size."""
    match = re.fullmatch(r"(\d+)([KM]?)", text) if isinstance(text, str) else None
    if not match:
        raise Mistake(f'is {text!r}, expected a size like "64K" or "2M"')
    size = int(match[1]) * {"": 1, "K": 1 << 10, "M": 1 << 20}[match[2]]
    if size == 0 or size % PAGE:
        raise Mistake(f"is {text!r}, expected a positive multiple of 4K")
    return size


def parse_time(text):
    """Microseconds of "10ms", "500us" or "1s"."""
    match = re.fullmatch(r"(\d+)(us|ms|s)", text) if isinstance(text, str) else None
    if not match or int(match[1]) == 0:
        raise Mistake(f'is {text!r}, expected a time like "10ms" or "500us"')
    time = int(match[1]) * {"us": 1, "ms": 1000, "s": 1000000}[match[2]]
    if time > 10_000_000:
        raise Mistake(f"is {text!r}, expected at most 10s")
    return time


def parse_number(text):
    try:
        return int(text, 0)
    except ValueError:
        raise Mistake(f"has {text!r} where a number was expected") from None


@dataclass
class Need:
    """One line of [needs], together with what system.toml gives for it."""
    name: str
    kind: str            # A protocol, or a word of GIVEN or OWN.
    argument: str = ""   # Of an OWN kind, behind the colon.
    give: bool = False   # The client may send capabilities along.
    many: bool = False   # One of a list.
    grant: str = ""
    slot: int = 0
    slots: int = 1
    values: tuple = (0, 0, 0)
    client: tuple = (0, 0)  # Of a pool in a list: number and part of the one that it is shared with.
    path: str = ""       # Where it is mounted,
    window: int = 0      # with which shared memory: a number from 1 on.


@dataclass
class Program:
    name: str
    folder: str
    path: str  # Of its manifest, as shown in messages.
    data: dict = field(default_factory=dict)
    given: dict = field(default_factory=dict)
    start: str = "boot"
    needs: list = field(default_factory=list)
    number: int = 0
    slots: int = 0
    lists: dict = field(default_factory=dict)  # Needs "PROTOCOL*" and "pool*": name to kind.
    mounts: str = ""  # Name of its need "mounts".
    subtrees: list = field(default_factory=list)  # (path, read-only, client) of its clients, by part.

    @property
    def priority(self):
        return self.data["priority"]

    @property
    def provides(self):
        return list(self.data.get("provides", {}).values())

    @property
    def replies(self):
        return self.data.get("replies", 0) + 1


class System:
    """All programs and what they hold; `mistakes` says what is wrong with it."""

    def __init__(self, project):
        self.project = Path(project)
        self.mistakes = []
        self.programs = {}
        self.owners = []  # (kind, first, last, "program.need") of exclusive devices.
        self.pools = {}   # Name: (number, bytes, "program.need" that named it first).
        self.mounts = {}  # Path: server.
        self.windows = []  # Pools that clients share with file systems in there: their names.
        self._load()
        if not self.mistakes:
            self._check_mounts()
            for program in self.programs.values():
                self._check_needs(program)
            self._check_faults()
        if not self.mistakes:
            self._check_pools()

    def wrong(self, path, key, text):
        self.mistakes.append(f"{path}: {key}: {text}" if key else f"{path}: {text}")

    # --- Reading.

    def _toml(self, path):
        try:
            return tomllib.loads((self.project / path).read_text())
        except FileNotFoundError:
            self.wrong(path, "", "no such file")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            self.wrong(path, "", f"not TOML: {error}")
        return None

    def _load(self):
        system = self._toml(SYSTEM)
        if system is None:
            return
        self._add(ROOT, {})
        self.mounts = system.pop(MOUNTS, {})
        for name, part in system.items():
            if name == ROOT:
                self.wrong(SYSTEM, name, "root is always there and is given everything by the kernel")
            elif not isinstance(part, dict):
                self.wrong(SYSTEM, name, "expected a table [program]")
            else:
                self._add(name, part)

    def _add(self, name, part):
        if not PROGRAM_NAME.fullmatch(name):
            self.wrong(SYSTEM, name, "expected a name of at most 15 letters a-z, digits, _ and -")
            return
        folders = [f"{top}/{name}" for top in ("servers", "apps")
                   if (self.project / top / name / "manifest.toml").exists()]
        if len(folders) != 1:
            found = " and ".join(folders) or "none"
            self.wrong(SYSTEM, name, f"expected one of servers/{name}/manifest.toml and "
                                     f"apps/{name}/manifest.toml, found {found}")
            return
        for key in part.keys() - {"needs", "start"}:
            self.wrong(SYSTEM, f"{name}.{key}", "unknown key, expected needs or start")
        program = Program(name, folders[0], f"{folders[0]}/manifest.toml",
                          given=part.get("needs", {}), start=part.get("start", "boot"),
                          number=len(self.programs))
        if program.start not in ("boot", "run"):
            self.wrong(SYSTEM, f"{name}.start", f'is {program.start!r}, expected "boot" or "run"')
        data = self._toml(program.path)
        if data is not None and self._check_keys(program, data):
            program.data = data
            self.programs[name] = program

    # --- One manifest alone.

    def _check_keys(self, program, data):
        before = len(self.mistakes)
        for key, value in data.items():
            if key not in KEYS:
                self.wrong(program.path, key, f"unknown key, expected one of {', '.join(KEYS)}")
            elif not isinstance(value, KEYS[key]) or (KEYS[key] is int and isinstance(value, bool)):
                self.wrong(program.path, key, f"is {value!r}, expected {KEYS[key].__name__}")
        for key in REQUIRED:
            if key not in data and not (program.name == ROOT and key == "memory"):
                self.wrong(program.path, key, "is missing")
        if len(self.mistakes) == before:
            self._check_values(program, data)
        return len(self.mistakes) == before

    def _check_values(self, program, data):
        low, high = (ROOT_PRIORITY,) * 2 if program.name == ROOT else (1, ROOT_PRIORITY - 1)
        self._range(program, data, "priority", low, high)
        self._range(program, data, "replies", 0, 63)
        self._range(program, data, "tries", 1, 255)
        if data.get("restart", "never") not in RESTART:
            self.wrong(program.path, "restart",
                       f"is {data['restart']!r}, expected one of {', '.join(RESTART)}")
        for key, parse in (("memory", parse_size), ("stack", parse_size), ("budget", parse_time),
                           ("period", parse_time)):
            try:
                if key in data:
                    parse(data[key])
            except Mistake as mistake:
                self.wrong(program.path, key, str(mistake))
                return
        if parse_size(data.get("stack", "16K")) > STACK_MAX:
            self.wrong(program.path, "stack", f"is {data['stack']!r}, expected at most 1M")
        if budget(data) > period(data):
            self.wrong(program.path, "budget", "is longer than the period")
        for key in ("provides", "needs"):
            for name, kind in data.get(key, {}).items():
                if not NAME.fullmatch(name) or not isinstance(kind, str):
                    self.wrong(program.path, f"{key}.{name}", 'expected name = "kind"')
        for name in RESERVED & data.get("needs", {}).keys():
            self.wrong(program.path, f"needs.{name}", "every program has this already")
        for name, kind in data.get("provides", {}).items():
            if isinstance(kind, str) and kind != "fault":
                self._check_protocol(program, f"provides.{name}", kind)
        if len(set(data.get("provides", {}).values())) != len(data.get("provides", {})):
            self.wrong(program.path, "provides", "lists a protocol twice")

    def _range(self, program, data, key, low, high):
        if key in data and not low <= data[key] <= high:
            self.wrong(program.path, key, f"is {data[key]}, expected {low} to {high}")

    def _check_protocol(self, program, key, kind):
        try:
            self.protocol(kind)
        except Mistake as mistake:
            self.wrong(program.path, key, str(mistake))

    def protocol(self, kind):
        """Header and C++ type of a protocol "FOLDER" or "FOLDER.Type"."""
        folder, _, name = kind.partition(".")
        header = f"servers/{folder}/api.hpp"
        path = self.project / header
        if not PROGRAM_NAME.fullmatch(folder) or not path.exists():
            raise Mistake(f"is {kind!r}, expected a protocol (no {header}) or one of "
                          f"{', '.join(sorted(GIVEN | OWN))}")
        text = path.read_text()
        space = re.search(r"^namespace (\w+) \{", text, re.M)
        name = name or "Api"
        if not space or not re.search(rf"^using {re.escape(name)} =\s", text, re.M):
            raise Mistake(f"is {kind!r}, but {header} has no `using {name} = sel::Protocol<...>`")
        return header, f"{space[1]}::{name}"

    # --- The name space of files.

    def _check_mounts(self):
        """[mounts] PATH = "SERVER", for the one program that needs "mounts"."""
        takers = [(program, name) for program in self.programs.values()
                  for name, kind in program.data.get("needs", {}).items() if kind == MOUNTS]
        for program, name in takers[1:]:
            self.wrong(program.path, f"needs.{name}", f"{takers[0][0].name} has the mounts already")
        if bool(takers) != bool(self.mounts) or not isinstance(self.mounts, dict):
            self.wrong(SYSTEM, MOUNTS, 'expected one program that needs "mounts", and a table '
                                       '[mounts] "/" = "SERVER" for it')
            return
        for path, server in self.mounts.items():
            parent = path.rpartition("/")[0] or "/"
            if not is_path(path) or not isinstance(server, str):
                self.wrong(SYSTEM, f"{MOUNTS}.{path}", 'expected PATH = "SERVER", the path of names '
                                                       "that each stand behind one /")
            elif parent not in self.mounts:
                self.wrong(SYSTEM, f"{MOUNTS}.{path}", f"expected {parent} to be mounted, too")
        if takers:
            takers[0][0].mounts = takers[0][1]
        for server in self.mounts.values():
            for name, kind in self._needs_of(server).items():
                for grant in self.programs[server].given.get(name, []) if kind == "pool*" else []:
                    if pool_name(grant) not in self.windows:
                        self.windows.append(pool_name(grant))

    def _mounter(self):
        return next(program for program in self.programs.values() if program.mounts)

    def window(self, need):
        """Number of a pool that is shared with file systems, from 1 on; 0: it is none."""
        name = pool_name(need.grant)
        return self.windows.index(name) + 1 if need.kind == "pool" and name in self.windows else 0

    def _needs_of(self, name):
        return self.programs[name].data.get("needs", {}) if name in self.programs else {}

    # --- Needs against what is given.

    def _check_needs(self, program):
        wanted = program.data.get("needs", {})
        for name in program.given.keys() - wanted.keys():
            self.wrong(SYSTEM, f"{program.name}.needs.{name}",
                       f"is given, but {program.path} does not ask for it")
        slot = SLOT_REPLIES + program.replies
        window, bit = WINDOW_BASE, 0
        for need in self._expand(program, wanted):
            need.slot = slot
            try:
                if need.kind in OWN:
                    bit = self._own(program, need, bit)
                else:
                    window, bit = self._given(program, need, window, bit)
            except Mistake as mistake:
                path = program.path if need.kind in OWN or not need.grant else SYSTEM
                where = f"needs.{need.name}"
                where = where if path != SYSTEM else f"{program.name}.{where}"
                self.wrong(path, where, str(mistake))
            program.needs.append(need)
            slot += need.slots
        program.slots = slot

    def _expand(self, program, wanted):
        """The needs one by one; those with a `*` as often as system.toml lists servers."""
        for name, text in wanted.items():
            if name == program.mounts:
                for path, server in self.mounts.items():
                    for window in range(len(self.windows) + 1):
                        yield Need(name, FILES, grant=server, path=path, window=window)
                continue
            need = split_need(name, text)
            given = program.given.get(name, [] if need.many else "")
            if not need.many:
                need.grant = given
                yield need
            elif isinstance(given, list):
                program.lists[name] = need.kind
                for server in given:
                    yield replace(need, grant=server)
            else:
                self.wrong(SYSTEM, f"{program.name}.needs.{name}", f"is {given!r}, expected a list of "
                           f"{'pools' if need.kind == 'pool' else 'servers'}")

    def _own(self, program, need, bit):
        if need.grant:
            raise Mistake(f"is given {need.grant!r}, but {need.kind} comes from the program's own "
                          "memory: expected no such line in boot/system.toml")
        if need.kind == "untyped":
            need.values = (UNTYPED, parse_size(need.argument), 0, 0)
        elif need.kind == "context":
            part, _, whole = need.argument.partition("/")
            if parse_time(part) > parse_time(whole):
                raise Mistake(f"is {need.argument!r}, expected BUDGET/PERIOD, budget not longer")
            need.values = (CONTEXT, parse_time(part), parse_time(whole), 0)
        elif need.kind == "slots":
            need.slots = parse_number(need.argument or "?")
            if not 1 <= need.slots <= 4096:
                raise Mistake(f"is {need.slots} slots, expected 1 to 4096")
            need.values = (SLOTS, need.slots, 0, 0)
        elif need.argument:
            raise Mistake(f"is {need.kind}:{need.argument}, expected {need.kind}")
        elif need.kind == "doorbell":
            need.values = (DOORBELL, 1 << bit, 0, 0)
            return bit + 1
        else:
            need.values = ({"vspace": VSPACE, "cnode": CNODE}[need.kind], 0, 0, 0)
        return bit

    def _given(self, program, need, window, bit):
        if need.kind not in GIVEN:
            self.protocol(need.kind)
        if not need.grant:
            raise Mistake(f"asks for {need.kind}, but boot/system.toml gives nothing: expected "
                          f"[{program.name}] needs.{need.name} = ...")
        if not isinstance(need.grant, str):
            raise Mistake("expected a text in quotes")
        if need.kind not in GIVEN:
            self._client(program, need)
            return window, bit
        kind, _, rest = need.grant.partition(":")
        if kind != need.kind:
            raise Mistake(f"is given {need.grant!r}, but {program.path} asks for {need.kind}")
        if kind == "io":
            first, count = self._span(rest, 1, 0x10000)
            need.values = (IO, first, first + count - 1, 0)
            self._own_device(program, need, "io", first, first + count - 1)
        elif kind == "irq":
            line, *flags = rest.split("/")
            line = parse_number(line)
            if not 0 <= line < 128 or not set(flags) <= {"level", "low"}:
                raise Mistake(f'is given {need.grant!r}, expected "irq:LINE" below 128, then /level '
                              "and /low if they apply")
            value = line | ("level" in flags) * 0x100 | ("low" in flags) * 0x200
            need.values = (IRQ, value, 1 << bit, 0)
            self._own_device(program, need, "irq", line, line)
            bit += 1
        elif kind == "device":
            first, count = self._span(rest, PAGE, 1 << 46)
            need.slots = count // PAGE
            if need.slots > 256:
                raise Mistake(f"is given {need.grant!r}, expected at most 1M")
            need.values = (DEVICE, first, count, window)
            self._own_device(program, need, "device", first, first + count - 1)
            window += count + PAGE
        elif kind == "pool":
            number, size = self._pool(program, need, rest)
            need.slots = size // PAGE
            need.values = (POOL, number, size, window)
            window += size + PAGE
        elif kind == "pci":
            if any(other.kind == "pci" for other in program.needs):
                raise Mistake("is a second pci device: expected one for each program")
            need.slots = 1 + PCI_PAGES
            need.values = (PCI, self._pci_match(program, need, rest), 1 << bit, window)
            window += (PCI_PAGES + 1) * PAGE
            bit += 1
        elif rest:
            raise Mistake(f"is given {need.grant!r}, expected {kind!r}")
        elif kind == "archive":
            need.slots = 0
            need.values = (ARCHIVE, 0, 0, ARCHIVE_BASE)
        elif kind == "trace":
            need.slots = TRACE_BYTES // PAGE
            need.values = (TRACE, 0, TRACE_BYTES, window)
            window += TRACE_BYTES + PAGE
        else:
            need.values = (TRACE_CONTROL, 0, 0, 0)
        return window, bit

    @staticmethod
    def _span(text, unit, limit):
        """First and count of "FIRST/COUNT"."""
        first, slash, count = text.partition("/")
        if not slash:
            raise Mistake(f"is given {text!r}, expected FIRST/COUNT")
        first, count = parse_number(first), parse_number(count)
        if first < 0 or count <= 0 or first % unit or count % unit or first + count > limit:
            raise Mistake(f"is given {text!r}, expected FIRST/COUNT in multiples of {unit} that end "
                          f"at {limit:#x} at most")
        return first, count

    def _pool(self, program, need, text):
        """Number and size of the pool "NAME/SIZE": the same for all that name it."""
        name, slash, size = text.partition("/")
        if not slash or not NAME.fullmatch(name):
            raise Mistake(f'is given {need.grant!r}, expected "pool:NAME/SIZE"')
        size = parse_size(size)
        if size > POOL_MAX:
            raise Mistake(f"is given {need.grant!r}, expected at most 1M")
        mine = f"{program.name}.{need.name}"
        number, first, owner = self.pools.setdefault(name, (len(self.pools), size, mine))
        if first != size:
            raise Mistake(f"is given {need.grant!r}, but {owner} has pool {name} with "
                          f"{first // 1024}K: expected the same size")
        if number >= POOLS_MAX:
            raise Mistake(f"is given {need.grant!r}, expected at most {POOLS_MAX} pools")
        return number, size

    def _pci_match(self, program, need, text):
        """The devices "VVVV:DDDD|VVVV:DDDD" or "class=CC.SS.PP" as one number (DeviceMatch in
        servers/root/api.hpp)."""
        by_class = re.fullmatch(r"class=([0-9a-f]{2})\.([0-9a-f]{2})\.([0-9a-f]{2})", text)
        if by_class:
            value = int("".join(by_class.groups()), 16)
            self._own_device(program, need, "pci class", value, value)
            return PCI_CLASS | value
        ids = [re.fullmatch(r"([0-9a-f]{4}):([0-9a-f]{4})", part) for part in text.split("|")]
        if len(ids) > 2 or not all(ids) or any(found[1] == "ffff" for found in ids):
            raise Mistake(f'is given {need.grant!r}, expected "pci:VVVV:DDDD", two of them with | '
                          'between, or "pci:class=CC.SS.PP", all in lower-case hexadecimal')
        value = 0
        for i, found in enumerate(ids):
            one = int(found[1] + found[2], 16)
            self._own_device(program, need, "pci", one, one)
            value |= one << 32 * i
        return value

    def _own_device(self, program, need, kind, first, last):
        mine = f"{program.name}.{need.name}"
        for other_kind, low, high, owner in self.owners:
            if kind == other_kind and first <= high and low <= last:
                raise Mistake(f"is given {need.grant!r}, which {owner} has already")
        self.owners.append((kind, first, last, mine))

    def _client(self, program, need):
        name, colon, subtree = need.grant.partition(":")
        name, part = split_part(name)
        server = self.programs.get(name)
        if server is None:
            raise Mistake(f"is given {need.grant!r}, expected a program of boot/system.toml")
        if need.kind not in server.provides:
            offered = ", ".join(server.provides) or "nothing"
            raise Mistake(f"needs {need.kind}, but {name} provides {offered}")
        if server.priority <= program.priority:
            raise Mistake(f"{program.name} has priority {program.priority} and {name} "
                          f"{server.priority}: calls go to a higher priority only")
        if server.mounts and need.kind == FILES and not part:
            part = self._subtree(server, program, need, subtree)
        elif colon:
            raise Mistake(f"is given {need.grant!r}, but {name} has no parts by path")
        if need.window and part:
            raise Mistake(f"is given {need.grant!r}, but {name} shares memory with clients, which are "
                          "its parts: expected no other part")
        part = need.window or part
        need.values = (CLIENT, server.number, server.provides.index(need.kind) | part << 8, 0)

    @staticmethod
    def _subtree(server, program, need, text):
        """The part of "SERVER", "SERVER:PATH", "SERVER:PATH:ro" or ":rw": a number of its own."""
        path, _, mode = text.partition(":")
        if not is_path(path or "/") or mode not in ("", "ro", "rw"):
            raise Mistake(f'is given {need.grant!r}, expected "{server.name}", or '
                          f'"{server.name}:PATH", or either of :ro and :rw behind that')
        if len(server.subtrees) > PART_MAX:
            raise Mistake(f"is client {PART_MAX + 2} of {server.name}, expected at most {PART_MAX + 1}")
        server.subtrees.append((path or "/", mode == "ro", program))
        return len(server.subtrees) - 1

    def _check_pools(self):
        """Each pool of a list belongs to one client, and to one part if it has several of this server."""
        for program in self.programs.values():
            listed = [need for need in program.needs if need.kind == "pool" and need.many]
            for need in listed:
                if window := self.window(need):
                    need.client = (self._mounter().number, window)
            for client in {owner.name: owner for need in listed if need.client == (0, 0)
                           for owner in self._pool_clients(program, need)}.values():
                parts = [need.values[2] >> 8 for need in client.needs
                         if need.values[:2] == (CLIENT, program.number)]
                pools = [need for need in listed if client in self._pool_clients(program, need)]
                if len(parts) != len(pools):
                    self.wrong(SYSTEM, f"{client.name}.needs", f"{len(parts)} parts of {program.name}, "
                               f"and {len(pools)} of its pools: expected a pool for each part")
                for need, part in zip(pools, parts):
                    need.client = (client.number, part)
            for need in listed:
                found = [client.name for client in self._pool_clients(program, need)]
                if len(found) != 1:
                    self.wrong(SYSTEM, f"{program.name}.needs.{need.name}",
                               f"{need.grant} is shared with {' and '.join(found) or 'no client'}, "
                               "expected one client that has the same pool")

    def _pool_clients(self, program, pool):
        """Other programs that have this pool, and may call this one, or who mounts it."""
        called = self._mounter() if self.window(pool) else program

        def has(other, *values):
            return any(need.values[:2] == values for need in other.needs)
        return [other for other in self.programs.values() if other is not program and
                has(other, *pool.values[:2]) and has(other, CLIENT, called.number)]

    def _check_faults(self):
        takers = [p for p in self.programs.values() if "fault" in p.provides]
        if len(takers) > 1:
            self.wrong(takers[1].path, "provides", f"`fault` is provided by {takers[0].name} already")
        for program in self.programs.values():
            if "fault" in program.provides[:-1]:
                self.wrong(program.path, "provides", "expected `fault` as the last one")


def is_path(text):
    """A canonical path: "/", or names each behind one /."""
    return (len(text) <= PATH_MAX and PATH.fullmatch(text) is not None and
            not {".", ".."} & set(text.split("/")))


def pool_name(grant):
    """NAME of "pool:NAME/SIZE"."""
    return str(grant).partition(":")[2].partition("/")[0]


def split_part(grant):
    """Server and part of "SERVER" (part 0) or "SERVER/PART"."""
    name, slash, part = grant.partition("/")
    number = parse_number(part) if slash else 0
    if not 0 <= number <= PART_MAX:
        raise Mistake(f"is given {grant!r}, expected a part of 0 to {PART_MAX} behind the slash")
    return name, number


def split_need(name, text):
    kind, plus, give = text.partition("+")
    if text.endswith("*"):
        return Need(name, text[:-1], many=True)
    word, _, argument = kind.partition(":")
    if word in OWN:
        return Need(name, word, argument)
    return Need(name, kind if not plus or give == "give" else text, give=give == "give")


def budget(data):
    return parse_time(data.get("budget", "10ms"))


def period(data):
    return parse_time(data.get("period", data.get("budget", "10ms")))


# --- The header with typed names.

def window(need):
    _, _, size, address = need.values
    return f"{{{address:#x}, {size:#x}, {{{need.slot if need.slots else 0}, {need.slots}}}}}"


def declaration(system, need):
    kind, a, b, c = need.values
    if kind == CLIENT:
        return f"sel::Client<{system.protocol(need.kind)[1]}> {need.name}{{{need.slot}}}"
    if kind in (IRQ, DOORBELL):
        bits = b if kind == IRQ else a
        word = "Interrupt" if kind == IRQ else "Doorbell"
        return f"sel::{word} {need.name}{{{need.slot}, {bits:#x}}}"
    if kind == PCI:
        return f"sel::PciDevice {need.name}{{{{{need.slot}, {need.slots}}}, {c:#x}, {b:#x}}}"
    if kind in (DEVICE, TRACE, ARCHIVE, POOL):
        return f"sel::Window {need.name}{window(need)}"
    if kind == SLOTS:
        return f"sel::SlotRange {need.name}{{{need.slot}, {need.slots}}}"
    word = {IO: "IoPort", TRACE_CONTROL: "TraceControl", UNTYPED: "Untyped",
            CONTEXT: "SchedContext", VSPACE: "VSpace", CNODE: "CNode"}[kind]
    return f"sel::{word} {need.name}{{{need.slot}}}"


def mounts_declaration(system, program):
    """The mount table, and what each client may name."""
    mounts = [f'{{"{need.path}", "{need.grant}", {need.slot}}}' for need in program.needs
              if need.path and need.window == 0]
    trees = [f'{{"{path}", {str(read_only).lower()}, {max(map(system.window, client.needs))}}}'
             for path, read_only, client in program.subtrees]
    api = system.protocol(FILES)[1]
    return [f"inline constexpr std::array<sel::Mount<{api}>, {len(mounts)}> {program.mounts}"
            f"{{{{{', '.join(mounts)}}}}};",
            f"inline constexpr std::array<sel::Subtree, {len(trees)}> {program.mounts}_clients"
            f"{{{{{', '.join(trees)}}}}};"]


def header(system, name):
    program = system.programs[name]
    headers = {"sel/server.hpp"}
    kinds = [need.kind for need in program.needs if need.values[0] == CLIENT]
    for kind in kinds + [kind for kind in program.lists.values() if kind != "pool"]:
        headers |= {"sel/client.hpp", system.protocol(kind)[0]}
    lines = [f"// What {name} holds: made from {program.path} and {SYSTEM}. Do not edit.",
             "// SPDX-License-Identifier: BSD-2-Clause", "#pragma once", ""]
    if "pool" in program.lists.values() or any(need.kind == "pci" for need in program.needs):
        headers.add("sel/device.hpp")
    headers |= {"sel/mounts.hpp"} if program.mounts else set()
    lines += ["#include <array>", ""] if program.lists or program.mounts else []
    lines += [f'#include "{h}"' for h in sorted(headers)]
    lines += ["", "namespace caps {", "",
              f"inline constexpr sel::Tcb self{{{SLOT_SELF}}};"]
    if program.provides:
        lines.append(f"inline constexpr sel::Service service{{sel::Endpoint{{{SLOT_ENDPOINT}}}, self, "
                     f"{{{SLOT_REPLIES}, {program.replies}}}}};")
    lines.append(f"inline constexpr sel::Notification signals{{{SLOT_NOTIFICATION}}};")
    lines += [f"inline constexpr {declaration(system, need)};" for need in program.needs
              if not need.many and not need.path]
    lines += mounts_declaration(system, program) if program.mounts else []
    for listed, kind in program.lists.items():
        needs = [need for need in program.needs if need.many and need.name == listed]
        if kind == "pool":
            element = "sel::ClientPool"
            inside = [f"{{{need.client[0]}, {need.client[1]}, {window(need)}}}" for need in needs]
        else:
            element = f"sel::Named<{system.protocol(kind)[1]}>"
            inside = [f'{{"{need.grant}", {need.slot}}}' for need in needs]
        lines.append(f"inline constexpr std::array<{element}, {len(needs)}> {listed}"
                     f"{{{{{', '.join(inside)}}}}};")
    return "\n".join(lines + ["", "} // namespace caps", ""])


# --- The table for root.

def elf_pages(path, data):
    """Address and size of each loadable segment, in whole pages."""
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < 64:
        raise Mistake(f"{path}: not a 64-bit ELF file")
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        kind, _, _, address, _, _, memory, _ = struct.unpack_from("<IIQQQQQQ", data, offset + i * size)
        if kind == 1 and memory:
            first = address // PAGE * PAGE
            yield first, -(-(address + memory) // PAGE) * PAGE - first


def memory_needed(program, segments):
    """Bytes of untyped memory that root takes to start the program, by what for. The alignment of
    the objects is counted at its worst."""
    stack = parse_size(program.data.get("stack", "16K"))
    regions = list(segments) + [(ENVIRONMENT, PAGE), (BUFFER, PAGE), (STACK_TOP - stack, stack)]
    image = sum(size for _, size in segments)
    frames = sum(size for _, size in regions)
    windows = [(need.values[3], PCI_PAGES * PAGE if need.values[0] == PCI else need.values[2])
               for need in program.needs if need.values[0] in (DEVICE, TRACE, POOL, PCI)]
    archive = any(need.values[0] == ARCHIVE for need in program.needs) * ARCHIVE_MAX
    windows += [(ARCHIVE_BASE, archive)] if archive else []
    tables = set()
    for address, size in regions + windows:
        for shift in (39, 30, 21):
            for index in range(address >> shift, (address + size - 1 >> shift) + 1):
                tables.add((shift, index))
    objects = (program.slots * SLOT_BYTES + TCB_BYTES + CONTEXT_BYTES + NOTIFICATION_BYTES +
               program.replies * REPLY_BYTES)
    for need in program.needs:
        if need.values[0] == UNTYPED:
            objects += need.values[1] + UNTYPED_BYTES + PAGE
        if need.values[0] == CONTEXT:
            objects += CONTEXT_BYTES
    book = (frames // PAGE + archive // PAGE + program.slots + BOOK_SLOTS) * SLOT_BYTES
    return {"image": image, "stack": stack, "page tables": (len(tables) + 1) * TABLE_BYTES,
            "objects": objects + book + (len(tables) + 4) * PAGE}


ARCHIVE_MAX = 8 << 20  # Bytes of the boot archive that fit into a program's address space.
BOOK_SLOTS = 32  # For page tables, and what there is one of.


def check_memory(program, path, data):
    parts = memory_needed(program, list(elf_pages(path, data)))
    have, want = parse_size(program.data["memory"]), sum(parts.values())
    if have < want:
        detail = ", ".join(f"{name} {-(-size // 1024)}K" for name, size in parts.items())
        raise Mistake(f"{program.path}: memory: is {program.data['memory']!r}, expected at least "
                      f"\"{-(-want // PAGE) * PAGE // 1024}K\" ({detail})")


def pack_name(name):
    return name.encode().ljust(16, b"\0")


def table(system):
    programs, grants = [], []
    for program in system.programs.values():
        if program.name == ROOT:
            continue
        data = program.data
        flags = (FLAG_BOOT * (program.start == "boot") | FLAG_VECTOR * data.get("vector", False) |
                 FLAG_SERVES * bool(program.provides) | FLAG_FAULTS * ("fault" in program.provides))
        programs.append(struct.pack(
            "<16sQIIIHHHHBBBB16x", pack_name(program.name), parse_size(data["memory"]),
            parse_size(data.get("stack", "16K")), budget(data), period(data), program.slots,
            program.replies, len(grants), len(program.needs), program.priority, flags,
            RESTART[data.get("restart", "never")], data.get("tries", 5)))
        for need in program.needs:
            kind, a, b, c = need.values
            rights = RIGHT_WRITE | RIGHT_GRANT * need.give
            grants.append(struct.pack("<16sQQQHHHH", pack_name(need.name), a, b, c, kind,
                                      need.slot, need.slots, rights))
    head = struct.pack("<8sIHH", b"TSYSTEM1", 1, len(programs), len(grants))
    return head + b"".join(programs) + b"".join(grants)


# --- Commands.

def main(argv):
    if len(argv) < 2:
        sys.exit(__doc__)
    command, project, *rest = argv
    system = System(project)
    try:
        if system.mistakes:
            raise Mistake("\n".join(system.mistakes))
        if command == "list":
            for program in system.programs.values():
                print(program.folder, int(program.data.get("vector", False)))
        elif command == "header":
            Path(rest[1]).write_text(header(system, rest[0]))
        elif command == "table":
            for argument in rest[1:]:
                name, _, path = argument.partition("=")
                check_memory(system.programs[name], path, Path(path).read_bytes())
            Path(rest[0]).write_bytes(table(system))
        elif command != "check":
            sys.exit(__doc__)
    except Mistake as mistake:
        sys.exit(str(mistake))


if __name__ == "__main__":
    main(sys.argv[1:])
