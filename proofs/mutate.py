#!/usr/bin/env python3
"""Breaks proved functions on purpose, one small change at a time, and sees whether anybody notices.
SPDX-License-Identifier: BSD-2-Clause

A mutant is killed if a goal of the function is no longer proved, or if a test of the suite `core`
fails. A goal is not proved if no prover does it in five times the time that the slowest goal of the
unchanged function took, and five seconds at least; the seconds are those of the processor. A mutant
that does not compile, warnings aside, does not count; nor does one that equivalent.toml says to be
equivalent, which must survive. Works on a copy of the tree, never in place.
"""

import argparse
import json
import math
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import typing
from pathlib import Path

import ledger
import results

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 5  # Times the slowest goal of the unchanged function,
SLOWEST = 1  # which is taken to have needed so many seconds at least.
TEST_PATIENCE = 10  # Times what a test takes on the unchanged tree, and
TEST_SECONDS = 60  # so many seconds more: then it hangs.
# What to look for in code without comments, and what to put in its place; None: the number plus one.
SWAPS = [
    (r"==", "!="), (r"!=", "=="), (r"<=", "<"), (r">=", ">"),
    (r"(?<![<-])<(?![<=])", "<="), (r"(?<![>-])>(?![>=])", ">="), (r"<<", ">>"), (r">>", "<<"),
    (r"(?<!\+)\+(?![+=])", "-"), (r"(?<!-)-(?![-=>])", "+"), (r"\+\+", "--"), (r"--", "++"),
    (r"&&", "||"), (r"\|\|", "&&"), (r"(?<!&)&(?![&=])", "|"), (r"(?<!\|)\|(?![|=])", "&"),
    (r"(?<!\w)0u?\b", "1"), (r"(?<!\w)1u?\b", "0"), (r"(?<!\w)[2-9]\d*\b", None), (r"!(?!=)", ""), (r"~", ""),
    (r"\bhead\b", "tail"), (r"\btail\b", "head"), (r"\bnext\b", "prev"), (r"\bprev\b", "next"),
    (r"\bopen\b", "close"), (r"\bclose\b", "open"),
]
STATEMENT = re.compile(r"(?<=[;{}])\s*([^;{}]*;)")
KEPT = re.compile(r"(?:const\s+)?(?:[us](?:8|16|32|64)|\w+_t)\s+\w|for\b|return\b(?!;)|else\b|;")


def blank(text):
    """The text with comments and preprocessor lines as spaces, so that positions stay."""
    def spaces(match):
        return re.sub(r"[^\n]", " ", match[0])
    return re.sub(r"^[ \t]*#[^\n]*", spaces, ledger.COMMENT.sub(spaces, text), flags=re.M)


def body(code, function):
    """Start and end of the body of a function."""
    head = re.search(rf"^[A-Za-z_][\w ]*[ *]{function}\s*\([^;{{}}()]*\)\s*\{{", code, re.M)
    depth, position = 1, head.end()
    while depth:
        depth += {"{": 1, "}": -1}.get(code[position], 0)
        position += 1
    return head.end(), position - 1


def mutations(text, function):
    """[(start, end, replacement, description)] for one function of a source text."""
    code = blank(text)
    first, last = body(code, function)
    found = []
    for pattern, replacement in SWAPS:
        for match in re.finditer(pattern, code[first:last]):
            new = replacement if replacement is not None else str(int(re.match(r"\d+", match[0])[0]) + 1)
            found.append((first + match.start(), first + match.end(), new, f"{match[0]} -> {new or 'nothing'}"))
    for match in STATEMENT.finditer(code[first - 1:last]):
        if not KEPT.match(match[1]):
            start = first - 1 + match.start(1)
            found.append((start, start + len(match[1]), ";", f"delete `{' '.join(match[1].split())}`"))
    return found


class Mutant(typing.NamedTuple):
    """One change of one function."""
    path: str
    function: str
    start: int
    end: int
    new: str
    description: str
    line: str  # The source line where it begins, without the blanks around it,
    place: int  # and which one of this description in such lines of the function it is.
    number: int

    def __str__(self):
        return f"{self.path}:{self.number} {self.function}: {self.description}"

    def key(self):
        """What names it in equivalent.toml."""
        return self.path, self.function, self.line, self.description, self.place


def mutants_of(path, function):
    text = (ROOT / path).read_text()
    found, seen = [], {}
    for start, end, new, description in sorted(mutations(text, function)):
        number = text.count("\n", 0, start)
        line = text.splitlines()[number].strip()
        seen[line, description] = seen.get((line, description), 0) + 1
        found.append(Mutant(path, function, start, end, new, description, line,
                            seen[line, description], number + 1))
    return found


def read_toml(name):
    with open(ROOT / "proofs" / name, "rb") as file:
        return tomllib.load(file)


def candidates(wanted):
    """Every mutant of every proved function, or of those wanted."""
    where = ledger.core_functions(ROOT)
    names = [f for module in read_toml("modules.toml").values() for f in module["functions"] if f in where]
    names = [name for name in names if not wanted or name in wanted]
    return [mutant for name in names for mutant in mutants_of(where[name], name)]


def equivalents():
    """{key of a mutant: why nobody can notice it} of equivalent.toml."""
    entries = read_toml("equivalent.toml").get("mutant", [])
    return {(e["file"], e["function"], e["line"], e["mutation"], e.get("place", 1)): e["reason"]
            for e in entries}


def stale_equivalents():
    """Entries of equivalent.toml that name no mutant (any more), as lines to print."""
    problems = []
    where = ledger.core_functions(ROOT)
    for key in equivalents():
        path, function = key[:2]
        found = mutants_of(path, function) if where.get(function) == path else []
        if key not in {mutant.key() for mutant in found}:
            problems.append(f"equivalent.toml: {function} has no such mutant: `{key[2]}`, {key[3]}")
    return problems


def copy_tree(target):
    """What git knows or would add, and the libraries in subprojects, which it does not."""
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                             stdout=subprocess.PIPE, text=True).stdout.splitlines()
    for name in listing:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    for library in (ROOT / "subprojects").iterdir():
        if library.is_dir() and not (target / "subprojects" / library.name).exists():
            (target / "subprojects" / library.name).symlink_to(library)


def quiet(*command, cwd, timeout=None):
    """(exit status of a command, what it printed); (1, "") if it takes too long."""
    try:
        done = subprocess.run([str(word) for word in command], cwd=cwd, check=False, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return 1, ""


def seconds_for(function):
    """How long a prover may take for a goal of a mutant of this function."""
    times = [float(result.seconds)
             for name, module in read_toml("modules.toml").items() if function in module["functions"]
             for result in results.read(ROOT / f"proofs/results/{name}.txt")
             if results.unit_of(result.goal, module["functions"]) == function]
    return math.ceil(PATIENCE * max([SLOWEST, *times]))


class Copy:
    """A copy of the tree, whose core is changed, compiled, proved and tested."""

    def __init__(self, tree):
        self.tree = tree
        self.tests = {}  # {name: (program, seconds)}, the quick ones first.
        copy_tree(tree)
        code, output = quiet("meson", "setup", "-Dwerror=false", "build", cwd=tree)
        if code:
            sys.exit(f"mutate: meson setup failed\n{output}")
        listed = json.loads(quiet("meson", "introspect", "--tests", "build", cwd=tree)[1])
        programs = {t["name"]: t["cmd"][0] for t in listed
                    if any(suite.rpartition(":")[2] == "core" for suite in t["suite"])}
        self.targets = [os.path.relpath(program, tree / "build") for program in programs.values()]
        if not programs or self.build():
            sys.exit("mutate: the unchanged tree does not build")
        seconds = {}
        for name, program in programs.items():
            start = time.monotonic()
            if quiet(program, cwd=tree)[0]:
                sys.exit(f"mutate: {name} fails even unchanged")
            seconds[name] = time.monotonic() - start
        self.tests = {name: (programs[name], seconds[name]) for name in sorted(programs, key=seconds.get)}

    def build(self):
        return quiet("ninja", "-C", "build", f"-j{os.cpu_count()}", *self.targets, cwd=self.tree)[0]

    def unproved(self, function):
        """The goal that is not proved, or ''."""
        code, output = quiet(sys.executable, "-B", "proofs/unproved.py", function, seconds_for(function),
                             cwd=self.tree)
        return (output.strip() or "an error").splitlines()[-1] if code else ""

    def failing(self):
        """The test that fails, or ''."""
        for name, (program, seconds) in self.tests.items():
            code, output = quiet(program, cwd=self.tree, timeout=TEST_SECONDS + TEST_PATIENCE * seconds)
            if code:
                case = re.search(r"^-{20,}\n(.+)\n", output, re.M)
                return f"{name}{': ' + case[1].strip() if case else ''}"
        return ""

    def verdict(self, mutant):
        """(killed, invalid or SURVIVED; what killed it)."""
        path = self.tree / mutant.path
        text = path.read_text()
        path.write_text(text[:mutant.start] + mutant.new + text[mutant.end:])
        try:
            if self.build():
                return "invalid", ""
            if goal := self.unproved(mutant.function):
                return "killed", f"goal {goal}"
            if test := self.failing():
                return "killed", f"test {test}"
            return "SURVIVED", ""
        finally:
            path.write_text(text)


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/mutate", description=__doc__.splitlines()[0],
        epilog="About a minute a mutant. The last line is `mutants KILLED/VALID killed`.")
    parser.add_argument("count", nargs="?", type=int, default=20, metavar="N", help="mutants to try (default 20)")
    parser.add_argument("--only", metavar="FUNCTION[,FUNCTION]", help="mutate these functions only")
    parser.add_argument("--seed", type=int, default=1, help="of the choice (default 1)")
    parser.add_argument("--list", action="store_true", help="print the mutants, try none")
    return parser.parse_args()


def main():
    options = arguments()
    stale = stale_equivalents()
    if stale:
        sys.exit("\n".join(stale))
    chosen = candidates(options.only.split(",") if options.only else [])
    total, known = len(chosen), equivalents()
    random.Random(options.seed).shuffle(chosen)
    chosen = chosen[:options.count]
    print(f"{len(chosen)} of {total} mutants, seed {options.seed}", flush=True)
    if options.list:
        print("\n".join(map(str, chosen)))
        return 0
    killed, survivors, wrong = 0, [], []
    with tempfile.TemporaryDirectory(prefix="trustos-mutate-") as scratch:
        copy = Copy(Path(scratch))
        for function in sorted({mutant.function for mutant in chosen}):
            if goal := copy.unproved(function):
                sys.exit(f"mutate: {function} is not proved even unchanged: {goal}")
        for mutant in chosen:
            began = time.monotonic()
            outcome, killer = copy.verdict(mutant)
            if mutant.key() not in known:
                killed += outcome == "killed"
            elif outcome == "killed":
                wrong.append(mutant)
            if outcome == "SURVIVED":
                survivors.append(mutant)
            print(f"{outcome:8}  {mutant}  {killer}  {time.monotonic() - began:.0f} s", flush=True)
    counted = [mutant for mutant in survivors if mutant.key() not in known]
    for mutant in survivors:
        reason = known.get(mutant.key(), "not explained: no goal and no test notices it")
        print(f"survivor  {mutant}, of `{mutant.line}`\n          {reason}")
    for mutant in wrong:
        print(f"equivalent.toml says that nobody can notice it, but it was killed: {mutant}")
    print(f"mutants {killed}/{killed + len(counted)} killed")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
