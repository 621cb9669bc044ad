#!/usr/bin/env python3
"""Tests of scripts/lib/docs.py: what a page names and is not there is found, with its line.
SPDX-License-Identifier: BSD-2-Clause"""

import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts/lib"))
import docs


class Pages(unittest.TestCase):
    facts = docs.Facts(ROOT)

    def problems(self, code):
        return list(docs.problems_of(code, ROOT / "README.md", self.facts))

    def test_what_is_there_is_no_problem(self):
        for code in ("scripts/run --batch 'ls | sort; X=7; if true; then echo $X; fi'", "scripts/run --disk d.img -- -s",
                     "scripts/run", "boot.bios_cd", "meson test -C build shell", "servers/vfs/names.hpp", "core/cdt.h", "names.hpp",
                     "sel/client.hpp", "build/apps/NAME.bin", "servers/NAME/api.hpp", "caps::files", "log.Writer", "a.b"):
            self.assertEqual(self.problems(code), [], code)

    def test_what_is_not_there_is_named(self):
        for code, problem in (("scripts/nothing --x", "there is no scripts/nothing"),
                              ("scripts/run --quick", "scripts/run --help does not know --quick"),
                              ("scripts/test --only x --lazy", "scripts/test --help does not know --lazy"),
                              ("scripts/run --batch 'ls; dir | sort'", "the shell has no command dir"),
                              ("scripts/run --batch 'for x in a; do dir; done'", "the shell has no command dir"),
                              ("scripts/test --onl x", "scripts/test --help does not know --onl"),
                              ("boot.from_tape", "there is no scenario boot.from_tape"),
                              ("meson test -C build shelf", "there is no host test shelf"),
                              ("servers/vfs/none.hpp", "there is no file servers/vfs/none.hpp"),
                              ("no_such.hpp", "there is no file no_such.hpp anywhere")):
            self.assertEqual(self.problems(code), [problem])

    def test_what_is_typed_at_the_shell(self):
        lines = docs.shell_lines()
        self.assertIn("help", lines)  # Of `--batch 'help; ps'`.
        self.assertIn("fsck /disk", lines)
        self.assertEqual([line for line in lines if "-->" in line or "NAME" in line or "..." in line], [])

    def test_a_decision_that_is_not_there(self):
        page = ROOT / "kernel/glossary.md"
        text, read = page.read_text(), Path.read_text
        try:
            Path.read_text = lambda path, *a: text + "as adr/9999 says\n" if path == page else read(path, *a)
            line = text.count("\n") + 1
            self.assertEqual(list(docs.page_problems(page, self.facts)), [f"kernel/glossary.md:{line}: there is no decision 9999"])
        finally:
            Path.read_text = read

    def test_parts_that_are_made(self):
        page = f"head\n{docs.BEGIN}\nold\n{docs.END}\ntail\n"
        self.assertEqual(docs.part_of(page), (f"head\n{docs.BEGIN}", "old", f"{docs.END}\ntail\n"))
        self.assertIsNone(docs.part_of("head"))
        self.assertIn("| [0001](0001-objects-are-indices.md) | ", docs.index(ROOT))
        chart = docs.picture(ROOT)
        for line in ("    fs --> virtio-blk", "    shell --> vfs", "    vfs --> fs"):
            self.assertIn(line + "\n", chart)
        self.assertNotIn("fs2", chart)


if __name__ == "__main__":
    unittest.main()
