"""The image boots to the shell under both firmwares, from both media, and powers off.
SPDX-License-Identifier: BSD-2-Clause
"""

from build import ISO
from machine import Machine


def boots(**options):
    with Machine(ISO, **options) as machine:
        machine.boot(100)
        assert "ps" in machine.run("help"), "help does not name ps"
        machine.halt()


def test_bios_cd():
    boots()


def test_bios_usb():
    boots(usb=True)


def test_uefi_cd():
    boots(firmware="uefi")


def test_uefi_usb():
    boots(firmware="uefi", usb=True)
