"""The web server, as curl and a browser on the host see it.
SPDX-License-Identifier: BSD-2-Clause

Pictures of the page stay in build/shots/web.
"""

import concurrent.futures
import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from build import BUILD, ROOT
from scene import booted, equal, free_bytes, programs

PICTURES = BUILD / "shots/web"
SIZES = (0, 1, 895, 896, 897, 65537, 1 << 20, 8 << 20)
LATE = 150  # QEMU asks again after 6, 18, 42 and 90 s when there was no room for a connection.
WORKERS = 8  # Connections at a time.
KILLS = int(os.environ.get("WEB_KILLS", "5"))
OBSERVERS = {"net.View", "root.View", "log.Reader", "pci.View", "vfs.View"}


def pattern(count):
    """What /api/bytes is to give."""
    block = bytearray()
    for high in range((count + 65535) >> 16):
        for middle in range(256):
            start = middle * 13 + high
            block += bytes((start + 7 * low) & 0xFF for low in range(256))
    return bytes(block[:count])




def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def curl(*words):
    done = subprocess.run(["curl", "-sS", "--max-time", str(LATE), *words], check=False, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 0, (words, done.returncode, done.stderr)
    return done.stdout


@contextmanager
def served():
    """A machine whose web server answers, and its address."""
    port = unused_port()
    with booted(network=True, http=port) as machine:
        url = f"http://127.0.0.1:{port}"
        curl("--retry", "100", "--retry-all-errors", "--retry-delay", "1", "--max-time", "5", f"{url}/")
        yield machine, url
        machine.halt()


def raw(url):
    """A connection of its own."""
    return socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), LATE)


def ask(connection, path, *fields):
    connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *fields, "", ""]).encode())


def answer(stream):
    """(status, fields, content) of one answer with a length."""
    status = stream.readline().split()
    fields = {}
    while line := stream.readline().strip():
        name, _, value = line.partition(b": ")
        fields[name.lower()] = value
    return int(status[1]), fields, stream.read(int(fields.get(b"content-length", 0)))


def buffers(machine):
    """{name: used} of the memory of net; connections that have ended wait a while for late packets."""
    rows = re.findall(r"^(\S.*?) +\d+ +(\d+) +\d+ +\d+$", machine.run("netstat -m"), re.M)
    assert len(rows) > 5
    return {name: int(used) for name, used in rows if name not in ("tcp connections", "timers")}


def quiet(machine):
    """Memory and buffers, when nobody is connected any more."""
    late = time.monotonic() + LATE
    while re.search("connected|ended", machine.run("netstat")):
        assert time.monotonic() < late, machine.run("netstat")
    return free_bytes(machine), buffers(machine)


def test_web_files():
    """Whole, in parts, under conditions, one after the other on one connection, and in parallel."""
    whole = pattern(max(SIZES))
    with served() as (machine, url):
        for size in SIZES:
            assert curl(f"{url}/api/bytes?count={size}") == whole[:size], size
        file = f"{url}/api/bytes?count={1 << 20}"
        for part, begin, end in (("0-0", 0, 1), ("5-1004", 5, 1005), (f"{(1 << 20) - 3}-", (1 << 20) - 3, 1 << 20), ("-7", (1 << 20) - 7, 1 << 20)):
            assert curl("-r", part, file) == whole[begin:end], part
        code = ["-o", "/dev/null", "-w", "%{http_code}"]
        equal("outside", curl("-r", f"{1 << 20}-", *code, file), b"416")
        head = curl("-I", f"{url}/style.css").decode()
        tag, length = re.search(r'ETag: ("\w+")', head)[1], int(re.search(r"Content-Length: (\d+)", head)[1])
        page = curl(f"{url}/style.css")
        assert page == (ROOT / "servers/httpd/www/style.css").read_bytes() and len(page) == length
        for fields, wanted in ((f"If-None-Match: {tag}", b"304"), ('If-None-Match: "x"', b"200"), ('If-Match: "x"', b"412")):
            equal(fields, curl("-H", fields, *code, f"{url}/style.css"), wanted)
        for path, wanted in (("/no", b"404"), ("/api/no", b"404"), ("/%2e%2e/x", b"400"), ("/" + "x" * 1100, b"414")):
            equal(path, curl("--path-as-is", *code, url + path), wanted)
        equal("POST", curl("-d", "x=1", *code, f"{url}/"), b"405")
        used = curl(*["-o", "/dev/null", "-w", "%{num_connects} "], *[f"{url}/api/bytes?count=5"] * 20).split()
        equal("connections", sum(map(int, used[:1])), 1)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            for got in pool.map(lambda _: curl(file), range(32)):
                assert got == whole[:1 << 20]
        for name in ("servers", "machine", "capabilities", "interrupts", "trace", "log", "disks", "devices", "network"):
            assert json.loads(curl(f"{url}/api/{name}")), name
        shown = {p["name"] for p in json.loads(curl(f"{url}/api/servers"))}
        equal("servers", shown, set(programs(machine)))


test_web_files.limit = 240


def test_web_connections():
    """500 one after the other, 100 at a time: memory and buffers are as before."""
    with served() as (machine, url):
        curl(f"{url}/api/bytes?count=100000")
        before = quiet(machine)
        for _ in range(500):
            with raw(url) as connection, connection.makefile("rb") as stream:
                ask(connection, "/api/bytes?count=100", "Connection: close")
                status, _, content = answer(stream)
                assert status == 200 and content == pattern(100)
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            for got in pool.map(lambda _: curl(f"{url}/api/bytes?count=2000"), range(100)):
                assert got == pattern(2000)
        equal("memory and buffers", quiet(machine), before)
        equal("starts", programs(machine)["httpd"].starts, 1)


test_web_connections.limit = 300


def test_web_slow():
    """Clients that send a byte now and then, nothing, or take nothing, keep nobody out."""
    with served() as (machine, url):
        slow = [raw(url) for _ in range(2 * WORKERS)]
        for number, connection in enumerate(slow):
            if number % 3 == 0:
                connection.sendall(b"GET / HTTP/1.1\r\nHost:")
            elif number % 3 == 1:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                ask(connection, f"/api/bytes?count={64 << 20}")
        longest = 0
        for _ in range(10):
            begin = time.monotonic()
            equal("bytes", curl(f"{url}/api/bytes?count=1000"), pattern(1000))
            longest = max(longest, time.monotonic() - begin)
            for number, connection in enumerate(slow):
                if number % 3 == 0:
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        pass  # It has been shown the door.
        assert longest < 8, f"the longest wait was {longest:.1f} s"
        for connection in slow:  # Gone without a word.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        equal("starts", programs(machine)["httpd"].starts, 1)


test_web_slow.limit = 240


def test_web_killed():
    """Httpd is ended under load: the download that follows is byte-exact, memory comes back."""
    whole = pattern(1 << 20)
    with served() as (machine, url):
        free = None
        for number in range(KILLS):
            with raw(url) as connection:
                ask(connection, f"/api/bytes?count={64 << 20}")
                assert connection.recv(1000)
                machine.run("kill httpd")
                got = curl("--retry", "100", "--retry-all-errors", "--retry-delay", "1", f"{url}/api/bytes?count={1 << 20}")
            assert got == whole
            equal("starts", programs(machine)["httpd"].starts, number + 2)
            memory = quiet(machine)
            free = free or memory
            equal("memory and buffers", memory, free)


test_web_killed.limit = 300


def test_web_only_looks():
    """No need of httpd changes anything: views, the trace that is mapped read-only, its own memory, and a port to listen at."""
    with served() as (machine, _):
        from manifests.system import System  # noqa: PLC0415

        httpd = System(ROOT).programs["httpd"]
        kinds = {need.name: need.kind for need in httpd.needs}
        own = {name for name, kind in kinds.items() if re.match(r"thread|notification|slots", kind)}
        others = {name: kind for name, kind in kinds.items() if name not in own}
        equal("needs", others, {"net": "net", "trace": "trace", "network": "net.View", "view": "root.View", "log": "log.Reader",
                                "pci": "pci.View", "volumes": "vfs.View"})
        equal("right in the network", next(need.grant for need in httpd.needs if need.name == "net"), "net:listen=80")
        held = set(re.findall(r"^ +(\w+) +(\S+) +at", machine.run("caps httpd"), re.M))
        # Calls that it cannot pass on, the trace read-only; threads, what rings them, itself.
        equal("held", held, {("Endpoint", "w"), ("Frame", "r"), ("TCB", "rwg"), ("Reply", "rwg"), ("Notification", "rwg"),
                             ("Notification", "w")})


def test_web_run():
    """As a person starts it."""
    port = unused_port()
    done = subprocess.run([ROOT / "scripts/run", "--no-build", "--http", str(port), "--batch", "echo done"], check=False,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0 and f"http://127.0.0.1:{port}/" in done.stdout and "done" in done.stdout, done


def test_web_browser():
    """What a person sees: loads, lives, walks the graph, fits a phone."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with served() as (machine, url), tempfile.TemporaryFile("w+") as errors:
        browser = subprocess.Popen(["node", ROOT / "test/system/browser.mjs", ROOT / "subprojects/playwright-core", f"{url}/", PICTURES],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            for step in ("load", "killed", "graph", "trace", "log", "dark", "phone"):
                if step == "killed":
                    machine.run("kill random")
                print(step, file=browser.stdin, flush=True)
                said = browser.stdout.readline()
                errors.seek(0)
                equal("browser", said, f"good {step}\n") if said else print(errors.read())
                assert said, step
            browser.stdin.close()
            equal("exit status", browser.wait(30), 0)
        finally:
            browser.kill()


test_web_browser.limit = 240
