#!/usr/bin/env python3
"""Checks the bit leaves against their contracts for all inputs, with bit-vector SMT (z3 and cvc5).
SPDX-License-Identifier: BSD-2-Clause

WP believes the contracts of bit_top and bit_low (kernel/core/leaf.h) and of the digits of a time
(kernel/core/digits_leaf.h). Here each is the formula that its one-line body means (the body in the source
must be the one that is modelled), and both solvers must find no input for which a clause of the contract
is false. The transcription of body and contract is by hand. Takes a few seconds.
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


def first_set(positions, of="w"):
    """The first of these positions whose bit is set in `of`; 64: none."""
    term = word(64)
    for i in reversed(list(positions)):
        term = f"(ite (= ((_ extract {i} {i}) {of}) #b1) {word(i)} {term})"
    return term


def bit(i):
    return f"(not (= (bvand w (bvshl {word(1)} {i})) {word(0)}))"


def sh(x, level):
    """x / 64^level (spec/wheel.h)."""
    return f"(bvlshr {x} (bvmul {word(6)} {level}))"


def sh_equal(level):
    return f"(= {sh('w', level)} {sh('v', level)})"


# Name: (parameters and body as they stand in the source, its meaning, what its contract requires,
# {clause: formula over the parameters (w, v), r = result, any j}).
# clzll(w) for w != 0 is 63 - the highest set bit, ctzll(w) the lowest (GCC manual, "Other Builtins").
RANGE = f"(bvule r {word(64)})"
NONE = f"(= (= r {word(64)}) (= w {word(0)}))"  # No bit is set if and only if the word is 0.
TOP = first_set(range(63, -1, -1))
J_IS_BIT = f"(=> (bvult j {word(64)}) "
END = word(1 << 48)
DIGIT = f"(and (bvult v {word(8)}) (bvult w {END}))"  # Of w, at level v.
LEAVES = {
    "bit_top": ("u64 w", "return w == 0 ? 64 : 63u - (u32)__builtin_clzll(w);", TOP, "true", {
        "range": RANGE, "none": NONE,
        "top": f"(=> (bvult r {word(64)}) (and {bit('r')} {J_IS_BIT} (=> (bvult r j) (not {bit('j')})))))"}),
    "bit_low": ("u64 w", "return w == 0 ? 64 : (u32)__builtin_ctzll(w);", first_set(range(64)), "true", {
        "range": RANGE, "none": NONE,
        "low": f"(=> (bvult r {word(64)}) (and {bit('r')} {J_IS_BIT} (=> (bvult j r) (not {bit('j')})))))"}),
    "digit_top": (
        "u64 w, u64 v", "return (63u - (u32)__builtin_clzll(w ^ v)) / 6u;",
        f"(bvudiv {first_set(range(63, -1, -1), '(bvxor w v)')} {word(6)})", f"(and (bvult w v) (bvult v {END}))", {
            "range": f"(bvult r {word(8)})",
            "differ": f"(=> (bvule j r) (not {sh_equal('j')}))",
            "same": f"(=> (and (bvult r j) (bvule j {word(8)})) {sh_equal('j')})"}),
    "digit_at": (
        "u64 w, u32 v", "return (u32)(w >> 6u * v) % 64u;",
        f"(bvurem (bvand {sh('w', 'v')} {word(0xffffffff)}) {word(64)})", DIGIT, {
            "digit": f"(= r (bvurem {sh('w', 'v')} {word(64)}))"}),
    "digits_above": (
        "u64 w, u32 v", "return w >> 6u * v << 6u * v;",
        f"(bvshl {sh('w', 'v')} (bvmul {word(6)} v))", DIGIT, {
            "same": f"(= {sh('r', 'v')} {sh('w', 'v')})",
            "le": "(bvule r w)",
            "least": f"(=> (bvult j r) (bvult {sh('j', 'v')} {sh('w', 'v')}))"}),
}


def holds(meaning, requires, clause):
    """Whether both solvers find that the clause holds for all parameters that the contract allows, and every j."""
    query = f"""(set-logic QF_BV)
(declare-const w (_ BitVec 64)) (declare-const v (_ BitVec 64)) (declare-const j (_ BitVec 64))
(define-fun r () (_ BitVec 64) {meaning})
(assert {requires})
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
    for name, (parameters, body, meaning, requires, clauses) in LEAVES.items():
        found = re.search(rf"\b{name}\({parameters}\) \{{\s*(.*?)\s*\}}", source, re.S)
        if not found or found[1] != body:
            print(f"{name}: the body in {IMPLEMENTATION.name} is not the one that is modelled: {body}")
            failed += 1
        for clause, formula in clauses.items():
            good = holds(meaning, requires, formula)
            print(f"{name}.{clause}: {'holds' if good else 'FAILS'}")
            failed += not good
    # The check can fail: wrong clauses must be refuted.
    _, _, meaning, requires, clauses = LEAVES["bit_top"]
    _, _, digit, order, _ = LEAVES["digit_top"]
    if holds(meaning, requires, LEAVES["bit_low"][4]["low"]) or holds(digit, order, f"(bvult r {word(7)})"):
        print("a wrong clause was accepted")
        failed += 1
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
