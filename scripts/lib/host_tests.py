"""Runs the host test programs of a build folder and counts their cases.
SPDX-License-Identifier: BSD-2-Clause

As many at a time as there are processors: nearly all have one thread. Those that may take longest start
first. What a program says is printed as a whole when it ends.
"""

import json
import os
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import build

PATIENCE = 10  # A test that takes so many times its limit hangs: sanitizers and a busy machine are slow.


def counted(code, output):
    """(passed, failed, remark) from how a program ended and what Catch2 or Python's unittest printed."""
    catch = re.search(r"All tests passed \((.*) in (\d+) test cases?\)", output)
    catch_failed = re.search(r"^test cases:\s*(\d+) \|.*?(?:(\d+) failed)", output, re.M)
    python = re.search(r"^Ran (\d+) tests? in", output, re.M)
    if catch and code == 0:
        return int(catch[2]), 0, catch[1]
    if catch_failed:
        return int(catch_failed[1]) - int(catch_failed[2]), int(catch_failed[2]), ""
    if python and code == 0:
        return int(python[1]), 0, "unittest"
    return 0, 1, "it crashed, failed, or ran nothing"


def run(program):
    """Run one program: (its name, exit status, seconds, what it printed)."""
    start = time.monotonic()
    limit = PATIENCE * program["timeout"]
    try:
        done = subprocess.run(program["cmd"], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=limit, cwd=program["workdir"],
                              env=os.environ | program["env"] | {"UBSAN_OPTIONS": "print_stacktrace=1"})
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        code, output = -1, f"stopped after the limit of {limit} s\n"
    return program["name"], code, time.monotonic() - start, output


def run_all(folder, compiled_only=False):
    """Run every host test program of a build folder: the sums (passed, failed) of their cases."""
    programs = json.loads(subprocess.run(["meson", "introspect", "--tests", folder], check=True,
                                         stdout=subprocess.PIPE, text=True).stdout)
    if compiled_only:
        programs = [program for program in programs if Path(program["cmd"][0]).is_relative_to(folder)]
    passed = failed = 0
    with ThreadPoolExecutor(int(build.JOBS)) as pool:
        order = sorted(programs, key=lambda program: -program["timeout"])
        for ended in as_completed([pool.submit(run, program) for program in order]):
            name, code, seconds, output = ended.result()
            good, bad, remark = counted(code, output)
            passed, failed = passed + good, failed + bad
            print(f"    {name:28} {good} cases passed, {bad} failed ({remark})  {seconds:.1f} s", flush=True)
            for line in re.findall(r"^[\w ]+: \d+ of \d+ .*$", output, re.M):  # What a test counted.
                print("       ", line)
            if bad:
                print(output[-6000:])
    return passed, failed
