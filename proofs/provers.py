"""Asks a prover a question of WP, without Frama-C between, and with a limit of processor time: a busy
machine is as patient as an idle one.
SPDX-License-Identifier: BSD-2-Clause"""

import subprocess
import tempfile

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
