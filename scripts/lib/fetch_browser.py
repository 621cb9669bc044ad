"""Gets what drives the browser in tests: npm's playwright-core, pinned, into subprojects/playwright-core.
SPDX-License-Identifier: BSD-2-Clause

usage: fetch_browser.py [--check]     --check: get nothing; name what is missing and exit 1

What is there already is left alone, without touching the network. The package brings no browser: that is Debian's.
"""

import base64
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NAME, VERSION = "playwright-core", "1.60.0"
INTEGRITY = "9bW6zvX/m0lEbgTKJ6YppOKx8H3VOPBMOCFh2irXFOT4BbHgrx5hPjwJYLT40Lu+4qtD36qKc/Hn56StUW57IA=="  # SHA-512.
PLACE = Path(__file__).resolve().parents[2] / "subprojects" / NAME
STAMP = PLACE / ".source"


def is_there():
    return STAMP.is_file() and STAMP.read_text() == INTEGRITY


def fetch():
    """The unpacked package in PLACE; ValueError says why not."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["npm", "pack", "--silent", "--ignore-scripts", f"{NAME}@{VERSION}"], cwd=folder, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        files = list(Path(folder).glob("*.tgz"))
        if done.returncode or len(files) != 1:
            raise ValueError(f"npm could not get it: {done.stderr.strip()[-500:]}")
        got = base64.b64encode(hashlib.sha512(files[0].read_bytes()).digest()).decode()
        if got != INTEGRITY:
            raise ValueError(f"its SHA-512 is {got}, expected {INTEGRITY}")
        with tarfile.open(files[0]) as archive:
            archive.extractall(folder)  # Of which each byte is known by its hash.
        shutil.rmtree(PLACE, ignore_errors=True)
        shutil.copytree(Path(folder) / "package", PLACE)
    STAMP.write_text(INTEGRITY)


def main():
    if is_there():
        return 0
    if "--check" in sys.argv:
        print(f"setup: could not get: npm's {NAME} {VERSION}", file=sys.stderr)
        return 1
    print(f"setup: getting npm's {NAME} {VERSION}")
    try:
        fetch()
    except (OSError, ValueError) as error:
        print(f"setup: {NAME} {VERSION}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
