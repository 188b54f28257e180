"""Starts the daemon of a host that is in a cluster again, as systemd does at boot where it runs.

It waits until the daemon answers on its socket, but not for the manager: at a boot there may be none yet.
"""

import asyncio
from pathlib import Path

from swarmlite.api.client import Client
from swarmlite.errors import AlreadyExists, SwarmliteError, Timeout, Unavailable
from swarmlite.manager.background import Background, background_of
from swarmlite.manager.datadir import DataDir

ANSWERS_WITHIN = 30.0


async def boot(data_dir: Path) -> int:
    """The process id of the daemon, which runs in the background from now on."""
    datadir = DataDir(data_dir)
    datadir.record()
    pid = datadir.daemon_pid()
    if pid is not None:
        raise AlreadyExists(f"the daemon of {datadir.root} runs already (process {pid})")
    background = background_of(datadir)
    await background.start()
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            while (pid := await _answering(datadir)) is None:
                await _still_running(background)
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise Timeout(f"the daemon does not answer within {ANSWERS_WITHIN:.0f} s; see {datadir.log}") from None
    return pid


async def _answering(datadir: DataDir) -> int | None:
    """The daemon's process id, once it serves its socket."""
    pid = datadir.daemon_pid()
    try:
        await Client(datadir.root).status()
    except Unavailable:
        return None
    return pid


async def _still_running(background: Background) -> None:
    if background.ended():
        raise SwarmliteError(f"the daemon ended at once. Its last words:\n{await background.last_words()}")
