"""Nobody but root holds more than its manifest says: `caps` against the manifests.
SPDX-License-Identifier: BSD-2-Clause

What each program is to hold is worked out here from the manifests and boot/system.toml alone (by the
rules of servers/README.md), slot by slot, and compared with what the kernel says it holds.
"""

import re

from build import ROOT
from manifests.system import System
from manifests.words import parse_size
from scene import SERVERS, booted, disks, equal

CAP_ROW = re.compile(r"^  ( *)(\w+) +([rwg-]*) +at 0x([0-9a-f]+)(?: to 0x([0-9a-f]+))?"
                     r"(?:  (badge 0x[0-9a-f]+|ports 0x[0-9a-f]+ to 0x[0-9a-f]+|line \d+|msi|\d+ slots|"
                     r"[\d.]+ [KM]))?(?:  \((\w+)\))?$")
ALL, READ, WRITE = "rwg", "r", "w"


def held(text):
    """{program: {slot: (type, rights, detail, name)}} from the output of `caps`; what a program has made
    of its own memory, in slots that its manifest keeps for that, is left out."""
    found, program, empty = {}, None, set()
    for line in text.splitlines():
        if not line.startswith(" "):
            program, empty = found.setdefault(line, {}), made_slots(SYSTEM.programs[line])
            continue
        row = CAP_ROW.match(line)
        assert row, f"a row of caps that cannot be read: {line!r}"
        first = int(row[4], 16)
        for slot in range(first, int(row[5] or row[4], 16) + 1):
            if not (row[1] and slot in empty):
                program[slot] = (row[2], row[3], row[6] or "", row[7] or "")
    return found


def made_slots(program):
    """The slots that it keeps for objects made of its own untyped memory, and for badges of its notifications."""
    makes = {need.kind for need in program.needs} & {"untyped", "notification"}
    return {need.slot + i for need in program.needs if need.kind == "slots" and makes
            for i in range(need.slots)}


def clients_of(server):
    """(program, need) of all who name files through `server`, in the order of boot/system.toml."""
    return [(program.name, need.name) for program in SYSTEM.programs.values() for need in program.needs
            if need.kind == "file" and need.grant.split(":")[0] == server.name]


def rights_at(server):
    """What stands behind the server's name where its clients are given it, each once, in the order of boot/system.toml."""
    found = []
    for need in (need for program in SYSTEM.programs.values() for need in program.needs):
        name, _, text = (need.grant or "").partition(":")
        if name == server.name and text and text not in found:
            found.append(text)
    return found


def granted(program, need, bits):
    """[(type, rights, detail)] of one need, a slot each."""
    if need.kind == "io":
        first, count = (int(part, 0) for part in need.grant[3:].split("/"))
        return [("IoPort", ALL, f"ports {first:#x} to {first + count - 1:#x}")]
    if need.kind == "irq":
        return [("IrqHandler", ALL, f"line {int(need.grant[4:].split('/')[0], 0)}")]
    if need.kind == "device":
        return [("Frame", READ + WRITE, "")] * (int(need.grant.split("/")[1], 0) // 4096)
    if need.kind == "pool":
        pages = parse_size(need.grant.split("/")[1]) // 4096
        return [("Frame", READ + WRITE, "")] * pages
    if need.kind == "trace":
        return [("Frame", READ, "")] * 4
    if need.kind == "trace-control":
        return [("TraceControl", ALL, "")]
    if need.kind in ("thread", "notification"):
        return [("TCB" if need.kind == "thread" else "Notification", ALL, "")]
    if need.kind == "doorbell":
        return [("Notification", WRITE, f"badge {1 << bits:#x}")]
    if need.kind == "faults":
        return [("Endpoint", WRITE, f"badge {1 << 63 | program.number:#x}")]
    if need.kind in ("archive", "display", "slots", "pci"):  # The slots for a device: see filled().
        return []
    if need.kind in ("untyped", "cnode", "vspace", "context"):
        return [({"untyped": "Untyped", "cnode": "CNode", "vspace": "VSpace",
                  "context": "SchedContext"}[need.kind], ALL, None)]
    if need.kind in ("region", "regions"):  # What is lent and borrowed at run time: see filled().
        service = SYSTEM.programs["root"].provides.index("root.Lender" if need.kind == "region" else "root.Borrower")
        number = need.value["number"] if need.kind == "region" else 0
        rights = WRITE if need.kind == "region" else WRITE + "g"
        return [("Endpoint", rights, f"badge {program.number | service << 32 | number << 40:#x}")]
    if need.kind == "starter":
        service = SYSTEM.programs["root"].provides.index("root.Starter")
        return [("Endpoint", WRITE + "g", f"badge {program.number | service << 32:#x}")]
    whole, _, subtree = need.grant.partition(":")
    name, _, part = whole.partition("/")
    server = SYSTEM.programs[name]
    if server.start == "run":  # Its clients get it when it is started.
        return []
    number = int(part or "0", 0)
    if server.mounts and need.kind == "file":
        number = clients_of(server).index((program.name, need.name))
        path = subtree.removesuffix(":ro").removesuffix(":rw") or "/"
        equal(f"subtree of {program.name}", server.subtrees[number], (path, subtree.endswith(":ro")))
    if server.rights and subtree:  # The first one has part 1; a client without a text has none.
        number = 1 + rights_at(server).index(subtree)
    if program.mounts == need.name:  # One for each window that is shared with file systems, in order.
        number = [other.slot for other in program.needs if other.path == need.path].index(need.slot)
    badge = program.number | server.provides.index(need.kind) << 32 | number << 40
    return [("Endpoint", WRITE + "g" * need.give, f"badge {badge:#x}")]


def expected(program):
    """{slot: (type, rights, detail, name)} of one program."""
    slots = {1: ("TCB", ALL, "", "self"), 3: ("Notification", ALL, "", "signals")}
    if program.provides or any(need.kind == "faults" for need in program.needs):
        slots[2] = ("Endpoint", READ, "", "requests")
    for i in range(program.replies):
        slots[4 + i] = ("Reply", ALL, "", "reply")
    bits = 0
    for need in program.needs:
        for i, (kind, rights, detail) in enumerate(granted(program, need, bits)):
            slots[need.slot + i] = (kind, rights, detail, need.name)
        bits += need.kind in ("irq", "doorbell", "pci")
    return slots


def filled(program):
    """Slots that may be filled at run time, as {slot: (type, rights, details, name)}: by the pci server; with the token
    of a region, with regions of clients."""
    slots = {}
    for need in program.needs:
        if need.kind == "region":
            badge = program.number | 0xff << 32 | need.value["number"] << 40
            slots[need.slot + 1] = ("Endpoint", "-", re.compile(f"badge {badge:#x}"), need.name)
        if need.kind == "regions":
            for slot in range(need.slot + 2, need.slot + need.slots):
                slots[slot] = ("Frame", READ + WRITE, re.compile(""), need.name)
        if need.kind == "pci":
            slots[need.slot] = ("IrqHandler", ALL, re.compile(r"msi|line \d+"), need.name)
            for slot in range(need.slot + 1, need.slot + need.slots):
                slots[slot] = ("Frame", READ + WRITE, re.compile(""), need.name)
    return slots


SYSTEM = System(ROOT)
SETTLE_TRIES = 30
ENDED = ("mount",)  # Programs that are started at the boot and do not stay.
FROM_FILES = {name for name, program in SYSTEM.programs.items() if program.from_file}


def settled(machine):
    """What all hold, when those that do not stay have ended: they go on behind the first prompt."""
    for _ in range(SETTLE_TRIES):
        capabilities = held(machine.run("caps"))
        if not any(capabilities.get(name) for name in ENDED):
            break
        machine.run("sleep 1")
    return capabilities


def compare(machine):
    capabilities = settled(machine)
    equal("programs", set(capabilities), set(SYSTEM.programs) - {"root"} - FROM_FILES)
    for name, slots in capabilities.items():
        program = SYSTEM.programs[name]
        if program.start == "run" or name in ENDED:
            equal(f"what {name} holds when it does not run", slots, {})
            continue
        wanted, devices = expected(program), filled(program)
        for slot in sorted(slots.keys() | wanted.keys()):
            got, want = slots.get(slot), wanted.get(slot)
            if got and slot in devices and devices[slot][2].fullmatch(got[2]):
                want = (*devices[slot][:2], got[2], devices[slot][3])
            if want and want[2] is None and got:
                want = (*want[:2], got[2], want[3])
            equal(f"slot {slot:#x} of {name}", got, want)


def test_caps_are_those_of_the_manifests():
    with booted() as machine:
        compare(machine)
        machine.halt()


def test_caps_with_disks():
    """What the pci server finds fills no slots but those that a manifest keeps for it."""
    with disks() as drives, booted(extra=drives) as machine:
        compare(machine)
        machine.run("restart pci")
        compare(machine)
        machine.halt()


def test_no_server_can_make_code():
    """Memory of which executable pages can be made is for experiments, and for who starts programs; they say so."""
    with_code = {name for name, program in SYSTEM.programs.items() if program.data.get("code")}
    equal("programs with `code`", with_code, {"attack", "bench", "check", "loader", "probe"})
    with_memory = {name for name, program in SYSTEM.programs.items()
                   if any(need.kind == "untyped" for need in program.needs)}
    equal("programs with memory of their own", with_memory, with_code)


def test_a_driver_has_its_devices():
    """By its manifest, room for eight; on the machine, those that there are."""
    for driver in "virtio-blk", "nvme", "ahci":
        kinds = [need.kind for need in SYSTEM.programs[driver].needs]
        equal(driver, [kind for kind in kinds if kind in ("pci", "io", "irq", "device")], ["pci"] * 8)
    with disks() as drives, booted(extra=drives) as machine:
        shown = machine.run("lspci")
        for driver in "virtio-blk", "nvme":
            equal(driver, len(re.findall(rf" {driver} \(msi", shown)), 1)
            rows = [row for row in machine.run(f"caps {driver}").splitlines() if row.endswith("(devices)")]
            equal(driver, [row.split()[0] for row in rows], ["IrqHandler", "Frame"])
        machine.halt()


def test_caps_after_use_and_restarts():
    """Nothing is collected by working, dying, or being attacked."""
    with booted() as machine:
        machine.run("write /a b; cat /a; rm /a; sleep 0; log; attack flood; attack rights; attack badge")
        compare(machine)
        for server in SERVERS:
            machine.run(f"kill {server}")
        machine.run("attack null")
        compare(machine)
        machine.halt()
