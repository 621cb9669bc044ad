"""The facts that C and C++ headers hold, for the checker: constants, lists of kinds, layouts of records.
SPDX-License-Identifier: BSD-2-Clause

Nothing that a header says is repeated in Python. What is not found, or not as simple as expected here (an
integer expression; a struct of integers and char arrays without padding), ends with its file and name.
"""

import re
import struct
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
ENUM = re.compile(r"enum(?: class)?(?: \w+)?(?: : \w+)?\s*\{(.*?)\}", re.S)
CONSTANT = re.compile(r"constexpr (?:u8|u16|u32|u64) (\w+)\s*=([^;]*);")
DEFINE = re.compile(r"^#define (\w+) (\S+)[ \t]*$", re.M)
FIELD = re.compile(r"(char|u8|u16|u32|u64|s32) ([\w, \[\]]+);")
METHODS = re.compile(r"\n *(?:bool |template|std::|static |constexpr )")
SUFFIX = re.compile(r"\b(0x[0-9a-fA-F]+|\d+)[uUlL]+\b")
CAST = re.compile(r"\bu(?:8|16|32|64)\{([^{}]*)\}")
QUALIFIED = re.compile(r"\b\w+::")
FORMAT = {"char": "s", "u8": "B", "u16": "H", "u32": "I", "u64": "Q", "s32": "i"}


def text_of(path):
    return COMMENT.sub("", (ROOT / path).read_text())


class Constants:
    """All constants of some headers by name; a later header may use those of earlier ones."""

    def __init__(self, *paths):
        self.paths, self.found, self.several = paths, {}, set()
        for text in map(text_of, paths):
            for _ in range(2):  # Constants may be of enumerators, and the other way round.
                for name, value in DEFINE.findall(text) + CONSTANT.findall(text):
                    self._add(name, value)
                for body in ENUM.findall(text):
                    self._enum(body)

    def _value(self, expression):
        """What an integer expression of known names is; None if it is something else."""
        expression = QUALIFIED.sub("", SUFFIX.sub(r"\1", CAST.sub(r"(\1)", expression.replace("'", "")))).strip()
        if not re.fullmatch(r"[\w\s+*<>|()~&-]+", expression):
            return None
        try:
            value = eval(expression, {"__builtins__": {}}, self.found)  # pylint: disable=eval-used
        except (NameError, SyntaxError, TypeError):
            return None
        return value if isinstance(value, int) else None

    def _add(self, name, expression):
        self._keep(name, self._value(expression))

    def _keep(self, name, value):
        if value is not None and self.found.setdefault(name, value) != value:
            self.several.add(name)

    def _enum(self, body):
        next_value = 0
        for entry in filter(None, map(str.strip, body.split(","))):
            name, _, expression = map(str.strip, entry.partition("="))
            value = self._value(expression) if expression else next_value
            if value is None:
                next_value = None
                continue
            self._keep(name, value)
            next_value = value + 1

    def __getitem__(self, name):
        if name not in self.found or name in self.several:
            raise SystemExit(f"{', '.join(map(str, self.paths))}: expected the constant {name}, once")
        return self.found[name]


class Layout:
    """A struct as it lies in memory, little-endian: its fields by name."""

    def __init__(self, path, name):
        self.name = name
        body = re.search(rf"\bstruct {name} \{{(.*?)\n?\}};", text_of(path), re.S)
        if not body:
            raise SystemExit(f"{path}: expected struct {name}")
        self.fields, self.formats = [], []
        for kind, names in FIELD.findall(METHODS.split(body[1])[0]):
            for field in names.split(","):
                field, _, size = field.strip().partition("[")
                self.fields.append(field)
                count = size.rstrip("]")
                if count and not count.isdigit():
                    raise SystemExit(f"{path}: struct {name}: {field}: expected a number of elements")
                self.formats.append(count + FORMAT[kind])
        self.format = "<" + "".join(self.formats)
        if self.bytes != struct.calcsize("@" + "".join(self.formats)):
            raise SystemExit(f"{path}: struct {name}: expected fields without padding between them")

    @property
    def bytes(self):
        return struct.calcsize(self.format)

    def offset(self, field):
        return struct.calcsize("<" + "".join(self.formats[:self.fields.index(field)]))

    def bytes_of(self, field):
        return struct.calcsize("<" + self.formats[self.fields.index(field)])

    def pack(self, **values):
        """Bytes with these fields; the others are 0. One that there is not, or that does not fit, is an error."""
        if unknown := values.keys() - set(self.fields):
            raise SystemExit(f"struct {self.name}: no field {', '.join(sorted(unknown))}")
        out = b""
        for field, kind in zip(self.fields, self.formats):
            value = values.get(field)
            if value is None:
                out += bytes(struct.calcsize("<" + kind))
            else:
                out += struct.pack("<" + kind, *(value if isinstance(value, (list, tuple)) else [value]))
        return out

    def unpack_from(self, data, offset=0):
        """{field: value}; of an array a tuple."""
        out = {}
        for field, kind in zip(self.fields, self.formats):
            found = struct.unpack_from("<" + kind, data, offset)
            out[field] = found[0] if len(found) == 1 else found
            offset += struct.calcsize("<" + kind)
        return out


def names_of_list(path, name):
    """A, B of `using NAME = List<A, B>;`."""
    found = re.search(rf"using {name} =\s*List<(.*?)>;", text_of(path), re.S)
    if not found:
        raise SystemExit(f"{path}: expected using {name} = List<...>")
    return [word.strip() for word in found[1].split(",")]
