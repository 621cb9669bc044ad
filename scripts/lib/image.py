#!/usr/bin/env python3
"""Makes the boot image: one hybrid ISO for BIOS and UEFI, from CD or as a USB stick.
SPDX-License-Identifier: BSD-2-Clause
usage: image.py OUTPUT.iso GRUB.CFG NAME=FILE...      (files go to /boot/NAME on the image)

ELF files go there without symbols and debug information, which nothing reads there and the boot loader would load.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


def make_iso(output, config, files):
    """Write `output` with the GRUB configuration `config` (text) and files {name: path}."""
    with tempfile.TemporaryDirectory() as scratch:
        boot = Path(scratch) / "boot"
        (boot / "grub").mkdir(parents=True)
        (boot / "grub/grub.cfg").write_text(config)
        for name, path in files.items():
            shutil.copyfile(path, boot / name)
        done = subprocess.run(["grub-mkrescue", "-o", str(output), scratch], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(f"grub-mkrescue failed:\n{done.stdout}")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    files = dict(argument.split("=", 1) for argument in sys.argv[3:])
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in files.items():
            if Path(path).read_bytes().startswith(b"\x7fELF"):
                files[name] = Path(scratch) / name
                subprocess.run(["objcopy", "--strip-all", path, files[name]], check=True)
        make_iso(sys.argv[1], Path(sys.argv[2]).read_text(), files)


if __name__ == "__main__":
    main()
