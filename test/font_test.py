#!/usr/bin/env python3
"""Tests of scripts/lib/font.py and screen_text.py: fonts become modules, and text is read back from pixels.
SPDX-License-Identifier: BSD-2-Clause"""

import struct
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent.parent / "scripts/lib"))
from font import module, read_module, read_psf
from screen_text import Picture, Reader

HEIGHT, COUNT = 4, 256
END, SEQUENCE = b"\xff\xff", b"\xfe\xff"


def shape(number):
    return bytes([number >> 4, number & 15, 0, 0])


def changed(old, x, colour):
    """The picture with another pixel in its first line."""
    pixels = old.pixels[:3 * x] + colour + old.pixels[3 * x + 3:]
    return Picture(b"P6\n%d %d\n255\n" % (old.width, old.height) + pixels)


def psf(codes=None, mode=2, height=HEIGHT, magic=0x0436):
    """A PSF 1 font; glyph `n` shows its number, in few pixels. codes: what it stands for, as bytes."""
    glyphs = b"".join(shape(number)[:height].ljust(height, b"\0") for number in range(COUNT))
    codes = codes or {number: struct.pack("<H", number) for number in range(COUNT)}
    table = b"".join(codes.get(number, b"") + END for number in range(COUNT))
    return struct.pack("<HBB", magic, mode, height) + glyphs + table


def picture(font, rows, ink=b"\xc8\xcc\xd0", paper=b"\0\0\0"):
    columns = max(map(len, rows))
    pixels = bytearray()
    for row in rows:
        for y in range(font.height):
            for character in row.ljust(columns):
                bits = font.glyphs[ord(character)][y]
                pixels += b"".join(ink if bits >> 7 - x & 1 else paper for x in range(8))
    return Picture(b"P6\n%d %d\n255\n" % (8 * columns, font.height * len(rows)) + pixels)


class FontTest(unittest.TestCase):
    def test_glyphs_are_found_by_their_code(self):
        font = read_module(module(read_psf(psf())))
        self.assertEqual(font.height, HEIGHT)
        self.assertEqual(font.glyphs[ord("A")], shape(65))
        self.assertEqual(list(font.glyphs), sorted(font.glyphs))
        self.assertEqual(list(font.glyphs)[:3], [0x20, 0x21, 0x22])

    def test_a_glyph_may_stand_for_several(self):
        codes = {number: struct.pack("<H", number) for number in range(COUNT)}
        codes[1] = struct.pack("<HH", 0x20AC, 0x1234) + SEQUENCE + struct.pack("<HH", 0x41, 0x301)
        font = read_psf(psf(codes))
        self.assertEqual((font.glyphs[0x20AC], font.glyphs[0x1234]), (shape(1), shape(1)))
        self.assertNotIn(0x301, font.glyphs)
        self.assertEqual(font.glyphs[0x41], shape(65))

    def test_other_files_are_refused(self):
        for data, why in ((psf(magic=0x1234), "PSF 1"), (psf(mode=0), "Unicode table"), (psf(height=33), "33 pixels"),
                          (psf(height=0), "0 pixels"), (psf({65: b"A\0"}), "no glyph for")):
            with self.assertRaisesRegex(ValueError, why):
                read_psf(data)

    def test_text_is_read_back(self):
        font = read_psf(psf())
        reader = Reader(module(font))
        rows = ["Hello, World", "", "  {~} \xe4"]
        self.assertEqual(reader.text(picture(font, rows)), rows)
        self.assertEqual(reader.text(picture(font, rows, b"\0\0\0", b"\xff\xff\xff")), rows)
        cell = reader.cell(picture(font, rows), 1, 0)
        self.assertEqual((cell.character, cell.ink, cell.paper), ("e", (0xC8, 0xCC, 0xD0), (0, 0, 0)))

    def test_what_is_no_text_is_not_read(self):
        font = read_psf(psf())
        reader = Reader(module(font))
        sound = picture(font, ["AB"])
        for x, colour, place in ((8, b"\xc8\xcc\xd0", "column 1, row 0"), (1, b"\1\2\3", "column 0, row 0")):
            with self.assertRaisesRegex(ValueError, place):  # A pixel that no glyph has there; a third colour.
                reader.text(changed(sound, x, colour))



if __name__ == "__main__":
    unittest.main()
