"""Gets the Debian source packages that subprojects/packagefiles names, verified, into subprojects.
SPDX-License-Identifier: BSD-2-Clause

usage: fetch_source.py [--check]     --check: get nothing; name what is missing and exit 1

A temporary list is derived from the machine's own package lists (the same archive and keyring, as
deb-src, of the suite that source.toml names), kept apart from the machine's. The .dsc must have the
pinned SHA-256; it holds the hashes of all else, and dpkg-source checks them. Our patches beside
source.toml are applied. What is there already is left alone, without touching the network; what was
downloaded stays in packagecache.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

SUBPROJECTS = Path(__file__).resolve().parents[2] / "subprojects"
CACHE = SUBPROJECTS / "packagecache"
STAMP = ".source"  # In a subproject that is complete: the hash of all that it is made of.
LINE = re.compile(r"^deb(?:-src)?\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$")


class Missing(Exception):
    """A source package could not be had; the text says why."""


def codename():
    found = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)
    return found[1] if found else ""


def own_archives():
    """(options, address, keyring) of each archive that this machine's Debian comes from."""
    names = {codename(), "stable"}
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for place in places:
        text = place.read_text() if place.is_file() else ""
        if place.suffix == ".list":
            for options, address, suite, parts in filter(None, map(one_line, text.splitlines())):
                if suite in names and "main" in parts.split():
                    yield options, address
        elif place.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", text):
                field = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", stanza, re.M))
                if names & set(field.get("Suites", "").split()) and "main" in field.get("Components", "").split():
                    key = field.get("Signed-By", "")
                    for address in field.get("URIs", "").split():
                        yield f"[signed-by={key}] " if key.startswith("/") else "", address


def one_line(line):
    found = LINE.match(line.strip())
    return (found[1] or "", found[2], found[3], found[4]) if found else None


def run(words, folder):
    done = subprocess.run(list(map(str, words)), cwd=folder, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def download(name, source, folder):
    """The pinned .dsc of a source package, with its files, into CACHE."""
    own = folder / "own.list"
    lines = [f"deb-src {options}{address} {source['suite']} main" for options, address in own_archives()]
    if not lines:
        raise Missing("this machine's package lists name no Debian archive")
    own.write_text("\n".join(sorted(set(lines))) + "\n")
    (folder / "lists/partial").mkdir(parents=True)
    apt = ["apt-get", "-q", "-o", f"Dir::Etc::sourcelist={own}", "-o", "Dir::Etc::sourceparts=-",
           "-o", f"Dir::State::Lists={folder / 'lists'}", "-o", f"Dir::Cache={folder}",
           "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2"]
    said = run([*apt, "update"], folder)[1]
    code, more = run([*apt, "source", "--download-only", f"{name}={source['version']}"], folder)
    if code:
        raise Missing(f"apt-get source failed:\n{said}{more}")
    if pinned_dsc(name, source, folder) is None:
        raise Missing("the .dsc is not the pinned one")
    CACHE.mkdir(exist_ok=True)
    for file in folder.glob(f"{name}_*"):
        shutil.copyfile(file, CACHE / file.name)


def pinned_dsc(name, source, folder):
    for dsc in folder.glob(f"{name}_*.dsc"):
        if hashlib.sha256(dsc.read_bytes()).hexdigest() == source["dsc"]:
            return dsc
    return None


def unpack(name, source, patches, target):
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if pinned_dsc(name, source, CACHE) is None:
            print(f"setup: getting the Debian source package {name} {source['version']}")
            download(name, source, folder)
        tree = folder / "tree"
        steps = [["dpkg-source", "--no-check", "-x", pinned_dsc(name, source, CACHE), tree],
                 *(["patch", "-d", tree, "-p1", "-i", patch] for patch in patches)]
        for step in steps:
            code, said = run(step, folder)
            if code:
                raise Missing(f"{step[0]} failed:\n{said}")
        shutil.rmtree(target, ignore_errors=True)
        for part in source["keep"]:
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.move(tree / part, target / part)


def stamp_of(packaging, patches):
    return hashlib.sha256(b"".join(file.read_bytes() for file in [packaging, *patches])).hexdigest()


def copy_build_file(own, target):
    """Our meson.build beside the sources; touched only when it differs."""
    if not target.is_file() or target.read_bytes() != own.read_bytes():
        shutil.copyfile(own, target)


def main():
    missing = 0
    for packaging in sorted((SUBPROJECTS / "packagefiles").glob("*/source.toml")):
        name = packaging.parent.name
        source = tomllib.loads(packaging.read_text())
        patches = sorted(packaging.parent.glob("*.patch"))
        target = SUBPROJECTS / name
        stamp = stamp_of(packaging, patches)
        try:
            if not (target / STAMP).is_file() or (target / STAMP).read_text() != stamp:
                if "--check" in sys.argv[1:]:
                    raise Missing("not fetched yet")
                unpack(name, source, patches, target)
                (target / STAMP).write_text(stamp)
            copy_build_file(packaging.parent / "meson.build", target / "meson.build")
        except (Missing, OSError) as error:
            print(f"setup: could not get the Debian source package {name} {source['version']} "
                  f"({source['suite']}): {error}", file=sys.stderr)
            missing = 1
    return missing


if __name__ == "__main__":
    sys.exit(main())
