"""Starts the daemon of a host that is in a cluster again, as systemd does at boot where it runs.

It does not wait for the manager: at a boot there may be none yet.
"""

import asyncio
from pathlib import Path

from swarmlite.errors import AlreadyExists, SwarmliteError
from swarmlite.manager.background import background_of
from swarmlite.manager.datadir import DataDir


async def boot(data_dir: Path) -> int:
    """The process id of the daemon, which runs in the background from now on."""
    datadir = DataDir(data_dir)
    datadir.record()
    pid = datadir.daemon_pid()
    if pid is not None:
        raise AlreadyExists(f"the daemon of {datadir.root} runs already (process {pid})")
    background = background_of(datadir)
    await background.start()
    while (pid := datadir.daemon_pid()) is None:
        if background.ended():
            raise SwarmliteError(f"the daemon ended at once. Its last words:\n{await background.last_words()}")
        await asyncio.sleep(0.02)
    return pid
