"""The words of manifests and of boot/system.toml, and how each is read.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
from dataclasses import dataclass, field

from manifests.source import Constants

ABI = Constants("kernel/abi/capability.h", "kernel/abi/call.h", "kernel/abi/boot_info.h", "kernel/abi/trace.h")
PLACES = Constants("kernel/abi/capability.h", "kernel/abi/boot_info.h", "libsel/include/sel/display.hpp",
                   "libsel/include/sel/environment.hpp", "libsel/include/sel/process.hpp")
TABLE = Constants("kernel/abi/capability.h", "libsel/include/sel/environment.hpp", "servers/root/api.hpp",
                  "servers/root/grant.hpp", "servers/root/system.hpp")

PAGE = ABI["PAGE_BYTES"]
SYSTEM = "boot/system.toml"
ROOT = "root"
ROOT_PRIORITY = 255
PART_MAX = 255
PATH_MAX = Constants("servers/file/api.hpp")["kPathMax"]
PATH = re.compile(r"/|(/[A-Za-z0-9._-]{1,63})+")  # servers/file/path.hpp
FILES = "file"  # The protocol of what is mounted.
MOUNTS = "mounts"  # The need of the server that makes one name space of the file systems.
RIGHTS = "rights"  # The need of a server that is told what each client may do, in words of its own.
RIGHTS_TEXT = re.compile(r"[a-z0-9=.,:*/-]{1,200}")
RESTART = {name.lower(): TABLE[name] for name in ("NEVER", "ALWAYS", "BACKOFF")}

NAME = re.compile(r"[a-z][a-z0-9_]{0,14}$")
PROGRAM_NAME = re.compile(r"[a-z][a-z0-9_-]{0,14}$")
A_SIZE, A_TIME, A_NUMBER, A_SWITCH = 'a size like "256K"', 'a time like "10ms"', "a number like 4", "true or false"
KEYS = {  # Type, and what is expected, in words.
    "about": (str, 'a sentence like "Answers those who ask."'), "priority": (int, A_NUMBER), "memory": (str, A_SIZE),
    "stack": (str, A_SIZE), "replies": (int, A_NUMBER), "budget": (str, A_TIME), "period": (str, A_TIME),
    "share": (str, A_TIME), "vector": (bool, A_SWITCH), "code": (bool, A_SWITCH),
    "restart": (str, f"one of {', '.join(RESTART)} in quotes"), "tries": (int, A_NUMBER), "start": (str, '"file"'),
    "provides": (dict, "a table [provides]"), "needs": (dict, "a table [needs]")}
RESERVED = {"self", "service", "signals"}
# Of C++20, as far as a need could be called so, and what generated headers use.
CPP_WORDS = set("""alignas alignof and and_eq asm auto bitand bitor bool break case catch char class co_await co_return
    co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do double else
    enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq
    nullptr operator or or_eq private protected public register requires return short signed sizeof static static_assert
    static_cast struct switch template this thread_local throw true try typedef typeid typename union unsigned using
    virtual void volatile wchar_t while xor xor_eq char8_t char16_t char32_t dynamic_cast u8""".split())
REQUIRED = ("about", "priority", "memory")


class Mistake(Exception):
    """One line for the person who wrote the file."""


def parse_size(text):
    """Bytes of "64K", "2M" or "4096"; a multiple of the page size."""
    match = re.fullmatch(r"(\d+)([KM]?)", text) if isinstance(text, str) else None
    if not match:
        raise Mistake(f'is {text!r}, expected a size like "64K" or "2M"')
    size = int(match[1]) * {"": 1, "K": 1 << 10, "M": 1 << 20}[match[2]]
    if size == 0 or size % PAGE:
        raise Mistake(f"is {text!r}, expected a positive multiple of 4K")
    return size


def parse_time(text):
    """Microseconds of "10ms", "500us" or "1s"."""
    match = re.fullmatch(r"(\d+)(us|ms|s)", text) if isinstance(text, str) else None
    if not match or int(match[1]) == 0:
        raise Mistake(f'is {text!r}, expected a time like "10ms" or "500us"')
    time = int(match[1]) * {"us": 1, "ms": 1000, "s": 1000000}[match[2]]
    if time > 10_000_000:
        raise Mistake(f"is {text!r}, expected at most 10s")
    return time


def parse_number(text):
    try:
        return int(text, 0)
    except ValueError:
        raise Mistake(f"has {text!r} where a number was expected") from None


@dataclass
class Need:
    """One line of [needs], together with what system.toml gives for it."""
    name: str
    kind: str            # A protocol, or a word of grants.py.
    argument: str = ""   # Of what is the program's own, behind the colon.
    give: bool = False   # The client may send capabilities along.
    many: bool = False   # One of a list.
    grant: str = ""
    slot: int = 0
    slots: int = 1
    value: dict = field(default_factory=dict)  # The fields of its struct in servers/root/grant.hpp.
    priority: int = 0    # Of a thread, or of the one that a context is for.
    path: str = ""       # Where it is mounted.


@dataclass
class Program:
    name: str
    folder: str
    path: str  # Of its manifest, as shown in messages.
    data: dict = field(default_factory=dict)
    given: dict = field(default_factory=dict)
    start: str = "boot"
    program: str = ""  # Whose executable it is: the name of the folder.
    least: str = ""  # What of the processor is left to it whatever all above it do.
    needs: list = field(default_factory=list)
    number: int = 0
    slots: int = 0
    lists: dict = field(default_factory=dict)  # Needs "PROTOCOL*" and "pci*": name to kind.
    mounts: str = ""  # Name of its need "mounts".
    subtrees: list = field(default_factory=list)  # (path, read-only) of its clients, by part.
    rights: str = ""  # Name of its need "rights",
    texts: list = field(default_factory=list)  # and what stands there of its clients, by part from 1 on.
    window: int = PLACES["kWindowBase"]  # Where the next window goes.
    bits: int = 0  # Of its notification, given out so far.

    def next_bit(self):
        self.bits += 1
        return 1 << self.bits - 1

    def next_window(self, size, align=PAGE):
        """Address of a window of this size; a page behind it stays empty."""
        address = -(-self.window // align) * align
        self.window = address + size + PAGE
        return address

    @property
    def priority(self):
        return self.data["priority"]

    @property
    def provides(self):
        return list(self.data.get("provides", {}).values())

    @property
    def receives(self):
        """Does it have an endpoint?"""
        return bool(self.provides) or any(need.kind == "faults" for need in self.needs)

    @property
    def from_file(self):
        """Started at run time, from a file: no part of boot/system.toml."""
        return self.start == "file"

    @property
    def replies(self):
        return self.data.get("replies", 0) + 1


def is_path(text):
    """A canonical path: "/", or names each behind one /."""
    return (len(text) <= PATH_MAX and PATH.fullmatch(text) is not None and
            not {".", ".."} & set(text.split("/")))


def split_part(grant):
    """Server and part of "SERVER" (part 0) or "SERVER/PART"."""
    name, slash, part = grant.partition("/")
    number = parse_number(part) if slash else 0
    if not 0 <= number <= PART_MAX:
        raise Mistake(f"is given {grant!r}, expected a part of 0 to {PART_MAX} behind the slash")
    return name, number


def budget(data):
    return parse_time(data.get("budget", "85ms" if data.get("provides") else "10ms"))


def period(data):
    return parse_time(data.get("period", data.get("budget", "100ms" if data.get("provides") else "10ms")))


def share(data):
    """Of every period, for a server that does not answer."""
    return parse_time(data["share"]) if "share" in data else period(data) // 20


def parse_percent(text):
    match = re.fullmatch(r"(\d+)%", text) if isinstance(text, str) else None
    if not match or not 0 < int(match[1]) < 100:
        raise Mistake(f'is {text!r}, expected a part of the processor like "20%"')
    return int(match[1])
