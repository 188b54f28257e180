"""Figures 2 and 3: how soon a killed container and a lost host are made good, and when names forget the dead."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench import engine
from tests.bench.peers import LOST, POLL, Peer, Replica
from tests.bench.table import Row, seconds
from tests.lab.waiting import until

REPLICAS = 6
NAME = "web"
RESOLVER = "127.0.0.11"
SETTLE = 2.0
"""Seconds between one failure and the next, so that each meets a cluster at rest."""

ASK_EVERY = 0.05


def containers_killed(peers: Sequence[Peer], rounds: int, say: Callable[[str], None]) -> list[Row]:
    times: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for peer in peers:
        peer.deploy(REPLICAS)
        for _ in range(rounds):
            time.sleep(SETTLE)
            times[peer.name].append(_kill_one(peer))
            say(f"container killed, {peer.name}: replaced after {times[peer.name][-1]:.2f} s")
        peer.remove()
    return [_row("container killed, replacement runs", times, 1.0)]


def hosts_lost(peers: Sequence[Peer], rounds: int, say: Callable[[str], None]) -> list[Row]:
    gone: dict[str, list[float]] = {peer.name: [] for peer in peers}
    replaced: dict[str, list[float]] = {peer.name: [] for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            peer.deploy(REPLICAS)
            time.sleep(SETTLE)
            out, whole = _lose_host(peer)
            gone[peer.name].append(out)
            replaced[peer.name].append(whole)
            say(f"host lost, {peer.name}: out of the answers after {out:.2f} s, replaced after {whole:.2f} s")
            peer.lab.start(LOST)
            for one in peers:
                one.revive()
            peer.remove()
    return [
        _row("host lost, its addresses are out of every answer", gone, 3.0),
        _row("host lost, its replicas run elsewhere", replaced, 6.0),
    ]


def _kill_one(peer: Peer) -> float:
    before = peer.replicas()
    victim = before[0]
    killed = time.monotonic()
    engine.call(peer.lab.socket(victim.host), "POST", f"/v1.40/containers/{victim.container}/kill")
    _wait_replaced(peer, {victim.container}, len(before))
    return time.monotonic() - killed


def _lose_host(peer: Peer) -> tuple[float, float]:
    """(seconds until no answer on any other host has its addresses, seconds until all replicas run elsewhere)"""
    before = peer.replicas()
    lost = [replica for replica in before if replica.host == LOST]
    askers = {replica.host: replica for replica in before if replica.host != LOST}
    addresses = {replica.address for replica in lost}
    with _asking(peer, list(askers.values())) as answers:
        until("every asker has an answer", lambda: all(answers.values()), timeout=10)
        killed = time.monotonic()
        peer.lab.kill(LOST)
        _wait_replaced(peer, {replica.container for replica in lost}, len(before))
        whole = time.monotonic() - killed
        out = [
            until("answers without them", partial(_clean_since, log, addresses), timeout=90) for log in answers.values()
        ]
    return max(out) - killed, whole


def _wait_replaced(peer: Peer, lost: set[str], count: int) -> None:
    def whole() -> bool:
        now = {replica.container for replica in peer.replicas()}
        return len(now) == count and not now & lost

    until("replacements run", whole, timeout=120, pause=POLL)


Answers = list[tuple[float, set[str]]]


def _clean_since(log: Answers, lost: set[str]) -> float | None:
    """When the first answer came after the last one that had a lost address; None while that is the last of all."""
    entries = list(log)
    bad = [index for index, (_, addresses) in enumerate(entries) if addresses & lost]
    after = bad[-1] + 1 if bad else 0
    clean = [when for when, addresses in entries[after:] if addresses]
    return clean[0] if len(clean) > 20 else None


@contextmanager
def _asking(peer: Peer, replicas: Sequence[Replica]) -> Iterator[dict[int, Answers]]:
    """Ask for the service's name from inside these containers, as a program there would."""
    answers: dict[int, Answers] = {replica.host: [] for replica in replicas}
    processes = []
    for replica in replicas:
        process = subprocess.Popen(
            [*into(peer.lab.socket(replica.host), replica.container), str(Path(__file__).with_name("asker.py")),
             RESOLVER, NAME, str(ASK_EVERY)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        processes.append(process)
        threading.Thread(target=_read, args=(process, answers[replica.host]), daemon=True).start()
    try:
        yield answers
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _read(process: subprocess.Popen[str], log: Answers) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        when, _, *addresses = line.split()
        log.append((float(when), set(addresses)))


def into(socket: Path, container: str) -> list[str]:
    """The command line prefix that runs this Python in a container's network."""
    pid = engine.call(socket, "GET", f"/v1.40/containers/{container}/json")["State"]["Pid"]
    return ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-S"]


def _row(name: str, times: Mapping[str, Sequence[float]], limit: float) -> Row:
    return Row.compared(name, [median(took) for took in times.values()], seconds, limit)
