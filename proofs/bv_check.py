#!/usr/bin/env python3
"""Checks the bit leaves against their contracts for all inputs, with bit-vector SMT (z3 and cvc5).
SPDX-License-Identifier: BSD-2-Clause

WP believes the contracts of bit_top and bit_low (kernel/core/leaf.h). Here each is the formula that
its one-line body means (the body in the source must be the one that is modelled), and both solvers
must find no input for which a clause of the contract is false. The transcription of body and
contract is by hand. Takes a second.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
IMPLEMENTATION = ROOT / "kernel/arch/x86_64/instructions.h"
SOLVERS = (["z3", "-T:60"], ["cvc5", "--tlimit=60000"])


def word(value):
    return f"(_ bv{value} 64)"


def first_set(positions):
    """The first of these positions whose bit is set in w; 64: none."""
    term = word(64)
    for i in reversed(list(positions)):
        term = f"(ite (= ((_ extract {i} {i}) w) #b1) {word(i)} {term})"
    return term


def bit(i):
    return f"(not (= (bvand w (bvshl {word(1)} {i})) {word(0)}))"


# Name: (body as it stands in the source, its meaning, {clause: formula over w, r = result, any j < 64}).
# clzll(w) for w != 0 is 63 - the highest set bit, ctzll(w) the lowest (GCC manual, "Other Builtins").
RANGE = f"(bvule r {word(64)})"
NONE = f"(= (= r {word(64)}) (= w {word(0)}))"  # No bit is set if and only if the word is 0.
LEAVES = {
    "bit_top": ("return w == 0 ? 64 : 63u - (u32)__builtin_clzll(w);", first_set(range(63, -1, -1)), {
        "range": RANGE, "none": NONE,
        "top": f"(=> (bvult r {word(64)}) (and {bit('r')} (=> (bvult r j) (not {bit('j')}))))"}),
    "bit_low": ("return w == 0 ? 64 : (u32)__builtin_ctzll(w);", first_set(range(64)), {
        "range": RANGE, "none": NONE,
        "low": f"(=> (bvult r {word(64)}) (and {bit('r')} (=> (bvult j r) (not {bit('j')}))))"}),
}


def holds(meaning, clause):
    """Whether both solvers find that the clause holds for every w and j < 64."""
    query = f"""(set-logic QF_BV)
(declare-const w (_ BitVec 64)) (declare-const j (_ BitVec 64))
(define-fun r () (_ BitVec 64) {meaning})
(assert (bvult j {word(64)}))
(assert (not {clause}))
(check-sat)
"""
    with tempfile.NamedTemporaryFile("w", suffix=".smt2") as file:
        file.write(query)
        file.flush()
        answers = [subprocess.run([*solver, file.name], check=False, stdout=subprocess.PIPE, text=True).stdout
                   for solver in SOLVERS]
    return [answer.strip() for answer in answers] == ["unsat"] * len(SOLVERS)


def main():
    failed = 0
    source = IMPLEMENTATION.read_text()
    for name, (body, meaning, clauses) in LEAVES.items():
        found = re.search(rf"\b{name}\(u64 w\) \{{\s*(.*?)\s*\}}", source, re.S)
        if not found or found[1] != body:
            print(f"{name}: the body in {IMPLEMENTATION.name} is not the one that is modelled: {body}")
            failed += 1
        for clause, formula in clauses.items():
            good = holds(meaning, formula)
            print(f"{name}.{clause}: {'holds' if good else 'FAILS'}")
            failed += not good
    # The check can fail: a wrong clause must be refuted.
    if holds(LEAVES["bit_top"][1], LEAVES["bit_low"][2]["low"]):
        print("a wrong clause was accepted")
        failed += 1
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
