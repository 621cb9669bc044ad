"""Sets up and builds; the only place that knows the build folders.
SPDX-License-Identifier: BSD-2-Clause
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
ISO = BUILD / "boot/trustos.iso"
JOBS = str(min(os.cpu_count() or 1, 8))
# For ccache, which Meson uses by itself: a copy of the project (test/system) compiles only what differs, whatever its
# folder, and no source is preprocessed for the cache alone.
os.environ |= {"CCACHE_NOHASHDIR": "1", "CCACHE_DEPEND": "1"}


def configure(folder, *options, compilers=()):
    """A Meson build folder with these options; kept as it is when it has them, made anew when it has others."""
    kept = folder / "options.txt"
    if (folder / "build.ninja").exists():
        if (kept.read_text().splitlines() if kept.exists() else []) == list(options):
            return
        shutil.rmtree(folder)
    environment = os.environ | dict(zip(("CC", "CXX"), compilers))
    done = subprocess.run(["meson", "setup", str(folder), *options], cwd=ROOT, env=environment, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(done.stdout, end="", file=sys.stderr)
        done.check_returncode()
    kept.write_text("\n".join(options))


def ninja(folder, *targets):
    """Build; prints only what tools have to say, on stderr: stdout is for answers."""
    done = subprocess.run(["ninja", "-C", str(folder), "-j", JOBS, "--quiet", *targets], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if "no work to do" not in done.stdout:
        print(done.stdout, end="", file=sys.stderr)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, ["ninja", "-C", folder.name, *targets])


def setup():
    subprocess.run([ROOT / "scripts/setup"], check=True)


def image(target="image"):
    """Packages, build folder, boot image; with "system" all that runs on the machine."""
    print("building (minutes the first time)", file=sys.stderr)
    setup()
    configure(BUILD)
    ninja(BUILD, target)
    if not ISO.exists():
        sys.exit(f"build: {ISO.relative_to(ROOT)} was not made")
