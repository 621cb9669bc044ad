"""Who sends capabilities along: what a program's sources say, against the `+give` in its manifest.
SPDX-License-Identifier: BSD-2-Clause

A need without it is refused at run time, at the first capability. Two things tell that one is sent: `caps::NAME.call_giving`,
and that the sources include, at however many removes, the library of a protocol that does so: servers/NAME/client.hpp.
"""

import re

INCLUDE = re.compile(r'^#include "([^"<>]+)"', re.M)
SENDS = re.compile(r"\bcaps::(\w+)\.call_giving")
LIBRARY = "servers/{}/client.hpp"
OF_TESTS = re.compile(r"(_test|^test_.*|^fake_.*|^fixture)\.[ch]pp$")


class Sources:
    """Of a project, each file read once."""

    def __init__(self, project):
        self.project = project.resolve()
        self.texts = {}

    def text(self, path):
        if path not in self.texts:
            self.texts[path] = path.read_text()
        return self.texts[path]

    def of_program(self, folder):
        """Without its tests."""
        return [path for path in sorted((self.project / folder).glob("*.[ch]pp")) if not OF_TESTS.search(path.name)]

    def included(self, paths):
        """These, and all files of the project that they include."""
        seen, left = set(), list(paths)
        while left:
            path = left.pop().resolve()
            if path not in seen:
                seen.add(path)
                for name in INCLUDE.findall(self.text(path)):
                    left += [place for place in (path.parent / name, self.project / name) if place.exists()][:1]
        return seen

    def forgotten(self, program, own):
        """(name of a need, who sends) of those that lack `+give`. `own`: kinds that are no protocols."""
        mine = self.of_program(program.folder)
        sent = {name: f"{program.folder}/{path.name}" for path in mine for name in SENDS.findall(self.text(path))}
        needs = [need for need in program.needs if need.kind not in own]
        for need in needs:
            if need.name in sent and not need.give:
                yield need.name, sent[need.name]
        seen = self.included(mine)
        for folder in sorted({need.kind.partition(".")[0] for need in needs}):
            library = self.project / LIBRARY.format(folder)
            those = [need for need in needs if need.kind.partition(".")[0] == folder]
            sends = library in seen and ".call_giving" in self.text(library)
            if sends and not any(need.give or need.name in sent for need in those):
                yield those[0].name, LIBRARY.format(folder)
