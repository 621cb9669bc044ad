#!/usr/bin/env python3
"""Names the first goal of a function that no prover proves in so many seconds of the processor.
SPDX-License-Identifier: BSD-2-Clause
usage: unproved.py FUNCTION SECONDS

Kept results are believed. Prints nothing and exits 0 if all is proved; `scripts/mutate` asks.
"""

import sys
import tempfile
from pathlib import Path

import prove
import provers
import results
import wp


def unproved(module, function, seconds):
    """The first goal that is not proved, or what Frama-C says instead; None if there is none."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        words = wp.command(module, wp.goals_of(module, [function]), "offline", scratch,
                           results.read(module["results"]))
        log, code = wp.listen(words, scratch)
        goals = [name for _, sort, name in wp.GOAL.findall(log) if sort == "Goal"]
        if code or not goals:
            return f"Frama-C, exit code {code}"
        asked = results.questions(scratch / "out")
        for goal in goals:
            if f"Goal {goal} : Valid" not in log:
                about = [q for q in asked if q.goal == goal.removeprefix("typed_")]
                if not any(provers.proves(question, seconds) for question in about):
                    return goal
    return None


def main():
    function, seconds = sys.argv[1], int(sys.argv[2])
    goal = unproved(prove.find_module(prove.read_modules(), function), function, seconds)
    if goal:
        print(goal)
    return int(bool(goal))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main())
