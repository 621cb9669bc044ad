"""Drivers of network cards on QEMU's devices: frames, check sums, groups, link; the driver killed at work.
SPDX-License-Identifier: BSD-2-Clause
"""

import socket
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

from machine import PROMPT_AT
from scene import booted, equal, free_bytes, programs

MAC = "52:54:00:12:34:99"
DEVICES = {  # Name: driver, QEMU's arguments for its device, how it interrupts, what the driver calls it.
    "e1000": ("e1000", "e1000", "line", "Intel 82540EM network card"),
    "e1000e": ("e1000", "e1000e", "msi-x", "Intel 82574L network card"),
}
TYPES, PEER, GROUP = (b"\x88\xb5", b"\x08\x00"), bytes.fromhex("020000000001"), bytes.fromhex("01005e000042")
TO_GROUP = 1
LINES = ["lengths good", "batches good", "sums good", "groups good", "rules good", "after it good", "end good"]


class Peer:
    """The other end of the wire: sends frames of nictest back, to their sender or to the group."""

    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"{folder}/peer")
        self.netdev = (f"dgram,id=peer,local.type=unix,local.path={folder}/card,"
                       f"remote.type=unix,remote.path={folder}/peer")
        self.frames, self.lengths = 0, set()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while frame := self.socket.recv(65536):
            if frame[12:14] in TYPES and frame[:6] == PEER:
                self.frames += 1
                self.lengths.add(len(frame))
                to = GROUP if frame[15] == TO_GROUP else frame[6:12]
                self.socket.sendto(to + PEER + frame[12:], self.card)

    @property
    def card(self):
        return self.socket.getsockname().removesuffix("peer") + "card"

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.socket.getsockname())
        self.thread.join(10)
        self.socket.close()


@contextmanager
def machine_with(device, **options):
    """A machine with this card, and its peer; in the end memory is equal to the byte."""
    driver, arguments, signal, name = DEVICES[device]
    with tempfile.TemporaryDirectory() as folder:
        peer = Peer(folder)
        extra = ["-netdev", peer.netdev, "-device", f"{arguments},netdev=peer,mac={MAC}",
                 "-netdev", "user,id=user", "-device", "virtio-net-pci,disable-legacy=on,netdev=user"]
        with booted(extra=extra, **options) as machine:
            assert "virtio network card" in machine.run("ifconfig")  # net has that one, and leaves ours alone.
            wait_for(machine, f"card 1: {name}, address {MAC}")
            free = free_bytes(machine)
            rows = [row for row in machine.run("lspci").splitlines() if f" {driver} ({signal})" in row]
            assert len(rows) == 1, machine.run("lspci")
            yield machine, peer, driver
            equal("free memory", free_bytes(machine), free)
            machine.halt()
        peer.close()


def wait_for(machine, *lines):
    """Until the log has all of them: a driver with `start = "late"` is started behind the prompt."""
    for _ in range(20):
        log = machine.run("log")
        if all(line in log for line in lines):
            return
        machine.run("sleep 1")
    raise AssertionError(log)


def check(device, **options):
    with machine_with(device, **options) as (machine, peer, driver):
        output = machine.run(f"run nictest {driver}").splitlines()
        name = DEVICES[device][3]
        equal("introduction", output[0], f"{driver}: {name}, address {MAC}, link up")
        equal("lines", [line.removeprefix(f"{driver}: ") for line in output[1:]], LINES)
        assert peer.frames > 1500, peer.frames
        equal("lengths", (min(peer.lengths), max(peer.lengths)), (60, 1514))
        equal("starts", programs(machine)[driver].starts, 1)


def restarts(device):
    with machine_with(device) as (machine, _, driver):
        output = machine.run(f"run nictest {driver} restarts")
        assert "restarts good" in output and "end good" in output, output
        equal("starts", programs(machine)[driver].starts, 6)
        machine.run("restart pci")
        assert "after it good" in machine.run(f"run nictest {driver}")


def link(device):
    """A cable pulled and put back; the driver says so to who waits."""
    with machine_with(device) as (machine, _, driver):
        for up, word in ((False, "down"), (True, "up")):
            machine.send(f"run nictest {driver} link\n")
            machine.expect("waits for the link")
            machine.control.call("set_link", name="peer", up=up)
            machine.expect(f"link {word}")
            machine.expect(PROMPT_AT)
        assert "after it good" in machine.run(f"run nictest {driver}")


def test_e1000():
    check("e1000")


def test_e1000_on_q35():
    check("e1000", board="q35")


def test_e1000e():
    check("e1000e")


def test_e1000_restarts():
    restarts("e1000")


def test_e1000e_restarts():
    restarts("e1000e")


def test_e1000_link():
    link("e1000")


def test_e1000e_link():
    link("e1000e")


def test_four_cards():
    """Each has its number."""
    extra = [word for n in range(4) for word in ("-device", f"{('e1000', 'e1000e')[n % 2]},mac=52:54:00:00:00:0{n}")]
    with booted(extra=extra) as machine:
        wait_for(machine, *(f"card {n + 1}: Intel 825{('40EM', '74L')[n % 2]} network card, address 52:54:00:00:00:0{n}"
                            for n in range(4)))
        machine.halt()


def test_no_card():
    """Who asks for one hears that it is not there."""
    with booted() as machine:
        status, output = machine.status("run nictest e1000")
        equal("status", status, 1)
        equal("what it says", output, "e1000: no such name\n")
        machine.halt()
