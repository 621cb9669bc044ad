#!/usr/bin/env python3
"""Circles between the files of the core: of includes, and of calls.
SPDX-License-Identifier: BSD-2-Clause
usage: circles.py [ROOT]

A file of the core can be read, and proved, once those that it uses are known; so there must be an order. For
includes a file is a file; for calls NAME.h and NAME.c are one, as a contract and its body are. Every edge of a
circle is printed with what makes it, since taking one edge away ends it.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "proofs"))
import ledger  # noqa: E402

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.M)
CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")


def core_files(root):
    """{name: text without comments} of the files of the core (so ghost code is left out)."""
    return {path.name: ledger.COMMENT.sub(" ", path.read_text()) for path in sorted(root.glob("kernel/core/*.[ch]"))}


def include_edges(texts):
    """{(file, included file): what makes it}."""
    edges = {}
    for name, text in texts.items():
        for target in INCLUDE.findall(text):
            if (target.startswith("core/") or "/" not in target) and Path(target).name in texts:
                edges[name, Path(target).name] = ["#include"]
    return edges


def call_edges(texts):
    """{(name of caller's file, of callee's): the calls}; a file that calls only itself has no edge."""
    where = {function: (Path(name).stem, text) for name, text in texts.items()
             for function in ledger.functions_in(text)}
    edges = {}
    for caller, (stem, text) in where.items():
        for callee in sorted(set(CALL.findall(ledger.body_of(text, caller))) & set(where)):
            if where[callee][0] != stem:
                edges.setdefault((stem, where[callee][0]), []).append(f"{caller} calls {callee}")
    return edges


def reachable(start, edges):
    seen, ahead = set(), [start]
    while ahead:
        here = ahead.pop()
        new = {b for a, b in edges if a == here} - seen
        seen |= new
        ahead += new
    return seen


def circles(edges):
    """The sets of files in which each reaches each."""
    after = {name: reachable(name, edges) for name in {a for a, _ in edges}}
    found = {frozenset(b for b in ahead if name in after.get(b, ())) for name, ahead in after.items() if name in ahead}
    return sorted(sorted(circle) for circle in found)


def problems(root=ROOT):
    """A line a circle, and a line for each edge in it."""
    texts = core_files(root)
    lines = []
    for what, edges in (("includes", include_edges(texts)), ("calls", call_edges(texts))):
        for circle in circles(edges):
            lines.append(f"kernel/core: a circle of {what}: {', '.join(circle)}")
            lines += [f"    {a} -> {b}: {'; '.join(made)}" for (a, b), made in sorted(edges.items())
                      if a in circle and b in circle]
    return lines


def main():
    found = problems(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    for line in found:
        print(line)
    print(f"{sum(not line.startswith(' ') for line in found)} circles")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
