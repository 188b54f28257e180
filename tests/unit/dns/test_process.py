"""The answering process as it runs: killed, orphaned, inherited, over UDP and TCP, with a stub server upstream."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import dnslib
import msgspec
import pytest

from swarmlite.dns.process import DnsProcess
from swarmlite.errors import InvalidArgument, Unavailable
from swarmlite.protocol.names import Client, NameTable, NameUpdate, NetworkNames

HERE = "127.0.0.1"
FIVE = tuple(f"10.9.0.{i}" for i in range(3, 8))


def shop(names: dict[str, tuple[str, ...]]) -> NetworkNames:
    return NetworkNames(id="shop", subnet="10.9.0.0/24", names=names)


def table(*upstreams: str) -> NameTable:
    return NameTable(
        version=1,
        networks={"shop": shop({"web": FIVE})},
        clients={HERE: Client(networks=("shop",), addresses=("10.9.0.50",))},
        upstreams=upstreams,
    )


def free_port() -> int:
    """Free over both transports, and none that the kernel gives to clients."""
    while True:
        port = random.randrange(20_000, 32_000)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket() as tcp,
            contextlib.suppress(OSError),
        ):
            udp.bind((HERE, port))
            tcp.bind((HERE, port))
            return port


def look_up(port: int, name: str = "web", timeout: float = 3.0) -> dnslib.DNSRecord:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.sendto(bytes(dnslib.DNSRecord.question(name).pack()), (HERE, port))
        return dnslib.DNSRecord.parse(sock.recv(4096))


def receive_framed(sock: socket.socket) -> dnslib.DNSRecord:
    with sock.makefile("rb") as stream:
        return dnslib.DNSRecord.parse(stream.read(int.from_bytes(stream.read(2), "big")))


def framed(name: str) -> bytes:
    data = bytes(dnslib.DNSRecord.question(name).pack())
    return len(data).to_bytes(2, "big") + data


@contextlib.contextmanager
def looking_up(port: int) -> Iterator[list[int | None]]:
    """A client in a thread that asks without a pause; the number of addresses in each answer, None for silence."""
    answers: list[int | None] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            try:
                answers.append(len(look_up(port).rr))
            except OSError:
                answers.append(None)
            time.sleep(0.001)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


async def until(what: str, condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"never came: {what}"
        await asyncio.sleep(0.005)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.fixture
async def dns(tmp_path: Path) -> AsyncIterator[DnsProcess]:
    async with DnsProcess(tmp_path) as process:
        yield process


async def test_killing_the_process_again_and_again_loses_no_look_up(dns: DnsProcess) -> None:
    port = free_port()
    await dns.set_table(table())
    await dns.listen(HERE, port)
    with looking_up(port) as answers:
        for _ in range(5):
            pid = dns.pid
            assert pid is not None
            before = len(answers)
            os.kill(pid, signal.SIGKILL)
            await until("answers go on", lambda before=before, pid=pid: len(answers) > before + 20 and dns.pid != pid)
    assert set(answers) == {5}
    assert (await dns.stats()).restarts == 5


async def test_a_change_is_in_every_answer_once_update_returns(dns: DnsProcess) -> None:
    port = free_port()
    await dns.set_table(table())
    await dns.listen(HERE, port)
    for version in range(2, 40):
        address = f"10.9.0.{version}"
        await dns.update(NameUpdate(version=version, networks=(shop({"web": (address,)}),)))
        record = await asyncio.to_thread(look_up, port)
        assert [str(rr.rdata) for rr in record.rr] == [address]


async def test_a_table_of_thousands_of_names_survives_the_process(dns: DnsProcess) -> None:
    port = free_port()
    await dns.listen(HERE, port)
    names = {f"svc{i}": tuple(f"10.9.{i % 256}.{j}" for j in range(1, 11)) for i in range(5000)}
    await dns.set_table(NameTable(version=1, networks={"shop": shop(names)}, clients=table().clients))
    assert dns.pid
    os.kill(dns.pid, signal.SIGKILL)
    record = await asyncio.to_thread(look_up, port, "svc4999")
    assert len(record.rr) == 10


async def test_addresses_come_and_go(dns: DnsProcess) -> None:
    ports = [free_port() for _ in range(2)]
    await dns.set_table(table())
    for port in ports:
        await dns.listen(HERE, port)
    await dns.listen("198.51.100.77", ports[0])  # not an address of this host yet
    assert len((await asyncio.to_thread(look_up, ports[1])).rr) == 5
    await dns.unlisten(HERE, ports[1])
    with pytest.raises(OSError, match=r"refused|timed out"):
        await asyncio.to_thread(look_up, ports[1], timeout=0.2)
    await dns.listen(HERE, ports[1])
    assert len((await asyncio.to_thread(look_up, ports[1])).rr) == 5
    assert dns.listening == {(HERE, ports[0]), (HERE, ports[1]), ("198.51.100.77", ports[0])}


async def test_a_taken_address_is_said(dns: DnsProcess) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HERE, 0))
        with pytest.raises(Unavailable, match=r"DNS cannot listen on 127\.0\.0\.1 port \d+: Address already in use"):
            await dns.listen(HERE, taken.getsockname()[1])


async def test_the_whole_of_port_53_is_refused_in_words(dns: DnsProcess) -> None:
    with pytest.raises(InvalidArgument, match="name one address of this host, or another port"):
        await dns.listen("0.0.0.0", 53, outside=True)


async def test_outside_askers_see_all_networks(dns: DnsProcess) -> None:
    port = free_port()
    await dns.set_table(NameTable(version=1, networks={"shop": shop({"web.shop": FIVE})}))
    await dns.listen(HERE, port)
    assert not (await asyncio.to_thread(look_up, port, "web.shop.swarmlite.internal")).rr
    await dns.listen(HERE, port, outside=True)
    assert len((await asyncio.to_thread(look_up, port, "web.shop.swarmlite.internal")).rr) == 5


async def test_one_tcp_connection_carries_many_questions(dns: DnsProcess) -> None:
    port = free_port()
    await dns.set_table(table())
    await dns.listen(HERE, port)

    def talk() -> list[int]:
        with socket.create_connection((HERE, port), timeout=3) as sock:
            stream = framed("web") + framed("nope") + framed("web")
            for at in range(0, len(stream), 7):  # in crumbs
                sock.sendall(stream[at : at + 7])
            with sock.makefile("rb") as answers:
                sizes = (int.from_bytes(answers.read(2), "big") for _ in range(3))
                return [len(dnslib.DNSRecord.parse(answers.read(size)).rr) for size in sizes]

    assert await asyncio.to_thread(talk) == [5, 0, 5]


async def test_a_flood_of_idle_connections_shuts_nobody_out(dns: DnsProcess) -> None:
    port = free_port()
    await dns.set_table(table())
    await dns.listen(HERE, port)

    def flood() -> int:
        with contextlib.ExitStack() as stack:
            for _ in range(400):
                stack.enter_context(socket.create_connection((HERE, port), timeout=3))
            with socket.create_connection((HERE, port), timeout=3) as sock:
                sock.sendall(framed("web"))
                return len(receive_framed(sock).rr)

    assert await asyncio.to_thread(flood) == 5


async def test_junk_harms_nobody(dns: DnsProcess) -> None:
    port = free_port()
    await dns.set_table(table())
    await dns.listen(HERE, port)
    pid = dns.pid
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for i in range(300):
            sock.sendto(os.urandom(i), (HERE, port))
        sock.sendto(b"", (HERE, port))
    assert len((await asyncio.to_thread(look_up, port)).rr) == 5
    assert dns.pid == pid


class Upstream(threading.Thread):
    """A name server for the tests: `big.example` only fits TCP, `broken.example` fails, `silent.example` is ignored."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((HERE, 0))
        self.port = int(self.udp.getsockname()[1])
        self.tcp = socket.create_server((HERE, self.port))
        self.sources: list[int] = []
        self.ids: list[int] = []

    def run(self) -> None:
        threading.Thread(target=self.run_tcp, daemon=True).start()
        with contextlib.suppress(OSError):
            while True:
                data, source = self.udp.recvfrom(4096)
                if not data:
                    return
                self.sources.append(source[1])
                reply = self.reply(data)
                if reply is None:
                    continue
                self.ids.append(reply.header.id)
                wrong = dnslib.DNSRecord.parse(bytes(reply.pack()))
                wrong.header.id ^= 1  # a forger's guess comes first
                self.udp.sendto(bytes(wrong.pack()), source)
                packed = bytes(reply.pack())
                if len(packed) > 512:
                    reply.rr.clear()
                    reply.header.tc = 1
                    packed = bytes(reply.pack())
                self.udp.sendto(packed, source)

    def run_tcp(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.tcp.accept()
                with sock, sock.makefile("rb") as stream:
                    reply = self.reply(stream.read(int.from_bytes(stream.read(2), "big")))
                    assert reply is not None
                    packed = bytes(reply.pack())
                    sock.sendall(len(packed).to_bytes(2, "big") + packed)

    def reply(self, data: bytes) -> dnslib.DNSRecord | None:
        record = dnslib.DNSRecord.parse(data).reply()
        name = str(record.q.qname)
        if name == "silent.example.":
            return None
        if name == "broken.example.":
            record.header.rcode = dnslib.RCODE.SERVFAIL
            return record
        for i in range(60 if name == "big.example." else 1):
            record.add_answer(dnslib.RR(name, rdata=dnslib.A(f"192.0.2.{i}"), ttl=60))
        return record

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", (HERE, self.port))  # the thread's last datagram
        self.join()
        self.udp.close()
        with contextlib.suppress(OSError):
            self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    server.start()
    yield server
    server.close()


async def test_other_names_go_upstream_from_fresh_ports_with_fresh_ids(dns: DnsProcess, upstream: Upstream) -> None:
    port = free_port()
    await dns.set_table(table(f"{HERE}:{upstream.port}"))
    await dns.listen(HERE, port)
    for _ in range(10):
        record = await asyncio.to_thread(look_up, port, "www.example")
        assert [str(rr.rdata) for rr in record.rr] == ["192.0.2.0"]
    assert len(set(upstream.sources)) > 5
    assert len(set(upstream.ids)) > 5
    assert (await dns.stats()).forwarded == 10


async def test_a_big_answer_is_fetched_over_tcp_and_cut_to_what_the_asker_takes(
    dns: DnsProcess, upstream: Upstream
) -> None:
    port = free_port()
    await dns.set_table(table(f"{HERE}:{upstream.port}"))
    await dns.listen(HERE, port)
    record = await asyncio.to_thread(look_up, port, "big.example")
    assert record.header.tc
    assert 20 < len(record.rr) < 60

    def over_tcp() -> int:
        with socket.create_connection((HERE, port), timeout=3) as sock:
            sock.sendall(framed("big.example"))
            return len(receive_framed(sock).rr)

    assert await asyncio.to_thread(over_tcp) == 60


async def test_a_dead_server_upstream_is_passed_over(dns: DnsProcess, upstream: Upstream) -> None:
    port = free_port()
    await dns.set_table(table(f"{HERE}:{free_port()}", f"{HERE}:{upstream.port}"))
    await dns.listen(HERE, port)
    assert len((await asyncio.to_thread(look_up, port, "www.example")).rr) == 1


@pytest.mark.parametrize(("name", "code"), [("broken.example", "SERVFAIL"), ("silent.example", "SERVFAIL")])
async def test_a_failure_upstream_is_said_and_never_silence(
    dns: DnsProcess, upstream: Upstream, name: str, code: str
) -> None:
    port = free_port()
    await dns.set_table(table(f"{HERE}:{upstream.port}"))
    await dns.listen(HERE, port)
    record = await asyncio.to_thread(look_up, port, name, 4.9)
    assert dnslib.RCODE[record.header.rcode] == code


PARENT = """
import asyncio, sys
from pathlib import Path
import msgspec
from swarmlite.dns.process import DnsProcess
from swarmlite.protocol.names import NameTable

async def main():
    dns = DnsProcess(Path(sys.argv[1]), orphan_seconds=float(sys.argv[3]))
    await dns.start()
    await dns.set_table(msgspec.json.decode(sys.stdin.read(), type=NameTable))
    await dns.listen("127.0.0.1", int(sys.argv[2]))
    print(dns.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@contextlib.contextmanager
def parent(run_dir: Path, port: int, orphan_seconds: float) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Another program that holds the DNS process; and that process's id."""
    command = [sys.executable, "-c", PARENT, str(run_dir), str(port), str(orphan_seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(msgspec.json.encode(table()))
        process.stdin.close()
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


async def test_when_the_parent_is_killed_the_next_one_takes_over_and_no_look_up_is_lost(tmp_path: Path) -> None:
    port = free_port()
    with parent(tmp_path, port, 30) as (killed, orphan), looking_up(port) as answers:
        killed.kill()
        killed.wait()
        before = len(answers)
        await until("the orphan answers", lambda: len(answers) > before + 50)
        async with DnsProcess(tmp_path) as heir:
            assert heir.listening == {(HERE, port)}
            await until("the orphan has left", lambda: gone(orphan))
            assert heir.pid != orphan
            before = len(answers)
            await until("the heir answers", lambda: len(answers) > before + 50)
            assert set(answers) == {5}
            await heir.set_table(
                NameTable(version=2, networks={"shop": shop({"web": FIVE[:2]})}, clients=table().clients)
            )
            before = len(answers)
            await until("it answers anew", lambda: len(answers) > before + 50)
            assert set(answers[before + 1 : before + 50]) == {2}


async def test_an_orphan_that_nobody_claims_ends_by_itself(tmp_path: Path) -> None:
    with parent(tmp_path, free_port(), 0.3) as (killed, orphan):
        killed.kill()
        killed.wait()
        await until("it has left", lambda: gone(orphan))


async def test_a_parent_can_leave_its_process_answering(tmp_path: Path) -> None:
    port = free_port()
    dns = DnsProcess(tmp_path)
    await dns.start()
    await dns.set_table(table())
    await dns.listen(HERE, port)
    await dns.aclose(keep_answering=True)
    assert len((await asyncio.to_thread(look_up, port)).rr) == 5
    async with DnsProcess(tmp_path) as heir:
        assert len((await asyncio.to_thread(look_up, port)).rr) == 5
        assert heir.listening == {(HERE, port)}
    with pytest.raises(OSError, match=r"refused|timed out"):
        await asyncio.to_thread(look_up, port, timeout=0.2)


async def test_the_process_is_small(dns: DnsProcess) -> None:
    await dns.set_table(table())
    assert dns.pid
    assert resident_kib(dns.pid) < 25 * 1024
