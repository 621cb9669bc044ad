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
