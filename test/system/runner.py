#!/usr/bin/env python3
"""Runs the QEMU scenarios: every function `test_*` of test/system/test_*.py, each in a process of its own.
SPDX-License-Identifier: BSD-2-Clause

A scenario passes if its function returns. It may take LIMIT seconds, or what its attribute
`limit` says. Set-up and build come first (scripts/run does the same).
"""

import argparse
import concurrent.futures
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "scripts/lib")]
LIMIT = 120


def load(path):
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def scenarios(wanted):
    """[(file, function name, time limit)] of the scenarios whose name contains one of `wanted`."""
    found = []
    for path in sorted(HERE.glob("test_*.py")):
        for name, function in vars(load(path)).items():
            title = f"{path.stem[5:]}.{name[5:]}"
            if name.startswith("test_") and callable(function):
                if not wanted or any(part in title for part in wanted):
                    found.append((title, path, name, getattr(function, "limit", LIMIT)))
    return found


def run(scenario):
    """Run one scenario in a process group of its own: (passed, seconds, output)."""
    _, path, name, limit = scenario
    start = time.monotonic()
    child = subprocess.Popen([sys.executable, __file__, "--one", path, name], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        output, _ = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        output = child.communicate()[0] + f"\nstopped after the limit of {limit} s"
    return child.returncode == 0, time.monotonic() - start, output


def main():
    parser = argparse.ArgumentParser(prog="test/system/runner.py", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only scenarios whose name contains one of these")
    parser.add_argument("--list", action="store_true", help="name the scenarios, run nothing")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="machines at a time (default 2)")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        getattr(load(Path(options.one[0])), options.one[1])()
        return 0
    chosen = scenarios(options.names)
    if options.list:
        print("\n".join(title for title, *_ in chosen))
        return 0
    chosen.sort(key=lambda scenario: -scenario[3])  # Those that may take longest first: none of them runs on alone.
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for scenario, (passed, seconds, output) in zip(chosen, pool.map(run, chosen)):
            print(f"{'PASS' if passed else 'FAIL'}  {scenario[0]:40} {seconds:6.1f} s", flush=True)
            if not passed:
                failed += 1
                print("      " + output.strip().replace("\n", "\n      "), flush=True)
    print(f"scenarios: {len(chosen) - failed} passed, {failed} failed")
    return int(failed > 0 or not chosen)


if __name__ == "__main__":
    sys.exit(main())
