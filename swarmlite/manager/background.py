"""How the daemon runs when nobody looks: as a systemd unit where systemd runs this host, else as a detached process.

A network namespace of its own (the lab, a container) is another host than the one that systemd runs.
"""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from swarmlite.errors import SwarmliteError, Timeout, Unavailable
from swarmlite.manager.datadir import DataDir, write
from swarmlite.settings import DATA_DIR

STOP_WITHIN = 20.0
"""Seconds that a daemon takes to end at most, before it is killed."""

LOG_KEPT = 10 * 1024 * 1024
"""Bytes of the detached daemon's log from which on the next start begins a new one."""

NO_MEMBER = 77
"""The daemon's exit code where there is nothing to run, so that systemd does not start it again."""

_LINES = 15

_UNIT = """\
[Unit]
Description=swarmlite, a node of a cluster of Docker hosts ({root})
Wants=network-online.target
After=network-online.target docker.service

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Restart=always
RestartSec=1
RestartPreventExitStatus={no_member}
KillMode=process
TimeoutStopSec={stop_within}
LimitNOFILE=1048576
TasksMax=infinity
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
"""


class Background(Protocol):
    async def start(self) -> None:
        """Start the daemon now and at every boot. Whether it is ready, its socket tells."""
        ...

    def ended(self) -> bool:
        """Whether the daemon that was started has given up."""
        ...

    async def stop(self) -> None:
        """End it, and do not start it again. Nothing happens where none runs."""
        ...

    async def forget(self) -> None:
        """It is not to be started again, though it may run yet (it may be the caller)."""
        ...

    async def last_words(self) -> str:
        """The last lines of its log."""
        ...


def background_of(datadir: DataDir) -> Background:
    return Systemd(datadir) if _systemd_runs_here() else Detached(datadir)


def command(datadir: DataDir) -> list[str]:
    return [sys.executable, "-m", "swarmlite.manager", "--data-dir", str(datadir.root)]


class Systemd:
    """`units`: where units of the administrator lie."""

    def __init__(self, datadir: DataDir, units: Path = Path("/etc/systemd/system")) -> None:
        self._datadir = datadir
        self.unit = "swarmlite.service" if datadir.root == DATA_DIR else f"swarmlite-{_short(datadir.root)}.service"
        self._path = units / self.unit

    def text(self) -> str:
        return _UNIT.format(
            root=_escaped(str(self._datadir.root)),
            command=" ".join(_escaped(f'"{part}"') for part in command(self._datadir)),
            no_member=NO_MEMBER,
            stop_within=int(STOP_WITHIN),
        )

    async def start(self) -> None:
        await asyncio.to_thread(write, self._path, self.text().encode(), 0o644)
        await _run("systemctl", "daemon-reload")
        await _run("systemctl", "enable", "--now", self.unit)

    def ended(self) -> bool:
        state = subprocess.run(["systemctl", "is-failed", "--quiet", self.unit], check=False)
        return state.returncode == 0

    async def stop(self) -> None:
        if await asyncio.to_thread(self._path.exists):
            await _run("systemctl", "disable", "--now", self.unit)
            await self.forget()
        await _end_process(self._datadir)  # one that was started by hand

    async def forget(self) -> None:
        if await asyncio.to_thread(self._path.exists):
            await _run("systemctl", "disable", self.unit)
            await asyncio.to_thread(self._path.unlink, missing_ok=True)
            await _run("systemctl", "daemon-reload")

    async def last_words(self) -> str:
        return await _run("journalctl", "--unit", self.unit, "--lines", str(_LINES), "--output", "cat", "--no-pager")


class Detached:
    def __init__(self, datadir: DataDir) -> None:
        self._datadir = datadir
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        try:
            self._process = await asyncio.to_thread(self._start)
        except OSError as error:
            raise Unavailable(f"the daemon cannot be started: {error.strerror}: {error.filename}") from error

    def ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    async def stop(self) -> None:
        await _end_process(self._datadir)
        if self._process is not None:
            await asyncio.to_thread(self._process.wait)

    async def forget(self) -> None:
        pass

    async def last_words(self) -> str:
        return await asyncio.to_thread(self._tail)

    def _start(self) -> "subprocess.Popen[bytes]":
        log = self._datadir.log
        if log.exists() and log.stat().st_size > LOG_KEPT:
            log.replace(log.with_name(log.name + ".1"))
        with open(os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600), "ab") as output:
            return subprocess.Popen(
                command(self._datadir),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
            )

    def _tail(self) -> str:
        try:
            lines = self._datadir.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(lines[-_LINES:])


async def _end_process(datadir: DataDir) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        pid = datadir.daemon_pid()
        if pid is None or pid == os.getpid():
            return
        os.kill(pid, number)
        try:
            async with asyncio.timeout(STOP_WITHIN):
                while datadir.daemon_pid() == pid:  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.05)
        except TimeoutError:
            continue
    if datadir.daemon_pid() is not None:
        raise Timeout(f"the daemon (process {datadir.daemon_pid()}) does not end, not even by SIGKILL")


async def _run(*words: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    text = output.decode(errors="replace").strip()
    if process.returncode:
        raise SwarmliteError(f"`{' '.join(words)}` failed: {text}")
    return text


def _systemd_runs_here() -> bool:
    if not Path("/run/systemd/system").is_dir():
        return False
    try:
        return Path("/proc/1/ns/net").readlink() == Path("/proc/self/ns/net").readlink()
    except OSError:
        return False


def _short(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:8]


def _escaped(text: str) -> str:
    return text.replace("%", "%%").replace("$", "$$")
