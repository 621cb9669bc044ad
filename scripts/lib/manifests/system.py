"""System: boot/system.toml against the manifests; who holds what, slot by slot.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

from manifests.giving import Sources
from manifests.grants import Context, DEVICES_MAX, FROM_FILES, GIVEN, OWN, Starter, Thread, is_a, kind_of
from manifests.words import (
    CPP_WORDS, FILES, KEYS, MOUNTS, Mistake, NAME, Need, PLACES, PROGRAM_NAME, Program, REQUIRED, RESERVED, RESTART, RIGHTS,
    ROOT, ROOT_PRIORITY, SYSTEM, TABLE, budget, is_path, parse_percent, parse_size, parse_time, period, share)


def split_need(name, text):
    kind, plus, give = text.partition("+")
    kind, many = (kind[:-1], True) if kind.endswith("*") else (kind, False)
    word, _, argument = kind.partition(":")
    if word in OWN and not many:
        return Need(name, word, argument)
    return Need(name, kind if not plus or give == "give" else text, give=give == "give", many=many)


class System:
    """All programs and what they hold; `mistakes` says what is wrong with it."""

    def __init__(self, project):
        self.project = Path(project)
        self.mistakes = []
        self.programs = {}
        self.owners = []  # (kind, first, last, "program.need") of exclusive devices.
        self.pools = {}   # Name: (number, bytes, "program.need" that named it first).
        self.regions = []  # "program.need" of each.
        self.mounts = {}  # Path: server.
        self._load()
        if not self.mistakes:
            self._check_mounts()
            for program in self.programs.values():
                self._check_needs(program)
            self._check_faults()
            self._check_give()
            for program in self.programs.values():
                self._check_least(program)

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
        if len(self.programs) - 1 > TABLE["PROGRAM_MAX"]:
            self.wrong(SYSTEM, "", f"has {len(self.programs) - 1} programs, expected at most {TABLE['PROGRAM_MAX']}")
        for path in sorted(self.project.glob("apps/*/manifest.toml")):
            if path.parent.name not in self.programs:
                self._add_file(path.parent.name)

    def _add_file(self, name):
        """A program that is started from a file, if this is one."""
        program = Program(name, f"apps/{name}", f"apps/{name}/manifest.toml", start="file", program=name, number=len(self.programs))
        data = self._toml(program.path)
        if data is None or "start" not in data:
            return
        if not PROGRAM_NAME.fullmatch(name):
            self.wrong(program.path, "", "expected a name of at most 15 letters a-z, digits, _ and -")
        elif self._check_keys(program, data):
            program.data = data
            self.programs[name] = program
            for key in data.keys() & {"provides", "restart", "tries"}:
                self.wrong(program.path, key, "is for programs of boot/system.toml")
            if "budget" not in data:
                self.wrong(program.path, "budget", "is missing: it counts for who starts the program from a file")

    def _add(self, name, part):
        if not PROGRAM_NAME.fullmatch(name):
            self.wrong(SYSTEM, name, "expected a name of at most 15 letters a-z, digits, _ and -")
            return
        kind = part.get("program", name)
        folders = [f"{top}/{kind}" for top in ("servers", "apps")
                   if (self.project / top / str(kind) / "manifest.toml").exists()]
        if len(folders) != 1:
            found = " and ".join(folders) or "none"
            self.wrong(SYSTEM, name, f"expected one of servers/{kind}/manifest.toml and "
                                     f"apps/{kind}/manifest.toml, found {found}")
            return
        for key in part.keys() - {"needs", "start", "least", "program"}:
            self.wrong(SYSTEM, f"{name}.{key}", "unknown key, expected needs, start, least or program")
        if kind != name and kind not in self.programs:
            self.wrong(SYSTEM, f"{name}.program", f"is {kind!r}, expected a program that stands above it")
            return
        program = Program(name, folders[0], f"{folders[0]}/manifest.toml",
                          given=part.get("needs", {}), start=part.get("start", "boot"), least=part.get("least", ""),
                          program=kind, number=len(self.programs))
        if program.start not in ("boot", "late", "run"):
            self.wrong(SYSTEM, f"{name}.start", f'is {program.start!r}, expected "boot", "late" or "run"')
        data = self._toml(program.path)
        if data is not None and self._check_keys(program, data):
            program.data = data
            self.programs[name] = program
            if "start" in data:
                self.wrong(SYSTEM, name, f"{program.path} says that it is started from a file: expected no such program "
                                         "here")

    # --- One manifest alone.

    def _check_keys(self, program, data):
        before = len(self.mistakes)
        for key, value in data.items():
            if key not in KEYS:
                self.wrong(program.path, key, f"unknown key, expected one of {', '.join(KEYS)}")
            elif type(value) is not KEYS[key][0]:
                self.wrong(program.path, key, f"is {value!r}, expected {KEYS[key][1]}")
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
        if data.get("start", "file") != "file":
            self.wrong(program.path, "start", f'is {data["start"]!r}, expected "file" or nothing')
        if data.get("restart", "never") not in RESTART:
            self.wrong(program.path, "restart",
                       f"is {data['restart']!r}, expected one of {', '.join(RESTART)}")
        for key, parse in (("memory", parse_size), ("stack", parse_size), ("budget", parse_time),
                           ("period", parse_time), ("share", parse_time)):
            try:
                if key in data:
                    parse(data[key])
            except Mistake as mistake:
                self.wrong(program.path, key, str(mistake))
                return
        if parse_size(data.get("stack", "16K")) > PLACES["kStackMax"]:
            self.wrong(program.path, "stack", f"is {data['stack']!r}, expected at most 1M")
        if budget(data) > period(data):
            self.wrong(program.path, "budget", "is longer than the period")
        elif data.get("provides") and program.name != ROOT:
            self._check_share(program, data)
        elif "share" in data:
            self.wrong(program.path, "share", "is for servers: expected something in [provides]")
        for key in ("provides", "needs"):
            for name, kind in data.get(key, {}).items():
                if not NAME.fullmatch(name) or not isinstance(kind, str):
                    self.wrong(program.path, f"{key}.{name}", 'expected name = "kind"')
        for name in RESERVED & data.get("needs", {}).keys():
            self.wrong(program.path, f"needs.{name}", "every program has this already")
        for name in CPP_WORDS & data.get("needs", {}).keys():
            self.wrong(program.path, f"needs.{name}", "is a word of C++, in which it becomes caps::NAME: expected another "
                                                      "name")
        for name, kind in data.get("provides", {}).items():
            if isinstance(kind, str) and kind != "fault":
                self._check_protocol(program, f"provides.{name}", kind)
        if len(set(data.get("provides", {}).values())) != len(data.get("provides", {})):
            self.wrong(program.path, "provides", "lists a protocol twice")

    def _check_share(self, program, data):
        if budget(data) == period(data):
            self.wrong(program.path, "budget", "is the whole period, expected less: a server that loops "
                                               "would stop all below it")
        elif share(data) > budget(data):
            self.wrong(program.path, "share", "is longer than the budget")

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
        for program in self.programs.values():
            named = [name for name, kind in program.data.get("needs", {}).items() if kind == RIGHTS]
            program.rights = named[0] if named else ""

    # --- Needs against what is given.

    def _check_needs(self, program):
        wanted = program.data.get("needs", {})
        for name in program.given.keys() - wanted.keys():
            self.wrong(SYSTEM, f"{program.name}.needs.{name}",
                       f"is given, but {program.path} does not ask for it")
        slot = PLACES["SLOT_REPLIES"] + program.replies
        for need in self._expand(program, wanted):
            need.slot = slot
            try:
                self._give(program, need)
            except Mistake as mistake:
                path = program.path if need.kind in OWN or not need.grant or program.from_file else SYSTEM
                where = f"needs.{need.name}"
                where = where if path != SYSTEM else f"{program.name}.{where}"
                self.wrong(path, where, str(mistake))
            program.needs.append(need)
            slot += need.slots
        program.slots = slot

    def _expand(self, program, wanted):
        """The needs one by one; those with a `*` as often as system.toml lists servers."""
        for name, text in wanted.items():
            if name == program.rights:
                continue
            if name == program.mounts:
                for path, server in self.mounts.items():
                    yield Need(name, FILES, give=True, grant=server, path=path)
                continue
            need = split_need(name, text)
            if program.from_file:
                yield need
                continue
            if need.many and need.kind in (GIVEN | OWN) - {"pci"}:
                self.wrong(program.path, f"needs.{name}", f"is {text!r}, expected one: only protocols and pci may be several")
                continue
            given = program.given.get(name, [] if need.many else "")
            if need.many and need.kind == "pci":
                given = self._devices(program, name, given)
            if not need.many:
                need.grant = given
                yield need
            elif isinstance(given, list):
                program.lists[name] = need.kind
                for server in given:
                    yield replace(need, grant=server)
            else:
                self.wrong(SYSTEM, f"{program.name}.needs.{name}", f"is {given!r}, expected a list of servers")

    def _devices(self, program, name, given):
        """The device "pci:WHAT*N" N times."""
        found = re.fullmatch(r"(pci:[^*]*)\*([1-9])", given) if isinstance(given, str) else None
        if not found or int(found[2]) > DEVICES_MAX:
            self.wrong(SYSTEM, f"{program.name}.needs.{name}", f'is {given!r}, expected "pci:WHAT*N", N of 1 to '
                       f"{DEVICES_MAX}: as many as there are, but no more than N")
            return []
        return [found[1]] * int(found[2])

    def _give(self, program, need):
        if program.from_file:
            if need.many or need.kind in (GIVEN | OWN) - FROM_FILES:
                raise Mistake(f"is {need.kind}{'*' * need.many}, which a program from a file cannot get: expected a "
                              f"protocol or one of {', '.join(sorted(FROM_FILES))}")
            if need.kind not in OWN:
                self.protocol(need.kind)
                return
        if need.kind in OWN:
            if need.grant:
                raise Mistake(f"is given {need.grant!r}, but {need.kind} comes from the program's own "
                              "memory: expected no such line in boot/system.toml")
            kind_of(need).give(self, program, need, need.argument)
            return
        if need.kind not in GIVEN:
            self.protocol(need.kind)
        if not need.grant:
            raise Mistake(f"asks for {need.kind}, but boot/system.toml gives nothing: expected "
                          f"[{program.name}] needs.{need.name} = ...")
        if not isinstance(need.grant, str):
            raise Mistake("expected a text in quotes")
        word, _, text = need.grant.partition(":")
        if need.kind in GIVEN and word != need.kind:
            raise Mistake(f"is given {need.grant!r}, but {program.path} asks for {need.kind}")
        kind_of(need).give(self, program, need, text)

    def own_device(self, program, need, kind, first, last):
        """From now on these are the program's alone."""
        mine = f"{program.name}.{need.name}"
        for other_kind, low, high, owner in self.owners:
            if need.many and owner == mine:
                continue  # Several of the same kind.
            if kind == other_kind and first <= high and low <= last:
                raise Mistake(f"is given {need.grant!r}, which {owner} has already")
        self.owners.append((kind, first, last, mine))

    def _check_least(self, program):
        """What is left when all above it loop, each in its share, is what it is promised."""
        if not program.least:
            return
        try:
            least = parse_percent(program.least)
        except Mistake as mistake:
            self.wrong(SYSTEM, f"{program.name}.least", str(mistake))
            return
        above = [(name, part) for other in self.programs.values() if other is not program
                 for name, priority, part in self._times(other) if priority > program.priority]
        taken = sum(part for _, part in above)
        own = 100 * budget(program.data) / period(program.data)
        if min(own, 100 - taken) < least:
            parts = ", ".join(f"{name} {part:.3g}%" for name, part in above)
            self.wrong(SYSTEM, f"{program.name}.least", f"is {program.least}, but its budget is {own:.3g}% and "
                       f"those above it keep {taken:.3g}% even when they do not answer: {parts}")

    @staticmethod
    def _times(program):
        """(name, priority, percent) of what each of its threads may always have of the processor."""
        if program.name == ROOT or program.from_file:
            return  # Root waits for nobody, and each message costs it little; who starts programs has their time.
        part = share if program.provides else budget
        yield program.name, program.priority, 100 * part(program.data) / period(program.data)
        for need in program.needs:
            if is_a(need, Context, Thread):
                part = 100 * need.value["budget_us"] / need.value["period_us"]
                yield f"{program.name}.{need.name}", need.priority, part
            if is_a(need, Starter):
                yield f"{program.name}.{need.name}", need.priority, need.value["permille"] / 10

    def _check_give(self):
        checked, sources = set(), Sources(self.project)
        for program in self.programs.values():
            if program.folder not in checked:
                for name, sender in sources.forgotten(program, GIVEN | OWN):
                    self.wrong(program.path, f"needs.{name}", f"is sent capabilities ({sender}), expected +give behind it")
            checked.add(program.folder)

    def _check_faults(self):
        takers = [p for p in self.programs.values() if "fault" in p.provides]
        if len(takers) > 1:
            self.wrong(takers[1].path, "provides", f"`fault` is provided by {takers[0].name} already")
        for program in self.programs.values():
            if "fault" in program.provides[:-1]:
                self.wrong(program.path, "provides", "expected `fault` as the last one")
