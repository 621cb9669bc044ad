#!/usr/bin/env python3
"""Tests of scripts/manifest.py and scripts/pack_archive.py: what is right passes, and every mistake
is named with its file and key.
SPDX-License-Identifier: BSD-2-Clause"""

import struct
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
import manifest
from manifests.table import memory_needed
from manifests.grants import LAYOUTS, RECORD
from manifests.note import HEAD, NEED, content
from manifests.source import Constants, Layout, names_of_list
import pack_archive

API = "namespace {0} {{\nusing Api = sel::Protocol<>;\nusing Other = sel::Protocol<>;\n}}\n"

SERVER = """about = "x"
priority = 100
memory = "256K"
replies = 2
[provides]
requests = "alpha"
more = "alpha.Other"
"""

CLIENT = """about = "x"
priority = 50
memory = "128K"
code = true
[needs]
server = "alpha+give"
second = "alpha.Other"
uart = "io"
irq = "irq"
bell = "doorbell"
hpet = "device"
pool = "untyped:16K"
free = "slots:3"
worker = "context:1ms/5ms"
"""

GIVEN = """[alpha]
[beta]
needs.server = "alpha"
needs.second = "alpha"
needs.uart = "io:0x3f8/8"
needs.irq = "irq:4/level"
needs.hpet = "device:0xfed00000/8192"
"""


class Project:
    """A folder with two programs; each test changes one file of it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.write("boot/system.toml", GIVEN)
        self.write("servers/root/manifest.toml",
                   'about = "x"\npriority = 255\n[provides]\nview = "root"\n')
        self.write("servers/root/api.hpp", API.format("root"))
        self.write("servers/alpha/manifest.toml", SERVER)
        self.write("servers/alpha/api.hpp", API.format("alphabet"))
        self.write("apps/beta/manifest.toml", CLIENT)

    def write(self, name, text):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def change(self, name, old, new):
        text = (self.path / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))
        return self.mistakes()

    def system(self):
        return manifest.System(self.path)

    def mistakes(self):
        return "\n".join(self.system().mistakes)


def make_elf(segments):
    data = bytearray(64)
    data[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", data, 32, 64)
    struct.pack_into("<HH", data, 54, 56, len(segments))
    for address, memory in segments:
        data += struct.pack("<IIQQQQQQ", 1, 5, 0, address, 0, 0, memory, 4096)
    return bytes(data)


def kind(name):
    """Its number in the table."""
    return 1 + list(LAYOUTS).index(name)


def client(need):
    return need.value["server"], need.value["protocol"], need.value["part"]


FROM_FILE = """about = "Says x."
start = "file"
priority = 40
memory = "192K"
budget = "10ms"
period = "100ms"
code = true
[needs]
server = "alpha+give"
pool = "untyped:16K"
free = "slots:3"
bell = "doorbell"
"""


class HeaderTest(unittest.TestCase):
    """What is read from C and C++ headers, on headers of the test's own."""

    TEXT = """
#define PLACE 0x1000ull // A place.
enum { FIRST = 1, SECOND, /* no = 9, */ THIRD = FIRST + SECOND, AFTER };
enum class Word : u8 { ZERO, ONE };
inline constexpr u64 kFar = u64{1} << 40;
static constexpr u32 kNear = other::SECOND * 4096;
constexpr u32 kUnknown = sizeof(Record);
constexpr u32 kTwice = 1;
constexpr u32 kTwice = 2;
struct Record {
    char name[8]; // Ends with 0.
    u64 value[2];
    u32 a, b;

    bool sound() const { return a <= b; }
    u32 no = 0;
};
struct Padded {
    u8 a;
    u32 b;
};
struct Unknown {
    u64 a;
    u32 b[SECOND];
};
using All = List<Record,
                 Padded>;
"""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "test.hpp"
        self.path.write_text(self.TEXT)

    def test_constants(self):
        found = Constants(self.path)
        self.assertEqual([found[name] for name in ("PLACE", "FIRST", "SECOND", "THIRD", "AFTER", "ONE", "kFar", "kNear")],
                         [4096, 1, 2, 3, 4, 1, 1 << 40, 8192])
        for name in ("no", "kUnknown", "kTwice", "NONE"):
            with self.assertRaises(SystemExit) as refused:
                found[name]  # pylint: disable=pointless-statement
            self.assertIn(f"expected the constant {name}, once", str(refused.exception))

    def test_layouts(self):
        record = Layout(self.path, "Record")
        self.assertEqual(record.bytes, 32)
        packed = record.pack(name=b"ab", value=[1, 2], b=3)
        self.assertEqual(packed, struct.pack("<8sQQII", b"ab", 1, 2, 0, 3))
        self.assertEqual(record.unpack_from(b"x" + packed, 1), {"name": b"ab".ljust(8, b"\0"), "value": (1, 2), "a": 0, "b": 3})
        self.assertEqual([record.offset(name) for name in record.fields], [0, 8, 24, 28])
        with self.assertRaises(SystemExit):
            record.pack(no=1)
        with self.assertRaises(struct.error):
            record.pack(a=1 << 32)
        for name, words in (("Padded", "without padding"), ("Unknown", "number of elements"), ("None", "expected struct")):
            with self.assertRaises(SystemExit) as refused:
                Layout(self.path, name)
            self.assertIn(words, str(refused.exception))

    def test_lists(self):
        self.assertEqual(names_of_list(self.path, "All"), ["Record", "Padded"])
        with self.assertRaises(SystemExit):
            names_of_list(self.path, "Some")


class FileTest(unittest.TestCase):
    """Programs that are started from a file, and the note that says what a program asks for."""

    NAME = "apps/gamma/manifest.toml"

    def setUp(self):
        self.project = Project()
        self.addCleanup(self.project.folder.cleanup)
        self.project.write(self.NAME, FROM_FILE)

    def test_it_is_no_part_of_the_system(self):
        system = self.project.system()
        self.assertEqual(system.mistakes, [])
        self.assertTrue(system.programs["gamma"].from_file)
        before = manifest.table(system)
        (self.project.path / self.NAME).unlink()
        self.assertEqual(manifest.table(self.project.system()), before)

    def test_header(self):
        text = manifest.header(self.project.system(), "gamma")
        for line in ("sel::Client<alphabet::Api> server{5};", "sel::Untyped pool{6};", "sel::SlotRange free{7, 3};",
                     "sel::Doorbell bell{10, 0x1};"):
            self.assertIn(line, text)

    def test_note(self):
        data = content(self.project.system().programs["gamma"])
        head = HEAD.unpack_from(data)
        self.assertEqual((head["name"].rstrip(b"\0"), head["about"].rstrip(b"\0")), (b"gamma", b"Says x."))
        self.assertEqual([head[name] for name in ("memory", "stack", "budget_us", "period_us", "slots", "replies", "needs",
                                                  "priority", "flags")],
                         [192 << 10, 16 << 10, 10000, 100000, 11, 1, 4, 40, 2])
        needs = [NEED.unpack_from(data, HEAD.bytes + i * NEED.bytes) for i in range(4)]
        self.assertEqual(len(data), HEAD.bytes + 4 * NEED.bytes)
        self.assertEqual([(need["word"].rstrip(b"\0"), need["slot"], need["slots"], need["own"], need["give"])
                          for need in needs],
                         [(b"alpha", 5, 1, 0, 1), (b"untyped", 6, 1, 1, 0), (b"slots", 7, 3, 1, 0), (b"doorbell", 10, 1, 1, 0)])
        self.assertEqual(needs[1]["value"][0], 16 << 10)
        text = manifest.note(self.project.system().programs["gamma"])
        found = bytes(int(word) for line in text.splitlines() if line.startswith(".byte")
                      for word in line[6:].split(","))
        self.assertEqual(found, struct.pack("<III8s", 8, len(data), 1, b"TRustOs") + data)

    def test_every_program_has_one(self):
        system = self.project.system()
        self.assertEqual(NEED.unpack_from(content(system.programs["beta"]), HEAD.bytes)["word"].rstrip(b"\0"), b"alpha")

    def test_long_texts(self):
        self.project.change(self.NAME, '"Says x."', f'"{"x" * 96}"')
        with self.assertRaises(manifest.Mistake) as refused:
            content(self.project.system().programs["gamma"])
        self.assertIn("expected at most 95 characters", str(refused.exception))

    def test_mistakes(self):
        for old, new, *words in (
                ('start = "file"', 'start = "disk"', "start", 'expected "file" or nothing'),
                ('budget = "10ms"\nperiod = "100ms"', "", "budget", "is missing"),
                ("[needs]", '[provides]\na = "alpha"\n[needs]', "provides", "boot/system.toml"),
                ("[needs]", 'restart = "always"\n[needs]', "restart", "boot/system.toml"),
                ('"doorbell"', '"alpha*"', "needs.bell", "cannot get"),
                ('"doorbell"', '"io"', "needs.bell", "cannot get"),
                ('"doorbell"', '"thread:4K/1ms/1ms"', "needs.bell", "cannot get"),
                ('"doorbell"', '"delta"', "needs.bell", "expected a protocol"),
                ('"alpha+give"', '"alpha.None"', "needs.server", "has no `using None"),
                ("code = true", "", "needs.pool", "expected `code = true`")):
            self.project.write(self.NAME, FROM_FILE)
            mistakes = self.project.change(self.NAME, old, new)
            self.assertEqual(len(mistakes.splitlines()), 1, mistakes)
            for word in (self.NAME, *words):
                self.assertIn(word, mistakes)

    def test_it_is_not_given_by_the_system(self):
        self.project.write("boot/system.toml", GIVEN + "[gamma]\n")
        self.assertIn("expected no such program here", self.project.mistakes())


class ManifestTest(unittest.TestCase):
    def setUp(self):
        self.fresh()

    def fresh(self):
        self.project = Project()
        self.addCleanup(self.project.folder.cleanup)

    def refused(self, name, old, new, *words):
        mistakes = self.project.change(name, old, new)
        self.assertEqual(len(mistakes.splitlines()), 1, mistakes)
        for word in words:
            self.assertIn(word, mistakes)

    def test_good(self):
        self.assertEqual(self.project.mistakes(), "")

    def test_header(self):
        text = manifest.header(self.project.system(), "beta")
        for line in ('#include "servers/alpha/api.hpp"',
                     "sel::Client<alphabet::Api> server{5};",
                     "sel::Client<alphabet::Other> second{6};",
                     "sel::IoPort uart{7};",
                     "sel::Interrupt irq{8, 0x1};",
                     "sel::Doorbell bell{9, 0x2};",
                     "sel::Window hpet{0x10000000, 0x2000, {10, 2}};",
                     "sel::Untyped pool{12};",
                     "sel::SlotRange free{13, 3};",
                     "sel::SchedContext worker{16};"):
            self.assertIn(line, text)
        self.assertNotIn("service", text)
        text = manifest.header(self.project.system(), "alpha")
        self.assertIn("sel::Service service{sel::Endpoint{2}, self, {4, 3}};", text)

    def test_faults(self):
        """Its own: an endpoint to receive them with, and a capability to send them."""
        self.project.change("apps/beta/manifest.toml", "[needs]", '[needs]\nmine = "faults"')
        text = manifest.header(self.project.system(), "beta")
        self.assertIn("sel::Service service{sel::Endpoint{2}, self, {4, 1}};", text)
        self.assertIn("sel::Endpoint mine{5};", text)
        data = manifest.table(self.project.system())
        record = RECORD.unpack_from(data, 16 + 2 * 64)
        self.assertEqual(record, {"name": b"mine".ljust(16, b"\0"), "value": (0, 0, 0), "kind": kind("Faults"),
                                  "slot": 5, "slots": 1, "reserved": 0})
        self.refused("boot/system.toml", "[beta]", '[beta]\nneeds.mine = "alpha"', "needs.mine",
                     "own memory")

    def test_table(self):
        data = manifest.table(self.project.system())
        magic, version, programs, grants = struct.unpack_from("<8sIHH", data)
        self.assertEqual((magic, version, programs, grants), (b"TSYSTEM1", 4, 2, 9))
        self.assertEqual(len(data), 16 + 2 * 64 + 9 * 48)
        for i, (name, struct_name, value) in enumerate((
                ("server", "Client", {"server": 1, "protocol": 0, "part": 0, "rights": 6}),
                ("second", "Client", {"server": 1, "protocol": 1, "part": 0, "rights": 2}),
                ("uart", "Io", {"first": 0x3f8, "last": 0x3ff}),
                ("irq", "Irq", {"bit": 1, "line": 0x104}),
                ("bell", "Doorbell", {"bit": 2}),
                ("hpet", "Device", {"physical": 0xfed00000, "bytes": 8192, "address": 0x10000000}),
                ("pool", "Untyped", {"bytes": 16384}),
                ("free", "Slots", {"count": 3}),
                ("worker", "Context", {"budget_us": 1000, "period_us": 5000}))):
            record = RECORD.unpack_from(data, 16 + 2 * 64 + i * 48)
            self.assertEqual(record["name"], name.encode().ljust(16, b"\0"))
            self.assertEqual(record["kind"], kind(struct_name))
            self.assertEqual(LAYOUTS[struct_name].unpack_from(struct.pack("<3Q", *record["value"])), value)

    def test_lists(self):
        self.project.change("apps/beta/manifest.toml", "[needs]", '[needs]\nall = "alpha*"')
        text = manifest.header(self.project.system(), "beta")
        self.assertIn("std::array<sel::Named<alphabet::Api>, 0> all{{}};", text)
        self.assertEqual(self.project.change("boot/system.toml", "needs.irq",
                                             'needs.all = ["alpha"]\nneeds.irq'), "")
        text = manifest.header(self.project.system(), "beta")
        self.assertIn('std::array<sel::Named<alphabet::Api>, 1> all{{{"alpha", 5}}};', text)
        self.refused("boot/system.toml", '["alpha"]', '["alpha", "root"]', "beta.needs.all",
                     "root provides root")
        self.refused("boot/system.toml", '["alpha", "root"]', '"alpha"', "expected a list")

    def mounted(self):
        """Gamma mounts two of alpha's kind; beta is its client."""
        project = self.project
        project.write("servers/file/api.hpp", API.format("file"))
        project.write("servers/gamma/manifest.toml", SERVER.replace("100", "90").replace(
            'requests = "alpha"', 'files = "file"') + '[needs]\nall = "mounts"\n')
        project.change("servers/alpha/manifest.toml", 'requests = "alpha"',
                       'requests = "alpha"\nfiles = "file"')
        project.change("apps/beta/manifest.toml", "[needs]", '[needs]\nfiles = "file"\nall = "file"')
        project.write("boot/system.toml", GIVEN.replace("[beta]", """[gamma]
[mounts]
"/" = "alpha"
"/disk" = "alpha/2"
[beta]
needs.files = "gamma:/disk/a-b:ro"
needs.all = "gamma"
"""))
        self.assertEqual(project.mistakes(), "")

    def test_mounts(self):
        self.mounted()
        text = manifest.header(self.project.system(), "gamma")
        for line in ('#include "sel/mounts.hpp"', '#include "servers/file/api.hpp"',
                     'std::array<sel::Mount<file::Api>, 2> all{{{"/", "alpha", 7}, {"/disk", "alpha/2", 8}}};',
                     'std::array<sel::Subtree, 2> all_clients{{{"/disk/a-b", true}, {"/", false}}};'):
            self.assertIn(line, text)
        text = manifest.header(self.project.system(), "beta")
        self.assertIn("sel::Client<file::Api> files{5};", text)
        programs = self.project.system().programs
        self.assertEqual([client(need) for need in programs["beta"].needs[:2]], [(2, 0, 0), (2, 0, 1)])
        self.assertEqual(client(programs["gamma"].needs[1]), (1, 1, 2))

    def test_bad_mounts(self):
        for old, new, *words in (
                ('"/disk" =', '"/mnt/disk" =', "mounts./mnt/disk", "/mnt to be mounted"),
                ('"/disk" =', '"disk" =', "mounts.disk", "PATH"),
                ('"/disk" =', '"/di//sk" =', "mounts./di//sk", "PATH"),
                ('"/disk" =', '"/.." =', "mounts./..", "PATH"),
                ('"alpha/2"', '"delta"', "gamma.needs.all", "expected a program"),
                ('"alpha/2"', '"root"', "gamma.needs.all", "root provides root"),
                (":ro", ":wo", "beta.needs.files", ":ro and :rw"),
                ("/disk/a-b", "disk", "beta.needs.files", ":PATH"),
                ("/disk/a-b", "/disk/../a", "beta.needs.files", ":PATH"),
                ('files = "gamma', 'files = "alpha', "beta.needs.files", "no parts by path")):
            self.fresh()
            self.mounted()
            self.refused("boot/system.toml", old, new, "boot/system.toml", *words)
        self.fresh()
        self.mounted()
        mistakes = self.project.change("servers/gamma/manifest.toml", 'all = "mounts"', "")
        self.assertIn("mounts: expected one program that needs", mistakes)

    def with_rights(self):
        """Alpha is told what its clients may do; beta is one, twice."""
        project = self.project
        project.change("servers/alpha/manifest.toml", "[provides]", '[needs]\nwhat = "rights"\n[provides]')
        project.change("apps/beta/manifest.toml", "[needs]", '[needs]\nother = "alpha"\nbare = "alpha"')
        return project.change("boot/system.toml", "[beta]",
                              '[beta]\nneeds.other = "alpha:listen=7,connect=10.0.2.2:*"\nneeds.bare = "alpha"')

    def test_rights(self):
        self.assertEqual(self.with_rights(), "")
        system = self.project.system()
        self.assertIn('std::array<std::string_view, 1> what{{"listen=7,connect=10.0.2.2:*"}};',
                      manifest.header(system, "alpha"))
        parts = {need.name: need.value["part"] for need in system.programs["beta"].needs if "part" in need.value}
        self.assertEqual((parts["other"], parts["bare"]), (1, 0))

    def test_bad_rights(self):
        self.with_rights()
        self.refused("boot/system.toml", "listen=7,", "Listen 7,", "beta.needs.other", "expected letters")
        self.refused("servers/alpha/manifest.toml", 'what = "rights"', "", "beta.needs.other", "needs no rights")

    def test_nothing_missing(self):
        self.refused("boot/system.toml", 'needs.irq = "irq:4/level"\n', "",
                     "apps/beta/manifest.toml: needs.irq", "gives nothing")

    def test_nothing_extra(self):
        self.refused("apps/beta/manifest.toml", 'irq = "irq"\n', "",
                     "boot/system.toml: beta.needs.irq", "does not ask for it")

    def test_kinds_match(self):
        system = "boot/system.toml"
        self.refused(system, '"irq:4/level"', '"io:4/1"', "beta.needs.irq", "asks for irq")

    def test_protocol_is_provided(self):
        self.refused("boot/system.toml", 'needs.server = "alpha"', 'needs.server = "root"',
                     "beta.needs.server", "needs alpha, but root provides root")

    def test_server_exists(self):
        self.refused("boot/system.toml", 'needs.server = "alpha"', 'needs.server = "gamma"',
                     "beta.needs.server", "'gamma'", "expected a program")

    def test_protocol_exists(self):
        self.refused("apps/beta/manifest.toml", '"alpha.Other"', '"alpha.Missing"',
                     "beta.needs.second", "no `using Missing")
        self.fresh()
        self.refused("servers/alpha/manifest.toml", '"alpha.Other"', '"omega"',
                     "provides.more", "no servers/omega/api.hpp")

    def test_calls_go_up(self):
        mistakes = self.project.change("apps/beta/manifest.toml", "priority = 50", "priority = 100")
        self.assertEqual(len(mistakes.splitlines()), 2)
        self.assertIn("calls go to a higher priority only", mistakes)

    def test_devices_have_one_owner(self):
        self.project.write("apps/gamma/manifest.toml",
                           'about = "x"\npriority = 1\nmemory = "64K"\n[needs]\nx = "io"\n')
        self.refused("boot/system.toml", "[alpha]",
                     '[gamma]\nneeds.x = "io:0x3ff/1"\n[alpha]', "which gamma.x has already")

    def test_device_ranges(self):
        for old, new, word in (('io:0x3f8/8', 'io:0x3f8', "FIRST/COUNT"),
                               ('io:0x3f8/8', 'io:0xffff/2', "FIRST/COUNT"),
                               ('io:0x3f8/8', 'io:COM1/2', "'COM1'"),
                               ('irq:4/level', 'irq:16', "an ISA line below 16"),
                               ('irq:4/level', 'irq:99', "an ISA line below 16"),
                               ('irq:4/level', 'irq:4/edge', "irq:LINE"),
                               ('0xfed00000/8192', '0xfed00010/4096', "multiples of 4096"),
                               ('0xfed00000/8192', '0xfed00000/2097152', "at most 1M")):
            self.fresh()
            self.refused("boot/system.toml", old, new, word)

    def test_what_is_expected_is_said_in_words(self):
        manifest_file = "servers/alpha/manifest.toml"
        for old, new, word in (('memory = "256K"', "memory = 256", 'memory: is 256, expected a size like "256K"'),
                               ("priority = 100", 'priority = "100"', "priority: is '100', expected a number like 4"),
                               ("priority = 100", "priority = true", "priority: is True, expected a number"),
                               ("[provides]", "budget = 5\n[provides]", 'budget: is 5, expected a time like "10ms"'),
                               ("[provides]", "vector = 1\n[provides]", "vector: is 1, expected true or false"),
                               ("[provides]", "restart = 1\n[provides]", "expected one of never, always, backoff in quotes"),
                               ('about = "x"', "about = 1", "about: is 1, expected a sentence like")):
            self.fresh()
            self.refused(manifest_file, old, new, manifest_file, word)
        self.fresh()
        self.project.write("servers/alpha/manifest.toml", 'needs = 3\n' + SERVER)
        self.assertIn("needs: is 3, expected a table [needs]", self.project.mistakes())

    def test_names_of_needs_are_names_in_cpp(self):
        for word in ("class", "new", "u8", "co_await"):
            self.fresh()
            self.project.change("boot/system.toml", "needs.uart", f"needs.{word}")
            self.refused("apps/beta/manifest.toml", 'uart = "io"', f'{word} = "io"', f"needs.{word}", "is a word of C++")

    def test_only_what_changes_is_written(self):
        with tempfile.TemporaryDirectory() as folder:
            def made():
                manifest.main(["sources", self.project.path, folder, "alpha", "beta"])
                return {path.name: path.stat().st_mtime_ns for path in Path(folder).iterdir()}
            first = made()
            self.assertEqual(sorted(first), ["alpha.caps.hpp", "alpha.note.S", "beta.caps.hpp", "beta.note.S"])
            self.project.change("boot/system.toml", "[beta]", "# Of a person.\n[beta]")
            self.assertEqual(made(), first)
            self.project.change("apps/beta/manifest.toml", 'free = "slots:3"', 'free = "slots:4"')
            second = made()
            self.assertEqual({name for name in second if second[name] != first[name]}, {"beta.caps.hpp", "beta.note.S"})

    def give(self, kind, grant, program="beta", manifest_file="apps/beta/manifest.toml"):
        """Adds a need of this kind, called `extra`, to a program; the mistakes."""
        path = self.project.path
        self.project.write(manifest_file, (path / manifest_file).read_text() + f'extra = "{kind}"\n')
        system = (path / "boot/system.toml").read_text()
        return self.project.change("boot/system.toml", system,
                                   system.replace(f"[{program}]\n",
                                                  f'[{program}]\nneeds.extra = {grant}\n'))

    def test_one_program_has_the_display(self):
        self.project.path.joinpath("apps/beta/manifest.toml").write_text(CLIENT.replace('"128K"', '"640K"'))
        self.assertEqual(self.give("display", '"display"'), "")
        self.fresh()
        self.assertIn("is given 'display:1', expected 'display'", self.give("display", '"display:1"'))
        self.fresh()
        self.project.write("apps/gamma/manifest.toml",
                           'about = "x"\npriority = 1\nmemory = "640K"\n[needs]\nx = "display"\n')
        system = (self.project.path / "boot/system.toml").read_text()
        self.project.write("boot/system.toml", system + '[gamma]\nneeds.x = "display"\n')
        self.assertIn("which beta.extra has already", self.give("display", '"display"'))

    def test_several_programs_of_one_kind(self):
        def add(text):
            self.fresh()
            mistakes = self.project.change("boot/system.toml", "[beta]", f"{text}[beta]")
            return mistakes or "".join(manifest.several(self.project.system()))

        self.assertEqual(add('[alpha2]\nprogram = "alpha"\nstart = "run"\n'), "")
        system = self.project.system()
        self.assertEqual(system.programs["alpha2"].folder, "servers/alpha")
        self.assertIn("expected a program that stands above it", add('[alpha2]\nprogram = "beta"\n'))
        self.assertIn("expected one of servers/no/manifest.toml", add('[alpha2]\nprogram = "no"\n'))
        with_pool = '[needs]\npool = "pool"\n'
        self.fresh()
        self.project.write("servers/alpha/manifest.toml", SERVER + with_pool)
        self.project.write("boot/system.toml", '[alpha]\nneeds.pool = "pool:a/8K"\n'
                           '[alpha2]\nprogram = "alpha"\nneeds.pool = "pool:b/4K"\n')
        self.assertEqual(self.project.mistakes(), "")
        differ, = manifest.several(self.project.system())
        self.assertIn("alpha2: holds 'inline constexpr sel::Window pool", differ)
        self.assertIn("expected all as alpha has it", differ)

    def test_names_with_a_hyphen(self):
        self.project.write("servers/al-pha/manifest.toml", SERVER.replace("alpha", "al-pha"))
        self.project.write("servers/al-pha/api.hpp", API.format("al_pha"))
        self.project.change("boot/system.toml", "[alpha]", "[al-pha]\n[alpha]")
        self.assertEqual(self.give("al-pha.Other", '"al-pha"'), "")
        text = manifest.header(self.project.system(), "beta")
        self.assertIn('#include "servers/al-pha/api.hpp"', text)
        self.assertIn("sel::Client<al_pha::Other> extra{17};", text)
        for name in ("-alpha", "Al-pha", "al.pha"):
            self.fresh()
            self.refused("boot/system.toml", "[alpha]", f'["{name}"]\n[alpha]', name, "letters a-z")
        self.fresh()  # The name of a need becomes one of C++.
        self.refused("apps/beta/manifest.toml", "uart =", "ua-rt =", "needs.ua-rt")

    def test_parts(self):
        self.assertEqual(self.project.change("boot/system.toml", 'second = "alpha"',
                                             'second = "alpha/3"'), "")
        need = self.project.system().programs["beta"].needs[1]
        self.assertEqual(client(need), (1, 1, 3))
        self.fresh()
        self.project.change("apps/beta/manifest.toml", "[needs]", '[needs]\nall = "alpha*"')
        self.project.change("boot/system.toml", "needs.irq",
                            'needs.all = ["alpha/1", "alpha/255"]\nneeds.irq')
        text = manifest.header(self.project.system(), "beta")
        self.assertIn('{"alpha/1", 5}, {"alpha/255", 6}', text)
        for part in ("256", "-1", "x", ""):
            self.fresh()
            self.refused("boot/system.toml", 'second = "alpha"', f'second = "alpha/{part}"',
                         "beta.needs.second", "expected")
        self.fresh()
        self.refused("boot/system.toml", 'second = "alpha"', 'second = "gamma/1"', "'gamma/1'",
                     "expected a program")

    def test_pools(self):
        self.assertEqual(self.give("pool", '"pool:disk/512K"'), "")
        need = self.project.system().programs["beta"].needs[-1]
        self.assertEqual((need.slots, need.value),
                         (128, {"number": 0, "bytes": 512 << 10, "address": 0x10003000}))
        text = manifest.header(self.project.system(), "beta")
        self.assertIn("sel::Window extra{0x10003000, 0x80000, {17, 128}};", text)
        server = "servers/alpha/manifest.toml"
        self.project.write(server, SERVER + "[needs]\n")
        self.assertEqual(self.give("pool", '"pool:disk/512K"', "alpha", server), "")
        programs = self.project.system().programs
        self.assertEqual([programs[name].needs[-1].value["number"] for name in ("alpha", "beta")], [0, 0])
        self.refused("boot/system.toml", '[alpha]\nneeds.extra = "pool:disk/512K"',
                     '[alpha]\nneeds.extra = "pool:disk/256K"', "beta.needs.extra",
                     "alpha.extra has pool disk with 256K", "same size")
        for grant in ("pool:disk", "pool:/64K", "pool:Disk/64K", "pool:disk/63", "pool:disk/2M",
                      "pool:disk/0", "pool:"):
            self.fresh()
            mistakes = self.give("pool", f'"{grant}"')
            self.assertEqual(len(mistakes.splitlines()), 1, mistakes)
            self.assertIn("beta.needs.extra", mistakes)
            self.assertIn("expected", mistakes)

    def test_only_some_may_be_several(self):
        for word in ("pool*", "untyped*", "irq*"):
            self.fresh()
            mistakes = self.project.change("apps/beta/manifest.toml", "[needs]", f'[needs]\nextra = "{word}"')
            self.assertEqual(mistakes, f"apps/beta/manifest.toml: needs.extra: is '{word}', expected one: only protocols and "
                             "pci may be several")

    def test_too_many_pools(self):
        names = [f"p{i}" for i in range(33)]
        self.project.write("apps/gamma/manifest.toml",
                           'about = "x"\npriority = 1\nmemory = "64K"\n[needs]\n' +
                           "".join(f'{name} = "pool"\n' for name in names))
        self.refused("boot/system.toml", "[alpha]", "[gamma]\n" +
                     "".join(f'needs.{name} = "pool:{name}/4K"\n' for name in names) + "[alpha]",
                     "gamma.needs.p32", "at most 32 pools")

    def test_regions(self):
        def give(needs):
            self.fresh()
            return self.project.change("apps/beta/manifest.toml", "[needs]", "[needs]\n" + needs)

        self.assertEqual(give('mine = "region:8K"\nlarge = "region:4M"\nroom = "regions:3/8K"'), "")
        system = self.project.system()
        mine, large, room = system.programs["beta"].needs[:3]
        self.assertEqual((mine.slot, mine.slots, mine.value),
                         (5, 2, {"number": 0, "bytes": 8 << 10, "address": 0x10000000}))
        self.assertEqual((large.slot, large.slots, large.value),
                         (7, 2, {"number": 1, "bytes": 4 << 20, "address": 0x10200000}))
        self.assertEqual((room.slot, room.slots, room.value),
                         (9, 2 + 3 * 2, {"places": 3, "bytes": 8 << 10, "address": 0x10601000}))
        text = manifest.header(system, "beta")
        for line in ('#include "servers/root/api.hpp"', "root::Region mine{5, 0x10000000, 0x2000};",
                     "root::Region large{7, 0x10200000, 0x400000};",
                     "root::RegionRoom room{9, 0x10601000, 0x2000, 3, 2, 0x3000};"):
            self.assertIn(line, text)
        for word, expected in (("region", "a size"), ("region:", "a size"), ("region:5", "a positive multiple"),
                               ("region:1100K", "at most 1024K"), ("region:10M", "at most"), ("region:0", "a positive"),
                               ("regions:8K", "a number"), ("regions:3", "a size"), ("regions:0/8K", "1 to 16"),
                               ("regions:17/8K", "1 to 16"), ("regions:1/0", "a positive"), ("regions:1/3M", "at most")):
            mistakes = give(f'mine = "{word}"')
            self.assertEqual(len(mistakes.splitlines()), 1, (word, mistakes))
            self.assertIn("apps/beta/manifest.toml: needs.mine", mistakes)
            self.assertIn(expected, mistakes)
        self.assertIn("second regions need", give('a = "regions:1/4K"\nb = "regions:1/4K"'))
        many = "".join(f'r{i} = "region:4K"\n' for i in range(33))
        self.assertIn("needs.r32: is '4K', expected at most 32", give(many))
        give('mine = "region:8K"')
        self.refused("boot/system.toml", "[beta]", '[beta]\nneeds.mine = "region:8K"', "needs.mine", "own memory")

    def test_a_list_of_servers_that_are_sent_capabilities(self):
        self.project.change("apps/beta/manifest.toml", 'server = "alpha+give"', 'server = "alpha*+give"')
        self.assertEqual(self.project.change("boot/system.toml", 'needs.server = "alpha"', 'needs.server = ["alpha"]'), "")
        need = self.project.system().programs["beta"].needs[0]
        self.assertEqual((need.give, need.many, need.value["rights"]), (True, True, 6))
        self.assertIn("expected a protocol", self.project.change(
            "apps/beta/manifest.toml", 'server = "alpha*+give"', 'server = "alpha*+take"'))

    def test_who_sends_capabilities_says_so(self):
        manifest_file = "apps/beta/manifest.toml"
        self.project.write("apps/beta/main.cpp", "auto sent = caps::second.call_giving(1, m);\n")
        self.assertIn(f"{manifest_file}: needs.second: is sent capabilities (apps/beta/main.cpp), expected +give behind it",
                      self.project.mistakes())
        self.assertEqual(self.project.change(manifest_file, '"alpha.Other"', '"alpha.Other+give"'), "")
        self.fresh()
        self.project.write("servers/alpha/client.hpp", "auto sent = server_.call_giving(1, m);\n")
        self.project.write("apps/beta/help.hpp", '#include "servers/alpha/client.hpp"\n')
        self.project.write("apps/beta/main.cpp", '#include "help.hpp"\n')
        self.assertEqual(self.project.mistakes(), "")
        self.assertIn("needs.server: is sent capabilities (servers/alpha/client.hpp), expected +give",
                      self.project.change(manifest_file, '"alpha+give"', '"alpha"'))
        self.project.write("apps/beta/main.cpp", "")
        self.project.write("apps/beta/main_test.cpp", '#include "help.hpp"\n')
        self.assertIn("is sent", self.project.mistakes())  # help.hpp is the program's own.
        self.project.write("apps/beta/help.hpp", "")
        self.assertEqual(self.project.mistakes(), "")

    def test_pci(self):
        self.assertEqual(self.give("pci", '"pci:1af4:1042|1af4:1001"'), "")
        need = self.project.system().programs["beta"].needs[-1]
        self.assertEqual((need.slots, need.value), (
            65, {"match": 0x1af410011af41042, "bit": 4, "address": 0x10003000}))
        text = manifest.header(self.project.system(), "beta")
        self.assertIn('#include "sel/device.hpp"', text)
        self.assertIn("sel::PciDevice extra{{17, 65}, 0x10003000, 0x4};", text)
        self.fresh()
        self.assertEqual(self.give("pci", '"pci:class=01.08.02"'), "")
        need = self.project.system().programs["beta"].needs[-1]
        self.assertEqual(need.value["match"], 0xffff000000010802)
        for grant in ("pci:", "pci:1af4", "pci:1af4:10420", "pci:1AF4:1042", "pci:ffff:0001",
                      "pci:1af4:1042|", "pci:1:2", "pci:0001:0001|0001:0002|0001:0003",
                      "pci:class=01.08", "pci:class=1.8.2", "pci:class=01.08.02|1af4:1001"):
            self.fresh()
            mistakes = self.give("pci", f'"{grant}"')
            self.assertEqual(len(mistakes.splitlines()), 1, mistakes)
            self.assertIn("beta.needs.extra", mistakes)
            self.assertIn("expected", mistakes)

    def test_pci_devices_have_one_owner(self):
        server = "servers/alpha/manifest.toml"
        for first, second in (("1af4:1042|1af4:1001", "1af4:1001"),
                              ("class=01.08.02", "class=01.08.02")):
            self.fresh()
            self.project.write(server, SERVER + "[needs]\n")
            self.assertEqual(self.give("pci", f'"pci:{first}"', "alpha", server), "")
            mistakes = self.give("pci", f'"pci:{second}"')
            self.assertIn("which alpha.extra has already", mistakes)
        self.fresh()
        self.assertEqual(self.give("pci", '"pci:1af4:1042"'), "")
        self.project.change("apps/beta/manifest.toml", "extra =", 'other = "pci"\nextra =')
        self.refused("boot/system.toml", "needs.extra", 'needs.other = "pci:1af4:1001"\nneeds.extra',
                     "a second pci need")

    def test_several_pci_devices(self):
        self.project.change("apps/beta/manifest.toml", "[needs]", '[needs]\ndisks = "pci*"')
        self.project.change("boot/system.toml", "[beta]", '[beta]\nneeds.disks = "pci:1af4:1042|1af4:1001*3"')
        self.assertEqual(self.project.mistakes(), "")
        needs = [need for need in self.project.system().programs["beta"].needs if need.kind == "pci"]
        self.assertEqual([need.slots for need in needs], [65] * 3)
        first, apart = 0x10000000, 65 * 4096
        self.assertEqual([need.value for need in needs], [
            {"match": 0x1af410011af41042, "bit": 1 << i, "address": first + i * apart} for i in range(3)])
        self.assertIn("inline constexpr std::array<sel::PciDevice, 3> disks{{{{",
                      manifest.header(self.project.system(), "beta"))
        for grant in ('"pci:1af4:1042"', '"pci:1af4:1042*0"', '"pci:1af4:1042*9"', '"pool:x*2"', '["pci:1af4:1042"]'):
            self.fresh()
            self.project.change("apps/beta/manifest.toml", "[needs]", '[needs]\ndisks = "pci*"')
            self.refused("boot/system.toml", "[beta]", f"[beta]\nneeds.disks = {grant}", "beta.needs.disks",
                         "expected")
        self.fresh()
        self.project.change("apps/beta/manifest.toml", "[needs]", '[needs]\ndisks = "pci*"\nother = "pci"')
        self.refused("boot/system.toml", "[beta]", '[beta]\nneeds.disks = "pci:1af4:1042*2"\nneeds.other = '
                     '"pci:class=01.08.02"', "a second pci need")

    def test_own_kinds_are_not_given(self):
        self.refused("boot/system.toml", "needs.irq", 'needs.pool = "untyped:4M"\nneeds.irq',
                     "needs.pool", "own memory")

    def test_least(self):
        """Whoever is promised a part of the processor has it when all servers above it loop."""
        self.project.change("boot/system.toml", "[beta]", '[beta]\nleast = "95%"')
        self.assertEqual(self.project.mistakes(), "")
        self.fresh()
        self.refused("boot/system.toml", "[beta]", '[beta]\nleast = "96%"', "boot/system.toml: beta.least: is 96%",
                     "those above it keep 5% even when they do not answer: alpha 5%")
        self.fresh()
        self.project.change("servers/alpha/manifest.toml", "replies = 2", 'replies = 2\nshare = "10ms"')
        self.refused("boot/system.toml", "[beta]", '[beta]\nleast = "91%"', "alpha 10%")
        self.fresh()
        self.project.change("apps/beta/manifest.toml", "[needs]", 'budget = "1ms"\nperiod = "2ms"\n[needs]')
        self.refused("boot/system.toml", "[beta]", '[beta]\nleast = "51%"', "its budget is 50%")
        for text in ('"0%"', '"100%"', '"20"', "20"):
            self.fresh()
            self.refused("boot/system.toml", "[beta]", f"[beta]\nleast = {text}", "beta.least", "expected a part of")

    def test_threads_have_their_time(self):
        """A context counts at the priority that it is for: with all of what it is given."""
        for context, least, right in (("40ms/100ms", 55, True), ("40ms/100ms", 56, False),
                                      ("40ms/100ms@50", 95, True), ("40ms/100ms@51", 56, False)):
            self.fresh()
            self.project.change("servers/alpha/manifest.toml", "[provides]",
                                f'[needs]\nthread = "context:{context}"\n[provides]')
            mistakes = self.project.change("boot/system.toml", "[beta]", f'[beta]\nleast = "{least}%"')
            self.assertEqual(mistakes == "", right, mistakes)
        self.fresh()
        self.refused("apps/beta/manifest.toml", "1ms/5ms", "1ms/5ms@51", "needs.worker: has priority 51, expected 1 to 50")
        self.fresh()
        text = manifest.header(self.project.system(), "beta")
        self.assertIn("inline constexpr u8 worker_priority = 50;", text)

    def test_thread(self):
        """Made by root, with a gap behind it and a stack that a window may follow."""
        beta = "apps/beta/manifest.toml"
        before = memory_needed(self.project.system().programs["beta"], [])
        self.assertEqual(self.project.change(beta, "[needs]", '[needs]\nhelper = "thread:8K/2ms/10ms@20"\n'
                                             'wakes = "notification"'), "")
        program = self.project.system().programs["beta"]
        thread, wakes = program.needs[:2]
        self.assertEqual(thread.value, {"budget_us": 2000, "period_us": 10000, "stack_bytes": 8192, "priority": 20,
                                        "address": 0x10000000})
        self.assertEqual((thread.slots, wakes.slots, wakes.value), (1, 1, {}))
        self.assertEqual(next(need for need in program.needs if need.kind == "device").value["address"],
                         0x10004000)
        text = manifest.header(self.project.system(), "beta")
        for line in ('#include "sel/thread.hpp"', "sel::ReadyThread helper{5, 0x10002000};",
                     "sel::Notification wakes{6};"):
            self.assertIn(line, text)
        after = memory_needed(program, [])
        self.assertEqual(after["stack"] - before["stack"], 0x3000)
        self.assertGreaterEqual(after["objects"] - before["objects"], 2048 + 160 + 32 + 32 + 2 * 2 * 32 + 5 * 32)
        for argument, *words in (("8K/2ms/10ms@51", "has priority 51"), ("2M/2ms/10ms", "at most 1M"),
                                 ("8K/20ms/10ms", "not longer"), ("0/2ms/10ms", "multiple of 4K"),
                                 ("2ms/10ms", "expected a size")):
            self.fresh()
            self.refused(beta, "[needs]", f'[needs]\nhelper = "thread:{argument}"', "needs.helper", *words)
        self.fresh()  # Its time counts as that of a context does.
        self.project.change("servers/alpha/manifest.toml", "[provides]",
                            '[needs]\nthread = "thread:8K/40ms/100ms"\n[provides]')
        self.refused("boot/system.toml", "[beta]", '[beta]\nleast = "56%"', "beta.least", "alpha.thread 40%")

    def test_code(self):
        """Whoever has memory of its own can make code of it, and must say so."""
        self.refused("apps/beta/manifest.toml", "code = true\n", "", "beta", "needs.pool", "expected `code = true`")

    def test_values(self):
        name = "servers/alpha/manifest.toml"
        for old, new, *words in (
                ("priority = 100", "priority = 0", "priority: is 0, expected 1 to 254"),
                ("priority = 100", "priority = 255", "expected 1 to 254"),
                ("priority = 100", 'priority = "high"', "expected a number"),
                ("replies = 2", "replies = 64", "replies: is 64"),
                ('"256K"', '"lots"', "memory: is 'lots'", "expected a size"),
                ('"256K"', '"1000"', "multiple of 4K"),
                ("replies = 2", 'stack = "2M"', "stack: is '2M', expected at most 1M"),
                ("replies = 2", 'budget = "2ms"\nperiod = "1ms"', "budget: is longer"),
                ("replies = 2", 'budget = "2ms"\nperiod = "2ms"', "budget: is the whole period, expected less"),
                ("replies = 2", 'budget = "2ms"\nperiod = "4ms"\nshare = "3ms"', "share: is longer than the budget"),
                ("replies = 2", 'share = "x"', "share: is 'x', expected a time"),
                ("replies = 2", 'budget = "2 ms"', "budget: is '2 ms', expected a time"),
                ("replies = 2", 'restart = "maybe"', "restart: is 'maybe'"),
                ("replies = 2", "colour = 2", "colour: unknown key"),
                ('about = "x"\n', "", "about: is missing"),
                ("requests", "Requests", "provides.Requests"),
                ('"alpha.Other"', '"alpha"', "lists a protocol twice")):
            self.fresh()
            self.refused(name, old, new, name, *words)

    def test_names_are_free(self):
        self.refused("apps/beta/manifest.toml", "bell =", "signals =", "needs.signals",
                     "has this already")

    def test_files(self):
        self.refused("servers/alpha/manifest.toml", "[provides]", "[provides", "not TOML")
        self.fresh()
        self.refused("boot/system.toml", "[alpha]", "[gamma]\n[alpha]", "gamma", "found none")
        self.fresh()
        self.project.write("apps/alpha/manifest.toml", SERVER)
        self.assertIn("found servers/alpha and apps/alpha", self.project.mistakes())
        self.fresh()
        self.refused("boot/system.toml", "[alpha]", '[alpha]\nstart = "never"', "alpha.start")

    def test_one_fault_handler(self):
        for name in ("gamma", "delta"):
            self.project.write(f"servers/{name}/manifest.toml",
                               'about = "x"\npriority = 9\nmemory = "64K"\n'
                               '[provides]\nfaults = "fault"\n')
        self.refused("boot/system.toml", "[alpha]", "[gamma]\n[delta]\n[alpha]",
                     "`fault` is provided by gamma already")

    def test_more_than_the_tables_hold(self):
        def many(count, needs=""):
            for i in range(count):
                self.project.write(f"servers/s{i}/manifest.toml", f'about = "x"\npriority = 9\nmemory = "64K"\n{needs}')
            self.project.write("boot/system.toml", "".join(f"[s{i}]\n" for i in range(count)))
            return self.project.system()

        self.assertEqual(many(64).mistakes, [])
        self.assertEqual(many(65).mistakes, ["boot/system.toml: has 65 programs, expected at most 64"])
        system = many(52, "[needs]\n" + "".join(f'n{i} = "notification"\n' for i in range(10)))
        self.assertEqual(system.mistakes, [])
        with self.assertRaises(manifest.Mistake) as refused:
            manifest.table(system)
        self.assertIn("have 520 needs, expected at most 512", str(refused.exception))

    def test_who_starts_programs(self):
        self.project.write("servers/root/manifest.toml",
                           'about = "x"\npriority = 255\n[provides]\nview = "root"\nstarter = "root.Starter"\n')
        self.project.write("servers/root/api.hpp", API.format("root") + "namespace root {\nusing Starter = sel::Protocol<>;\n}\n")
        self.assertEqual(self.give("starter", '"starter:112/80%@40"'), "")
        system = self.project.system()
        need = next(need for need in system.programs["beta"].needs if need.name == "extra")
        self.assertEqual(need.value, {"programs": 112, "permille": 800, "priority": 40, "protocol": 1, "regions": 0,
                                      "first_region": 0, "region_bytes": 0})
        self.assertIn("sel::Client<root::Starter> extra{", manifest.header(system, "beta"))
        text = (self.project.path / "boot/system.toml").read_text()
        for given, words in (("starter:112/80%", "PROGRAMS/PERCENT%@PRIORITY"), ("starter:0/80%@40", "1 to 192 programs"),
                             ("starter:193/80%@40", "1 to 192 programs"), ("starter:1/101%@40", "1 to 100%"),
                             ("starter:1/80%@51", "expected 1 to 50"), ("root", "asks for starter"),
                             ("starter:1/1%@1+8", "PROGRAMS/PERCENT%@PRIORITY"), ("starter:1/1%@1+33*4K", "at most 32"),
                             ("starter:1/1%@1+1*2M", "4K frames"), ("starter:1/1%@1+1*5", "a positive multiple")):
            self.project.write("boot/system.toml", text.replace("starter:112/80%@40", given))
            self.assertIn(words, self.project.mistakes())
        self.project.write("boot/system.toml", text.replace("@40", "@40+8*64K"))
        self.project.change("apps/beta/manifest.toml", "[needs]", '[needs]\nmine = "region:4K"')
        system = self.project.system()
        values = {need.name: need.value for need in system.programs["beta"].needs}
        self.assertEqual([values["extra"][key] for key in ("regions", "first_region", "region_bytes")], [8, 1, 65536])
        self.assertEqual(values["mine"]["number"], 0)

    def test_memory_fits(self):
        program = self.project.system().programs["alpha"]
        manifest.check_memory(program, "alpha.elf", make_elf([(0x400000, 0x5000)]))
        with self.assertRaises(manifest.Mistake) as refused:
            manifest.check_memory(program, "alpha.elf", make_elf([(0x400000, 0x40000)]))
        self.assertIn("servers/alpha/manifest.toml: memory: is '256K', expected at least",
                      str(refused.exception))
        with self.assertRaises(manifest.Mistake):
            manifest.check_memory(program, "alpha.elf", b"no ELF")

    def test_memory_of_windows(self):
        def parts():
            program = self.project.system().programs["beta"]
            return memory_needed(program, [(0x400000, 0x5000)])

        before = parts()
        self.assertEqual(self.give("pool", '"pool:disk/1M"'), "")
        after = parts()  # 256 slots, in the CNode and in the book; the frames are root's.
        self.assertEqual(after["objects"] - before["objects"], 2 * 256 * 32)
        self.assertEqual(after["page tables"], before["page tables"])
        self.fresh()
        self.assertEqual(self.give("pci", '"pci:1af4:1042"'), "")
        after = parts()
        self.assertEqual(after["objects"] - before["objects"], 2 * 65 * 32)
        self.assertEqual(after["page tables"], before["page tables"])


class ArchiveTest(unittest.TestCase):
    def test_layout(self):
        data = pack_archive.pack({"etc/motd": b"hello", "bin/x": b"y" * 33})
        magic, version, count, total, _ = pack_archive.HEADER.unpack_from(data)
        self.assertEqual((magic, version, count, total), (b"TARCHIVE", 1, 2, len(data)))
        name, offset, size, check = pack_archive.ENTRY.unpack_from(data, 32)
        self.assertEqual(name.rstrip(b"\0"), b"etc/motd")
        self.assertEqual(data[offset:offset + size], b"hello")
        self.assertEqual(check, pack_archive.sum64(b"hello"))

    def test_refused(self):
        for name in ("", "x" * 40, "/etc", "etc/", "a b\n"):
            with self.assertRaises(ValueError, msg=name):
                pack_archive.pack({name: b""})
        with self.assertRaises(ValueError):
            pack_archive.pack({"big": bytes(pack_archive.BYTES_MAX)})


if __name__ == "__main__":
    unittest.main()
