"""What a program may need, a class a kind: how it is given, what stands for it in NAME.caps.hpp, in the table,
and what it takes of the program's memory.
SPDX-License-Identifier: BSD-2-Clause

The struct of the same name in servers/root/grant.hpp says what the table has of it.
"""

import re

from manifests.source import Layout, names_of_list
from manifests.words import (
    ABI, FILES, Mistake, NAME, PAGE, PART_MAX, PLACES, RIGHTS_TEXT, ROOT, TABLE, is_path, parse_number, parse_size, parse_time,
    split_part)

HEADER = "servers/root/grant.hpp"
PCI_PAGES, PCI_CLASS = TABLE["PCI_PAGES"], TABLE["kByClass"]
DEVICES_MAX = TABLE["kDevices"]  # Of a program, by `pci*`.
CHILD_MAX = TABLE["CHILD_MAX"]
DEVICE_MAX, POOL_MAX, POOLS_MAX = TABLE["DEVICE_BYTES_MAX"], TABLE["POOL_BYTES_MAX"], TABLE["POOL_MAX"]
IRQ_LINES = 16  # Of ISA: all others belong to PCI devices.
PHYSICAL_END = TABLE["kPhysicalEnd"]
TRACE_BYTES = ABI["TRACE_FRAMES"] * PAGE


class Kind:
    """`word`: in a manifest; empty: a protocol. `own`: it comes from the program itself, not from system.toml.
    Each class but the last says `type`, its C++ type, unless declare() does."""
    word = type = ""
    own = False

    def give(self, system, program, need, text):
        """Sets need.value (and slots) from `text`, what stands behind the word."""
        need.value = {}

    def declare(self, system, need):
        """Its variable in NAME.caps.hpp, without the end."""
        return f"sel::{self.type} {need.name}{{{need.slot}}}"

    def window(self, need):
        """(address, bytes) of what is mapped for it, for its page tables."""
        return None

    def own_pages(self, need):
        """(address, bytes) of what is mapped for it of the program's own memory."""
        return None

    def objects(self, need):
        """Bytes of the program's memory that it takes besides."""
        return 0


def windows(need):
    """A sel::Window in braces."""
    value = need.value
    size = value.get("bytes", 0)
    return f"{{{value['address']:#x}, {size:#x}, {{{need.slot if need.slots else 0}, {need.slots}}}}}"


def pci_device(need):
    """A sel::PciDevice in braces."""
    value = need.value
    return f"{{{{{need.slot}, {need.slots}}}, {value['address']:#x}, {value['bit']:#x}}}"


class Mapped(Kind):
    """A window in the program's address space."""

    def declare(self, system, need):
        return f"sel::Window {need.name}{windows(need)}"

    def window(self, need):
        return need.value["address"], need.value["bytes"]


def alone(need, text):
    """Of a kind about which nothing more can be said."""
    if text:
        raise Mistake(f"is {need.kind}:{text}, expected {need.kind}" if not need.grant else
                      f"is given {need.grant!r}, expected {need.kind!r}")


def span(text, unit, limit):
    """First and count of "FIRST/COUNT"."""
    first, slash, count = text.partition("/")
    if not slash:
        raise Mistake(f"is given {text!r}, expected FIRST/COUNT")
    first, count = parse_number(first), parse_number(count)
    if first < 0 or count <= 0 or first % unit or count % unit or first + count > limit:
        raise Mistake(f"is given {text!r}, expected FIRST/COUNT in multiples of {unit} that end "
                      f"at {limit:#x} at most")
    return first, count


def processor_time(program, need, text):
    """Budget and period of "BUDGET/PERIOD@PRIORITY"; the last part is the need's."""
    time, _, priority = text.partition("@")
    need.priority = parse_number(priority) if priority else program.priority
    part, _, whole = time.partition("/")
    value = {"budget_us": parse_time(part), "period_us": parse_time(whole)}
    if value["budget_us"] > value["period_us"]:
        raise Mistake(f"is {need.argument!r}, expected BUDGET/PERIOD, budget not longer")
    if not 1 <= need.priority <= program.priority:
        raise Mistake(f"has priority {need.priority}, expected 1 to {program.priority}, that of "
                      "the program")
    return value


class Client(Kind):
    def give(self, system, program, need, text):
        name, colon, subtree = need.grant.partition(":")
        name, part = split_part(name)
        server = system.programs.get(name)
        if server is None:
            raise Mistake(f"is given {need.grant!r}, expected a program of boot/system.toml")
        if need.kind not in server.provides:
            offered = ", ".join(server.provides) or "nothing"
            raise Mistake(f"needs {need.kind}, but {name} provides {offered}")
        if server.priority <= program.priority and server is not program:  # Of itself: to pass on, not to call.
            raise Mistake(f"{program.name} has priority {program.priority} and {name} "
                          f"{server.priority}: calls go to a higher priority only")
        if server.mounts and need.kind == FILES and not part:
            part = self._subtree(server, need, subtree)
        elif server.rights and colon:
            part = self._right(server, need, subtree)
        elif colon:
            raise Mistake(f"is given {need.grant!r}, but {name} has no parts by path, and needs no rights")
        rights = ABI["RIGHT_WRITE"] | ABI["RIGHT_GRANT"] * need.give
        need.value = {"server": server.number, "protocol": server.provides.index(need.kind),
                      "part": part, "rights": rights}

    @staticmethod
    def _subtree(server, need, text):
        """The part of "SERVER", "SERVER:PATH", "SERVER:PATH:ro" or ":rw": a number of its own."""
        path, _, mode = text.partition(":")
        if not is_path(path or "/") or mode not in ("", "ro", "rw"):
            raise Mistake(f'is given {need.grant!r}, expected "{server.name}", or '
                          f'"{server.name}:PATH", or either of :ro and :rw behind that')
        if len(server.subtrees) > PART_MAX:
            raise Mistake(f"is client {PART_MAX + 2} of {server.name}, expected at most {PART_MAX + 1}")
        server.subtrees.append((path or "/", mode == "ro"))
        return len(server.subtrees) - 1

    @staticmethod
    def _right(server, need, text):
        """The part that stands for "SERVER:TEXT"; the server reads the text."""
        if not RIGHTS_TEXT.fullmatch(text):
            raise Mistake(f"is given {need.grant!r}, expected letters a-z, digits and =.,:*/- behind {server.name}:")
        if text not in server.texts:
            server.texts.append(text)
        if len(server.texts) > PART_MAX:
            raise Mistake(f"is right {PART_MAX + 1} of {server.name}, expected at most {PART_MAX}")
        return server.texts.index(text) + 1

    def declare(self, system, need):
        return f"sel::Client<{system.protocol(need.kind)[1]}> {need.name}{{{need.slot}}}"


class Io(Kind):
    word, type = "io", "IoPort"

    def give(self, system, program, need, text):
        first, count = span(text, 1, 0x10000)
        need.value = {"first": first, "last": first + count - 1}
        system.own_device(program, need, "io", first, first + count - 1)


class Irq(Kind):
    word = "irq"

    def give(self, system, program, need, text):
        line, *flags = text.split("/")
        line = parse_number(line)
        if not 0 <= line < IRQ_LINES or not set(flags) <= {"level", "low"}:
            raise Mistake(f'is given {need.grant!r}, expected "irq:LINE", an ISA line below {IRQ_LINES} (others come with '
                          "`pci`), then /level and /low if they apply")
        value = line | ("level" in flags) * ABI["IRQ_LEVEL"] | ("low" in flags) * ABI["IRQ_LOW"]
        need.value = {"line": value, "bit": program.next_bit()}
        system.own_device(program, need, "irq", line, line)

    def declare(self, system, need):
        return f"sel::Interrupt {need.name}{{{need.slot}, {need.value['bit']:#x}}}"


class Device(Mapped):
    word = "device"

    def give(self, system, program, need, text):
        first, count = span(text, PAGE, PHYSICAL_END)
        if count > DEVICE_MAX:
            raise Mistake(f"is given {need.grant!r}, expected at most {DEVICE_MAX >> 20}M")
        need.slots = count // PAGE
        need.value = {"physical": first, "bytes": count, "address": program.next_window(count)}
        system.own_device(program, need, "device", first, first + count - 1)


class Archive(Mapped):
    word = "archive"

    def give(self, system, program, need, text):
        alone(need, text)
        need.slots = 0
        need.value = {"address": PLACES["kArchiveBase"]}

    def window(self, need):
        return need.value["address"], TABLE["ARCHIVE_MAX"]


class Trace(Mapped):
    word = "trace"

    def give(self, system, program, need, text):
        alone(need, text)
        need.slots = TRACE_BYTES // PAGE
        need.value = {"bytes": TRACE_BYTES, "address": program.next_window(TRACE_BYTES)}


class TraceControl(Kind):
    word, type = "trace-control", "TraceControl"

    def give(self, system, program, need, text):
        alone(need, text)


class Untyped(Kind):
    word, type, own = "untyped", "Untyped", True

    def give(self, system, program, need, text):
        if not program.data.get("code", False):
            raise Mistake("is memory of which pages can be made that are writable and executable: expected "
                          "`code = true`")
        need.value = {"bytes": parse_size(text)}

    def objects(self, need):
        return need.value["bytes"] + ABI["UNTYPED_BYTES"] + PAGE


class Context(Kind):
    word, type, own = "context", "SchedContext", True

    def give(self, system, program, need, text):
        need.value = processor_time(program, need, text)

    def objects(self, need):
        return ABI["SCHED_CONTEXT_BYTES"]


class Space(Kind):
    word, type, own = "vspace", "VSpace", True

    def give(self, system, program, need, text):
        alone(need, text)


class Cspace(Kind):
    word, type, own = "cnode", "CNode", True

    def give(self, system, program, need, text):
        alone(need, text)


class Doorbell(Kind):
    word, own = "doorbell", True

    def give(self, system, program, need, text):
        alone(need, text)
        need.value = {"bit": program.next_bit()}

    def declare(self, system, need):
        return f"sel::Doorbell {need.name}{{{need.slot}, {need.value['bit']:#x}}}"


class Slots(Kind):
    word, own = "slots", True

    def give(self, system, program, need, text):
        need.slots = parse_number(text or "?")
        if not 1 <= need.slots <= 4096:
            raise Mistake(f"is {need.slots} slots, expected 1 to 4096")
        need.value = {"count": need.slots}

    def declare(self, system, need):
        return f"sel::SlotRange {need.name}{{{need.slot}, {need.slots}}}"


class Pool(Mapped):
    word = "pool"

    def give(self, system, program, need, text):
        number, size = self._find(system, program, need, text)
        need.slots = size // PAGE
        need.value = {"number": number, "bytes": size, "address": program.next_window(size)}

    @staticmethod
    def _find(system, program, need, text):
        """Number and size of the pool "NAME/SIZE": the same for all that name it."""
        name, slash, size = text.partition("/")
        if not slash or not NAME.fullmatch(name):
            raise Mistake(f'is given {need.grant!r}, expected "pool:NAME/SIZE"')
        size = parse_size(size)
        if size > POOL_MAX:
            raise Mistake(f"is given {need.grant!r}, expected at most {POOL_MAX >> 20}M")
        mine = f"{program.name}.{need.name}"
        number, first, owner = system.pools.setdefault(name, (len(system.pools), size, mine))
        if first != size:
            raise Mistake(f"is given {need.grant!r}, but {owner} has pool {name} with "
                          f"{first // 1024}K: expected the same size")
        if number >= POOLS_MAX:
            raise Mistake(f"is given {need.grant!r}, expected at most {POOLS_MAX} pools")
        return number, size


class Region(Kind):
    """Memory of its own, besides its untyped, that it may lend."""
    word, own = "region", True

    def give(self, system, program, need, text):
        size, number = parse_size(text), len(system.regions)
        frame = region_frame(size)
        if program.from_file:
            self._give_later(program, need, size)
            return
        need.slots = TABLE["REGION_SLOTS"]
        need.value = {"number": number, "bytes": size, "address": program.next_window(size, frame)}
        if number >= TABLE["REGION_MAX"]:
            raise Mistake(f"is {need.argument!r}, expected at most {TABLE['REGION_MAX']} regions in all programs")
        system.regions.append(f"{program.name}.{need.name}")

    @staticmethod
    def _give_later(program, need, size):
        """To a program from a file: who starts it has some for all such programs."""
        if any(is_a(other, Region) for other in program.needs) or region_frame(size) != TABLE["REGION_FRAME"]:
            raise Mistake("is a second region, or of 2M frames: expected one of 4K frames")
        need.slots = TABLE["REGION_SLOTS"]
        need.value = {"number": 0, "bytes": size, "address": program.next_window(size)}

    def declare(self, system, need):
        return f"root::Region {need.name}{{{need.slot}, {need.value['address']:#x}, {need.value['bytes']:#x}}}"

    def window(self, need):
        return need.value["address"], need.value["bytes"]


class Regions(Kind):
    """Places for the regions of its clients."""
    word, own = "regions", True

    def give(self, system, program, need, text):
        places, slash, size = text.partition("/")
        places, size = parse_number(places or "?"), parse_size(size if slash else "?")
        frame = region_frame(size)
        if not 1 <= places <= TABLE["REGION_PLACES_MAX"]:
            raise Mistake(f"is {places} places, expected 1 to {TABLE['REGION_PLACES_MAX']}")
        if any(is_a(other, Regions) for other in program.needs):
            raise Mistake("is a second regions need: expected one for each program")
        need.slots = TABLE["REGION_SLOTS"] + places * (size // frame)
        need.value = {"places": places, "bytes": size,
                      "address": program.next_window(places * (size + frame), frame)}

    def declare(self, system, need):
        places, size, address = (need.value[key] for key in ("places", "bytes", "address"))
        frame = region_frame(size)
        return (f"root::RegionRoom {need.name}{{{need.slot}, {address:#x}, {size:#x}, {places}, {size // frame}, "
                f"{size + frame:#x}}}")

    def window(self, need):
        frame = region_frame(need.value["bytes"])
        return need.value["address"], need.value["places"] * (need.value["bytes"] + frame)


def region_frame(size):
    """Bytes of the Frames of a region of this size; small ones are as many as a driver can use."""
    large = TABLE["REGION_LARGE"]
    most = TABLE["REGION_BYTES_MAX"] if size % large == 0 else POOL_MAX
    if size > most:
        raise Mistake(f"is of {size >> 10}K, expected at most {POOL_MAX >> 10}K, or multiples of {large >> 20}M up to "
                      f"{TABLE['REGION_BYTES_MAX'] >> 20}M")
    return large if size % large == 0 else TABLE["REGION_FRAME"]


class Pci(Kind):
    word = "pci"

    def give(self, system, program, need, text):
        if any(other.kind == "pci" and not (need.many and other.name == need.name) for other in program.needs):
            raise Mistake("is a second pci need: expected one for each program")
        need.slots = 1 + PCI_PAGES
        need.value = {"match": self._match(system, program, need, text), "bit": program.next_bit(),
                      "address": program.next_window(PCI_PAGES * PAGE)}

    @staticmethod
    def _match(system, program, need, text):
        """The devices "VVVV:DDDD|VVVV:DDDD" or "class=CC.SS.PP" as one number (DeviceMatch in
        servers/root/api.hpp)."""
        by_class = re.fullmatch(r"class=([0-9a-f]{2})\.([0-9a-f]{2})\.([0-9a-f]{2})", text)
        if by_class:
            value = int("".join(by_class.groups()), 16)
            system.own_device(program, need, "pci class", value, value)
            return PCI_CLASS | value
        ids = [re.fullmatch(r"([0-9a-f]{4}):([0-9a-f]{4})", part) for part in text.split("|")]
        if len(ids) > 2 or not all(ids) or any(found[1] == "ffff" for found in ids):
            raise Mistake(f'is given {need.grant!r}, expected "pci:VVVV:DDDD", two of them with | '
                          'between, or "pci:class=CC.SS.PP", all in lower-case hexadecimal')
        value = 0
        for i, found in enumerate(ids):
            one = int(found[1] + found[2], 16)
            system.own_device(program, need, "pci", one, one)
            value |= one << 32 * i
        return value

    def declare(self, system, need):
        return f"sel::PciDevice {need.name}{pci_device(need)}"

    def window(self, need):
        return need.value["address"], PCI_PAGES * PAGE


class Faults(Kind):
    word, type, own = "faults", "Endpoint", True

    def give(self, system, program, need, text):
        alone(need, text)


class Thread(Kind):
    word, own = "thread", True

    def give(self, system, program, need, text):
        size, _, time = text.partition("/")
        stack = parse_size(size)
        if stack > PLACES["kStackMax"]:
            raise Mistake(f"has a stack of {size}, expected at most 1M")
        need.value = processor_time(program, need, time)
        # Its buffer follows, and a gap: below each stack nothing is mapped.
        need.value |= {"stack_bytes": stack, "priority": need.priority,
                       "address": program.next_window(stack + PAGE)}

    def declare(self, system, need):
        return f"sel::ReadyThread {need.name}{{{need.slot}, {need.value['address'] + need.value['stack_bytes']:#x}}}"

    def own_pages(self, need):
        return need.value["address"], need.value["stack_bytes"] + PAGE

    def objects(self, need):
        return (ABI["SCHED_CONTEXT_BYTES"] + ABI["TCB_BYTES"] + ABI["REPLY_BYTES"] + PAGE +
                PLACES["kThreadObjects"] * ABI["SLOT_BYTES"])


class Notification(Kind):
    word, type, own = "notification", "Notification", True

    def give(self, system, program, need, text):
        alone(need, text)

    def objects(self, need):
        return ABI["NOTIFICATION_BYTES"]


class Starter(Kind):
    word = "starter"

    def give(self, system, program, need, text):
        found = re.fullmatch(r"(\d+)/(\d+)%@(\d+)(?:\+(\d+)\*(\w+))?", text)
        if not found:
            raise Mistake(f'is given {need.grant!r}, expected "starter:PROGRAMS/PERCENT%@PRIORITY", and "+COUNT*SIZE" '
                          "behind it for regions of theirs")
        programs, percent, need.priority = map(int, found.groups()[:3])
        regions, size = int(found[4] or 0), parse_size(found[5]) if found[5] else 0
        if not 1 <= programs <= CHILD_MAX or not 1 <= percent <= 100:
            raise Mistake(f"is given {need.grant!r}, expected 1 to {CHILD_MAX} programs and 1 to 100%")
        if not 1 <= need.priority <= program.priority:
            raise Mistake(f"has priority {need.priority}, expected 1 to {program.priority}, that of the program")
        first = len(system.regions)
        if first + regions > TABLE["REGION_MAX"] or (regions and region_frame(size) != TABLE["REGION_FRAME"]):
            raise Mistake(f"is given {need.grant!r}, expected regions of 4K frames, at most {TABLE['REGION_MAX']} in all "
                          "programs")
        system.regions += [f"{program.name}.{need.name}"] * regions
        need.value = {"programs": programs, "permille": 10 * percent, "priority": need.priority,
                      "protocol": system.programs[ROOT].provides.index("root.Starter"), "regions": regions,
                      "first_region": first, "region_bytes": size}

    def declare(self, system, need):
        return f"sel::Client<{system.protocol('root.Starter')[1]}> {need.name}{{{need.slot}}}"


class Display(Kind):
    word = "display"

    def give(self, system, program, need, text):
        alone(need, text)
        system.own_device(program, need, "display", 0, 0)
        need.slots = 0
        need.value = {"address": program.next_window(PLACES["kDisplayBytes"], TABLE["REGION_LARGE"])}

    def declare(self, system, need):
        return f"sel::Display {need.name}{{{need.value['address']:#x}}}"

    def objects(self, need):
        """Frames of 4 KiB before and behind those of 2 MiB; page tables for these, and for the font."""
        small = TABLE["REGION_LARGE"] // PAGE
        return (2 * small + PLACES["kDisplayBytes"] // TABLE["REGION_LARGE"]) * ABI["SLOT_BYTES"] + 5 * PAGE


ALL = (Client, Io, Irq, Device, Archive, Trace, TraceControl, Untyped, Context, Space, Cspace, Doorbell, Slots,
       Pool, Pci, Faults, Thread, Notification, Starter, Region, Regions, Display)
KINDS = {kind.word: kind() for kind in ALL}
LAYOUTS = {name: Layout(HEADER, name) for name in names_of_list(HEADER, "All")}
if [kind.__name__ for kind in ALL] != list(LAYOUTS):
    raise SystemExit(f"{HEADER}: expected the kinds of scripts/lib/manifests/grants.py, in their order: "
                     f"{', '.join(kind.__name__ for kind in ALL)}")
RECORD = Layout(HEADER, "Grant")
GIVEN = {kind.word for kind in ALL if kind.word and not kind.own}
OWN = {kind.word for kind in ALL if kind.own}
FROM_FILES = {kind.word for kind in (Untyped, Space, Cspace, Doorbell, Slots, Notification, Region)}  # Who is not of the system.


def kind_of(need):
    return KINDS[need.kind if need.kind in KINDS else ""]


def is_a(need, *kinds):
    return isinstance(kind_of(need), kinds)


def words_of(need):
    """The struct of its kind, as three numbers."""
    value = LAYOUTS[type(kind_of(need)).__name__].pack(**need.value)
    return [int.from_bytes(value.ljust(24, b"\0")[i:i + 8], "little") for i in (0, 8, 16)]


def own_value(need):
    """The same of what comes from the program itself; of the rest nothing, for boot/system.toml gives it."""
    return words_of(need) if kind_of(need).own else [0, 0, 0]


def pack(need):
    """Its line in the table."""
    return RECORD.pack(name=need.name.encode(), value=words_of(need),
                       kind=1 + list(LAYOUTS).index(type(kind_of(need)).__name__), slot=need.slot, slots=need.slots)
