"""Random numbers on QEMU: out of a virtio entropy device, out of the processor, and none without a source.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import tempfile
from pathlib import Path

from build import ISO
from machine import Machine
from scene import booted, equal, free_bytes, programs

DEVICE = ["-object", "rng-random,id=rng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng0,disable-legacy=on"]
NO_PROCESSOR = ["-cpu", "max,-rdrand,-rdseed"]
NO_NUMBERS = "error: random: no source of random numbers has given enough; see `log`\n"


def numbers(machine, count):
    text = machine.run(f"random {count}")
    assert re.fullmatch(f"[0-9a-f]{{{2 * count}}}\n", text), text
    return text


def said(machine):
    """What the server said in the log."""
    return [row.split(" info ")[1].strip() for row in machine.run("log").splitlines() if re.match(r" *[\d.]+ random ", row)]


def wait_for(machine, text):
    """The server starts late, and a device takes its time."""
    for _ in range(20):
        if any(text in line for line in said(machine)):
            return
        machine.run("sleep 1")
    raise AssertionError(machine.run("log"))


def check(source, extra, **options):
    with booted(extra=extra, **options) as machine:
        wait_for(machine, f"seeded by {source}")
        free = free_bytes(machine)
        seen = {numbers(machine, 32) for _ in range(5)} | {numbers(machine, 4096)[:64] + "\n"}
        equal("different ones", len(seen), 6)
        text = numbers(machine, 4096)
        every = {text[i:i + 2] for i in range(0, 8192, 2)}
        assert len(every) > 200, f"only {len(every)} of 256 values"
        machine.run("restart random")
        assert numbers(machine, 32) not in seen
        equal("starts", programs(machine)["random"].starts, 2)
        equal("free memory", free_bytes(machine), free)
        machine.halt()
        return seen


def test_processor():
    assert check("the processor", []).isdisjoint(check("the processor", []))


def test_device():
    check("the virtio entropy device", [*DEVICE, *NO_PROCESSOR])


def test_device_by_line():
    check("the virtio entropy device", [*DEVICE[:3], DEVICE[3] + ",vectors=0", *NO_PROCESSOR])


def test_both():
    with booted(extra=DEVICE) as machine:
        wait_for(machine, "seeded by the processor")
        rows = [row for row in machine.run("lspci").splitlines() if " random (msi-x)" in row]
        equal("its device", len(rows), 1)
        numbers(machine, 256)
        machine.run("restart pci; restart random")
        numbers(machine, 256)
        machine.halt()


def test_no_source():
    with booted(extra=NO_PROCESSOR) as machine:
        for _ in range(3):
            status, output = machine.status("random 8")
            equal("answer", (status, output), (1, NO_NUMBERS))
        equal("log", said(machine), ["there is no source of random numbers: nobody gets any"])
        machine.halt()


def test_stuck_device():
    """A device whose host gives zeros: it is found out, and nobody gets anything out of it."""
    with tempfile.TemporaryDirectory() as folder:
        zeros = Path(folder) / "zeros"
        zeros.write_bytes(bytes(1 << 16))
        extra = ["-object", f"rng-random,id=rng0,filename={zeros}", *DEVICE[2:], *NO_PROCESSOR]
        with booted(extra=extra) as machine:
            wait_for(machine, "the virtio entropy device has failed a test")
            equal("answer", machine.status("random 8"), (1, NO_NUMBERS))
            machine.halt()


def test_silent_device():
    """A device whose host never has anything: given up after a while, and said."""
    with tempfile.TemporaryDirectory() as folder, \
            Machine(ISO, extra=["-chardev", f"socket,id=egd,path={folder}/egd,server=on,wait=off",
                                "-object", "rng-egd,id=rng0,chardev=egd", *DEVICE[2:], *NO_PROCESSOR]) as machine:
        machine.boot()
        wait_for(machine, "the virtio entropy device does not answer")
        equal("answer", machine.status("random 8"), (1, NO_NUMBERS))
        machine.halt()
