#!/usr/bin/env python3
"""Tests of scripts/lib/circles.py: circles in small cores are found and named; none where there is an order.
SPDX-License-Identifier: BSD-2-Clause"""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "scripts/lib"))
import circles


class Circles(unittest.TestCase):
    def problems(self, **files):
        """Of a core with these files; a_h stands for a.h."""
        with tempfile.TemporaryDirectory() as folder:
            core = Path(folder) / "kernel/core"
            core.mkdir(parents=True)
            for name, text in files.items():
                (core / ".".join(name.rsplit("_", 1))).write_text(text)
            return circles.problems(Path(folder))

    def test_an_order_is_no_circle(self):
        self.assertEqual(self.problems(
            a_h="void low(void);\n", a_c='#include "core/a.h"\nvoid low(void) {\n}\n',
            b_c='#include "a.h"\nvoid high(void) {\n    low();\n    high();\n}\n'), [])

    def test_headers_that_include_each_other_are_found(self):
        found = self.problems(a_h='#include "core/b.h"\n', b_h='#include "c.h"\n', c_h='#include "core/a.h"\n', d_h="")
        self.assertEqual(found[0], "kernel/core: a circle of includes: a.h, b.h, c.h")
        self.assertEqual(len(found), 4)

    def test_files_that_call_each_other_are_found_with_the_calls(self):
        found = self.problems(a_c="void up(void) {\n    down(1);\n}\n", b_c="void down(int x) {\n    middle();\n}\n",
                              c_h="static inline void middle(void) {\n    up();\n}\n")
        self.assertEqual(found[0], "kernel/core: a circle of calls: a, b, c")
        self.assertIn("    a -> b: up calls down", found)

    def test_a_header_and_its_source_are_one_file(self):
        self.assertEqual(self.problems(
            a_h="static inline void f(void) {\n    g();\n}\nstatic inline void h(void) {\n}\n",
            a_c="void g(void) {\n    h();\n}\n"), [])

    def test_comments_do_not_call(self):
        self.assertEqual(self.problems(a_c="void f(void) {\n    g();\n}\n",
                                       b_c="void g(void) { // f() calls us\n    //@ ghost f();\n}\n"), [])

    def test_two_circles_are_told_apart(self):
        found = self.problems(a_c="void a(void) {\n    b();\n}\n", b_c="void b(void) {\n    a();\n    c();\n}\n",
                              c_c="void c(void) {\n    d();\n}\n", d_c="void d(void) {\n    c();\n}\n")
        self.assertEqual([line for line in found if not line.startswith(" ")],
                         ["kernel/core: a circle of calls: a, b", "kernel/core: a circle of calls: c, d"])


if __name__ == "__main__":
    unittest.main()
