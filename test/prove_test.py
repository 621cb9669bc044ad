#!/usr/bin/env python3
"""Tests of proofs/prove.py: what is wrong with a small C file is found, and nothing in one that is right.
SPDX-License-Identifier: BSD-2-Clause"""

import argparse
import html.parser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "proofs"))
import doubt
import ledger
import mutate
import prove
import report
import results
import seals

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


# Only a prover sees this, and for step 1 it is wrong.
REST = """
/*@ requires room: x < {room};
    terminates \\true; exits \\false; assigns \\nothing;
    ensures rest: \\result % 7 < 7 - {step}; */
unsigned {name}(unsigned x) {{
    return x;
}}
"""

PROOFS = Path(__file__).resolve().parent.parent / "proofs"


def checkout(folder, text, functions=("next",)):
    """A checkout of one source, and the scripts that prove it."""
    (folder / "kernel/core").mkdir(parents=True)
    (folder / "proofs").mkdir()
    for script in PROOFS.glob("*.py"):
        shutil.copy2(script, folder / "proofs")
    (folder / "kernel/core/small.c").write_text(text)
    (folder / "proofs/modules.toml").write_text(
        f'[small]\nsource = "kernel/core/small.c"\nfunctions = {list(functions)}\nflags = ["-wp-timeout", "2"]\n')
    (folder / "proofs/ASSUMED.md").write_text("# Assumed\n")
    (folder / "proofs/equivalent.toml").write_text("")
    return folder


def start_prove(project, *arguments, start=None):
    start = start or project
    return subprocess.run([sys.executable, "-B", str(project / "proofs/prove.py"), *arguments], cwd=start,
                          env=os.environ | {"PWD": str(start)}, check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class Checkout(unittest.TestCase):
    """What is proved is the source beside the script, wherever that is started."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.right = checkout(Path(scratch.name) / "right", NEXT.format(step=1))
        self.wrong = checkout(Path(scratch.name) / "wrong", NEXT.format(step=2))

    def test_a_broken_copy_fails_when_started_from_a_right_one(self):
        done = start_prove(self.wrong, "--only", "next", start=self.right)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("typed_next_ensures_next", done.stdout)

    def test_a_right_copy_is_proved_when_started_from_a_broken_one(self):
        done = start_prove(self.right, "--only", "next", start=self.wrong)
        self.assertNotIn("typed_next_ensures_next", done.stdout)
        self.assertIn("ok ", done.stdout)


class Kept(unittest.TestCase):
    """Results that are kept: used, written, doubted."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.scratch.cleanup)
        text = REST.format(name="first", room=100, step=0) + REST.format(name="other", room=200, step=0)
        cls.pattern = checkout(Path(cls.scratch.name) / "pattern", text, ("first", "other"))
        cls.updated = start_prove(cls.pattern, "--module", "small", "--update")

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.project = Path(scratch.name) / "project"
        shutil.copytree(self.pattern, self.project)
        self.file = self.project / "proofs/results/small.txt"

    def prove(self, *arguments):
        return start_prove(self.project, "--module", "small", *arguments)

    def put(self, *kept):
        results.write(self.file, kept)

    def break_second(self):
        """Make the second contract wrong; what a prover is asked of it."""
        source = self.project / "kernel/core/small.c"
        source.write_text(REST.format(name="first", room=100, step=0) + REST.format(name="other", room=200, step=1))
        with tempfile.TemporaryDirectory() as scratch:
            module = {"source": str(source), "functions": ["first", "other"]}
            asked, _ = doubt.questions_of(module, "other", Path(scratch), None)
        return next(q for q in asked if q.goal == "other_ensures_rest" and q.prover.startswith("Z3"))

    def test_an_update_keeps_one_result_of_each_goal(self):
        self.assertEqual(self.updated.returncode, 0, self.updated.stdout)
        kept = results.read(self.file)
        proved = {r.goal for r in kept if r.verdict == "valid"}
        self.assertEqual(proved, {"first_ensures_rest", "other_ensures_rest"})
        self.assertIn(results.SMOKE_TESTS, {results.unit_of(r.goal, ["first", "other"]) for r in kept})
        self.assertEqual(len(kept), len({r.goal for r in kept}))

    def test_a_second_update_changes_nothing(self):
        before = self.file.read_bytes()
        self.assertEqual(self.prove("--update").returncode, 0)
        self.assertEqual(self.file.read_bytes(), before)

    def test_kept_results_are_believed_and_a_goal_without_one_is_proved(self):
        source = self.project / "kernel/core/small.c"
        module = {"source": str(source), "functions": ["first", "other"], "results": self.file}
        self.assertEqual(prove.prove_functions(OFFLINE, module, ["first", "other"], set()).problems, [])
        self.put(*(r for r in results.read(self.file) if r.goal != "other_ensures_rest"))
        self.assertIn("typed_other_ensures_rest: not proved",
                      prove.prove_functions(OFFLINE, module, ["first", "other"], set()).problems)
        self.assertEqual(prove.replayed(REPLAY, prove.prove_functions, module, ["first", "other"], set()).problems, [])

    def test_who_proved_a_goal_before_is_asked_again_and_what_it_does_not_prove_is_left(self):
        kept = [r for r in results.read(self.file) if results.SMOKE not in r.goal]
        self.put(*(r._replace(key=f"{i:032x}") for i, r in enumerate(kept)))  # As if all questions had changed.
        done = self.prove("--renew")
        self.assertIn(f" {len(kept)} renewed, 0 without a result", done.stdout)
        self.assertEqual({r.goal for r in kept}, {r.goal for r in results.read(self.file)})
        self.assertEqual(self.prove("--cached").returncode, 0)
        question = self.break_second()
        self.assertIn(" 0 renewed, 1 without a result", self.prove("--renew").stdout)
        self.assertNotIn(question.goal, {r.goal for r in results.read(self.file)})

    def test_a_stale_result_is_dropped(self):
        before = self.file.read_bytes()
        stale = results.Result("first_ensures_gone", "Z3:4.8.12", "valid", "0.1", "7", "0" * 32)
        self.put(*results.read(self.file), stale, stale._replace(goal="nobody_ensures_gone", key="1" * 32))
        self.assertEqual(self.prove("--update").returncode, 0)
        self.assertEqual(self.file.read_bytes(), before)

    def test_a_forged_result_is_believed_until_it_is_doubted(self):
        question = self.break_second()
        forged = results.Result(question.goal, question.prover, "valid", "0.1", "7", question.key)
        self.put(*(r for r in results.read(self.file) if r.goal != question.goal), forged)
        self.assertEqual(self.prove("--cached").returncode, 0)
        done = start_prove(self.project, "--doubt")
        self.assertEqual(done.returncode, 1)
        self.assertIn("other_ensures_rest: Z3:4.8.12 does not say that it is valid", done.stdout)
        self.assertRegex(done.stdout, r"\ngoals 1/2 proved, 0 assumptions\n$")

    def test_a_result_under_the_name_of_another_function_is_found(self):
        question = self.break_second()
        forged = results.Result("first_ensures_other", question.prover, "valid", "0.1", "7", question.key)
        self.put(*(r for r in results.read(self.file) if r.goal != question.goal), forged)
        self.assertIn("other_ensures_rest: its result is kept as another function's", self.prove("--cached").stdout)

    def test_a_smoke_test_that_proves_false_is_found_without_its_forged_result(self):
        source = self.project / "kernel/core/small.c"
        source.write_text(NOBODY.replace("nobody", "first").replace("x < 3", "x * y < y")
                          .replace("x > 5", "x > 5 && y > 5").replace("unsigned x", "unsigned x, unsigned y"))
        with tempfile.TemporaryDirectory() as scratch:
            module = {"source": str(source), "functions": ["first"]}
            asked, _ = doubt.questions_of(module, results.SMOKE_TESTS, Path(scratch), None)
        self.put(*(results.Result(q.goal, q.prover, "unknown", "-", "-", q.key) for q in asked))
        (self.project / "proofs/modules.toml").write_text(
            '[small]\nsource = "kernel/core/small.c"\nfunctions = ["first"]\n')
        self.assertNotIn("contradict", self.prove("--cached").stdout)
        done = start_prove(self.project, "--doubt")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not say that it is unknown", done.stdout)

    def test_what_the_version_before_believed_is_not_new(self):
        git = ["git", "-C", str(self.project), "-c", "user.name=x", "-c", "user.email=x@y"]
        for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
            subprocess.run([*git, *words], check=True)
        done = start_prove(self.project, "--doubt", "--since", "HEAD", "--seed", "a")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(" 0 are new, ", done.stdout)
        kept = results.read(self.file)
        self.put(kept[0]._replace(key="2" * 32), *kept[1:])
        done = start_prove(self.project, "--doubt", "--since", "HEAD", "--seed", "a")
        self.assertIn(" 1 are new, ", done.stdout)
        self.assertIn("1 results answer no question any more", done.stdout)

    def test_a_twentieth_is_chosen_by_the_seed(self):
        kept = {("m", f"f{i}"): [results.Result(f"f{i}_ensures_a", "Z3:4.8.12", "valid", "0.1", "7", f"{i:032x}")]
                for i in range(100)}
        before = {doubt.belief(r) for found in kept.values() for r in found}
        chosen = {seed: {unit.name for unit in doubt.choose(kept, before, seed)} for seed in map(str, range(200))}
        self.assertEqual({len(names) for names in chosen.values()}, {5})
        self.assertEqual(set().union(*chosen.values()), {f"f{i}" for i in range(100)})
        self.assertEqual(len(doubt.choose(kept, set(), "0")), 100)

    def intact(self):
        """Is the module as it was sealed?"""
        said = start_prove(self.project, "--changed").stdout
        return {"of 1 modules 0 are": True, "of 1 modules 1 are": False}[said[said.index("of 1"):][:18]]

    def test_what_passed_an_update_is_sealed_until_something_that_it_depends_on_changes(self):
        source, modules = self.project / "kernel/core/small.c", self.project / "proofs/modules.toml"
        text, listed = source.read_text(), modules.read_text()
        source.write_text("// Only a comment.\n" + text)
        self.assertTrue(self.intact())
        source.write_text(text.replace("100", "101", 1))
        self.assertFalse(self.intact())
        source.write_text(text)
        modules.write_text(listed.replace("'first', 'other'", "'other'"))
        self.assertFalse(self.intact())
        modules.write_text(listed)
        self.put(*results.read(self.file)[1:])
        self.assertFalse(self.intact())

    def test_what_fails_loses_its_seal(self):
        self.break_second()
        self.assertEqual(self.prove("--update").returncode, 1)
        self.assertEqual((self.project / "proofs/seals.txt").read_text(), "")
        self.assertFalse(self.intact())

    def test_some_of_what_is_sealed_are_looked_at_all_the_same(self):
        names = {f"m{i}" for i in range(60)}
        chosen = [seals.chosen(names, str(seed)) for seed in range(100)]
        self.assertEqual({len(some) for some in chosen}, {60 // seals.SHARE})
        self.assertEqual(set().union(*chosen), names)

    def test_what_is_no_result_is_refused(self):
        self.file.write_text("first_ensures_rest Z3:4.8.12 valid\n")
        self.assertIn("small.txt:1: not a result", self.prove("--cached").stdout)


class Prove(unittest.TestCase):
    def run_on(self, run, text, *arguments, options=OPTIONS):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "small.c"
            source.write_text(text)
            return prove.replayed(options, run, {"source": str(source), "functions": []}, *arguments)

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


class Mutants(unittest.TestCase):
    """What scripts/mutate changes, and what it is told that nobody can notice."""

    def test_a_key_names_one_mutant(self):
        keys = [mutant.key() for mutant in mutate.candidates([])]
        self.assertEqual(len(keys), len(set(keys)))
        self.assertGreater(len(keys), 1000)

    def test_an_entry_is_stale_once_its_line_or_its_mutation_is_gone(self):
        mutant = mutate.candidates(["queue_take"])[0]
        key = mutant.key()
        with unittest.mock.patch.object(mutate, "equivalents", lambda: {key: "so"}):
            self.assertEqual(mutate.stale_equivalents(), [])
        for gone in (key[:2] + (mutant.line + " ",) + key[3:], key[:4] + (99,), ("kernel/core/call.c",) + key[1:]):
            with unittest.mock.patch.object(mutate, "equivalents", lambda gone=gone: {gone: "so"}):
                self.assertIn("queue_take has no such mutant", mutate.stale_equivalents()[0])

    def test_a_deleted_call_is_a_mutant_and_a_deleted_declaration_is_none(self):
        found = mutate.mutations("void f(void) {\n    u32 x = 1;\n    drop(x);\n}\n", "f")
        self.assertEqual({what for _, _, _, what in found}, {"delete `drop(x);`", "1 -> 0"})

    def test_a_goal_has_five_times_the_slowest_time_of_its_function(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        slow = results.Result("f_ensures_a", "Z3:4.8.12", "valid", "3.1", "7", "0" * 32)
        (Path(folder.name) / "proofs").mkdir()
        (Path(folder.name) / "proofs/modules.toml").write_text('[m]\nfunctions = ["f", "f_g", "h"]\n')
        results.write(Path(folder.name) / "proofs/results/m.txt",
                      [slow, slow._replace(goal="f_ensures_b", seconds="0.1"),
                       slow._replace(goal="f_g_ensures_a", seconds="9.5")])
        with unittest.mock.patch.object(mutate, "ROOT", Path(folder.name)):
            self.assertEqual([mutate.seconds_for(name) for name in ("f", "f_g", "h")], [16, 48, 5])


class Tags(html.parser.HTMLParser):
    """A page whose elements are all closed, each where it should be; its anchors, and the text that it shows."""
    VOID = {"meta", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.anchors, self.links, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            raise ValueError(f"not closed: {self.open}")
        self.text = "".join(self.texts)

    def handle_starttag(self, tag, attrs):
        self.open += [] if tag in self.VOID else [tag]
        self.anchors += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        if self.open.pop() != tag:
            raise ValueError(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data):
        self.texts.append(data)


class Report(unittest.TestCase):
    """The page that scripts/prove --report writes: of this project without its results, and of a small one."""
    RESULT = results.Result("next_ensures_next", "Z3:4.8.12", "valid", "1.25", "7", "0" * 32)
    FILES = {
        "kernel/core/call.h": "#define CALL_LIST(X) X(CALL_NEXT, next) X(CALL_LAST, last)\n",
        "kernel/core/kernel.h": "// Not old(x);\nvoid core_init(void);\n",
        "kernel/spec/README.md": "# Spec\n",
        "proofs/README.md": "# Proofs\n\n## Theorems\n\nTwo `<b>` & more.\n",
        "proofs/equivalent.toml": "",
        "proofs/ASSUMED.md": "## Tools <i>\n\n- **a<b>**: `1 < 2`.\n\n## Unproved functions\n\n- `last`: x\n",
    }

    @classmethod
    def setUpClass(cls):
        cls.modules = {name: module | {"results": Path("/nowhere")} for name, module in prove.read_modules().items()}
        cls.text = report.page(cls.modules, report.Kept(cls.modules))
        cls.page = Tags(cls.text)

    def small(self, *kept):
        """A project with these kept results."""
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        project = checkout(Path(scratch.name) / "project", NEXT.format(step="1 && \"<b>&lt;\""), ("next",))
        for path, text in self.FILES.items():
            (project / path).parent.mkdir(exist_ok=True)
            (project / path).write_text(text)
        results.write(project / "proofs/results/small.txt", kept)
        return project

    def test_every_function_of_a_module_is_there_once_with_its_contract(self):
        listed = [f"function-{f}" for module in self.modules.values() for f in module["functions"]]
        self.assertEqual(sorted(a for a in self.page.anchors if a.startswith("function-")), sorted(listed))
        self.assertGreaterEqual(self.page.text.count("contract, kernel/"), len(listed))
        self.assertLessEqual({name.removeprefix("function-") for name in listed}, set(report.contracts(report.sources())))
        self.assertEqual(len(set(self.page.anchors)), len(self.page.anchors))
        self.assertLessEqual({link.removeprefix("#") for link in self.page.links}, set(self.page.anchors))

    def test_every_assumption_entry_and_invariant_is_there(self):
        for path, pattern in (("proofs/ASSUMED.md", r"^- (.+)$"), ("kernel/core/call.h", r"\bX\((CALL_\w+), call_\w+\)"),
                              ("kernel/spec/README.md", r"^\| INV-\d+ \|.*\| ([^|]+) \|$")):
            words = re.findall(pattern, (report.ROOT / path).read_text(), re.M)
            self.assertGreater(len(words), 10)
            for word in words:
                self.assertIn(word.replace("`", "").replace("**", ""), self.page.text)
        section = self.text.partition('id="assumptions"')[2].partition("<h2")[0]
        self.assertEqual(section.count("<li>"), ledger.count(report.ROOT))

    def test_the_same_tree_makes_the_same_page(self):
        self.assertEqual(report.page(self.modules, report.Kept(self.modules)), self.text)

    def test_kept_results_are_counted_and_all_text_is_escaped(self):
        smoke = self.RESULT._replace(goal="next_wp_smoke_default_requires", verdict="unknown", seconds="-")
        lemma = self.RESULT._replace(goal="lemma_<b>", prover="CVC5:1.0.3", seconds="0.50")
        project = self.small(self.RESULT, smoke, lemma, self.RESULT._replace(goal="next_assert_a", verdict="unknown"))
        done = start_prove(project, "--report")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"^build/proofs.html: 1 functions, 3 goals, .*\ngoals 2/3 proved, 2 assumptions\n$")
        text = (project / "build/proofs.html").read_text()
        shown = Tags(text).text
        for words in ('ensures next: \\result == x + 1 && "<b>&lt;";', "Tools <i>", "a<b>: 1 < 2.", "Two <b> & more.",
                      "lemma_<b>"):
            self.assertIn(words, shown)
        self.assertIn("1 assertions, 1 ensures", shown)
        self.assertIn("<td>all</td><td class=\"number\">3</td><td></td><td class=\"number\">3.00</td>", text)
        self.assertEqual(re.findall(r"(CALL_\w+|core_init).*?(proved|not proved|in no list)</(?:a|span)>", text),
                         [("CALL_NEXT", "proved"), ("CALL_LAST", "not proved"), ("core_init", "in no list")])

    def test_a_result_of_an_unknown_function_is_an_error(self):
        project = self.small(self.RESULT._replace(goal="gone_ensures_next"))
        done = start_prove(project, "--report")
        self.assertEqual(done.returncode, 1)
        self.assertIn("proofs/results/small.txt has 1 results of no function of the module", done.stdout)
        self.assertFalse((project / "build").exists())


if __name__ == "__main__":
    unittest.main()
