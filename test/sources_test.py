#!/usr/bin/env python3
"""Tests of scripts/lib/sources.py: a protocol that is not fuzzed on both sides is found and named.
SPDX-License-Identifier: BSD-2-Clause"""

import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "scripts/lib"))
import sources

API = "namespace counting {\nusing Api = sel::Protocol<Add,\n    Take>;\nusing View = sel::Protocol<Look>;\n}\n"


class Protocols(unittest.TestCase):
    def problems(self, **tests):
        """Of servers/counter with this API, and tests in folders of servers."""
        with tempfile.TemporaryDirectory() as folder:
            for place in ("counter", *tests):
                (Path(folder) / "servers" / place).mkdir(parents=True, exist_ok=True)
            (Path(folder) / "servers/counter/api.hpp").write_text(API)
            for place, text in tests.items():
                (Path(folder) / "servers" / place / "a_test.cpp").write_text(text)
            return sources.protocol_problems(Path(folder))

    def test_each_side_of_each_protocol_is_asked_for(self):
        self.assertEqual(self.problems(), [
            f"servers/counter/api.hpp: counting::{name} has no fuzz test of its {side}"
            for name in ("Api", "View") for side in ("servers", "clients")])

    def test_a_namespace_may_be_left_out_at_home_only(self):
        both = "sel::fuzz::server_of<Api>(s, r, 1, 2); sel::fuzz::clients<Api>();"
        self.assertEqual(len(self.problems(counter=both)), 2)
        self.assertEqual(len(self.problems(other=both)), 4)
        self.assertEqual(len(self.problems(other=both.replace("<", "<counting::"))), 2)

    def test_all_are_fuzzed(self):
        text = "".join(f"sel::fuzz::{side}<counting::{name}>();" for side in ("server", "clients") for name in ("Api", "View"))
        self.assertEqual(self.problems(other=text), [])
        self.assertEqual(self.problems(counter="sel::fuzz::both<Api>(s); sel::fuzz::both<View>(s);"), [])


if __name__ == "__main__":
    unittest.main()
