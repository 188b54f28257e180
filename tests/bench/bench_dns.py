"""What one DNS answer costs, and how long it takes: `python tests/bench/bench_dns.py`, about ten seconds.

CPU is the answering process's own, by its clock in /proc, so neighbours and the generator hardly move it.
"""

import asyncio
import os
import random
import socket
import tempfile
import time
from pathlib import Path

from swarmlite.dns.process import DnsProcess
from swarmlite.protocol.names import Client, NameTable, NameUpdate, NetworkNames

HERE, PORT = "127.0.0.1", 5399
SERVICES, REPLICAS = 200, 5
SATURATED_SECONDS, PACED_SECONDS, RATE = 3.0, 3.0, 2000
OUTSTANDING = 64


def names() -> dict[str, tuple[str, ...]]:
    return {f"svc{i:03}": tuple(f"10.9.{i}.{j}" for j in range(2, 2 + REPLICAS)) for i in range(SERVICES)}


def table() -> NameTable:
    network = NetworkNames(id="shop", subnet="10.9.0.0/16", names=names())
    client = Client(networks=("shop",), addresses=("10.9.255.9",))
    return NameTable(version=1, networks={"shop": network}, clients={HERE: client})


def packets() -> list[bytes]:
    """Nine in ten are known names, as in the reference measurements."""
    wanted = [f"svc{random.randrange(SERVICES):03}" for _ in range(900)] + [f"none{i}" for i in range(100)]
    random.shuffle(wanted)
    head = b"\1\0\0\1\0\0\0\0\0\0"
    return [
        i.to_bytes(2, "big") + head + bytes([len(name)]) + name.encode() + b"\0\0\1\0\1"
        for i, name in enumerate(wanted)
    ]


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def saturate(pid: int) -> tuple[float, float]:
    """(answers per second, CPU in µs of each) with as much in flight as keeps the server busy."""
    queries = packets()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((HERE, PORT))
        sock.settimeout(1)
        for query in queries:  # each prepared once
            sock.send(query)
            sock.recv(2048)
        cpu, started, done = cpu_seconds(pid), time.perf_counter(), 0
        while (spent := time.perf_counter() - started) < SATURATED_SECONDS:
            batch = [queries[(done + i) % len(queries)] for i in range(OUTSTANDING)]
            for query in batch:
                sock.send(query)
            for _ in batch:
                sock.recv(2048)
            done += len(batch)
        return done / spent, (cpu_seconds(pid) - cpu) / done * 1e6


def pace() -> list[float]:
    """Seconds that each answer took at a steady rate, one at a time."""
    queries = packets()
    times = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((HERE, PORT))
        sock.settimeout(1)
        started = time.perf_counter()
        for i in range(int(RATE * PACED_SECONDS)):
            due = started + i / RATE
            while (wait := due - time.perf_counter()) > 0:
                time.sleep(wait)
            asked = time.perf_counter()
            sock.send(queries[i % len(queries)])
            sock.recv(2048)
            times.append(time.perf_counter() - asked)
    return sorted(times)


async def change(dns: DnsProcess) -> float:
    """Milliseconds until a change of the whole network is in the answers (median)."""
    times = []
    for version in range(2, 40):
        network = NetworkNames(id="shop", subnet="10.9.0.0/16", names=names())
        started = time.perf_counter()
        await dns.update(NameUpdate(version=version, networks=(network,)))
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2] * 1e3


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def figures() -> list[tuple[str, float, str]]:
    """(what, measured, at most) of each."""
    with tempfile.TemporaryDirectory() as run_dir:
        started = time.perf_counter()
        async with DnsProcess(Path(run_dir)) as dns:
            await dns.listen(HERE, PORT)
            await dns.set_table(table())
            cold = (time.perf_counter() - started) * 1e3
            assert dns.pid
            rate, cost = await asyncio.to_thread(saturate, dns.pid)
            times = await asyncio.to_thread(pace)
            changed = await change(dns)
            return [
                ("CPU of one answer, µs", cost, "15"),
                ("answers/s, generator on the same cores", rate, ""),
                (f"p50 at {RATE}/s, ms", times[len(times) // 2] * 1e3, ""),
                (f"p99 at {RATE}/s, ms", times[len(times) * 99 // 100] * 1e3, "1"),
                (f"{SERVICES}x{REPLICAS} replaced and answered, ms", changed, ""),
                ("memory of the process, MiB", resident_mib(dns.pid), "25"),
                ("start to ready, ms", cold, ""),
            ]


def main() -> None:
    print(f"{'DNS':42} {'measured':>10} {'at most':>8}")
    for what, value, limit in asyncio.run(figures()):
        print(f"{what:42} {value:10.2f} {limit:>8}")


if __name__ == "__main__":
    main()
