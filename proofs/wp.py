"""One run of Frama-C/WP: what it is told, and what came of it.
SPDX-License-Identifier: BSD-2-Clause"""

import csv
import os
import re
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import provers
import results

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 15  # For each goal and prover, unless a module's flags say otherwise.
PARSE_FLAGS = ["-c11", "-machdep", "x86_64", f"-cpp-extra-args=-I{ROOT}/kernel"]
BASE_FLAGS = [
    *PARSE_FLAGS, "-wp", "-wp-rte", "-warn-unsigned-overflow", "-wp-model", "Typed", "-wp-check-memory-model",
    "-wp-timeout", str(SECONDS), "-wp-par", "2", "-wp-filename-truncation", "400",
]
PROVERS = ["-wp-prover", "z3,cvc5,cvc4"]
# One prover, and its steps counted, so that a busy machine tests as much. Smoke tests are in no category;
# with none left in (exits: trivial) a function that requires nothing would be left out.
CATEGORIES = ("lemma requires assigns ensures assert invariant variant breaks continues returns "
              "complete_behaviors disjoint_behaviors terminates decreases check").split()
SMOKE_STEPS = 1000000
SMOKE_SECONDS = 5
SMOKE = ["-wp-smoke-tests", "-wp-prop=" + ",".join(f"-@{category}" for category in CATEGORIES),
         "-wp-prover", "z3", "-wp-steps", str(SMOKE_STEPS), "-wp-smoke-timeout", str(SMOKE_SECONDS)]
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
GOAL = re.compile(r"\[wp\] \[(\w[^\]]*)\] (Goal|Smoke-test) (\S+)")
WARNING = re.compile(r"Warning|User Error|annot-error|Missing|Ignoring|Degenerated")
# Harmless unless a proved function calls it: see prove.unspecified().
NO_CONTRACT = re.compile(r"Warning:\s+Neither code nor specification for function (\w+)")
HARMLESS = re.compile(r"^\[wp\] Warning: (Missing RTE guards|-wp-check-memory-model)$")


def command(module, selection, cache, scratch, kept=()):
    """The command of a run in a folder of its own: what provers are asked goes to out/, kept results
    to cache/."""
    results.unpack(kept, scratch / "cache")
    return ["frama-c", *BASE_FLAGS, "-wp-out", str(scratch / "out"), "-wp-cache", cache,
            "-wp-cache-dir", str(scratch / "cache"), *selection, str(ROOT / module["source"])]


def listen(words, scratch, first=False, seconds=None):
    """Run Frama-C: (what it printed, exit code). With `first`, end it at the first unproved goal; end
    it after so many seconds. It takes relative names from PWD, which is where the caller stands, not
    from the folder that it runs in."""
    log = []
    conf = scratch / "why3.conf"
    conf.write_text(WHY3_CONF)
    environment = os.environ | {"WHY3CONFIG": str(conf), "OCAMLRUNPARAM": OCAML, "PWD": str(ROOT)}
    with subprocess.Popen(words, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, start_new_session=True) as process:
        def stop():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        timer = threading.Timer(seconds, stop) if seconds is not None else None
        if timer:
            timer.start()
        for line in process.stdout:
            log.append(line)
            if first and UNPROVED.search(line):
                stop()
                break
        if timer:
            timer.cancel()
    return "".join(log), process.returncode


class Run:
    """One run of Frama-C: goals or smoke tests with their outcome, warnings, the status of every
    property, and the answers of the provers, kept results included. With cache `renew`, what an offline
    run lacks is asked of the provers that proved it before: Run.renewed, and Run.left for what has no answer."""

    def __init__(self, options, module, selection, kind="goals"):
        self.kind = kind
        believed = options.cache != "none" and "results" in module
        self.kept = results.read(module["results"]) if believed else []
        with tempfile.TemporaryDirectory() as scratch:
            scratch = Path(scratch)
            table = scratch / "report.csv"
            limit = ["-wp-timeout", str(options.timeout)] if options.timeout else []
            cache = "offline" if options.cache == "renew" else options.cache
            words = command(module, [*selection, *limit], cache, scratch, self.kept)
            self.command = " ".join(words)
            words += ["-then", "-no-wp", "-report-csv", str(table)]
            self.log, self.code = listen(words, scratch, options.first)
            self.rows = []
            if table.exists():
                with open(table, encoding="utf-8") as file:
                    self.rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
            questions = results.questions(scratch / "out")
            self.answers = results.answered(questions, scratch / "cache")
            if options.cache == "renew":
                self.renewed = provers.ask_again(questions, self.kept, seconds_of(module.get("flags", [])))
                self.answers += self.renewed
                self.left = {q.goal for q in questions} - {r.goal for r in self.answers}
        self.goals = {}
        for status, sort, name in GOAL.findall(self.log):
            if sort == "Smoke-test":
                self.goals[name] = status == "Passed"
            elif kind == "goals":
                self.goals[name] = f"Goal {name} : Valid" in self.log
        self.problems = [f"exit code {self.code}"] if self.code else []
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
        if options.cache in ("replay", "offline"):  # With update they are written anew.
            self.problems += results.misplaced(self.answers, self.kept, module["functions"])


def seconds_of(flags):
    """The limit of a module for each goal and prover."""
    return int(flags[flags.index("-wp-timeout") + 1]) if "-wp-timeout" in flags else SECONDS


def goals_of(module, functions):
    return [*PROVERS, *module.get("flags", []), "-wp-fct", ",".join(functions)]


def lemmas_of(module):
    return [*PROVERS, *module.get("flags", []), "-wp-prop=@lemma"]


def smoke_tests_of(module, functions):
    flags = module.get("flags", [])
    if "-wp-prover" in flags:  # Frama-C would add them to the one of SMOKE.
        at = flags.index("-wp-prover")
        flags = flags[:at] + flags[at + 2:]
    return [*flags, *SMOKE, "-wp-fct", ",".join(functions)]
