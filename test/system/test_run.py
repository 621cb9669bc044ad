"""scripts/run as a person uses it: the answers of a batch, and its exit status.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import selectors
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from build import BUILD, ROOT
from machine import PROMPT
from scene import BOOT_SECONDS, TOP, batch, equal


def test_first_batch():
    """Acceptance line 1, as it is typed there."""
    status, output, errors = batch("help; ps; mem; caps; ls /; cat /etc/motd; uptime")
    assert status == 0, errors
    for answer in (r"^attack +run a hostile program", r"^ +1 console +200 ", r"^free \d{8,} bytes",
                   r"^  IoPort +rwg +at 0x\w+  ports 0x3f8 to 0x3ff  \(uart\)$", r"^etc/$",
                   r"^Welcome to TRustOs", r"^up 0:\d\d:\d\d\.\d{3}$"):
        assert re.search(answer, output, re.M), f"no line matches {answer!r} in:\n{output}"


def test_shot():
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "screen.png"
        status, output, errors = batch("echo on the screen", "--shot", str(picture))
        assert status == 0 and output == "on the screen\n", (output, errors)
        width, height = struct.unpack(">8x4x4xII", picture.read_bytes()[:24])
        assert (width, height) == (1024, 768), (width, height)


def test_a_failing_command_fails_the_batch():
    status, output, errors = batch("cat /nowhere; echo goes on")
    assert status == 1 and "`cat /nowhere` ended with status 1" in errors, (status, errors)
    assert re.fullmatch(r"error: cat: /nowhere: .*no such name\ngoes on\n", output), output


def test_what_is_quoted_is_one_command():
    status, output, errors = batch("echo 'one; two'; echo \"three; four\"")
    assert (status, output) == (0, "one; two\nthree; four\n"), (output, errors)


def test_the_line_of_a_newcomer():
    """Files, names, variables, pipes, as an acceptance line has them; then loops and conditions."""
    status, output, errors = batch(
        "mkdir -p /demo/a/b; cd /demo/a; echo x > b/f; cat b/*; X=7; echo \"v=$X\"; seq 100000 | wc -l; yes | head -3; "
        "rm -r /demo; for n in 1 2; do if [ $n = 2 ]; then echo two; else echo one; fi; done; echo $(echo a; echo b)")
    equal("a batch", (status, output), (0, "x\nv=7\n100000\ny\ny\ny\none\ntwo\na b\n"))
    equal("what went wrong", errors, "")


def test_only_what_the_image_needs_is_built():
    needed = subprocess.run(["ninja", "-C", BUILD, "-t", "inputs", "image"], check=True, capture_output=True, text=True).stdout
    needed = set(needed.split())
    assert {"apps/shell.elf", "apps/root.elf", "kernel/kernel.elf"} <= needed, needed
    others = {"apps/hello.elf", "apps/hello.bin", "boot/bench-rows.elf", "apps/shell-test"}
    equal("what is not in the image", others & needed, set())


def test_reboot_in_a_batch():
    """The machine starts anew, and the batch goes on there: what was in memory is gone."""
    status, output, errors = batch("write /note text; ls /note; reboot; ls; echo on")
    equal("a batch", (status, output, errors), (0, f"/note\n{TOP}on\n", ""))
    status, output, errors = batch("reboot now; echo on")
    assert status == 1 and re.fullmatch(r"error: reboot: .*\non\n", output), (status, output, errors)


def test_reboot_by_hand():
    """scripts/run as it stands on a terminal: two boots, then off."""
    with subprocess.Popen([ROOT / "scripts/run", "--no-build"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as run, selectors.DefaultSelector() as ready:
        ready.register(run.stdout, selectors.EVENT_READ)
        said, deadline = b"", time.monotonic() + BOOT_SECONDS
        typed = [b"reboot\n", b"halt\n"]
        while time.monotonic() < deadline and ready.select(deadline - time.monotonic()):
            data = run.stdout.read1(4096)
            said += data
            if not data:
                break
            if typed and said.count(PROMPT.encode()) == 3 - len(typed):
                run.stdin.write(typed.pop(0))
                run.stdin.flush()
        run.kill()
    equal("prompts", said.count(PROMPT.encode()), 2)
    equal("what was not typed", typed, [])
