# Builds the system and boots it in QEMU through GRUB; `scripts/run --help` says how.
# SPDX-License-Identifier: BSD-2-Clause
import argparse
import http.client
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))
sys.dont_write_bytecode = True

import build  # noqa: E402
from disk import DEFAULT_MEGABYTES, make_disk  # noqa: E402
from machine import DISK_KINDS, Machine, MachineError, command_line  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/run", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Install what is missing, build, and boot the ISO in QEMU through GRUB.\n"
                    "The first run takes some minutes (packages, build), later ones seconds.",
        epilog="Without --batch the shell is on this terminal, and with --display on the screen, too; Ctrl-A X ends QEMU.\n"
               "Everything after -- goes to QEMU as it is.")
    parser.add_argument("--firmware", choices=["bios", "uefi"], default="bios")
    parser.add_argument("--display", default="none", help="QEMU's -display (gtk, sdl, vnc=:0; default none)")
    parser.add_argument("--disk", action="append", default=[], metavar="FILE",
                        help="attach this disk image, several times for up to eight; made if it does not exist: "
                             f"{DEFAULT_MEGABYTES} MB, half of it FAT (/fat), half empty (/disk)")
    parser.add_argument("--disk-kind", action="append", choices=list(DISK_KINDS), default=[],
                        help="how the disk is attached (default virtio); several times: each disk in turn, the last "
                             "kind for all that follow")
    parser.add_argument("--no-network", action="store_true",
                        help="no network card (else one in QEMU's user network: 10.0.2.2 is this machine)")
    parser.add_argument("--http", type=int, default=0, metavar="PORT",
                        help="port of this machine's loopback that leads to the system's web server; prints the URL when "
                             "that answers")
    parser.add_argument("--memory", type=int, default=256, metavar="MB")
    parser.add_argument("--usb", action="store_true", help="boot the ISO as a USB stick instead of a CD")
    parser.add_argument("--icount", action="store_true", help="count instructions: one tick each, repeatable")
    parser.add_argument("--batch", metavar="'COMMAND; COMMAND'",
                        help="type these at the shell, print the answers, power off; exits 1 if one fails")
    parser.add_argument("--shot", metavar="PNG", help="with --batch: write a picture of the screen behind the last command")
    parser.add_argument("--timeout", type=int, default=120, metavar="SECONDS", help="for the boot and each command")
    parser.add_argument("--no-build", action="store_true", help="boot the image that is there")
    parser.add_argument("qemu", nargs="*", metavar="-- QEMU-ARGUMENT")
    options = parser.parse_args()
    if options.shot and options.batch is None:
        parser.error("--shot needs --batch: without it the machine is yours, and its screen, too")
    if options.http and (options.no_network or not 0 < options.http < 65536):
        parser.error("--http needs a network card and a port below 65536")
    return options


OPENERS, CLOSERS = ("if", "while", "until", "for"), ("fi", "done")
BEFORE_COMMANDS = ("do", "then", "else", "elif", "!", "|", "||", "&&", "&")  # And the openers but `for`.


def pieces_of(text):
    """What stands between `;` and line ends that are not quoted, behind a backslash, or in $(...)."""
    pieces, quote, outside, at = [""], "", [], 0  # outside: quotes around each `$(` that is open.
    while at < len(text):
        character, width = text[at], 1
        if character == "\\" and quote != "'":
            width = 2
        elif character == quote:
            quote = ""
        elif character in "'\"" and not quote:
            quote = character
        elif text.startswith("$(", at) and quote != "'":
            outside, quote, width = [*outside, quote], "", 2
        elif character == ")" and not quote and outside:
            quote = outside.pop()
        if character in ";\n" and not quote and not outside:
            pieces.append("")
        else:
            pieces[-1] += text[at:at + width]
        at += width
    return [piece.strip() for piece in pieces if piece.strip()]


def blocks_of(piece):
    """How many more `if`, `while` and `for` it begins than it ends."""
    blocks, command = 0, True
    for word in piece.split():
        blocks += command * ((word in OPENERS) - (word in CLOSERS))
        command = command and word in OPENERS and word != "for" or word in BEFORE_COMMANDS
    return blocks


def commands_of(text):
    """The commands of a batch: `;` parts them, but not what is quoted, nor what belongs to one `if`, `while` or `for`."""
    commands, blocks = [], 0
    for piece in pieces_of(text):
        if blocks > 0:
            commands[-1] += f"; {piece}"
        else:
            commands.append(piece)
        blocks = max(blocks, 0) + blocks_of(piece)
    return commands


def usable(disk):
    """The image of a disk, made if it is not there; sys.exit() says why it cannot be used."""
    path = Path(disk)
    try:
        if not path.exists():
            make_disk(disk)
        if path.is_dir():
            sys.exit(f"run: --disk {disk}: is a directory, expected a file")
        path.open("r+b").close()
    except OSError as error:
        sys.exit(f"run: --disk {disk}: {error.strerror}")


def answers(port):
    """Whether the web server behind this port of the loopback answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False


def tell_url(port, seconds):
    """Print the URL once the server answers; the exit status."""
    late = time.monotonic() + seconds
    while not (good := answers(port)) and time.monotonic() < late:
        time.sleep(0.2)
    print(f"http://127.0.0.1:{port}/" if good else f"run: no answer from port {port} within {seconds} s", end="\r\n",
          file=sys.stdout if good else sys.stderr, flush=True)
    return 0 if good else 1


def run(machine, command, timeout):
    """(exit status, what it says) of a command; behind a `reboot` the machine is at its prompt again."""
    if command.split()[0] != "reboot":
        return machine.status(command, timeout)
    machine.resets(True)
    status, output = machine.status(command, timeout)
    machine.resets(False)
    return status, output if status else ""  # Else it is what the boot says.


def batch(machine, commands, timeout, shot, http_port=0):
    """Type the commands, then look at the screen if `shot` says where to; the number of those that failed."""
    machine.boot(timeout)
    failures = tell_url(http_port, timeout) if http_port else 0
    for command in commands:
        status, output = run(machine, command, timeout)
        print(output, end="", flush=True)
        if status:
            print(f"run: `{command}` ended with status {status}", file=sys.stderr)
            failures += 1
    if shot:
        machine.settle()
        machine.screenshot(shot)
    machine.halt()
    return failures


def main():
    options = arguments()
    if not options.no_build:
        build.image()
    for disk in options.disk:
        usable(disk)
    machine_options = {
        "firmware": options.firmware, "usb": options.usb, "icount": options.icount,
        "memory": options.memory, "display": options.display, "disks": options.disk,
        "disk_kind": options.disk_kind or "virtio",
        "network": not options.no_network, "http": options.http,
        "extra": options.qemu,
    }
    if options.batch is None:
        command = command_line(build.ISO, **machine_options) + ["-serial", "mon:stdio"]
        command.remove("-no-reboot")  # Which a batch needs, to see its end.
        if options.http and os.fork() == 0:
            os._exit(tell_url(options.http, options.timeout))
        os.execvp(command[0], command)
    commands = commands_of(options.batch)
    try:
        with Machine(build.ISO, **machine_options) as machine:
            return int(batch(machine, commands, options.timeout, options.shot, options.http) > 0)
    except MachineError as error:
        print(f"run: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"run: {' '.join(map(str, error.cmd))} failed")
    except KeyboardInterrupt:
        sys.exit(130)
