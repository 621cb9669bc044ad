#!/usr/bin/env python3
"""What test_stuck.py and test_regions.py sample, as often as one likes: `campaign.py WHAT [TIMES] [SEED]`. Exits 0 if nothing was lost.
SPDX-License-Identifier: BSD-2-Clause

  supervisor 100   the supervisor faults so often
  lies 8           each server lies, so many seeds
  recovery 38      each server faults so often: time until its next life has answered
  busy 38          the same while files are used all the time
  flips 1000       so many bits of servers' memory are flipped
  regions 1000     a client takes back what it has lent to each driver so often, and ends with requests in flight
  windows 1000     the same with each file system
"""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "scripts/lib")]

from stuck import SECOND, USE, Flips, lies, open_machine, recovery, supervisor_faults  # noqa: E402
from test_regions import (  # noqa: E402
    DEVICES, FOLDERS, LIFE, hostile, hostile_beside_files, hostile_with_files, hostile_with_files_beside, machine_with,
    machine_with_files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("supervisor", "lies", "recovery", "busy", "flips", "regions", "windows"))
    parser.add_argument("times", nargs="?", type=int, default=8)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    options = parser.parse_args()
    if options.what == "supervisor":
        with open_machine(disk=False) as machine:
            supervisor_faults(machine, options.times)
        print(f"supervisor: {options.times} faults, all programs as before")
    elif options.what == "lies":
        for server in (*USE, *SECOND):
            told = lies(server, range(options.seed, options.seed + options.times))
            print(f"lies: {server} told {told} with {options.times} seeds", flush=True)
    elif options.what == "regions":
        for driver in DEVICES:
            with machine_with(driver) as machine:
                for life in range(-(-options.times // LIFE)):
                    hostile(machine, driver, LIFE, options.seed + life)
                    if life % LIFE == 0:
                        hostile_beside_files(machine, driver, options.seed + life)
            print(f"regions: {driver}: {options.times} times, all as before", flush=True)
    elif options.what == "windows":
        for folder in FOLDERS:
            with machine_with_files() as machine:
                for life in range(-(-options.times // LIFE)):
                    hostile_with_files(machine, folder, LIFE, options.seed + life)
                    if life % LIFE == 0 and folder != FOLDERS[-1]:
                        hostile_with_files_beside(machine, folder, options.seed + life)
            print(f"windows: {folder}: {options.times} times, all as before", flush=True)
    elif options.what in ("recovery", "busy"):
        return 0 if recovery(options.times, busy=options.what == "busy") else 1
    else:
        return 0 if Flips(options.seed).run(options.times) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
