#!/usr/bin/env python3
"""Proves the contracts of the core with Frama-C/WP and checks that nothing is taken on trust in silence.
SPDX-License-Identifier: BSD-2-Clause

For each module of modules.toml: all goals of its functions with run-time-error checks, then its
lemmas in a run of their own (-wp-fct leaves them out, yet every goal assumes them). A module fails
unless every property of its functions is Valid, no warning was printed, and whatever its functions
call is proved in another module or named in ASSUMED.md. Then its smoke tests: from what a function
requires, and from what holds at each of its branches, calls and loops, a prover tries to prove false;
where it can, the contracts contradict each other and prove nothing. What the provers said can be kept
(results.py), and believed, renewed or doubted (doubt.py).
"""

import argparse
import concurrent.futures
import os
import sys
import threading
import time
import tomllib

import doubt
import ledger
import mutate
import report
import results
import seals
import wp

ROOT = wp.ROOT
RESULTS = ROOT / "proofs/results"
SHOWN = 20  # Problems of a run that are printed without -v.
PROVING = threading.Lock()  # Provers have limits of time: one run of them at once.


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
    return [f"{name} has no contract but is called" for name in wp.NO_CONTRACT.findall(log) if name in called]


def prove_functions(options, module, functions, known):
    run = wp.Run(options, module, wp.goals_of(module, functions))
    run.problems += property_problems(run.rows, functions, known) + unspecified(run.log, functions)
    return run


def may_be_empty(run):
    """The same run; that there was nothing to prove is not a problem of it."""
    if "Warning: No goal generated" in run.log:
        run.problems = [p for p in run.problems if "No goal generated" not in p and "no goals" not in p]
    return run


def prove_lemmas(options, module):
    return may_be_empty(wp.Run(options, module, wp.lemmas_of(module)))


def smoke_test(options, module, functions):
    return may_be_empty(wp.Run(options, module, wp.smoke_tests_of(module, functions), "smoke tests"))


def print_run(title, run, seconds, verbose):
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
    """With kept results, goals first without any prover: those that have no result are started otherwise, only to be
    stopped when another's is found. Smoke tests not: without a prover they pass."""
    if options.cache == "none" or work is smoke_test:
        return work(options, *inputs)
    run = work(argparse.Namespace(**vars(options) | {"cache": "offline"}), *inputs)
    if run.problems:
        with PROVING:
            run = work(options, *inputs)
    return run


def renew(options, modules):
    """Ask about goals without a result who proved them before."""
    finished = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = {pool.submit(timed, work, options, *inputs): (title, module, work, inputs)
                for title, module, work, inputs in jobs(options, modules, set()) if work is not smoke_test}
        for future in concurrent.futures.as_completed(runs):
            (title, module, work, inputs), (run, seconds) = runs[future], future.result()
            print(f"{title:37} {len(run.renewed)} renewed, {len(run.left)} without a result  {seconds:.0f} s", flush=True)
            finished.append((module, work, inputs, run))
            keep(modules, finished)


def timed(function, *arguments):
    start = time.monotonic()
    return function(*arguments), time.monotonic() - start


def read_modules():
    """modules.toml, each module with the file of its results."""
    with open(ROOT / "proofs/modules.toml", "rb") as file:
        modules = tomllib.load(file)
    for name, module in modules.items():
        module["results"] = RESULTS / f"{name}.txt"
    return modules


def find_module(modules, function):
    """The module that proves a function; an unlisted function is tried in the file that defines it."""
    for module in modules.values():
        if function in module["functions"]:
            return module
    for path in sorted(ROOT.glob("kernel/core/*.c")):
        if function in ledger.functions_in(path.read_text()):
            source = str(path.relative_to(ROOT))
            print(f"{function} is not in modules.toml: trying it in {source}")
            listed = next((m for m in modules.values() if m["source"] == source), {})
            return {"source": source, "functions": [], "flags": listed.get("flags", [])}
    sys.exit(f"prove: {function} is neither in modules.toml nor defined in a file of kernel/core")


def lemma_modules(modules):
    """{source: the module whose results hold those of its lemmas}: the first that proves something of it."""
    homes = {}
    for module in modules.values():
        if module["functions"]:
            homes.setdefault(module["source"], module)
    return homes


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/prove",
        description="Prove the contracts of the core: more than an hour, with --cached about twenty minutes.",
        epilog="The last line is `goals PROVED/TOTAL proved, A assumptions` (the entries of "
               "proofs/ASSUMED.md). Exits 0 only if everything is proved and the ledger is complete.")
    parser.add_argument("--cached", dest="cache", action="store_const", const="replay", default="none",
                        help="take results from proofs/results, run the provers only for the rest")
    parser.add_argument("--update", dest="cache", action="store_const", const="update",
                        help="like --cached, and keep in proofs/results what was used or found, nothing else; "
                             "seal the modules all of whose runs passed")
    parser.add_argument("--changed", action="store_true",
                        help="like --cached, but of the modules that are as --update sealed them look at "
                             f"one in {seals.SHARE} only, chosen by the hash of HEAD")
    parser.add_argument("--renew", dest="cache", action="store_const", const="renew",
                        help="ask about each goal that has no result any more the prover that proved it before, and "
                             "keep what that proves: after a change that touches all, --update has less to do")
    parser.add_argument("--doubt", action="store_true",
                        help="prove without kept results those that the version before did not have, and a twentieth "
                             "of the functions, chosen by the hash of HEAD")
    parser.add_argument("--minutes", type=float, default=6, help="end --doubt, leaving the rest out (default 6)")
    parser.add_argument("--seed", metavar="TEXT", help="choose the twentieth by this instead of the hash of HEAD")
    parser.add_argument("--since", metavar="VERSION", default="HEAD^1",
                        help="the version before, for --doubt (default HEAD^1; all is new if there is none)")
    parser.add_argument("--only", metavar="FUNCTION[,FUNCTION]", help="these functions only")
    parser.add_argument("--module", metavar="NAME", help="this module of modules.toml only")
    parser.add_argument("--smoke", action="store_true", help="only the smoke tests: try to prove false everywhere")
    parser.add_argument("--first", action="store_true", help="stop a run at its first unproved goal")
    parser.add_argument("--timeout", type=int, metavar="SECONDS", help="for each goal and prover (default 15)")
    parser.add_argument("--ledger", action="store_true", help="only check ASSUMED.md and modules.toml")
    parser.add_argument("--write-ledger", action="store_true",
                        help="rewrite the list of unproved functions in ASSUMED.md from modules.toml")
    parser.add_argument("--report", action="store_true",
                        help="only write build/proofs.html, a page of what is proved and what is not; it shows kept "
                             "results and is not a proof run: the last line counts those then")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what Frama-C prints")
    options = parser.parse_args()
    if options.changed:
        if options.only or options.module or options.smoke or options.cache != "none":
            parser.error("--changed chooses what it proves")
        options.cache = "replay"
    if options.doubt and (options.only or options.module or options.smoke):
        parser.error("--doubt chooses what it proves")
    if options.report and (options.doubt or options.only or options.module or options.smoke or options.cache != "none"):
        parser.error("--report shows everything and proves nothing")
    return options


def selected(options, modules):
    """Pairs of (title, module, functions) to prove."""
    if options.only:
        jobs = []
        for function in options.only.split(","):
            jobs.append((function, find_module(modules, function), [function]))
        return jobs
    if options.module and options.module not in modules:
        sys.exit(f"prove: no module {options.module} in modules.toml; there are: {', '.join(modules)}")
    names = unsealed(modules, options.seed) if options.changed else {options.module} if options.module else modules
    return [(name, module, module["functions"]) for name, module in modules.items()
            if module["functions"] and name in names]


def unsealed(modules, seed):
    """The modules to look at with --changed, by name."""
    proved = {name: module for name, module in modules.items() if module["functions"]}
    sealed = seals.intact(proved)
    again = seals.chosen(sealed, seed or doubt.git("rev-parse", "HEAD").strip())
    kept = sum(len(results.read(modules[name]["results"])) for name in sealed - again)
    print(f"of {len(proved)} modules {len(proved) - len(sealed)} are not as they were sealed, {len(again)} of the "
          f"others are chosen; the rest, with {kept} kept results, is believed", flush=True)
    return proved.keys() - sealed | again


def jobs(options, modules, known):
    """(title, module, function, its arguments but the options) of each run of Frama-C; lemmas, which are those of
    the headers, once for each source, but counted once. --only leaves lemmas and smoke tests out."""
    homes, lemmas = lemma_modules(modules), set()
    for title, module, functions in selected(options, modules):
        source = module["source"]
        if not options.smoke:
            yield title, module, prove_functions, (module, functions, known)
        if not options.smoke and not options.only and source not in lemmas:
            lemmas.add(source)
            yield f"{title}: lemmas", homes[source], prove_lemmas, (homes[source],)
        if options.smoke or not options.only:
            yield title, module, smoke_test, (module, functions)


def keep(modules, finished):
    """Write what the provers found into the files of results, and leave out what no goal asked for. What was not run,
    or not to its end, stays as it is."""
    runs = {id(module): {} for module in modules.values()}
    for module, work, inputs, run in finished:
        if run.code or id(module) not in runs:
            continue
        units = {prove_lemmas: [results.LEMMAS], smoke_test: [results.SMOKE_TESTS]}.get(work) or inputs[1]
        found = results.worth_keeping(run.answers, results.read(module["results"]))
        for unit in units:
            runs[id(module)][unit] = [r for r in found if results.unit_of(r.goal, module["functions"]) == unit]
    homes = lemma_modules(modules).values()
    for module in modules.values():
        if runs[id(module)]:
            before = results.read(module["results"])
            results.write(module["results"], results.replaced(before, runs[id(module)], module["functions"],
                                                              any(module is home for home in homes)))


def seal(modules, finished):
    """Seal the modules that were run whole and passed."""
    homes = [id(home) for home in lemma_modules(modules).values()]
    passed, failed = set(), set()
    for name, module in modules.items():
        runs = {work: run for ran, work, _, run in finished if ran is module}
        wanted = {prove_functions, smoke_test} | ({prove_lemmas} if id(module) in homes else set())
        if any(run.problems for run in runs.values()):
            failed.add(name)
        elif wanted <= runs.keys():
            passed.add(name)
    seals.write(modules, passed, failed)


def main():
    options = arguments()
    modules = read_modules()
    if options.write_ledger:
        ledger.write_unproved(ROOT, modules)
        return 0
    if options.report:
        return report.write(modules)
    if options.doubt:
        return doubt.run(modules, options.minutes, options.seed, options.since)
    if options.cache == "renew":
        renew(options, modules)
        return 0
    # Proved in some module, or written down as an assumption.
    known = {f for module in modules.values() for f in module["functions"]} | ledger.assumed(ROOT)
    failed = False
    if not options.only and not options.module:
        problems = ledger.check(ROOT, modules) + mutate.stale_equivalents()
        print(f"{'FAIL' if problems else 'ok':4} ledger")
        for problem in problems:
            print(f"     {problem}")
        failed = bool(problems)
        if options.ledger:
            return int(failed)
    goals, smoke, finished = {}, {}, []
    # With kept results Frama-C itself takes the time, on one processor; otherwise the provers have all of them.
    workers = {"none": 1, "update": os.cpu_count(), "replay": 2 * os.cpu_count()}[options.cache]
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        # The last modules take longest: they go first, so that no processor idles at the end.
        runs = {pool.submit(timed, replayed, options, work, *inputs): (title, module, work, inputs)
                for title, module, work, inputs in reversed(list(jobs(options, modules, known)))}
        for future in concurrent.futures.as_completed(runs):
            (title, module, work, inputs), (run, seconds) = runs[future], future.result()
            print_run(title, run, seconds, options.verbose)
            counted = goals if run.kind == "goals" else smoke
            source = "" if work is prove_lemmas else module["source"]
            counted |= {(source, name): good for name, good in run.goals.items()}
            failed |= bool(run.problems)
            finished.append((module, work, inputs, run))
            if options.cache == "update":
                keep(modules, finished)
    if options.cache == "update" and not options.only:
        seal(modules, finished)
    if smoke:
        print(f"smoke tests {sum(smoke.values())}/{len(smoke)} passed")
    print(f"goals {sum(goals.values())}/{len(goals)} proved, {ledger.count(ROOT)} assumptions")
    return int(failed or not (goals or smoke))


if __name__ == "__main__":
    sys.exit(main())
