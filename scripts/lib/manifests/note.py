"""The manifest of a program as a note of its ELF file, in assembler; libsel/include/sel/manifest.hpp has its layout.
SPDX-License-Identifier: BSD-2-Clause
"""

import struct

from manifests.grants import kind_of, own_value
from manifests.source import Constants, Layout
from manifests.words import Mistake, budget, parse_size, period

MANIFEST = "libsel/include/sel/manifest.hpp"
FACTS = Constants("libsel/include/sel/environment.hpp", MANIFEST)
HEAD, NEED = Layout(MANIFEST, "ManifestHead"), Layout(MANIFEST, "ManifestNeed")
OWNER = b"TRustOs\0"


def text(what, words, layout, field):
    """Characters for a field that ends with 0."""
    data = words.encode("ascii", "replace")
    if len(data) >= layout.bytes_of(field) or not words.isprintable() or not words.isascii():
        raise Mistake(f"{what}: is {words!r}, expected at most {layout.bytes_of(field) - 1} characters of ASCII")
    return data


def content(program):
    """A ManifestHead and its ManifestNeeds."""
    data = program.data
    flags = {"MANIFEST_VECTOR": data.get("vector", False), "MANIFEST_CODE": data.get("code", False),
             "MANIFEST_SERVES": program.receives}
    out = HEAD.pack(
        version=FACTS["kManifestVersion"], stack=parse_size(data.get("stack", "16K")), name=program.name.encode(),
        memory=parse_size(data.get("memory", "4K")), budget_us=budget(data), period_us=period(data),
        slots=program.slots, replies=program.replies, needs=len(program.needs), priority=program.priority,
        flags=sum(FACTS[name] for name, holds in flags.items() if holds),
        about=text(f"{program.path}: about", data["about"], HEAD, "about"))
    for need in program.needs:
        out += NEED.pack(
            name=need.name.encode(), word=text(f"{program.path}: needs.{need.name}", need.kind, NEED, "word"),
            value=own_value(need), slot=need.slot, slots=need.slots, own=int(kind_of(need).own), give=int(need.give))
    return out


def note(program):
    data = content(program)
    data = struct.pack("<III", len(OWNER), len(data), FACTS["kManifestNote"]) + OWNER + data
    lines = [f"// What {program.name} asks for: made from {program.path}. Do not edit.",
             "// SPDX-License-Identifier: BSD-2-Clause", '.section .note.trustos, "a", @note', ".balign 4"]
    lines += [".byte " + ", ".join(map(str, data[i:i + 16])) for i in range(0, len(data), 16)]
    return "\n".join(lines + ['.section .note.GNU-stack, "", @progbits', ""])
