"""Reads the text of a screen back: pixels of QEMU's screendump, matched with the glyphs of the boot module `font`.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
from dataclasses import dataclass

from font import ABI, read_module

WIDTH = ABI["BOOT_FONT_WIDTH"]
BLACK = (0, 0, 0)


@dataclass(frozen=True)
class Cell:
    character: str
    ink: tuple    # Red, green, blue.
    paper: tuple


class Picture:
    """A PPM file (P6)."""

    def __init__(self, data):
        head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        self.width, self.height = int(head[1]), int(head[2])
        self.pixels = data[head.end():]

    def pixel(self, x, y):
        at = 3 * (y * self.width + x)
        return tuple(self.pixels[at:at + 3])

    def row(self, x, y, count):
        """`count` pixels as bytes, three each."""
        at = 3 * (y * self.width + x)
        return self.pixels[at:at + 3 * count]


class Reader:
    """Knows a font: the glyph of each character, and the characters of a glyph."""

    def __init__(self, module):
        self.font = read_module(module)
        self.character = {}
        for code, glyph in self.font.glyphs.items():
            self.character.setdefault(glyph, chr(code))

    def cell(self, picture, column, row):
        """What stands there; ValueError if that is no character in two colours."""
        height = self.font.height
        rows = [picture.row(column * WIDTH, row * height + y, WIDTH) for y in range(height)]
        pixels = [line[i:i + 3] for line in rows for i in range(0, 3 * WIDTH, 3)]
        colours = sorted(set(pixels), key=pixels.count, reverse=True)
        if len(colours) == 1:
            return Cell(" ", tuple(colours[0]), tuple(colours[0]))
        for paper in colours if len(colours) == 2 else ():
            ink = colours[1 - colours.index(paper)]
            bits = [pixel == ink for pixel in pixels]
            glyph = bytes(sum(bit << WIDTH - 1 - x for x, bit in enumerate(bits[y * WIDTH:(y + 1) * WIDTH]))
                          for y in range(height))
            if glyph in self.character:
                return Cell(self.character[glyph], tuple(ink), tuple(paper))
        raise ValueError(f"no character of the font in column {column}, row {row}")

    def size(self, picture):
        return picture.width // WIDTH, picture.height // self.font.height

    def text(self, picture):
        """All rows, without what is empty at their ends and below."""
        columns, rows = self.size(picture)
        blank = {}  # An empty row of cells is not looked at one by one.
        lines = []
        for row in range(rows):
            strip = picture.row(0, row * self.font.height, picture.width * self.font.height)
            if strip == blank.setdefault(strip[:3], strip[:3] * (len(strip) // 3)):
                lines.append("")
                continue
            lines.append("".join(self.cell(picture, column, row).character for column in range(columns)).rstrip())
        while lines and not lines[-1]:
            lines.pop()
        return lines
