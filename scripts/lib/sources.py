"""Rules that every source file keeps: layers, licence line, format.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = {".c", ".h", ".cpp", ".hpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
LICENCE = "SPDX-License-Identifier: BSD-2-Clause"
LICENSED = CODE | {".S", ".ld", ".py", ".toml", ".cfg", ".build"}

NAMESPACE = re.compile(r"^namespace (\w+) {", re.M)
PROTOCOL = re.compile(r"^using (\w+) = sel::Protocol<", re.M)
FUZZED = re.compile(r"fuzz::(server|server_of|clients|both)<([\w:]+)>")

LISTS = {"manifest.toml", "meson.build"}  # Of a program: a few lines of data.

# Who may include whom (design: layers). Servers and apps: their own folder, servers/*/api.hpp, and
# libraries of servers (folders without a manifest); apps also apps/*/api.hpp.
LAYERS = {
    "kernel/abi": {"kernel/abi"},
    "kernel/spec": {"kernel/abi", "kernel/core", "kernel/spec"},
    "kernel/core": {"kernel/abi", "kernel/core", "kernel/spec"},
    "kernel/arch": {"kernel/abi", "kernel/core", "kernel/arch"},
    "libsel": {"kernel/abi", "libsel"},
    "servers": {"kernel/abi", "libsel"},
    "apps": {"kernel/abi", "libsel"},
}
STANDARD = {"kernel/abi": {"stdint.h"}, "kernel/spec": set(), "kernel/core": {"stdint.h", "stddef.h"}}
SEARCHED = ["", "kernel", "libsel/include", "servers", "apps"]


def files():
    """Every file of the project that is not ignored."""
    listing = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    return [path for path in map(Path, listing.splitlines()) if (ROOT / path).is_file()]


def layer_of(path):
    parts = path.parts
    return "/".join(parts[:2]) if parts[0] == "kernel" else parts[0]


def resolve(path, name, quoted):
    """The project's file that `#include name` in `path` means, or None."""
    places = ([path.parent] if quoted else []) + [Path(place) for place in SEARCHED]
    for place in places:
        target = (ROOT / place / name).resolve()
        if target.is_file() and target.is_relative_to(ROOT):
            return target.relative_to(ROOT)
    return None


def include_problem(path, name, quoted):
    layer = layer_of(path)
    target = resolve(path, name, quoted)
    if target is None:
        allowed = STANDARD.get(layer)
        return f"{layer} may not include <{name}>" if allowed is not None and name not in allowed else None
    if layer_of(target) in LAYERS[layer]:
        return None
    if layer in ("servers", "apps"):
        own = target.parts[:2] == path.parts[:2]
        api = target.parts[0] in ("servers", layer) and target.name == "api.hpp"
        library = target.parts[0] == "servers" and not (ROOT / target.parent / "manifest.toml").exists()
        return None if own or api or library else f"{layer} may include of others only api.hpp, not {target}"
    return f"{layer} may not include {target}"


def layer_problems():
    problems = []
    for path in files():
        if path.suffix not in CODE or layer_of(path) not in LAYERS:
            continue
        for mark, name in INCLUDE.findall((ROOT / path).read_text()):
            problem = include_problem(path, name, mark == '"')
            problems += [f"{path}: {problem}"] if problem else []
    return problems


def licence_problems():
    problems = []
    for path in files():
        text = (ROOT / path).read_bytes()[:1000].decode("utf-8", "replace")
        if len(path.parts) == 3 and path.parts[0] in ("servers", "apps") and path.name in LISTS:
            continue
        if path.suffix not in LICENSED and path.name != "meson.build" and not text.startswith("#!"):
            continue
        head = text.splitlines()[:6]
        if not any(LICENCE in line for line in head):
            problems.append(f"{path}: no line `{LICENCE}` at the top")
        if path.suffix in CODE and not re.match(r"(//|/\*) \S", head[0] if head else ""):
            problems.append(f"{path}: line 1 is not a comment that says what the file is")
    return problems


def format_problems():
    sources = [str(path) for path in files() if path.suffix in CODE]
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *sources], cwd=ROOT, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = re.findall(r"^(\S+?):(\d+):\d+: error", done.stdout, re.M)
    first = {}
    for path, line in found:
        first.setdefault(path, line)
    problems = [f"{path}:{line}: not formatted (clang-format -i {path})" for path, line in first.items()]
    return problems or ([done.stdout[-2000:]] if done.returncode else [])


def protocol_problems(root=ROOT):
    """Protocols without random messages to a server and random answers to its clients (libsel/test/fuzz.hpp)."""
    protocols, spaces, fuzzed = {}, {}, set()
    for api in sorted(root.glob("servers/*/api.hpp")):
        text = api.read_text()
        spaces[api.parent] = space = NAMESPACE.search(text)[1]
        protocols |= {f"{space}::{name}": api.relative_to(root) for name in PROTOCOL.findall(text)}
    for test in root.glob("servers/*/*_test.cpp"):
        for side, name in FUZZED.findall(test.read_text()):  # In its own folder a namespace may be left out.
            full = name if "::" in name else f"{spaces.get(test.parent)}::{name}"
            fuzzed |= {(one, full) for one in (("server", "client") if side == "both" else (side[:6],))}
    return [f"{api}: {name} has no fuzz test of its {side}s"
            for name, api in protocols.items() for side in ("server", "client") if (side, name) not in fuzzed]
