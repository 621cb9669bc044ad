"""libsel works on the real kernel; a new server takes one command.
SPDX-License-Identifier: BSD-2-Clause
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from build import ROOT
from machine import Machine
from scene import booted, equal, free_bytes


def test_libsel_on_the_real_kernel():
    with booted() as machine:
        free = free_bytes(machine)
        for _ in range(3):
            output = machine.run("run check")
            assert output.count("good") == 7 and "FAILED" not in output, output
        equal("free memory", free_bytes(machine), free)
        machine.halt()


def test_new_server():
    """Made by scripts/new-server in a copy of the project: builds, passes its test, answers, restarts."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("build", "build-*", ".git", "__pycache__"))
        before = {p: p.read_bytes() for p in copy.rglob("*") if p.is_file()}
        subprocess.run([copy / "scripts/new-server", "greeter"], check=True)
        touched = {p.relative_to(copy).parts[:2] for p in copy.rglob("*")
                   if p.is_file() and before.get(p) != p.read_bytes()}
        assert touched == {("servers", "greeter"), ("boot", "system.toml")}, touched
        lines = sum(p.read_text().count("\n") for p in (copy / "servers/greeter").glob("*.?pp"))
        assert lines <= 40, f"{lines} lines of C++"
        build = copy / "build"
        subprocess.run(["meson", "setup", build], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", build, "--quiet", "boot/trustos.iso", "apps/greeter-test"],
                       check=True)
        subprocess.run([build / "apps/greeter-test"], check=True)
        with Machine(build / "boot/trustos.iso") as machine:
            machine.boot()
            assert machine.run("ask greeter") == "hello from greeter\n"
            machine.run("kill greeter")
            assert machine.run("ask greeter") == "hello from greeter\n"
            machine.halt()


test_new_server.limit = 900
