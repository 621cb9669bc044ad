"""Results of the provers that are kept, so that no proof need be found again: results/MODULE.txt.
SPDX-License-Identifier: BSD-2-Clause

A line a result, sorted: GOAL PROVER VERDICT SECONDS STEPS KEY, with - for what the prover did not
say. GOAL is named as Frama-C prints it, without typed_, and without the number of its statement if it
is a smoke test: that changes with every statement before. KEY is the MD5 sum of the question that the
prover was asked, by which WP finds its answer again. WP keeps a file KEY.json for each: unpack()
makes that folder, answered() reads it back. One valid result is kept of a goal, and what the prover
said of a smoke test, which passes because it is not proved.
"""

import hashlib
import re
import typing

SMOKE = "_wp_smoke_"
LEMMA = "lemma_"
SMOKE_TESTS = "smoke tests"
LEMMAS = "lemmas"
VALID = "valid"
ANSWER = re.compile(r'"(prover|verdict|time|steps)":\s*"?([^",}\s]+)')
QUESTION = re.compile(rb"\(\* WP Task for Prover ([^,]+),(\S+) \*\)\n")
STATEMENT = re.compile(rf"({SMOKE}\w*)_s\d+$")
LINE = re.compile(r"\S+ [\w.-]+:[\w.-]+ [a-z]+ (?:\d+\.\d*|-) (?:\d+|-) [0-9a-f]{32}")


class Result(typing.NamedTuple):
    """What a prover said of a goal; times and steps as they were written."""
    goal: str
    prover: str
    verdict: str
    seconds: str
    steps: str
    key: str


class Question(typing.NamedTuple):
    """What WP asks a prover about a goal, and the file that holds it."""
    goal: str
    prover: str
    key: str
    path: object


def unit_of(goal, functions):
    """What a goal is proved with: the smoke tests of a module, the lemmas of a source, or one of these
    functions; None if it is of none of these."""
    if SMOKE in goal:
        return SMOKE_TESTS
    if goal.startswith(LEMMA):
        return LEMMAS
    return max((f for f in functions if goal.startswith(f"{f}_")), key=len, default=None)


def parse(text, name):
    """The results of a file's text; ValueError if a line of it is not one."""
    for number, line in enumerate(text.splitlines(), 1):
        if not LINE.fullmatch(line):
            raise ValueError(f"{name}:{number}: not a result: {line[:80]}")
    return [Result(*line.split(" ")) for line in text.splitlines()]


def read(path):
    return parse(path.read_text(), path.name) if path.exists() else []


def write(path, results):
    """Write the file of a module; nothing kept, no file."""
    if results:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(" ".join(result) + "\n" for result in sorted(set(results))))
    else:
        path.unlink(missing_ok=True)


def unpack(results, folder):
    """Make the folder of answers that WP reads."""
    folder.mkdir()
    for result in results:
        said = [f'"prover": "{result.prover}"', f'"verdict": "{result.verdict}"']
        said += [f'"time": {result.seconds}'] if result.seconds != "-" else []
        said += [f'"steps": {result.steps}'] if result.steps != "-" else []
        (folder / f"{result.key}.json").write_text("{ " + ", ".join(said) + " }\n")


def questions(out):
    """What WP wrote into -wp-out: each question that a prover or the kept results were asked."""
    found = []
    for path in sorted(out.glob("**/*.why")):
        text = path.read_bytes()
        head = QUESTION.match(text)
        if not head:  # Frama-C was ended while it wrote.
            continue
        prover, version = (word.decode() for word in head.groups())
        suffix = f"_Why3_{prover}_{version.replace('.', '_')}"
        goal = STATEMENT.sub(r"\1", path.stem.removesuffix(suffix))
        found.append(Question(goal, f"{prover}:{version}", hashlib.md5(text).hexdigest(), path))
    return found


def answered(asked, folder):
    """The results of those questions that WP has an answer to in its folder."""
    found = []
    for question in asked:
        path = folder / f"{question.key}.json"
        if path.exists():
            said = dict(ANSWER.findall(path.read_text()))
            found.append(Result(question.goal, said["prover"], said["verdict"],
                                said.get("time", "-"), said.get("steps", "-"), question.key))
    return found


def worth_keeping(found, before):
    """Of each goal the valid result that was kept before, or the quickest; of a smoke test what did
    not prove it."""
    before = set(before)
    best, kept = {}, []
    for result in found:
        if SMOKE in result.goal:
            kept += [result] if result.verdict != VALID else []
        elif result.verdict == VALID:
            rank = (result not in before, float(result.seconds), result.prover)
            best[result.goal] = min(best.get(result.goal, (rank, result)), (rank, result))
    return sorted([*kept, *(result for _, result in best.values())])


def misplaced(found, kept, functions):
    """Goals that were answered by a result which is kept as one of another function."""
    places = {(unit_of(result.goal, functions), result.key) for result in kept}
    right = {r.goal for r in found if (unit_of(r.goal, functions), r.key) in places}
    return [f"{goal}: its result is kept as another function's (--update puts it right)"
            for goal in sorted({r.goal for r in found} - right)]


def replaced(before, runs, functions, has_lemmas):
    """The results of a module after an update: {unit: results} of what was run, the rest as before,
    nothing that belongs to no unit of the module."""
    units = {*functions, SMOKE_TESTS, *([LEMMAS] if has_lemmas else [])}
    left = [result for result in before if unit_of(result.goal, functions) in units - runs.keys()]
    return left + [result for found in runs.values() for result in found]
