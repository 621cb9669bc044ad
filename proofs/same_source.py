#!/usr/bin/env python3
"""Checks that the C that is proved is the C that is compiled into the kernel.
SPDX-License-Identifier: BSD-2-Clause
usage: same_source.py BUILD-FOLDER

Both are preprocessed as they are for the compiler (the command in compile_commands.json) and for
Frama-C, but with view.h left out, so that its macros stay as they are written: then the text of
every file of kernel/core and kernel/abi must be the same in both. view.h, the one header that
differs, must define the same views in both its branches.
"""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UNIT = "kernel/arch/x86_64/core_unit.c"
WITHOUT_VIEW = ["-DCORE_VIEW_H", "-include", "core/objects.h"]
FRAMA_C = ["gcc", "-E", "-C", "-I.", "-D__FRAMAC__", "-D__FC_MACHDEP_X86_64", "-nostdinc", "-m64", "-Ikernel"]
MARKER = re.compile(r'^# \d+ "([^"]*)"')
# What only one branch of view.h defines: sizes for the prover, addresses for the kernel.
ONE_SIDED = {"INDEX_COUNT", "PHYSICAL_WORDS", "CORE_WINDOW", "PHYSICAL_WINDOW", "VIEW"}


def preprocess(command, folder):
    """{file: lines that reach the compiler from it} for the files of the core and the ABI."""
    done = subprocess.run(command, cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    if done.returncode:
        sys.exit(f"same_source: {' '.join(command)}\n{done.stderr}")
    text, name = {}, None
    for line in done.stdout.splitlines():
        if marker := MARKER.match(line):
            path = (Path(folder) / marker[1]).resolve()
            inside = path.is_relative_to(ROOT / "kernel/core") or path.is_relative_to(ROOT / "kernel/abi")
            name = str(path.relative_to(ROOT)) if inside else None
        elif name and line.strip():
            text.setdefault(name, []).append(" ".join(line.split()))
    return text


def compiled(build):
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        if (Path(entry["directory"]) / entry["file"]).resolve() == ROOT / UNIT:
            break
    else:
        sys.exit(f"same_source: the build has no {UNIT}")
    kept = [word for position, word in enumerate(words)
            if word not in ("-c", "-MD", "-o", "-MQ", "-MF") and words[position - 1] not in ("-o", "-MQ", "-MF")]
    return preprocess([*kept, *WITHOUT_VIEW, "-E"], entry["directory"])


def without_comments(lines):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", " ", "\n".join(lines), flags=re.S)
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def proved(source):
    path = subprocess.run(["frama-c", "-print-share-path"], check=False, stdout=subprocess.PIPE, text=True)
    share = path.stdout.strip()
    return preprocess([*FRAMA_C, f"-I{share}/libc", *WITHOUT_VIEW, source], ROOT)


def view_problems():
    text = (ROOT / "kernel/core/view.h").read_text()
    branches = re.search(r"#ifdef __FRAMAC__(.*?)\n#else(.*)\n#endif\n(?=.*TCB_SLOT_INDEX)", text, re.S)
    if not branches:
        return ["kernel/core/view.h: expected one #ifdef __FRAMAC__ ... #else ... #endif"]
    proof, kernel = (set(re.findall(r"#define (\w+)", part)) - ONE_SIDED for part in branches.groups())
    problems = [f"view.h: {name} is defined in one branch only" for name in proof ^ kernel]
    for path in [*ROOT.glob("kernel/core/*.[ch]"), *ROOT.glob("kernel/abi/*.h")]:
        if path.name != "view.h" and re.search(r"\b(__FRAMAC__|CORE_VIEW_H)\b", path.read_text()):
            problems.append(f"{path.name}: only view.h may differ between proof and kernel")
    return problems


def main():
    kernel = compiled(Path(sys.argv[1]).resolve())
    kernel = {name: without_comments(lines) for name, lines in kernel.items()}
    with open(ROOT / "proofs/modules.toml", "rb") as file:
        listed = {module["source"] for module in tomllib.load(file).values()}
    sources = sorted({str(p.relative_to(ROOT)) for p in ROOT.glob("kernel/core/*.c")} | listed)
    problems, compared = view_problems(), set()
    for source in sources:
        for name, lines in proved(source).items():
            mine = without_comments(lines)
            if not mine or name in compared:
                continue
            compared.add(name)
            if name not in kernel:
                problems.append(f"{name}: not part of {UNIT}")
            elif kernel[name] != mine:
                where = next((a for a, b in zip(mine, kernel[name]) if a != b), "length differs")
                problems.append(f"{name}: not compiled as it is proved ({where})")
    for problem in problems:
        print(problem)
    print(f"{len(compared)} files compared, {len(problems)} problems")
    return int(bool(problems) or not compared)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main())
