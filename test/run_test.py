#!/usr/bin/env python3
"""Tests of scripts/lib/run_main.py: how a batch is parted, and what is said of disks that cannot be used.
SPDX-License-Identifier: BSD-2-Clause"""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "scripts/lib"))
import run_main


class Batch(unittest.TestCase):
    def test_semicolons_part_commands(self):
        self.assertEqual(run_main.commands_of("a b; c;;  ;d "), ["a b", "c", "d"])
        self.assertEqual(run_main.commands_of(""), [])

    def test_inside_quotes_they_do_not(self):
        for one in ("echo 'a; b'", 'echo "a; b"', "echo a\\;b", 'echo "a\\"; b"', "echo 'it\\'", "echo \\'", "echo 'a\"; b'",
                    "echo 'not closed; b"):
            self.assertEqual(run_main.commands_of(f"x; {one}"), ["x", one])
        self.assertEqual(run_main.commands_of("echo 'it\\'; b"), ["echo 'it\\'", "b"])
        self.assertEqual(run_main.commands_of("echo a\\"), ["echo a\\"])


    def test_a_loop_or_condition_is_one_command(self):
        for one in ("for x in 1 2; do echo $x; done", "if true; then echo a; else echo b; fi",
                    "while false; do for x in a; do if test; then y; fi; done; done", "until true; do x; done | sort",
                    "true && for x in if; do echo for; done", "! if a; then b; elif c; then d; fi",
                    "for if in 1; do echo $if; done", "if if a; then b; fi; then c; fi"):
            self.assertEqual(run_main.commands_of(f"x; {one}; y;"), ["x", one, "y"])
        self.assertEqual(run_main.commands_of("for x in 1\ndo echo\ndone\necho"), ["for x in 1; do echo; done", "echo"])
        self.assertEqual(run_main.commands_of("echo if; echo for done; fi; b"), ["echo if", "echo for done", "fi", "b"])

    def test_what_is_substituted_is_not_parted(self):
        self.assertEqual(run_main.commands_of("echo $(a; b); c"), ["echo $(a; b)", "c"])
        self.assertEqual(run_main.commands_of('echo "$(a; echo $(b; c))"; d'), ['echo "$(a; echo $(b; c))"', "d"])
        self.assertEqual(run_main.commands_of("echo ')' '$('; b"), ["echo ')' '$('", "b"])


class Disks(unittest.TestCase):
    def refused(self, path):
        with self.assertRaises(SystemExit) as refused:
            run_main.usable(str(path))
        self.assertTrue(str(refused.exception).startswith(f"run: --disk {path}: "), refused.exception)
        return str(refused.exception)

    def test_one_that_cannot_be_used_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn("No such file or directory", self.refused(Path(folder) / "nowhere/disk.img"))
            self.assertIn("is a directory", self.refused(folder))
            file = Path(folder) / "file"
            file.write_bytes(b"")
            self.assertIn("Not a directory", self.refused(file / "disk.img"))
            self.assertIsNone(run_main.usable(str(file)))


if __name__ == "__main__":
    unittest.main()
