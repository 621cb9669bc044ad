"""The header with typed names for what one program holds.
SPDX-License-Identifier: BSD-2-Clause
"""

from manifests.words import (
    ARCHIVE, CLIENT, CNODE, CONTEXT, DEVICE, DOORBELL, FAULTS, FILES, IO, IRQ, NOTIFICATION, PCI, POOL,
    SLOTS, SLOT_ENDPOINT, SLOT_NOTIFICATION, SLOT_REPLIES, SLOT_SELF, SYSTEM, THREAD, TRACE,
    TRACE_CONTROL, UNTYPED, VSPACE)


def window(need):
    _, _, size, address = need.values
    return f"{{{address:#x}, {size:#x}, {{{need.slot if need.slots else 0}, {need.slots}}}}}"


def pci_device(need):
    _, _, bit, address = need.values
    return f"{{{{{need.slot}, {need.slots}}}, {address:#x}, {bit:#x}}}"


def declaration(system, need):
    kind, a, b, c = need.values
    if kind == CLIENT:
        return f"sel::Client<{system.protocol(need.kind)[1]}> {need.name}{{{need.slot}}}"
    if kind in (IRQ, DOORBELL):
        bits = b if kind == IRQ else a
        word = "Interrupt" if kind == IRQ else "Doorbell"
        return f"sel::{word} {need.name}{{{need.slot}, {bits:#x}}}"
    if kind == PCI:
        return f"sel::PciDevice {need.name}{pci_device(need)}"
    if kind in (DEVICE, TRACE, ARCHIVE, POOL):
        return f"sel::Window {need.name}{window(need)}"
    if kind == THREAD:
        return f"sel::ReadyThread {need.name}{{{need.slot}, {c + (b & 0xFFFFFFFF):#x}}}"
    if kind == SLOTS:
        return f"sel::SlotRange {need.name}{{{need.slot}, {need.slots}}}"
    word = {IO: "IoPort", TRACE_CONTROL: "TraceControl", UNTYPED: "Untyped",
            CONTEXT: "SchedContext", VSPACE: "VSpace", CNODE: "CNode",
            FAULTS: "Endpoint", NOTIFICATION: "Notification"}[kind]
    return f"sel::{word} {need.name}{{{need.slot}}}"


def mounts_declaration(system, program):
    """The mount table, and what each client may name."""
    mounts = [f'{{"{need.path}", "{need.grant}", {need.slot}}}' for need in program.needs
              if need.path and need.window == 0]
    trees = [f'{{"{path}", {str(read_only).lower()}, {max(map(system.window, client.needs))}}}'
             for path, read_only, client in program.subtrees]
    api = system.protocol(FILES)[1]
    return [f"inline constexpr std::array<sel::Mount<{api}>, {len(mounts)}> {program.mounts}"
            f"{{{{{', '.join(mounts)}}}}};",
            f"inline constexpr std::array<sel::Subtree, {len(trees)}> {program.mounts}_clients"
            f"{{{{{', '.join(trees)}}}}};"]


def header(system, name):
    program = system.programs[name]
    headers = {"sel/server.hpp"}
    kinds = [need.kind for need in program.needs if need.values[0] == CLIENT]
    for kind in kinds + [kind for kind in program.lists.values() if kind not in ("pool", "pci")]:
        headers |= {"sel/client.hpp", system.protocol(kind)[0]}
    lines = [f"// What {name} holds: made from {program.path} and {SYSTEM}. Do not edit.",
             "// SPDX-License-Identifier: BSD-2-Clause", "#pragma once", ""]
    if "pool" in program.lists.values() or any(need.kind == "pci" for need in program.needs):
        headers.add("sel/device.hpp")
    headers |= {"sel/thread.hpp"} if any(need.kind == "thread" for need in program.needs) else set()
    headers |= {"sel/mounts.hpp"} if program.mounts else set()
    lines += ["#include <array>", ""] if program.lists or program.mounts else []
    lines += [f'#include "{h}"' for h in sorted(headers)]
    lines += ["", "namespace caps {", "",
              f"inline constexpr sel::Tcb self{{{SLOT_SELF}}};"]
    if program.receives:
        lines.append(f"inline constexpr sel::Service service{{sel::Endpoint{{{SLOT_ENDPOINT}}}, self, "
                     f"{{{SLOT_REPLIES}, {program.replies}}}}};")
    lines.append(f"inline constexpr sel::Notification signals{{{SLOT_NOTIFICATION}}};")
    lines += [f"inline constexpr {declaration(system, need)};" for need in program.needs
              if not need.many and not need.path]
    lines += [f"inline constexpr u8 {need.name}_priority = {need.priority};" for need in program.needs
              if need.values[0] == CONTEXT]
    lines += mounts_declaration(system, program) if program.mounts else []
    for listed, kind in program.lists.items():
        needs = [need for need in program.needs if need.many and need.name == listed]
        if kind == "pool":
            element = "sel::ClientPool"
            inside = [f"{{{need.client[0]}, {need.client[1]}, {window(need)}}}" for need in needs]
        elif kind == "pci":
            element = "sel::PciDevice"
            inside = [pci_device(need) for need in needs]
        else:
            element = f"sel::Named<{system.protocol(kind)[1]}>"
            inside = [f'{{"{need.grant}", {need.slot}}}' for need in needs]
        lines.append(f"inline constexpr std::array<{element}, {len(needs)}> {listed}"
                     f"{{{{{', '.join(inside)}}}}};")
    return "\n".join(lines + ["", "} // namespace caps", ""])
