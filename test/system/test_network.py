"""The network: commands against small servers on the host's loopback, behind QEMU's user network.
SPDX-License-Identifier: BSD-2-Clause

In the machine 10.0.2.2 is the host's loopback. Nothing listens anywhere else, and nothing is sent to anywhere else.
"""

import re
import socket
import socketserver
import struct
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from machine import PROMPT_AT
from scene import batch, booted, equal, free_bytes, programs

LINES = "".join(f"{n:04} the quick brown fox jumps over the lazy dog\n" for n in range(400))
KILLS = 5


class Http(socketserver.StreamRequestHandler):
    """Files, and everything that a server may do wrong."""

    def handle(self):
        request = self.rfile.readline().decode("latin-1").split()
        while self.rfile.readline().strip():
            pass
        path = request[1] if len(request) > 1 else "/"
        answer = {
            "/file": lambda: self.plain(LINES.encode()),
            "/empty": lambda: self.plain(b""),
            "/one": lambda: self.plain(b"1"),
            "/large": lambda: self.plain(bytes(1 << 20)),
            "/chunks": self.chunks,
            "/open": lambda: self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nto the end"),
            "/moved": lambda: self.moved(f"http://10.0.2.2:{self.server.server_address[1]}/one"),
            "/circle": lambda: self.moved(f"http://10.0.2.2:{self.server.server_address[1]}/circle"),
            "/away": lambda: self.moved("ftp://10.0.2.2/x"),
            "/cut": self.cut,
            "/endless": self.endless,
            "/noise": lambda: self.wfile.write(bytes(range(256)) * 8),
        }.get(path)
        if answer:
            answer()
        else:
            self.head("404 Not Found", "Content-Length: 0")

    def head(self, *lines):
        self.wfile.write(("HTTP/1.1 " + "\r\n".join(lines) + "\r\n\r\n").encode())

    def moved(self, place):
        self.head("302 Found", f"Location: {place}", "Content-Length: 0")

    def plain(self, body):
        self.head("200 OK", f"Content-Length: {len(body)}")
        self.wfile.write(body)

    def chunks(self):
        self.head("200 OK", "Transfer-Encoding: chunked")
        for part in (b"in ", b"three ", b"pieces\n"):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def cut(self):
        self.head("200 OK", "Content-Length: 5000")
        self.wfile.write(b"x" * 3000)


    def endless(self):
        """Much at once, then a little again and again, until nobody is there any more."""
        self.head("200 OK", "Content-Length: 100000000")
        self.wfile.write(bytes(64 << 10))
        self.server.flows.set()
        with suppress(OSError):
            while True:
                self.wfile.write(b"x")
                time.sleep(0.01)


class HttpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    flows = threading.Event()  # An endless file has begun to arrive.


class Dns(socketserver.BaseRequestHandler):
    """Knows one name."""

    def handle(self):
        question, channel = self.request
        if len(question) < 12:
            return
        known = question[12:].lower().startswith(b"\4test\7example\0")
        head = question[:2] + (b"\x81\x80" if known else b"\x81\x83") + b"\0\1" + (b"\0\1" if known else b"\0\0") + bytes(4)
        record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes([192, 0, 2, 7]) if known else b""
        channel.sendto(head + question[12:] + record, self.client_address)


@contextmanager
def serving(kind, handler):
    """The port of a server on the loopback."""
    with kind(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@contextmanager
def connected(**options):
    """A machine with an address, and the port of a web server."""
    with serving(HttpServer, Http) as port, booted(network=True, **options) as machine:
        assert "address 10.0.2.15" in machine.run("ifconfig")
        yield machine, f"http://10.0.2.2:{port}"


def unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def refused(machine, line, words):
    status, output = machine.status(line, 120)
    assert status == 1 and words in output, (line, status, output)


def test_network_commands():
    with connected() as (machine, web), serving(socketserver.ThreadingUDPServer, Dns) as names:
        assert re.search(r"virtio network card: 52:54:00:[0-9a-f:]{8}, link up", machine.run("ifconfig"))
        output = machine.run("ping -c 3 10.0.2.2")
        assert output.count("56 bytes from 10.0.2.2") == 3 and "3 sent, 3 came back, 0% lost" in output, output
        equal("answer", machine.run(f"nslookup test.example 10.0.2.2 {names}"), "test.example has address 192.0.2.7\n")
        refused(machine, f"nslookup other.example 10.0.2.2 {names}", "nobody knows this name")
        equal("answer", machine.run(f"wget {web}/file -O f"), f"/f: {len(LINES)} bytes\n")
        equal("answer", machine.run("cat f"), LINES)
        machine.run("rm f")
        machine.halt()


def test_network_by_line():
    """The card's interrupt by a line, without MSI-X."""
    card = ["-nic", "none", "-netdev", "user,id=net", "-device", "virtio-net-pci,disable-legacy=on,vectors=0,netdev=net"]
    with serving(HttpServer, Http) as port, booted(extra=card) as machine:
        assert "address 10.0.2.15" in machine.run("ifconfig")
        assert "virtio-net (line)" in machine.run("lspci")
        equal("answer", machine.run(f"wget http://10.0.2.2:{port}/file -O f; cat f"), f"/f: {len(LINES)} bytes\n{LINES}")
        machine.halt()


def test_network_batch():
    """As a person types it, and each answer in full."""
    with serving(HttpServer, Http) as port, serving(socketserver.ThreadingUDPServer, Dns) as names:
        status, output, errors = batch(f"ifconfig; ping -c 3 10.0.2.2; nslookup test.example 10.0.2.2 {names}; "
                                       f"wget http://10.0.2.2:{port}/file -O f; count -c f")
    assert status == 0, (output, errors)
    echo = r"56 bytes from 10\.0\.2\.2: number {}, ttl \d+, \d+ us\n"
    wanted = (r"virtio network card: 52:54:00:[0-9a-f:]{8}, link up\n"
              r"  address 10\.0\.2\.15 mask 255\.255\.255\.0 router 10\.0\.2\.2 names 10\.0\.2\.3\n"
              r"  in \d+ frames, \d+ bytes, 0 lost; out \d+ frames, \d+ bytes, 0 lost\n" +
              "".join(echo.format(number) for number in (1, 2, 3)) +
              r"3 sent, 3 came back, 0% lost\ntime min \d+ us, average \d+ us, max \d+ us\n"
              r"test\.example has address 192\.0\.2\.7\n" +
              rf"/f: {len(LINES)} bytes\n{len(LINES)}\b.*\n")
    assert re.fullmatch(wanted, output), output


def test_network_http():
    with connected() as (machine, web):
        for name, size in (("empty", 0), ("one", 1), ("chunks", 16), ("open", 10), ("moved", 1), ("large", 1 << 20)):
            equal("answer", machine.run(f"wget {web}/{name}", 120), f"/{name}: {size} bytes\n")
            assert re.search(rf" {size} .*/{name}\n", machine.run(f"ls -l /{name}")), name
            machine.run(f"rm /{name}")
        assert "in three pieces" in machine.run(f"wget {web}/chunks -O -")
        before = machine.run("ls /")
        for name, words in (("none", "the server says 404"), ("circle", "from place to place"), ("away", "ftp://10.0.2.2/x"),
                            ("cut", "cut off, or no HTTP, after 3000 bytes"), ("noise", "no HTTP")):
            refused(machine, f"wget {web}/{name} -O f", words)
        refused(machine, f"wget http://10.0.2.2:{unused_port()}/x", "connection refused")
        refused(machine, "wget http://127.0.0.1:99/x", "connection refused")
        for line in ("wget", "wget x", "wget https://10.0.2.2/", "wget http://h/x -O", "ping", "ping -c 0 10.0.2.2", "ping -c x 1",
                     "nslookup", "nslookup a 10.0.2.2 0", "netstat x", "ifconfig x"):
            assert machine.status(line)[0] == 2, line
        equal("answer", machine.run("ls /"), before)
        assert "tcp connections" in machine.run("netstat -m")
        machine.halt()


def test_network_restarts():
    """Driver and net are ended; addresses come back, connections work, and so does all memory."""
    with connected() as (machine, web):
        free = None
        for _ in range(KILLS):
            for server in ("virtio-net", "net", "netwatch"):
                machine.run(f"kill {server}")
                assert "address 10.0.2.15" in machine.run("ifconfig"), server
                equal("answer", machine.run(f"wget {web}/file -O f"), f"/f: {len(LINES)} bytes\n")
            machine.run("rm f")
            free = free or free_bytes(machine)
        equal("memory", free_bytes(machine), free)
        machine.halt()


test_network_restarts.limit = 240


def test_network_restarts_under_load():
    """The same while a file comes: that download fails, the next one has every byte."""
    with connected() as (machine, web):
        free = None
        for _ in range(KILLS):
            for server in ("virtio-net", "net"):
                HttpServer.flows.clear()
                machine.run(f"start wget {web}/endless -O g")
                assert HttpServer.flows.wait(60)
                machine.run(f"kill {server}")
                assert "address 10.0.2.15" in machine.run("ifconfig"), server
                late = time.monotonic() + 10
                while programs(machine)["wget"].state != "ended":
                    assert time.monotonic() < late, f"wget goes on without {server}"
                equal("answer", machine.run(f"wget {web}/file -O f"), f"/f: {len(LINES)} bytes\n")
                equal("file", machine.run("cat f"), LINES)
                machine.run("rm f")
            free = free or free_bytes(machine)
            assert "g" not in machine.run("ls /").split()
        equal("memory", free_bytes(machine), free)
        machine.halt()


test_network_restarts_under_load.limit = 240


class Mirror(socketserver.BaseRequestHandler):
    """Sends back what it gets, until the other side has finished."""

    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data)


def test_network_nc():
    """Both ways: a file to a server that sends it back, one to a client, what a client sends."""
    serve = unused_port()
    card = ["-nic", f"user,id=net0,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:{serve}-:7"]
    with serving(socketserver.ThreadingTCPServer, Mirror) as mirror, serving(HttpServer, Http) as port, \
            booted(extra=card) as machine:
        assert "address 10.0.2.15" in machine.run("ifconfig")
        machine.run(f"wget http://10.0.2.2:{port}/file -O f")
        equal("sent back", machine.run(f"nc 10.0.2.2 {mirror} f"), LINES)
        refused(machine, f"nc 10.0.2.2 {unused_port()}", "connection refused")
        refused(machine, "nc 10.0.2.2 7 nofile", "no such name")
        machine.send("nc -l 7 f\n")
        machine.expect("nc -l 7 f")
        got = b""
        while not got:  # Until somebody listens QEMU's end is closed at once.
            with socket.create_connection(("127.0.0.1", serve)) as peer, suppress(ConnectionError):
                peer.sendall(b"from the host\n")
                peer.shutdown(socket.SHUT_WR)
                while data := peer.recv(65536):
                    got += data
        equal("what came out", got.decode(), LINES)
        machine.expect("from the host")
        machine.expect(PROMPT_AT)
        for line in ("nc 10.0.2.2 0", "nc 10.0.2.2 65536", "nc -l x"):
            assert machine.status(line)[0] == 2, line
        machine.run("rm f")
        machine.halt()


def test_network_link():
    """A cable that is pulled: no address and no way; plugged in, there is one again."""
    with connected() as (machine, web):
        machine.control.call("set_link", name="net0", up=False)
        assert "link down" in machine.run("ifconfig")
        refused(machine, f"wget {web}/one -O f", "there is no network")
        refused(machine, "ping -c 1 10.0.2.2", "there is no network")
        machine.control.call("set_link", name="net0", up=True)
        assert "address 10.0.2.15" in machine.run("ifconfig")
        equal("answer", machine.run(f"wget {web}/one -O f"), "/f: 1 bytes\n")
        machine.halt()


def packets(path):
    """The frames in a file that QEMU has recorded."""
    data, at = path.read_bytes(), 24
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        yield data[at + 16:at + 16 + size]
        at += 16 + size


def test_network_attack():
    """A program that may do little sends nothing: of all frames only ARP and DHCP are the machine's."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "frames"
        dump = ["-object", f"filter-dump,id=dump,netdev=net0,file={record}"]
        with booted(network=True, extra=dump) as machine:
            assert "address 10.0.2.15" in machine.run("ifconfig")
            machine.run("attack network")
            machine.halt()
        seen = list(packets(record))
        assert seen
        for frame in seen:
            kind = frame[12:14]
            dhcp = kind == b"\x08\x00" and frame[23] == 17 and {67, 68} == set(struct.unpack_from(">HH", frame, 34))
            assert kind == b"\x08\x06" or dhcp or kind == b"\x86\xdd", frame.hex()


def test_network_uefi():
    with connected(firmware="uefi") as (machine, web):
        assert "1 came back" in machine.run("ping -c 1 10.0.2.2")
        equal("answer", machine.run(f"wget {web}/one -O f"), "/f: 1 bytes\n")
        machine.halt()


CARDS = {"e1000": "Intel 82540EM network card", "e1000e": "Intel 82574L network card"}


def shows(machine, *words):
    """ifconfig does, at last."""
    for _ in range(20):
        output = machine.run("ifconfig")
        if all(word in output for word in words):
            return
        machine.run("sleep 1")
    raise AssertionError(output)


def other_card(model, **options):
    """The same server over another driver: address, data in both directions, driver and net ended, cable pulled."""
    card = ["-nic", f"user,id=net0,model={model}"]
    with serving(HttpServer, Http) as port, booted(extra=card, **options) as machine:
        web = f"http://10.0.2.2:{port}"
        output = machine.run("ifconfig")
        assert CARDS[model] in output and "address 10.0.2.15" in output, output
        assert "3 came back" in machine.run("ping -c 3 10.0.2.2")
        equal("answer", machine.run(f"wget {web}/large -O g", 120), f"/g: {1 << 20} bytes\n")
        machine.run("rm g")
        free = None
        for server in ("e1000", "net", "virtio-net", "netwatch", "e1000"):
            machine.run(f"kill {server}")
            assert "address 10.0.2.15" in machine.run("ifconfig"), server
            equal("answer", machine.run(f"wget {web}/file -O f"), f"/f: {len(LINES)} bytes\n")
            equal("file", machine.run("cat f"), LINES)
            machine.run("rm f")
            free = free or free_bytes(machine)
        equal("memory", free_bytes(machine), free)
        machine.control.call("set_link", name="net0", up=False)
        assert "link down" in machine.run("ifconfig")
        machine.control.call("set_link", name="net0", up=True)
        shows(machine, "address 10.0.2.15")  # QEMU's card takes half a second to agree on the speed.
        equal("answer", machine.run(f"wget {web}/one -O f"), "/f: 1 bytes\n")
        machine.halt()


def test_network_e1000():
    other_card("e1000")


def test_network_e1000e_uefi():
    other_card("e1000e", firmware="uefi", board="q35")


def test_network_two_drivers():
    """A card of each: virtio-net's is used, and if it is one that cannot be, the other driver's."""
    for first, used in (("disable-legacy=on", "virtio network card"), ("disable-modern=on", CARDS["e1000"])):
        cards = ["-netdev", "user,id=net0", "-device", f"virtio-net-pci,{first},netdev=net0",
                 "-netdev", "user,id=net1", "-device", "e1000,netdev=net1"]
        with serving(HttpServer, Http) as port, booted(extra=cards) as machine:
            output = machine.run("ifconfig")
            assert used in output and "address 10.0.2.15" in output, output
            assert ("cannot be started" in machine.run("log")) == (first == "disable-modern=on")
            equal("answer", machine.run(f"wget http://10.0.2.2:{port}/file -O f"), f"/f: {len(LINES)} bytes\n")
            machine.halt()


def test_network_is_not_there():
    with booted(extra=["-nic", "none"]) as machine:
        refused(machine, "ifconfig", "there is no network card")
        refused(machine, "ping 10.0.2.2", "there is no network")
        refused(machine, "nslookup test.example", "nobody knows this name")
        machine.halt()
