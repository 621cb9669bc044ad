"""Modules that are as they were when every goal and smoke test of them was answered: seals.txt.
SPDX-License-Identifier: BSD-2-Clause

A line `MODULE SHA256`. Summed up is all that a run of Frama-C on the module depends on: its source as Frama-C reads it
(with headers and annotations, without comments), its functions and flags, wp.py, the version of Frama-C, and what is
kept of its provers. `scripts/prove --update` seals a module all of whose runs passed. `--changed` makes the questions
of those alone that are not as they were sealed, and of some others: a seal is believed like a kept result.
"""

import fcntl
import hashlib
import math
import subprocess
import tempfile
from pathlib import Path

import wp

SEALS = wp.ROOT / "proofs/seals.txt"
SHARE = 6  # One module in so many is looked at in spite of its seal.


def parsed(source):
    """What Frama-C makes of a source before it proves anything; None if it can't read it."""
    with tempfile.TemporaryDirectory() as scratch:
        code = Path(scratch) / "code.c"
        words = ["frama-c", *wp.PARSE_FLAGS, "-print", "-ocode", str(code), str(wp.ROOT / source)]
        done = subprocess.run(words, check=False, capture_output=True, cwd=wp.ROOT)
        return code.read_bytes() if done.returncode == 0 and code.exists() else None


def version():
    return subprocess.run(["frama-c", "-version"], check=True, capture_output=True).stdout


class Sums:
    """What modules sum up to now; each source is read once."""

    def __init__(self):
        self.common = version() + (wp.ROOT / "proofs/wp.py").read_bytes()
        self.sources = {}

    def of(self, module):
        """The sum of a module, or None: it can't be sealed."""
        source = module["source"]
        if source not in self.sources:
            self.sources[source] = parsed(source)
        if self.sources[source] is None or not module["results"].exists():
            return None
        parts = [self.common, self.sources[source], repr((source, module["functions"], module.get("flags"))).encode(),
                 module["results"].read_bytes()]
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def read():
    """{module: its sum when it was sealed}."""
    return dict(line.split(" ") for line in SEALS.read_text().splitlines()) if SEALS.exists() else {}


def write(modules, passed, failed):
    """Seal these modules, by name, as they are now; take the seals off those, and off what is no module any more."""
    sums = Sums()
    now = {name: value for name in passed if (value := sums.of(modules[name]))}
    with open(wp.ROOT / "proofs/modules.toml", "rb") as lock:  # Runs of other modules may end at the same time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = {name: value for name, value in read().items() if name in modules and name not in failed} | now
        SEALS.write_text("".join(f"{name} {value}\n" for name, value in sorted(kept.items())))


def intact(modules):
    """The names of the modules that are as they were sealed."""
    sealed, sums = read(), Sums()
    return {name for name, module in modules.items() if name in sealed and sums.of(module) == sealed[name]}


def chosen(names, seed):
    """Of these names those that are looked at in spite of their seals."""
    ranked = sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    return set(ranked[:math.ceil(len(ranked) / SHARE)])
