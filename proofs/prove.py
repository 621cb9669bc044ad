#!/usr/bin/env python3
"""Proves the contracts of the core with Frama-C/WP and checks that nothing is taken on trust in silence.
SPDX-License-Identifier: BSD-2-Clause

For each module of modules.toml: all goals of its functions with run-time-error checks, then its
lemmas in a run of their own (-wp-fct leaves them out, yet every goal assumes them). A module fails
unless every property of its functions is Valid, no warning was printed, and whatever its functions
call is proved in another module or named in ASSUMED.md. Then its smoke tests: from what a function
requires, and from what holds at each of its branches, calls and loops, a prover tries to prove false;
where it can, the contracts contradict each other and prove nothing.
"""

import argparse
import concurrent.futures
import csv
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import ledger

ROOT = Path(__file__).resolve().parent.parent
BASE_FLAGS = [
    "-c11", "-machdep", "x86_64", f"-cpp-extra-args=-I{ROOT}/kernel",
    "-wp", "-wp-rte", "-warn-unsigned-overflow", "-wp-model", "Typed", "-wp-check-memory-model",
    "-wp-timeout", "15", "-wp-par", "2",
]
PROVERS = ["-wp-prover", "z3,cvc5,cvc4"]
# One prover, and its steps counted, so that a busy machine tests as much. Smoke tests are in no category;
# with none left in (exits: trivial) a function that requires nothing would be left out.
CATEGORIES = ("lemma requires assigns ensures assert invariant variant breaks continues returns "
              "complete_behaviors disjoint_behaviors terminates decreases check").split()
SMOKE = ["-wp-smoke-tests", "-wp-prop=" + ",".join(f"-@{category}" for category in CATEGORIES),
         "-wp-prover", "z3", "-wp-steps", "1000000", "-wp-smoke-timeout", "5"]
# A third of Frama-C's time goes to its collector and to waiting 50 ms for each goal, even one that needs no prover:
# give it a larger young generation, and with --cached two runs a processor.
OCAML = "s=8M,o=200"
# cvc5 is not among the provers that why3 finds by itself.
WHY3_CONF = """[main]
magic = 14
memlimit = 2000
running_provers_max = 2
timelimit = 15

[partial_prover]
name = "CVC4"
path = "/usr/bin/cvc4"
version = "1.8"

[partial_prover]
name = "Z3"
path = "/usr/bin/z3"
version = "4.8.12"

[prover]
command = "/usr/bin/cvc5 --stats-internal --tlimit=%t000 --lang=smt2 %f"
command_steps = "/usr/bin/cvc5 --stats-internal --rlimit=%S --lang=smt2 %f"
driver = "cvc4_16"
editor = ""
in_place = false
interactive = false
name = "CVC5"
shortcut = "cvc5"
version = "1.0.3"
"""
UNPROVED = re.compile(r"\[wp\] \[(Failed|Timeout|Unknown|Stepout|Doomed)\]")
SHOWN = 20  # Problems of a run that are printed without -v.
GOAL = re.compile(r"\[wp\] \[(\w[^\]]*)\] (Goal|Smoke-test) (\S+)")
WARNING = re.compile(r"Warning|User Error|annot-error|Missing|Ignoring|Degenerated")
# Harmless unless a proved function calls it: see unspecified().
NO_CONTRACT = re.compile(r"Warning:\s+Neither code nor specification for function (\w+)")
HARMLESS = re.compile(r"^\[wp\] Warning: (Missing RTE guards|-wp-check-memory-model)$")


def listen(command, conf, first):
    """Run Frama-C: (what it printed, exit code). With `first`, end it at the first unproved goal. It takes relative
    names from PWD, which is where the caller stands, not from the folder that it runs in."""
    log = []
    environment = os.environ | {"WHY3CONFIG": str(conf), "OCAMLRUNPARAM": OCAML, "PWD": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as process:
        for line in process.stdout:
            log.append(line)
            if first and UNPROVED.search(line):
                os.killpg(process.pid, signal.SIGKILL)
                break
    return "".join(log), process.returncode


class Run:
    """One run of Frama-C: goals or smoke tests with their outcome, warnings, and the status of every property."""

    def __init__(self, options, source, selection, kind="goals"):
        self.kind = kind
        with tempfile.TemporaryDirectory() as scratch:
            conf = Path(scratch) / "why3.conf"
            conf.write_text(WHY3_CONF)
            table = Path(scratch) / "report.csv"
            cache = ["-wp-cache", options.cache, "-wp-cache-dir", "proofs/cache"]
            limit = ["-wp-timeout", str(options.timeout)] if options.timeout else []
            command = ["frama-c", *BASE_FLAGS, *cache, *selection, *limit, str(ROOT / source)]
            self.log, code = listen(command + ["-then", "-no-wp", "-report-csv", str(table)],
                                    conf, options.first)
            self.command = " ".join(command)
            self.rows = []
            if table.exists():
                with open(table, encoding="utf-8") as file:
                    self.rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        self.goals = {}
        for status, sort, name in GOAL.findall(self.log):
            if sort == "Smoke-test":
                self.goals[name] = status == "Passed"
            elif kind == "goals":
                self.goals[name] = f"Goal {name} : Valid" in self.log
        self.problems = [f"exit code {code}"] if code else []
        lines = self.log.splitlines()
        for number, line in enumerate(lines):
            warning = " ".join(part.strip() for part in lines[number:number + 2])
            if WARNING.search(line) and not HARMLESS.match(line) and not NO_CONTRACT.search(warning):
                self.problems.append(warning)
        claimed = re.search(r"Proved goals:\s*(\d+)\s*/\s*(\d+)", self.log)
        if not claimed or claimed[1] != claimed[2]:
            self.problems.append(claimed[0] if claimed else "no goals were proved: see the log")
        wrong = "not proved" if kind == "goals" else "false is proved there: contracts contradict each other"
        self.problems += [f"{name}: {wrong}" for name, good in self.goals.items() if not good]


def property_problems(rows, functions, known):
    """Properties of these functions, or of what they call, that are neither Valid nor known."""
    problems = []
    called = ledger.called_by(ROOT, functions)
    for row in rows:
        name, status = row["function"], row["status"]
        if status == "Valid" or (name not in functions and (name in known or name not in called)):
            continue
        if row["property kind"] == "precondition":
            continue  # Each caller that is proved has it as a goal of its own.
        problems.append(f"{row['file']}:{row['line']} {name}: {row['property kind']} is {status}: "
                        f"{row['property'][:90]}")
    return problems


def unspecified(log, functions):
    """Functions without contract that these functions call: Frama-C would make one up."""
    called = ledger.called_by(ROOT, functions)
    return [f"{name} has no contract but is called" for name in NO_CONTRACT.findall(log) if name in called]


def prove_functions(options, module, functions, known):
    flags = module.get("flags", [])
    run = Run(options, module["source"], [*PROVERS, *flags, "-wp-fct", ",".join(functions)])
    run.problems += property_problems(run.rows, functions, known) + unspecified(run.log, functions)
    return run


def may_be_empty(run):
    """The same run; that there was nothing to prove is not a problem of it."""
    if "Warning: No goal generated" in run.log:
        run.problems = [p for p in run.problems if "No goal generated" not in p and "no goals" not in p]
    return run


def prove_lemmas(options, module):
    return may_be_empty(Run(options, module["source"], [*PROVERS, *module.get("flags", []), "-wp-prop=@lemma"]))


def smoke_test(options, module, functions):
    flags = module.get("flags", [])
    if "-wp-prover" in flags:  # Frama-C would add them to the one of SMOKE.
        at = flags.index("-wp-prover")
        flags = flags[:at] + flags[at + 2:]
    selection = [*flags, *SMOKE, "-wp-fct", ",".join(functions)]
    return may_be_empty(Run(options, module["source"], selection, "smoke tests"))


def report(title, run, seconds, verbose):
    good = sum(run.goals.values())
    print(f"{'FAIL' if run.problems else 'ok':4} {title:32} {good}/{len(run.goals)} {run.kind}  "
          f"{seconds:.0f} s", flush=True)
    shown = run.problems if verbose else run.problems[:SHOWN]
    for problem in shown:
        print(f"     {problem}")
    if len(shown) < len(run.problems):
        print(f"     and {len(run.problems) - len(shown)} more (-v shows all)")
    if run.problems and not run.goals:
        print(run.log[-3000:])
    if verbose:
        print(run.command)
        print(run.log)


def replayed(options, work, *inputs):
    """With --cached, goals first without any prover: those that have no result are started otherwise, only to be
    stopped when another's is found. Smoke tests not: without a prover they pass."""
    if options.cache == "replay" and work is not smoke_test:
        run = work(argparse.Namespace(**vars(options) | {"cache": "offline"}), *inputs)
        if not run.problems:
            return run
    return work(options, *inputs)


def timed(function, *arguments):
    start = time.monotonic()
    return function(*arguments), time.monotonic() - start


def find_module(modules, function):
    """The module that proves a function; an unlisted function is tried in the file that defines it."""
    for name, module in modules.items():
        if function in module["functions"]:
            return name, module
    for path in sorted(ROOT.glob("kernel/core/*.c")):
        if function in ledger.functions_in(path.read_text()):
            source = str(path.relative_to(ROOT))
            listed = [(n, m) for n, m in modules.items() if m["source"] == source]
            print(f"{function} is not in modules.toml: trying it in {source}")
            return listed[0] if listed else (path.stem, {"source": source, "functions": []})
    sys.exit(f"prove: {function} is neither in modules.toml nor defined in a file of kernel/core")


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/prove",
        description="Prove the contracts of the core: more than an hour, with --cached about fifteen minutes.",
        epilog="The last line is `goals PROVED/TOTAL proved, A assumptions` (the entries of "
               "proofs/ASSUMED.md). Exits 0 only if everything is proved and the ledger is complete.")
    parser.add_argument("--cached", dest="cache", action="store_const", const="replay", default="none",
                        help="take results from proofs/cache, run the provers only for the rest")
    parser.add_argument("--update", dest="cache", action="store_const", const="update",
                        help="like --cached, and add new results to proofs/cache")
    parser.add_argument("--only", metavar="FUNCTION[,FUNCTION]", help="these functions only")
    parser.add_argument("--module", metavar="NAME", help="this module of modules.toml only")
    parser.add_argument("--smoke", action="store_true", help="only the smoke tests: try to prove false everywhere")
    parser.add_argument("--first", action="store_true", help="stop a run at its first unproved goal")
    parser.add_argument("--timeout", type=int, metavar="SECONDS", help="for each goal and prover (default 15)")
    parser.add_argument("--ledger", action="store_true", help="only check ASSUMED.md and modules.toml")
    parser.add_argument("--write-ledger", action="store_true",
                        help="rewrite the list of unproved functions in ASSUMED.md from modules.toml")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what Frama-C prints")
    return parser.parse_args()


def selected(options, modules):
    """Pairs of (title, module, functions) to prove."""
    if options.only:
        jobs = []
        for function in options.only.split(","):
            _, module = find_module(modules, function)
            jobs.append((function, module, [function]))
        return jobs
    if options.module and options.module not in modules:
        sys.exit(f"prove: no module {options.module} in modules.toml; there are: {', '.join(modules)}")
    return [(name, module, module["functions"]) for name, module in modules.items()
            if module["functions"] and options.module in (None, name)]


def jobs(options, modules, known):
    """(title, source, function, its arguments but the options) of each run of Frama-C; lemmas, which are those of
    the headers, once for each source, but counted once. --only leaves lemmas and smoke tests out."""
    lemmas = set()
    for title, module, functions in selected(options, modules):
        if not options.smoke:
            yield title, module["source"], prove_functions, (module, functions, known)
        if not options.smoke and not options.only and module["source"] not in lemmas:
            lemmas.add(module["source"])
            yield f"{title}: lemmas", "", prove_lemmas, (module,)
        if options.smoke or not options.only:
            yield title, module["source"], smoke_test, (module, functions)


def main():
    options = arguments()
    with open(ROOT / "proofs/modules.toml", "rb") as file:
        modules = tomllib.load(file)
    if options.write_ledger:
        ledger.write_unproved(ROOT, modules)
        return 0
    # Proved in some module, or written down as an assumption.
    known = {f for module in modules.values() for f in module["functions"]} | ledger.assumed(ROOT)
    failed = False
    if not options.only and not options.module:
        problems = ledger.check(ROOT, modules)
        print(f"{'FAIL' if problems else 'ok':4} ledger")
        for problem in problems:
            print(f"     {problem}")
        failed = bool(problems)
        if options.ledger:
            return int(failed)
    goals, smoke = {}, {}
    # With --cached Frama-C itself takes the time, on one processor; otherwise the provers have all of them.
    workers = 2 * os.cpu_count() if options.cache == "replay" else 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        # The last modules take longest: they go first, so that no processor idles at the end.
        runs = {pool.submit(timed, replayed, options, work, *inputs): (title, source)
                for title, source, work, inputs in reversed(list(jobs(options, modules, known)))}
        for future in concurrent.futures.as_completed(runs):
            (title, source), (run, seconds) = runs[future], future.result()
            report(title, run, seconds, options.verbose)
            counted = goals if run.kind == "goals" else smoke
            counted |= {(source, name): good for name, good in run.goals.items()}
            failed |= bool(run.problems)
    if smoke:
        print(f"smoke tests {sum(smoke.values())}/{len(smoke)} passed")
    print(f"goals {sum(goals.values())}/{len(goals)} proved, {ledger.count(ROOT)} assumptions")
    return int(failed or not (goals or smoke))


if __name__ == "__main__":
    sys.exit(main())
