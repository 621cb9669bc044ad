#!/usr/bin/env python3
"""Makes the boot module `font` of a console font (PSF 1 with its Unicode table), and reads such modules.
SPDX-License-Identifier: BSD-2-Clause
usage: font.py OUTPUT FONT.psfu.gz

Source of PSF: kbd, src/psf.h. kernel/abi/boot_info.h has the module's layout.
"""

import gzip
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from manifests.source import Constants

ABI = Constants("kernel/abi/boot_info.h")
PSF1_MAGIC, PSF1_512, PSF1_HAS_TABLE, PSF1_SEQUENCE, PSF1_END = 0x0436, 1, 2, 0xFFFE, 0xFFFF
MODULE_HEADER = struct.Struct("<IIII")
ASCII = range(0x20, 0x20 + ABI["BOOT_FONT_ASCII"])


@dataclass
class Font:
    height: int
    glyphs: dict  # Code point: bytes, a row each.


def read_psf(data):
    """The glyphs of a PSF 1 font, which are eight pixels wide."""
    magic, mode, height = struct.unpack_from("<HBB", data)
    if magic != PSF1_MAGIC or not mode & PSF1_HAS_TABLE:
        raise ValueError("expected a PSF 1 font with a Unicode table")
    if not 0 < height <= ABI["BOOT_FONT_HEIGHT_MAX"]:
        raise ValueError(f"has glyphs {height} pixels high, expected 1 to {ABI['BOOT_FONT_HEIGHT_MAX']}")
    count, first = 512 if mode & PSF1_512 else 256, 4
    codes = struct.iter_unpack("<H", data[first + count * height:])
    glyphs, number, single = {}, 0, True
    for (code,) in codes:
        if code == PSF1_END:
            number, single = number + 1, True
        elif code == PSF1_SEQUENCE:  # Of several code points, which a cell does not show.
            single = False
        elif single and code >= ASCII.start and number < count:
            glyphs.setdefault(code, data[first + number * height:first + (number + 1) * height])
    missing = [chr(code) for code in ASCII if code not in glyphs]
    if missing:
        raise ValueError(f"has no glyph for {''.join(missing)!r}")
    return Font(height, dict(sorted(glyphs.items())))


def module(font):
    """As the kernel and the servers read it."""
    head = MODULE_HEADER.pack(ABI["BOOT_FONT_MAGIC"], font.height, len(font.glyphs), 0)
    codes = struct.pack(f"<{len(font.glyphs)}I", *font.glyphs)
    return head + codes + b"".join(font.glyphs.values())


def read_module(data):
    _, height, count, _ = MODULE_HEADER.unpack_from(data)
    codes = struct.unpack_from(f"<{count}I", data, MODULE_HEADER.size)
    first = MODULE_HEADER.size + 4 * count
    return Font(height, {code: data[first + i * height:first + (i + 1) * height] for i, code in enumerate(codes)})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        Path(sys.argv[1]).write_bytes(module(read_psf(gzip.decompress(Path(sys.argv[2]).read_bytes()))))
    except (ValueError, struct.error, OSError) as error:
        sys.exit(f"font: {sys.argv[2]}: {error}")
