#!/usr/bin/env python3
"""Breaks proved functions on purpose, one small change at a time, and sees whether anybody notices.
SPDX-License-Identifier: BSD-2-Clause

A mutant is killed if a goal of the function is no longer proved or a test of the suite `core` fails;
one that does not compile does not count. A kill by a prover's time-out on a goal that is still true
is possible, so the rate is an upper bound. Works on a copy of the tree, never in place.
"""

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import ledger

ROOT = Path(__file__).resolve().parent.parent
PROVER_SECONDS = 5
TEST_SECONDS = 300
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


def candidates(wanted):
    """[(file, function, mutation)] of every proved function."""
    with open(ROOT / "proofs/modules.toml", "rb") as file:
        modules = tomllib.load(file)
    where = ledger.core_functions(ROOT)
    names = [f for module in modules.values() for f in module["functions"] if f in where]
    names = [name for name in names if not wanted or name in wanted]
    return [(where[name], name, mutation) for name in names
            for mutation in mutations((ROOT / where[name]).read_text(), name)]


def copy_tree(target):
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                             stdout=subprocess.PIPE, text=True).stdout.splitlines()
    for name in listing:
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def quiet(*command, cwd, timeout=None):
    """Exit status of a command; 1 if it takes too long."""
    try:
        return subprocess.run([str(word) for word in command], cwd=cwd, check=False, timeout=timeout,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        return 1


def unproved(tree, function):
    return quiet(sys.executable, "-B", "proofs/prove.py", "--cached", "--first", "--timeout",
                 PROVER_SECONDS, "--only", function, cwd=tree)


def verdict(tree, function):
    """killed by proof, killed by test, invalid, or SURVIVED."""
    if quiet("ninja", "-C", "build", "-j2", "host-tests", cwd=tree):
        return "invalid"
    if unproved(tree, function):
        return "killed by proof"
    if quiet("meson", "test", "-C", "build", "--no-rebuild", "--suite", "core", cwd=tree, timeout=TEST_SECONDS):
        return "killed by test"
    return "SURVIVED"


def main():
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__.splitlines()[0],
                                     epilog="About 20 s a mutant. The last line is `mutants KILLED/VALID killed`.")
    parser.add_argument("count", nargs="?", type=int, default=20, metavar="N", help="mutants to try (default 20)")
    parser.add_argument("--only", metavar="FUNCTION[,FUNCTION]", help="mutate these functions only")
    parser.add_argument("--seed", type=int, default=1, help="of the choice (default 1)")
    parser.add_argument("--list", action="store_true", help="print the mutants, try none")
    options = parser.parse_args()
    chosen = candidates(options.only.split(",") if options.only else [])
    total = len(chosen)
    random.Random(options.seed).shuffle(chosen)
    chosen = chosen[:options.count]
    print(f"{len(chosen)} of {total} mutants, seed {options.seed}", flush=True)
    killed = valid = 0
    with tempfile.TemporaryDirectory(prefix="trustos-mutate-") as scratch:
        tree = Path(scratch)
        if not options.list:
            copy_tree(tree)
            if quiet("meson", "setup", "build", cwd=tree) or quiet("ninja", "-C", "build", "host-tests", cwd=tree):
                sys.exit("mutate: the unchanged tree does not build")
            for function in sorted({name for _, name, _ in chosen}):
                if unproved(tree, function):
                    sys.exit(f"mutate: {function} is not proved even unchanged")
        for path, function, (start, end, new, description) in chosen:
            text = (ROOT / path).read_text()
            title = f"{path}:{text.count(chr(10), 0, start) + 1} {function}: {description}"
            if options.list:
                print(title)
                continue
            began = time.monotonic()
            (tree / path).write_text(text[:start] + new + text[end:])
            outcome = verdict(tree, function)
            (tree / path).write_text(text)
            killed += outcome.startswith("killed")
            valid += outcome != "invalid"
            print(f"{outcome:15}  {title}  {time.monotonic() - began:.0f} s", flush=True)
    print(f"mutants {killed}/{valid} killed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
