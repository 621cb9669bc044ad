"""A QEMU machine under control: serial line, shell, keys, screen. Used by scripts/run and test/system.
SPDX-License-Identifier: BSD-2-Clause

    with Machine(iso) as machine:
        machine.boot()                       # until the shell's prompt
        print(machine.run("ps"))             # output of a command; ShellError if it failed
        machine.halt()
Every wait has a time limit and raises MachineError, whose text ends with the serial log's tail.
"""

import codecs
import fcntl
import json
import re
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
from pathlib import Path

from screen_text import Picture

PROMPT = "\x1b[1mtrust> \x1b[22m"  # Bold, which only the terminal itself can send.
PROMPT_AT = re.compile(r"\n\x1b\[1mtrust(:[^\n]*)?> \x1b\[22m")  # Also behind `cd`, with the directory in it.
OVMF = "/usr/share/ovmf/OVMF.fd"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DISK_KINDS = {  # Arguments of QEMU for disk number {0}, which is number {1} of its kind.
    "virtio": ["-device", "virtio-blk-pci,disable-legacy=on,drive=disk{0}"],
    "nvme": ["-device", "nvme,serial=trustos{0},drive=disk{0}"],
    "ahci": ["-device", "ide-hd,bus=ahci.{1},drive=disk{0}"],
}
CONTROLLERS = {"ahci": ["-device", "ahci,id=ahci"]}  # For all disks of a kind: AHCI has six ports.
PROMPT_DRIVE, PROMPT_DEVICE = ",aio=io_uring,cache=unsafe", ",ioeventfd=off"  # One other thread of QEMU has a part in it.
# Of root, when there will be no prompt.
NO_SHELL = r"^root: (?:the system stops here|(?:archive file bin/)?(?:console|shell)(?: is not started)?: .*)\n"
POLL = 0.2  # Seconds between two looks at the screen, of which QEMU tells nothing.
LETTERS = {c: (c, False) for c in "abcdefghijklmnopqrstuvwxyz0123456789"}
NAMED_KEYS = {" ": "spc", "\n": "ret", "\t": "tab", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right",
              ";": "semicolon", "'": "apostrophe", "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot",
              "/": "slash"}
SHIFTED = dict(zip('ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()_+{}:"~|<>?', "abcdefghijklmnopqrstuvwxyz1234567890-=[];'`\\,./"))
KEYS = LETTERS | {c: (name, False) for c, name in NAMED_KEYS.items()}  # Of a US keyboard: name, and shift.
KEYS |= {c: (KEYS[plain][0], True) for c, plain in SHIFTED.items()}
LOG_TAIL = 4000  # Characters of the serial log in an error message.


class MachineError(Exception):
    """The machine did not do what was expected of it in time."""


class ShellError(MachineError):
    """A shell command ended with a status other than 0."""

    def __init__(self, command, status, output):
        super().__init__(f"`{command}` ended with status {status}:\n{output}")
        self.status, self.output = status, output


def command_line(iso=None, *, firmware="bios", usb=False, icount=False, sleep=False, memory=256, display="none",
                 disks=(), disk_kind="virtio", prompt=False, board="pc", exit_device=True, network=False, http=0, extra=()):
    """QEMU's arguments but for the serial line and the control socket. icount: an instruction is a nanosecond; an idle
    machine jumps to its next timer or, with sleep, waits for what the host has to do (a disk). disk_kind: of all
    disks, or a list, of which the last one is that of all that follow. prompt: virtio disks whose files are in the host's
    memory answer as soon as the host lets them. exit_device: `halt` ends QEMU by a device of its own, with an exit code; else
    the machine has to be switched off. network: a virtio card in QEMU's user network, where 10.0.2.2 is the host's loopback
    and nobody outside reaches the machine. http: this port of the host's loopback leads to its port 80."""
    command = ["qemu-system-x86_64", "-machine", board, "-cpu", "max", "-smp", "1", "-m", str(memory),
               "-accel", "tcg", "-no-reboot", "-display", display]
    command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"] if exit_device else []
    command += ["-nic", "none"]  # None that nobody has asked for.
    if icount:
        command += ["-icount", f"shift=0,align=off,sleep={'on' if sleep else 'off'}"]
    if firmware == "uefi":
        command += ["-bios", OVMF]
    if iso and usb:
        command += ["-device", "qemu-xhci", "-device", "usb-storage,drive=stick,bootindex=0", "-drive",
                    f"if=none,id=stick,format=raw,readonly=on,file={iso}"]
    elif iso:
        command += ["-boot", "d", "-cdrom", str(iso)]
    kinds = [disk_kind] if isinstance(disk_kind, str) else list(disk_kind)
    kinds = (kinds + kinds[-1:] * len(disks))[:len(disks)]
    for number, (disk, kind) in enumerate(zip(disks, kinds)):
        place = kinds[:number].count(kind)
        command += CONTROLLERS.get(kind, []) if place == 0 else []
        command += ["-drive", f"if=none,id=disk{number},format=raw,file={disk}" + PROMPT_DRIVE * prompt]
        command += [argument.format(number, place) for argument in DISK_KINDS[kind]]
        if prompt and kind == "virtio":
            command[-1] += PROMPT_DEVICE
    if network:
        forward = f",hostfwd=tcp:127.0.0.1:{http}-:80" if http else ""
        command += ["-nic", f"user,id=net0,model=virtio-net-pci{forward}"]
    return command + list(extra)


class Control:
    """QEMU's control socket (QMP)."""

    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.socket.connect(str(path))
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.socket.settimeout(timeout)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        json.loads(self.lines.readline())  # Greeting.
        self.call("qmp_capabilities")

    def tell(self, name, /, **arguments):
        """Send a command that may end QEMU: no answer is awaited."""
        request = {"execute": name, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode() + b"\n")

    def call(self, name, /, **arguments):
        self.tell(name, **arguments)
        for line in self.lines:
            answer = json.loads(line)
            if "error" in answer:
                raise MachineError(f"QEMU: {name}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise MachineError(f"QEMU ended during {name}")

    def close(self):
        self.lines.close()
        self.socket.close()


class Machine:
    """One run of QEMU. Arguments as for command_line(), and `serial`: it has a serial line."""

    def __init__(self, iso=None, *, serial=True, **options):
        self.icount = options.get("icount", False)
        self.scratch = tempfile.TemporaryDirectory(prefix="trustos-")
        control = Path(self.scratch.name) / "qmp"
        command = command_line(iso, **options) + ["-serial", "stdio" if serial else "none", "-monitor", "none", "-qmp",
                                                  f"unix:{control},server=on,wait=off"]
        self.log = ""        # All that came over the serial line.
        self.read = 0        # Up to where expect() has consumed it.
        self.news = threading.Condition()
        self.ended = False
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            self.control = Control(control)
        except OSError:
            self.stop()
            raise MachineError(f"QEMU did not start:\n{self.log}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _listen(self):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := self.process.stdout.read1(4096):
            with self.news:
                self.log += decoder.decode(data).replace("\r", "")
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def _fail(self, what):
        tail = self.log[-LOG_TAIL:]
        raise MachineError(f"{what}\n--- serial log (last {len(tail)} of {len(self.log)} characters)\n"
                           f"{tail}\n--- end of serial log")

    def stop(self):
        """End QEMU, whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if hasattr(self, "control"):
            self.control.close()
        self.process.stdin.close()
        self.scratch.cleanup()

    # --- The serial line.
    def expect(self, text, timeout=30):
        """Wait for `text` (a string, or a compiled pattern) and return what came up to its end."""
        pattern = re.compile(re.escape(text)) if isinstance(text, str) else text
        deadline = time.monotonic() + timeout
        with self.news:
            while not (match := pattern.search(self.log, self.read)):
                left = deadline - time.monotonic()
                if self.ended or left <= 0:
                    why = "the machine stopped" if self.ended else f"nothing within {timeout} s"
                    self._fail(f"expected {pattern.pattern!r} on the serial line: {why}")
                self.news.wait(left)
            start, self.read = self.read, match.end()
            return self.log[start:self.read]

    def send(self, text):
        """Type on the serial line: a string, or bytes as they are."""
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)
        self.process.stdin.flush()

    def _unread(self):
        """Bytes of what was typed that QEMU has not read."""
        return struct.unpack("i", fcntl.ioctl(self.process.stdin.fileno(), termios.FIONREAD, bytes(4)))[0]

    def type_in(self, text, timeout=30):
        """Type, and wait until the serial line has all of it."""
        self.send(text)
        deadline = time.monotonic() + timeout
        while self._unread():
            if time.monotonic() > deadline:
                self._fail(f"QEMU did not read what was typed within {timeout} s")
            time.sleep(0.01)
        self.control.call("query-status")  # QEMU answers behind what it did with the last key.

    def throttle(self, disk, bytes_per_second):
        """How fast this disk is; 0: as fast as it can be, also for what it is doing now."""
        limits = dict.fromkeys(("bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)
        self.control.call("block_set_io_throttle", device=disk, bps=bytes_per_second, **limits)

    def wait_end(self, timeout=20):
        """Wait until the machine powers itself off."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._fail(f"expected the machine to power off within {timeout} s")

    def drain(self):
        """Wait for the last output of a machine that has ended."""
        with self.news:
            self.news.wait_for(lambda: self.ended, 10)

    # --- The shell.
    def boot(self, timeout=120):
        """Wait for the first prompt; what GRUB, the kernel and root say of why there is none ends the wait early."""
        pattern = re.compile(rf"(?P<prompt>(?:^|\n){re.escape(PROMPT)})|^error: .*\n|PANIC|grub> |{NO_SHELL}", re.M)
        output = self.expect(pattern, timeout)
        if not pattern.search(output)["prompt"]:
            time.sleep(2)  # Let the rest of the message arrive.
            self._fail("the machine did not boot")
        return output

    def _command(self, line, timeout):
        self.send(line)
        self.send("\n")
        answer = self.expect(PROMPT_AT, timeout)
        answer = answer[:answer.rindex("\n") + 1]
        echo, _, output = answer.partition("\n")  # The shell echoes what it reads.
        return ESCAPE.sub("", output)

    def status(self, line, timeout=60):
        """Run a shell command: (exit status, output)."""
        output = self._command(line, timeout)
        answer = self._command("status", timeout)
        match = re.search(r"^status (-?\d+)$", answer, re.M)
        if not match:
            self._fail(f"expected `status N` from the shell, got {answer!r}")
        return int(match[1]), output

    def run(self, line, timeout=60):
        """Output of a shell command that must succeed."""
        status, output = self.status(line, timeout)
        if status:
            raise ShellError(line, status, output)
        return output

    def halt(self, timeout=20):
        self.send("halt\n")
        self.wait_end(timeout)

    def resets(self, goes_on):
        """Whether a reset starts the machine anew, or ends it, as it does from the beginning."""
        self.control.call("set-action", reboot="reset" if goes_on else "shutdown")

    # --- Keyboard and screen.
    def keys(self, *names, send=None):
        """Press keys together, by QEMU's names (`ctrl`, `a`, `ret`), and let go of them."""
        def event(name, down):
            return {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}
        send = send or self.control.call
        send("input-send-event", events=[event(name, True) for name in names] +
             [event(name, False) for name in reversed(names)])

    def halt_by_keys(self, timeout=20):
        """The same as halt(), on the PS/2 keyboard: QEMU may end before it answers the last key."""
        self.type_keys("halt")
        self.keys("ret", send=self.control.tell)
        self.wait_end(timeout)

    def screenshot(self, path):
        """Write the screen as a PNG."""
        self.control.call("screendump", filename=str(Path(path).absolute()), format="png")

    def picture(self):
        """The screen as it is."""
        path = Path(self.scratch.name) / "screen.ppm"
        self.control.call("screendump", filename=str(path))
        return Picture(path.read_bytes())

    def settle(self, timeout=10):
        """Wait until the screen shows the same twice."""
        deadline, before = time.monotonic() + timeout, None
        while (now := self.picture().pixels) != before and time.monotonic() < deadline:
            before = now
            time.sleep(POLL)

    def type_keys(self, text, timeout=30):
        """Type on the PS/2 keyboard: the next key when the machine has taken the one before."""
        deadline = time.monotonic() + timeout
        for character in text:
            while self._keyboard_is_full():
                if time.monotonic() > deadline:
                    self._fail(f"the machine has not taken all of {text!r} from its keyboard within {timeout} s")
            name, shift = KEYS[character]
            self.keys(*["shift"] * shift, name)

    def _keyboard_is_full(self):
        """Bit 0 of the controller's status, which can be looked at without changing it."""
        status = self.control.call("human-monitor-command", **{"command-line": "i /1bx 0x64"})
        return int(status.split("=")[1], 16) & 1

    def see(self, what, read, timeout=60):
        """Wait until the lines that `read(picture)` gives match the pattern `what` somewhere; the lines. A picture that is
        just being painted may not be readable."""
        deadline, lines = time.monotonic() + timeout, []
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                lines = read(self.picture())
            except ValueError as error:
                lines = [str(error)]
            if re.search(what, "\n".join(lines), re.M):
                return lines
            time.sleep(POLL)
        text = "\n".join(lines)
        return self._fail(f"expected {what!r} on the screen within {timeout} s\n--- screen\n{text}")
