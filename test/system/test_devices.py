"""Devices on PCI are found and named, whoever set them up: BIOS or UEFI, on an old board or a new one.
SPDX-License-Identifier: BSD-2-Clause
"""

import re

from scene import booted, disks, equal, free_bytes, programs

ROW = re.compile(r"^([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ([0-9a-f]{4}:[0-9a-f]{4}) (.*)$")
DISKS = {"1af4:1042": "virtio disk", "1b36:0010": "QEMU NVMe disk"}
PC = {"8086:1237": "Intel host bridge", "8086:7000": "Intel ISA bridge", "8086:7010": "Intel IDE controller",
      "1234:1111": "QEMU graphics card (VGA)", "8086:100e": "Intel network card"}
CARD = ["-device", "e1000"]
Q35 = {"8086:29c0": "Intel host bridge", "8086:2922": "Intel SATA controller (AHCI)",
       "8086:2930": "Intel SMBus controller", "1234:1111": "QEMU graphics card (VGA)", "8086:100e": "Intel network card"}
BRIDGES = ["-device", "pci-bridge,id=near,chassis_nr=1", "-device", "pci-bridge,id=far,chassis_nr=2,bus=near",
           "-device", "virtio-rng-pci,bus=far,addr=5"]


def listed(machine):
    """{address: (ids, rest of the line)} from `lspci`."""
    rows = [ROW.match(line) for line in machine.run("lspci").splitlines()]
    assert all(rows), machine.run("lspci")
    return {row[1]: (row[2], row[3]) for row in rows}


def names(machine):
    return dict(listed(machine).values())


def check(board, expected, firmware):
    with disks() as drives, booted(firmware=firmware, extra=["-machine", board, *CARD, *drives]) as machine:
        found = names(machine)
        for ids, name in {**expected, **DISKS}.items():
            equal(ids, re.sub(r" +\S+ \((msi|msi-x|line)\)$", "", found.get(ids, "")), name)
        machine.halt()


def test_pc_with_bios():
    check("pc", PC, "bios")


def test_pc_with_uefi():
    check("pc", PC, "uefi")


def test_q35_with_bios():
    check("q35", Q35, "bios")


def test_q35_with_uefi():
    check("q35", Q35, "uefi")


def test_behind_bridges():
    with booted(extra=BRIDGES) as machine:
        found = listed(machine)
        far = [address for address, (ids, _) in found.items() if ids == "1af4:1005"]
        equal("places of the device", len(far), 1)
        assert not far[0].startswith("00:") and far[0].endswith(":05.0"), far
        equal("its name", found[far[0]][1].split("  ")[0], "virtio random number source")
        before = machine.run("lspci")
        machine.run("restart pci")
        equal("lspci after a restart", machine.run("lspci"), before)
        equal("starts", programs(machine)["pci"].starts, 2)
        machine.halt()


def test_driver():
    """Registers, interrupt and DMA reach a driver, in each of its lives; its device stops with it."""
    with booted(extra=["-device", "edu"]) as machine:
        free = free_bytes(machine)
        for _ in range(3):
            output = machine.run("run edu")
            assert output.count("good") == 4 and "FAILED" not in output, output
            machine.run("run edu die")
            machine.run("sleep 1")
            equal("look", machine.run("run edu look"), "edu: untouched  good\n")
            equal("a device whose driver has ended", names(machine)["1234:11e8"], "QEMU educational device")
        machine.run("restart pci")
        assert machine.run("run edu").count("good") == 4
        equal("free memory", free_bytes(machine), free)
        assert "edu" not in machine.run("irq")
        machine.halt()


def test_no_device():
    with booted() as machine:
        status, output = machine.status("run edu")
        assert status != 0 and output.startswith("edu: no device: "), output
        machine.halt()
