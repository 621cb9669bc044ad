#!/usr/bin/env python3
"""Tests of proofs/prove.py: what is wrong with a small C file is found, and nothing in one that is right.
SPDX-License-Identifier: BSD-2-Clause"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "proofs"))
import prove

OPTIONS = argparse.Namespace(cache="none", timeout=2, first=False)
REPLAY = argparse.Namespace(cache="replay", timeout=2, first=False)
OFFLINE = argparse.Namespace(cache="offline", timeout=2, first=False)

NEXT = """
/*@ requires room: x < 100;
    terminates \\true; exits \\false; assigns \\nothing;
    ensures next: \\result == x + {step}; */
unsigned next(unsigned x) {{
    return x + 1;
}}
"""

# Its callee promises what cannot be: everything after the call is proved.
CALLER = """
/*@ terminates \\true; exits \\false; assigns \\nothing;
    ensures twice: \\result == 1 && \\result == 2; */
unsigned twice(void);

/*@ terminates \\true; exits \\false; assigns \\nothing;
    ensures wrong: \\result == 5; */
unsigned user(unsigned x) {
    if (x > 3) {
        return twice();
    }
    return 5;
}
"""

NOBODY = """
/*@ requires small: x < 3;
    requires large: x > 5;
    terminates \\true; exits \\false; assigns \\nothing;
    ensures wrong: \\result == x + 1; */
unsigned nobody(unsigned x) {
    return x;
}
"""


PROOFS = Path(__file__).resolve().parent.parent / "proofs"


def checkout(folder, step):
    """A checkout of one source, whose contract is right for step 1, and the scripts that prove it."""
    (folder / "kernel/core").mkdir(parents=True)
    (folder / "proofs").mkdir()
    for script in ("prove.py", "ledger.py"):
        shutil.copy2(PROOFS / script, folder / "proofs")
    (folder / "kernel/core/small.c").write_text(NEXT.format(step=step))
    (folder / "proofs/modules.toml").write_text(
        '[small]\nsource = "kernel/core/small.c"\nfunctions = ["next"]\n')
    (folder / "proofs/ASSUMED.md").write_text("# Assumed\n")
    return folder


def prove_from(start, project):
    environment = os.environ | {"PWD": str(start)}
    return subprocess.run([sys.executable, "-B", str(project / "proofs/prove.py"), "--only", "next"], cwd=start,
                          env=environment, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Checkout(unittest.TestCase):
    """What is proved is the source beside the script, wherever that is started."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.right = checkout(Path(scratch.name) / "right", 1)
        self.wrong = checkout(Path(scratch.name) / "wrong", 2)

    def test_a_broken_copy_fails_when_started_from_a_right_one(self):
        done = prove_from(self.right, self.wrong)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("typed_next_ensures_next", done.stdout)

    def test_a_right_copy_is_proved_when_started_from_a_broken_one(self):
        done = prove_from(self.wrong, self.right)
        self.assertNotIn("typed_next_ensures_next", done.stdout)
        self.assertIn("ok ", done.stdout)


class Prove(unittest.TestCase):
    def run_on(self, run, text, *arguments, options=OPTIONS):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "small.c"
            source.write_text(text)
            return prove.replayed(options, run, {"source": str(source)}, *arguments)

    def prove(self, text, function):
        return self.run_on(prove.prove_functions, text, [function], set())

    def smoke(self, text, function):
        return self.run_on(prove.smoke_test, text, [function])

    def test_what_is_right_is_proved(self):
        run = self.prove(NEXT.format(step=1), "next")
        self.assertEqual(run.problems, [])
        self.assertIn("typed_next_ensures_next", run.goals)

    def test_a_wrong_result_is_named(self):
        problems = "\n".join(self.prove(NEXT.format(step=2), "next").problems)
        self.assertIn("typed_next_ensures_next: not proved", problems)

    def test_a_wrap_is_a_goal(self):
        problems = "\n".join(self.prove(NEXT.format(step=1).replace("100", "0x100000000"), "next").problems)
        self.assertIn("unsigned_overflow", problems)

    def test_smoke_tests_pass_what_is_right(self):
        run = self.smoke(NEXT.format(step=1), "next")
        self.assertEqual(run.problems, [])
        self.assertEqual(list(run.goals.values()), [True])

    def test_requirements_that_nobody_can_meet_are_found(self):
        self.assertEqual(self.prove(NOBODY, "nobody").problems, [])  # The proof alone says yes.
        self.assertIn("contracts contradict", "\n".join(self.smoke(NOBODY, "nobody").problems))

    def test_a_promise_that_nobody_can_keep_is_found(self):
        self.assertIn("contracts contradict", "\n".join(self.smoke(CALLER, "user").problems))

    def test_a_file_without_lemmas_is_no_problem(self):
        self.assertEqual(self.run_on(prove.prove_lemmas, NEXT.format(step=1)).problems, [])

    def test_a_wrong_lemma_is_named(self):
        run = self.run_on(prove.prove_lemmas, "/*@ lemma odd: \\forall integer x; x % 2 == 1; */\n" + NEXT.format(step=1))
        self.assertIn("odd: not proved", "\n".join(run.problems))

    def test_what_has_no_kept_result_is_proved_anyway(self):
        lemma = "/*@ lemma between: \\forall integer x, y; 2 * x < 2 * y + 1 && y < x + 1 ==> x == y; */\n"
        text = lemma + NEXT.format(step=1)
        offline = self.run_on(prove.prove_lemmas, text, options=OFFLINE)
        self.assertIn("between: not proved", "\n".join(offline.problems))
        self.assertEqual(self.run_on(prove.prove_lemmas, text, options=REPLAY).problems, [])

    def test_smoke_tests_without_kept_results_are_run(self):
        text = NOBODY.replace("x < 3", "x * y < y").replace("x > 5", "x > 5 && y > 5")  # Only a prover sees it.
        run = self.run_on(prove.smoke_test, text.replace("unsigned x", "unsigned x, unsigned y"), ["nobody"],
                          options=REPLAY)
        self.assertIn("contracts contradict", "\n".join(run.problems))


if __name__ == "__main__":
    unittest.main()
