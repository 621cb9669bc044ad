"""scripts/run as a person uses it: the answers of a batch, and its exit status.
SPDX-License-Identifier: BSD-2-Clause
"""

import re
import struct
import tempfile
from pathlib import Path

from scene import batch


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
