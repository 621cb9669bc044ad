"""Runs clang-tidy over our translation units: each once, as the system compiles it, the longest first.
SPDX-License-Identifier: BSD-2-Clause

A unit that host tests compile too stands several times in a compilation database, and run-clang-tidy
looks at it so many times. Findings are those of the unit's own text, which does not depend on who
compiles it: what only host tests see (SEL_HOST) stands in headers.
"""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import build

ROOT = build.ROOT


def units(folder):
    """{our unit: how to compile it} of a build folder; freestanding where both ways exist."""
    found = {}
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        path = (Path(entry["directory"]) / entry["file"]).resolve()
        ours = path.suffix in (".c", ".cpp") and "_test." not in path.name
        if not ours or {"subprojects", "test"} & set(path.relative_to(ROOT).parts):
            continue
        if path not in found or "-ffreestanding" in entry["command"]:
            found[path] = entry
    return found


def problems(folder):
    """Look at every unit of this clang build folder: (how many they are, what clang-tidy said of the bad ones)."""
    todo = units(folder)
    database = folder / "tidy"
    database.mkdir(exist_ok=True)
    (database / "compile_commands.json").write_text(json.dumps(list(todo.values()), indent=1))

    def look(path):
        done = subprocess.run(["clang-tidy", "-quiet", "-p", database, path], cwd=ROOT, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return (done.stdout or f"{path}: exit status {done.returncode}") if done.returncode else None

    with ThreadPoolExecutor(int(build.JOBS)) as pool:
        said = list(pool.map(look, sorted(todo, key=lambda path: -path.stat().st_size)))
    return len(todo), [text for text in said if text]
