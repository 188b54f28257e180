"""Finding and ending all processes of a lab or of one of its nodes, whoever started them.

A process belongs to a node if its environment carries the node's mark, if it is in the node's network namespace or
control group, or if it descends from one that belongs: engine, shims, containers, and what `lab run` left there.
"""

import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from swarmlite.errors import Timeout
from swarmlite.lab.layout import NODE_VARIABLE, cgroup_root

PROC = Path("/proc")
KILL_TIMEOUT = 20.0
REAP_TIMEOUT = 3.0
EXEC_TIMEOUT = 2.0
LOOK_PAUSE = 0.02
CODE = 23
ENVIRONMENT = slice(47, 49)
"""Where `/proc/PID/stat`, counted from the state, has the addresses of code and environment: 0 until they are there."""


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    network: int
    """The inode of its network namespace, 0 if unknown."""
    mark: str
    cgroups: str


def processes_of(lab: str, node: str | None = None) -> list[Process]:
    """All live processes of a lab, or of one node of it, this process and its ancestors apart."""
    everyone = _everyone()
    mark = f"{lab}/{node}" if node else f"{lab}/"
    group = f"/{cgroup_root(lab)}/{node}/" if node else f"/{cgroup_root(lab)}/"
    spared = _ancestors(everyone, os.getpid())
    outside = {_network(os.getpid()), _network(1), 0}
    marked = {p.pid for p in everyone.values() if (p.mark == mark if node else p.mark.startswith(mark))}
    networks = {everyone[pid].network for pid in marked} - outside
    found = marked | {p.pid for p in everyone.values() if p.network in networks or group in p.cgroups}
    found |= _descendants(everyone, found - spared)
    return [everyone[pid] for pid in sorted(found - spared)]


def kill_all(lab: str, node: str | None = None) -> set[int]:
    """SIGKILL everything of a lab or node, until two looks in a row see nothing of it; the pids of all that died.

    Between two looks is a pause, as a process that is just being made has no environment of its own yet.
    """
    deadline = time.monotonic() + KILL_TIMEOUT
    clean = 0
    killed: set[int] = set()
    while clean < 2:
        found = processes_of(lab, node)
        clean = 0 if found else clean + 1
        _kill(process.pid for process in found)
        killed |= {process.pid for process in found}
        if found and time.monotonic() > deadline:
            names = ", ".join(str(process.pid) for process in found)
            raise Timeout(f"processes that do not die after SIGKILL: {names}")
        if clean < 2:
            time.sleep(LOOK_PAUSE)
    return killed


def wait_reaped(pids: Iterable[int]) -> None:
    """Wait a little until dead processes are out of the process table too, which takes some init processes a while."""
    deadline = time.monotonic() + REAP_TIMEOUT
    while any(_read(pid, "stat") for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)


def is_node(pid: int, mark: str) -> bool:
    """Whether this process lives and carries this mark: a number in a file may be another's by now."""
    return _mark(pid) == mark and _status(pid) is not None


def resident_bytes(pids: Iterable[int]) -> int:
    """Resident memory of these processes together, shared pages counted once for each."""
    page = os.sysconf("SC_PAGE_SIZE")
    total = 0
    for pid in pids:
        try:
            total += int((PROC / str(pid) / "statm").read_text().split()[1]) * page
        except (OSError, IndexError):
            continue
    return total


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _everyone() -> dict[int, Process]:
    found = {}
    for name in os.listdir(PROC):
        if not name.isdigit():
            continue
        pid = int(name)
        parent = _status(pid)
        if parent is None:
            continue
        cgroups = _read(pid, "cgroup").decode(errors="replace").replace("\n", "/\n")
        found[pid] = Process(pid, parent, _network(pid), _mark(pid), cgroups)
    return found


def _status(pid: int) -> int | None:
    """Its parent; None for a process that is dead (or a zombie, which nothing can kill)."""
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    if len(fields) < 2 or fields[0] in (b"Z", b"X"):
        return None
    return int(fields[1])


def _network(pid: int) -> int:
    try:
        return os.stat(PROC / str(pid) / "ns/net").st_ino
    except OSError:
        return 0


def _mark(pid: int) -> str:
    prefix = NODE_VARIABLE.encode() + b"="
    for entry in _environment(pid).split(b"\0"):
        if entry.startswith(prefix):
            return entry.removeprefix(prefix).decode(errors="replace")
    return ""


def _environment(pid: int) -> bytes:
    """While a process becomes another program (`exec`), it shows none for a moment, on a busy machine a long one."""
    deadline = time.monotonic() + EXEC_TIMEOUT
    while not (found := _read(pid, "environ")) and _should_have_one(pid) and time.monotonic() < deadline:
        time.sleep(0.001)
    return found


def _should_have_one(pid: int) -> bool:
    """Whether a process that showed no environment has one by now, or is about to; kernel threads have no program."""
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    if len(fields) < ENVIRONMENT.stop:
        return False
    begin, end = fields[ENVIRONMENT]
    try:
        return begin != end or (b"0" in (end, fields[CODE]) and bool(os.readlink(PROC / str(pid) / "exe")))
    except OSError:
        return False


def _read(pid: int, name: str) -> bytes:
    try:
        return (PROC / str(pid) / name).read_bytes()
    except OSError:
        return b""


def _ancestors(everyone: dict[int, Process], pid: int) -> set[int]:
    seen: set[int] = {1}
    while pid in everyone and pid not in seen:
        seen.add(pid)
        pid = everyone[pid].parent
    return seen


def _descendants(everyone: dict[int, Process], roots: set[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for process in everyone.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    waiting = list(roots - {1})
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found
