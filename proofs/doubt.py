"""Proves again, without them, some of the results that are kept: scripts/prove --doubt.
SPDX-License-Identifier: BSD-2-Clause

Chosen are the results that were not kept in the version before, and of the units (a function's
goals, the lemmas of a source, the smoke tests of a module) a twentieth, by the hash of HEAD. A
changed source or contract is a changed question, which has another key: so its result is new.
Frama-C makes the questions of a unit anew, with no result at hand; the prover that is said to have
proved one is asked it again. It has the time that the module gives, and if that is not enough, five
times as much, before it counts as not proved. When the time of the whole is over, what has no answer
yet is left out.
"""

import collections
import concurrent.futures
import hashlib
import math
import os
import subprocess
import tempfile
import threading
import time
import typing
from pathlib import Path

import ledger
import provers
import results
import wp

SHARE = 20
PROVED, REFUTED, STALE, LEFT_OUT = "proved", "refuted", "stale", "left out"
PATIENCE = 5  # Times the limit, at the second try.


class Unit(typing.NamedTuple):
    """What one run of Frama-C makes the questions of, and the results to doubt of it."""
    module: str
    name: str
    new: bool
    doubted: list


class Outcome(typing.NamedTuple):
    """How many results of a unit were PROVED, REFUTED, STALE, LEFT_OUT; and what is wrong."""
    counts: collections.Counter
    problems: list
    seconds: float


def git(*words):
    """What git prints; '' where there is no git, no history or no such version."""
    done = subprocess.run(["git", "-C", str(wp.ROOT), *words], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else ""


def belief(result):
    """What is believed of a result; how long it took and what the goal is called are not."""
    return result.prover, result.verdict, result.key


def believed(since):
    """What the results of that version say."""
    names = git("ls-tree", "--name-only", since, "proofs/results/").split()
    texts = {name: git("show", f"{since}:{name}") for name in names}
    return {belief(r) for name, text in texts.items() for r in results.parse(text, name)}


def choose(kept, before, seed):
    """The units to doubt, in the order in which they are tried, from {(module, unit): results}: those
    with results that were not believed before, then a twentieth of all with their other results."""
    def rank(unit):
        return hashlib.sha256(" ".join((seed, *unit)).encode()).digest()
    ranked = sorted(kept, key=rank)
    chosen = []
    for new, units in ((True, ranked), (False, ranked[:math.ceil(len(ranked) / SHARE)])):
        for unit in units:
            doubted = [r for r in kept[unit] if (belief(r) not in before) == new]
            chosen += [Unit(*unit, new, doubted)] if doubted else []
    return chosen


def questions_of(module, unit, scratch, seconds):
    """What WP asks of a unit: (questions, exit code of Frama-C)."""
    kinds = {results.LEMMAS: lambda: wp.lemmas_of(module),
             results.SMOKE_TESTS: lambda: wp.smoke_tests_of(module, module["functions"])}
    selection = kinds.get(unit, lambda: wp.goals_of(module, [unit]))()
    code = wp.listen(wp.command(module, selection, "offline", scratch), scratch, seconds=seconds)[1]
    return results.questions(scratch / "out"), code


class Doubt:
    """One run: it ends when its time is over, but for the first result of the first unit, so that
    something is proved on any machine."""

    def __init__(self, modules, minutes):
        self.modules = modules
        self.end = time.monotonic() + 60 * minutes
        self.refuted = threading.Event()

    def left(self):
        return max(0, self.end - time.monotonic())

    def holds(self, result, question, limit, wait):
        """Does the prover say again what it is said to have said? None if it is too late to know. One
        that it does not prove at once is tried again whatever the time, unless another is refuted."""
        if results.SMOKE in result.goal:
            proved = provers.proves(question, wp.SMOKE_SECONDS, wp.SMOKE_STEPS, wait)
            return None if proved is None else not proved
        proved = provers.proves(question, limit, wait=wait)
        if proved is False and (self.left() or not self.refuted.is_set()):
            proved = provers.proves(question, PATIENCE * limit)
        return proved

    def judge(self, result, asked, limit, patient):
        """What becomes of a result; a patient one is never left out."""
        if result.key not in asked:
            return STALE
        if not patient and not self.left():
            return LEFT_OUT
        held = self.holds(result, asked[result.key], limit, None if patient else self.left())
        if held is False:
            self.refuted.set()
        return LEFT_OUT if held is None else PROVED if held else REFUTED

    def try_unit(self, unit, first):
        """Doubt a unit."""
        start, counts, problems = time.monotonic(), collections.Counter(), []
        if not first and not self.left():
            return Outcome(collections.Counter({LEFT_OUT: len(unit.doubted)}), [], 0)
        module = self.modules[unit.module]
        with tempfile.TemporaryDirectory() as scratch:
            questions, code = questions_of(module, unit.name, Path(scratch), None if first else self.left())
            asked = {question.key: question for question in questions}
            if code:
                counts[LEFT_OUT] = len(unit.doubted)
                problems += [f"Frama-C: exit code {code}"] if first or self.left() else []
            for result in [] if code else unit.doubted:
                patient = first and not counts[PROVED] + counts[REFUTED]
                became = self.judge(result, asked, wp.seconds_of(module.get("flags", [])), patient)
                counts[became] += 1
                if became == REFUTED:
                    problems.append(f"{result.goal}: {result.prover} does not say that it is "
                                    f"{result.verdict}")
        return Outcome(counts, problems, time.monotonic() - start)


def run(modules, minutes, seed, since):
    """Print what is doubted and what came of it; the exit status."""
    kept = {}
    for name, module in modules.items():
        for result in results.read(module["results"]):
            unit = results.unit_of(result.goal, module["functions"])
            if unit:  # Others: see ledger.py.
                kept.setdefault((name, unit), []).append(result)
    seed = seed or git("rev-parse", "HEAD").strip()
    units = choose(kept, believed(since), seed)
    chosen = {new: sum(len(unit.doubted) for unit in units if unit.new == new) for new in (True, False)}
    print(f"of {sum(map(len, kept.values()))} kept results {chosen[True]} are new, "
          f"{chosen[False]} of the others are chosen by {seed[:12] or 'nothing'}", flush=True)
    doubt = Doubt(modules, minutes)
    goals, smoke = collections.Counter(), collections.Counter()
    left_out, failed = collections.Counter(), False
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {pool.submit(doubt.try_unit, unit, unit is units[0]): unit for unit in units}
        for future in concurrent.futures.as_completed(runs):
            unit, (counts, problems, seconds) = runs[future], future.result()
            (smoke if unit.name == results.SMOKE_TESTS else goals).update(counts)
            left_out[unit.new] += counts[LEFT_OUT]
            failed |= bool(problems)
            tried = counts[PROVED] + counts[REFUTED]
            if tried or problems:
                print(f"{'FAIL' if problems else 'ok':4} {unit.module + ': ' + unit.name:45} "
                      f"{counts[PROVED]}/{tried} {'new' if unit.new else 'old'}  {seconds:.0f} s", flush=True)
            for problem in problems:
                print(f"     {problem}")
    print(f"left out, for want of time: {left_out[True]} of {chosen[True]} new results, "
          f"{left_out[False]} of {chosen[False]} others")
    if stale := goals[STALE] + smoke[STALE]:
        print(f"{stale} results answer no question any more: scripts/prove --update drops them")
    passed, proved = smoke[PROVED], goals[PROVED]
    tests, tried = passed + smoke[REFUTED], proved + goals[REFUTED]
    print(f"smoke tests {passed}/{tests} passed")
    print(f"goals {proved}/{tried} proved, {ledger.count(wp.ROOT)} assumptions")
    return int(failed or not tests + tried)
