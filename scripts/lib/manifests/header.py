"""The header with typed names for what one program holds.
SPDX-License-Identifier: BSD-2-Clause
"""

from itertools import zip_longest

from manifests.grants import (
    Client, Context, Display, Pci, Region, Regions, Starter, Thread, is_a, kind_of, pci_device)
from manifests.words import FILES, PLACES, SYSTEM

SLOT_SELF, SLOT_ENDPOINT, SLOT_NOTIFICATION, SLOT_REPLIES = (
    PLACES[f"SLOT_{name}"] for name in ("SELF", "ENDPOINT", "NOTIFICATION", "REPLIES"))


def mounts_declaration(system, program):
    """The mount table, and what each client may name."""
    mounts = [f'{{"{need.path}", "{need.grant}", {need.slot}}}' for need in program.needs
              if need.path]
    trees = [f'{{"{path}", {str(read_only).lower()}}}' for path, read_only in program.subtrees]
    api = system.protocol(FILES)[1]
    return [f"inline constexpr std::array<sel::Mount<{api}>, {len(mounts)}> {program.mounts}"
            f"{{{{{', '.join(mounts)}}}}};",
            f"inline constexpr std::array<sel::Subtree, {len(trees)}> {program.mounts}_clients"
            f"{{{{{', '.join(trees)}}}}};"]


def several(system):
    """What is wrong with programs of the same executable: they must find all that they hold in the same places."""
    for program in system.programs.values():
        if program.program == program.name:
            continue
        own, first = (header(system, name).splitlines()[1:] for name in (program.name, program.program))
        if own != first:
            differ = next(f"{a!r}, not {b!r}" for a, b in zip_longest(own, first) if a != b)
            yield f"{SYSTEM}: {program.name}: holds {differ}: expected all as {program.program} has it"


def header(system, name):
    program = system.programs[name]
    headers = {"sel/server.hpp"}
    kinds = [need.kind for need in program.needs if is_a(need, Client)]
    kinds += ["root.Starter" for need in program.needs if is_a(need, Starter)]
    for kind in kinds + [kind for kind in program.lists.values() if kind != "pci"]:
        headers |= {"sel/client.hpp", system.protocol(kind)[0]}
    lines = [f"// What {name} holds: made from {program.path} and {SYSTEM}. Do not edit.",
             "// SPDX-License-Identifier: BSD-2-Clause", "#pragma once", ""]
    headers |= {"servers/root/api.hpp"} if any(is_a(need, Region, Regions) for need in program.needs) else set()
    headers |= {"sel/device.hpp"} if any(is_a(need, Pci) for need in program.needs) else set()
    headers |= {"sel/display.hpp"} if any(is_a(need, Display) for need in program.needs) else set()
    headers |= {"sel/thread.hpp"} if any(is_a(need, Thread) for need in program.needs) else set()
    headers |= {"sel/mounts.hpp"} if program.mounts else set()
    lines += ["#include <array>", ""] if program.lists or program.mounts or program.rights else []
    lines += [f'#include "{h}"' for h in sorted(headers)]
    lines += ["", "namespace caps {", "",
              f"inline constexpr sel::Tcb self{{{SLOT_SELF}}};"]
    if program.receives:
        lines.append(f"inline constexpr sel::Service service{{sel::Endpoint{{{SLOT_ENDPOINT}}}, self, "
                     f"{{{SLOT_REPLIES}, {program.replies}}}}};")
    lines.append(f"inline constexpr sel::Notification signals{{{SLOT_NOTIFICATION}}};")
    lines += [f"inline constexpr {kind_of(need).declare(system, need)};" for need in program.needs
              if not need.many and not need.path]
    lines += [f"inline constexpr u8 {need.name}_priority = {need.priority};" for need in program.needs
              if is_a(need, Context)]
    lines += mounts_declaration(system, program) if program.mounts else []
    if program.rights:
        texts = ", ".join(f'"{text}"' for text in program.texts)
        lines.append(f"inline constexpr std::array<std::string_view, {len(program.texts)}> {program.rights}"
                     f"{{{{{texts}}}}};")
    for listed, kind in program.lists.items():
        needs = [need for need in program.needs if need.many and need.name == listed]
        if kind == "pci":
            element = "sel::PciDevice"
            inside = [pci_device(need) for need in needs]
        else:
            element = f"sel::Named<{system.protocol(kind)[1]}>"
            inside = [f'{{"{need.grant}", {need.slot}}}' for need in needs]
        lines.append(f"inline constexpr std::array<{element}, {len(needs)}> {listed}"
                     f"{{{{{', '.join(inside)}}}}};")
    return "\n".join(lines + ["", "} // namespace caps", ""])
