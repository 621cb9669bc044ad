#!/usr/bin/env python3
"""Checks channel.pml in Spin, and that each mutant of it is found.
SPDX-License-Identifier: BSD-2-Clause
usage: check.py

Three runs of the model: two honest sides, a hostile sender, a hostile receiver. Each must visit all states and find
nothing. A mutant is the model with one mistake; Spin must find it, by the property that is there for it.
Before that: each line of channel.hpp that the model names stands there, and the model names all atomic accesses.
"""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODEL = HERE / "channel.pml"
CODE = HERE.parent / "include/sel/channel.hpp"

# For the compiler, for the run. `watch` looks at where others are: not to be reduced.
SAFETY = (("-DSAFETY", "-DNOREDUCE"), ())
PROGRESS = (("-DNP",), ("-l",))
RUNS = {  # Name: options of Spin, kind.
    "honest": ((), SAFETY),
    "hostile sender": (("-DHOSTILE=0",), PROGRESS),
    "hostile receiver": (("-DHOSTILE=1",), PROGRESS),
}

LOST = r"assertion violated 0|invalid end state"
DATA = r"assertion violated .*slot\["
MUTANTS = (  # (mistake, old and new texts, run that finds it, what Spin says)
    ("the count is stored without a fence",
     {"    fence;                                             // mine_.count": "    // mine_.count"}, "honest", LOST),
    ("`sleeps` is stored without a fence",
     {"        fence;                                         // mine_.sleeps": "        // mine_.sleeps"}, "honest", LOST),
    ("`sleeps` is set after the look",
     {"        atomic { buffer[me]!SLEEPS(0, 1); announced[me] = true }\n": "        available();\n",
      "(1, std::memory_order_seq_cst);\n        available();\n":
          "\n        atomic { buffer[me]!SLEEPS(0, 1); announced[me] = true }\n        fence;\n"}, "honest", LOST),
    ("no look after `sleeps` is set", {":: free == 0 && good -> ": ":: true ->"}, "honest", LOST),
    ("the look at `sleeps` comes before the addition",
     {"inline advance(n) {\n": "inline advance(n) {\n    first = sleeps[other];\n",
      "    :: sleeps[other] ->  ": "    :: first ->  ",
      "    :: !sleeps[other]\n    fi;": "    :: !first\n    fi;"}, "honest", LOST),
    ("the doorbell forgets a ring that comes before the wait",
     {"asleep:        atomic": "bell[me] = false; asleep: atomic"}, "honest", LOST),
    ("who rings does not take `sleeps` back", {"sleeps[other] = 0;\n": "skip;\n"}, "honest",
     r"assertion violated .*announced"),
    ("the count overtakes the slots", {"buffer[me]!COUNT(0, mine[me]);": "count[me] = mine[me];"}, "honest", DATA),
    ("a slot is released before it is read",
     {"        use();\n        advance(used);\n": """
        if
        :: me == SENDER -> use(); advance(used)
        :: me == RECEIVER -> advance(1); d_step { mine[me] = (mine[me] + COUNTS - 1) % COUNTS; free = 1 };
           use(); mine[me] = (mine[me] + 1) % COUNTS
        fi;
"""}, "honest", DATA),
    ("the sender runs too far ahead", {"(me == SENDER -> N : 0); ": "(me == SENDER -> N + 1 : 0); "}, "honest",
     r"assertion violated .*free<=2"),
    ("the other count is believed", {"good = good && free <= N; ": "good = true; "}, "hostile sender",
     r"assertion violated .*free<=2"),
    ("part() goes round the end of the ring", {"free = (free < N - first -> free : N - first)": "skip"},
     "hostile receiver", r"assertion violated .*first\+used\)<2"),
    ("a broken channel looks like an empty one", {":: !good -> goto gone": ":: !good -> skip"}, "hostile sender",
     r"non-progress cycle"),
)


def mutant(changes):
    text = MODEL.read_text()
    for old, new in changes.items():
        if text.count(old) != 1:
            sys.exit(f"{MODEL.name}: {old!r} stands there {text.count(old)} times, not once")
        text = text.replace(old, new)
    return text


def unfaithful():
    """What model and code do not have in common."""
    squeezed = re.sub(r"\s+", " ", CODE.read_text())
    named = re.findall(r"\S.*?\s//\s(.*(?:;|\{|\}|&&))$", MODEL.read_text(), re.M)
    problems = [f"{MODEL.name} names what {CODE.name} does not have: {line}" for line in named if line not in squeezed]
    count = sum(line.count("std::memory_order") for line in named)
    there = squeezed.count("std::memory_order")
    if count != there or not named:
        problems.append(f"{CODE.name} has {there} atomic accesses, {MODEL.name} names {count}")
    return problems


def explore(text, run):
    """(states, what Spin found or "")."""
    options, (compiled, started) = RUNS[run]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, MODEL.name).write_text(text)
        for words in (("spin", *options, "-a", MODEL.name), ("gcc", "-O2", "-w", *compiled, "-o", "pan", "pan.c")):
            subprocess.run(words, cwd=folder, check=True, stdout=subprocess.PIPE, timeout=60)
        done = subprocess.run(("./pan", "-m2000000", *started), cwd=folder, check=True, stdout=subprocess.PIPE, text=True,
                              timeout=300).stdout
    states, errors = re.search(r"(\d+) states, stored", done), re.search(r"errors: (\d+)", done)
    if not states or not errors or re.search("max search depth too small|out of memory|aborted", done):
        sys.exit(f"spin did not visit all states:\n{done}")
    found = re.search(r"^pan:\d+: (.*?)(?: \(at depth \d+\))?$", done, re.M)
    if (found is None) != (errors[1] == "0"):
        sys.exit(f"spin found something else:\n{done}")
    return int(states[1]), found[1] if found else ""


def main():
    failed = unfaithful()
    for problem in failed:
        print(problem)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 2)) as pool:
        runs = {name: pool.submit(explore, MODEL.read_text(), name) for name in RUNS}
        mutants = [(m, pool.submit(explore, mutant(m[1]), m[2])) for m in MUTANTS]
        total = 0
        for name, result in runs.items():
            states, found = result.result()
            print(f"{name}: {states:,} states, {found or 'no error'}")
            total += states
            failed += [found] if found else []
        for (mistake, _, run, expected), result in mutants:
            found = result.result()[1]
            good = re.search(expected, found) is not None
            print(f"mutant, {mistake}: {'' if good else 'NOT '}found ({run}: {found or 'no error'})")
            failed += [] if good else [mistake]
    print(f"channel: {total:,} states, {len(MUTANTS)} mutants, {len(failed)} problems")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
