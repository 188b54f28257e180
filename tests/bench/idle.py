"""Figure 4: what a cluster at rest costs, in memory and processor time."""

import os
import time
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from tests.bench.peers import Peer
from tests.bench.table import Row
from tests.lab.handle import Lab

TICK = os.sysconf("SC_CLK_TCK")
LIMITS = {1: 110.0, 2: 70.0}
"""MB, of the host with the manager and of one with an agent alone."""


def measure(lab: Lab, peers: Sequence[Peer], idle: float, say: Callable[[str], None]) -> list[Row]:
    """With a few replicas on every host, as nobody runs a cluster for nothing."""
    ours = peers[0]
    ours.deploy(6)
    time.sleep(min(10.0, idle))
    trees = {host: family(daemon(lab, host)) for host in LIMITS}
    engines = {host: engine_pid(lab, host) for host in LIMITS}
    say(f"idle for {idle:g} s")
    before = {pid: cpu(pid) for pid in chain(*trees.values(), engines.values())}
    time.sleep(idle)
    rows = []
    for host, limit in LIMITS.items():
        pids = trees[host]
        what = "manager, agent and DNS" if host == 1 else "agent and DNS"
        memory = sum(rss(pid) for pid in pids)
        share = sum(cpu(pid) - before[pid] for pid in pids) / idle * 100
        theirs = (cpu(engines[host]) - before[engines[host]]) / idle * 100
        split = " + ".join(f"{rss(pid):.0f}" for pid in pids)
        rows.append(Row(f"memory (RSS), {what}", f"{memory:.1f} MB ({split})", f"dockerd: {rss(engines[host]):.0f} MB",
                        f"< {limit:g} MB", "", good=memory < limit))  # fmt: skip
        rows.append(Row(f"CPU when idle, {what}", f"{share:.2f} % of a core", f"dockerd: {theirs:.2f} %",
                        "< 1 %", "", good=share < 1.0))  # fmt: skip
    ours.remove()
    return rows


def daemon(lab: Lab, host: int) -> int:
    """The pid of a host's swarmlite daemon."""
    wanted = os.fsencode(str(lab.data_dir(host)))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            words = _words(entry)
            if wanted in words and b"swarmlite.manager" in words:
                return int(entry.name)
    raise AssertionError(f"host{host} has no daemon")


def engine_pid(lab: Lab, host: int) -> int:
    wanted = os.fsencode(str(lab.socket(host).with_name("daemon.json")))
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and wanted in _words(entry):
            return int(entry.name)
    raise AssertionError(f"host{host} has no engine")


def _words(process: Path) -> list[bytes]:
    try:
        return (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def family(pid: int) -> list[int]:
    """A process and all that it has started."""
    children = [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]
    return [pid, *(one for child in children for one in family(child))]


def rss(pid: int) -> float:
    """MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu(pid: int) -> float:
    """Seconds used so far, finer than the clock's ticks where the kernel says."""
    ran = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            ran += int((task / "schedstat").read_text().split()[0])
        except OSError:
            return _ticks(pid)
    return ran / 1e9


def _ticks(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK
