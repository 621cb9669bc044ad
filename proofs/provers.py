"""Asks a prover a question of WP, without Frama-C between, and with a limit of processor time: a busy
machine is as patient as an idle one.
SPDX-License-Identifier: BSD-2-Clause"""

import concurrent.futures
import os
import subprocess
import tempfile
import time

import results

# As why3 calls them, but for its limits of time.
COMMANDS = {
    "Z3": ["z3", "-smt2", "sat.random_seed=42", "nlsat.randomize=false", "smt.random_seed=42"],
    "CVC5": ["cvc5", "--lang=smt2"],
    "CVC4": ["cvc4", "--lang=smt2"],
}
MEMORY = 4 << 20  # KiB.
NOT_FOUND = 127  # What bash says then.
LIMITED = f'ulimit -t "$1" -v {MEMORY}; shift; exec "$@"'


def proves(question, seconds, steps=None, wait=None):
    """Does the prover whose question it is (results.Question) prove it, in so many seconds of the
    processor and, if it is z3, in so many steps? None if `wait` seconds went by before it said so."""
    command = list(COMMANDS[question.prover.partition(":")[0]])
    if steps:
        command.append(f"rlimit={steps}")
    with tempfile.NamedTemporaryFile(suffix=".smt2") as file:
        file.write(question.path.read_bytes().partition(b"\n")[2])  # Without the head, which is WP's.
        file.flush()
        try:
            done = subprocess.run(["bash", "-c", LIMITED, "bash", str(seconds), *command, file.name],
                                  check=False, text=True, timeout=wait,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return None
    if done.returncode == NOT_FOUND:
        raise FileNotFoundError(f"{command[0]} is not installed")
    return "unsat" in done.stdout.splitlines()


def ask_again(questions, kept, seconds):
    """The results of those questions that have none in `kept`, but whose goal was proved before: the prover that did
    it is asked the question as it is now, for so many seconds of the processor."""
    keys = {result.key for result in kept}
    before = {(result.goal, result.prover) for result in kept if result.verdict == results.VALID}
    asked = [q for q in questions if q.key not in keys and (q.goal, q.prover) in before]

    def ask(question):
        start = time.monotonic()
        if not proves(question, seconds):
            return None
        spent = f"{time.monotonic() - start:.2f}"
        return results.Result(question.goal, question.prover, results.VALID, spent, "-", question.key)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [result for result in pool.map(ask, asked) if result]
