"""Budgets, priorities, time-outs, passive servers, vector registers: apps/probe measures, this judges.
SPDX-License-Identifier: BSD-2-Clause

The machine counts instructions, one a nanosecond, so that the numbers do not depend on the host.
"""

import re

from scene import DirectMachine, equal, free_bytes

MS = 1000  # Microseconds.
BUDGET, PERIOD, SLICE = 5 * MS, 20 * MS, 2 * MS  # As in apps/probe/manifest.toml.


def measure(machine, experiment):
    """The numbers that `run probe EXPERIMENT` prints."""
    output = machine.run(f"run probe {experiment}")
    assert re.fullmatch(rf"{experiment}(?: \d+)+\n", output), output
    return [int(word) for word in output.split()[1:]]


def within(what, got, low, high):
    assert low <= got <= high, f"{what}: expected {low} to {high}, got {got}"


def budget(machine):
    """The higher priority gets its budget in every period, no more; all else is left to the lower."""
    high, low, time = measure(machine, "budget")
    share = time * BUDGET // PERIOD
    within("time used under a budget", high, share - BUDGET // 10, share + BUDGET // 10)
    within("time left to a lower priority", low, (time - share) * 99 // 100, time - high)


def priority(machine):
    high, low, time = measure(machine, "priority")
    equal("time of the lower priority", low, 0)
    within("time of the higher priority", high, time * 99 // 100, time)


def turns(machine):
    first, second, time = measure(machine, "turns")
    within("difference of two that take turns", abs(first - second), 0, SLICE)
    within("time of both", first + second, time * 99 // 100, time)


def timeouts(machine):
    """Never too early, and at most 0.1 ms late."""
    expected = {"send": 3, "call": 5, "receive": 7, "wait": 11}
    for (name, ms), got in zip(expected.items(), measure(machine, "timeouts"), strict=True):
        within(f"time-out of {name}", got, ms * MS, ms * MS + MS // 10)


def passive(machine):
    right, used, receives = measure(machine, "passive")
    equal("answers of a server without a context", right, 1000)
    equal("time that it was charged for", used, 0)
    equal("it waits for the next call", receives, 1)


def vectors(machine):
    *rounds, wrong = measure(machine, "vectors")
    equal("rounds in which a vector register changed", wrong, 0)
    for number in rounds:
        within("rounds of each of three threads", number, 10, 100_000)


def test_time():
    with DirectMachine(icount=True) as machine:
        machine.boot()
        free = free_bytes(machine)
        for experiment in (budget, priority, turns, timeouts, passive, vectors):
            experiment(machine)
        equal("free memory", free_bytes(machine), free)
        machine.halt()


def test_time_limit_of_a_program_that_never_waits():
    """`attack starve` runs for ever, and is ended by the shell's time-out of one second."""
    with DirectMachine(icount=True) as machine:
        machine.boot()
        output = machine.run("uptime; attack starve; uptime")
        before, after = (float(s) for s in re.findall(r"^up 0:00:([\d.]+)$", output, re.M))
        within("milliseconds of attack starve", round((after - before) * 1000), 999, 1100)
        machine.halt()
