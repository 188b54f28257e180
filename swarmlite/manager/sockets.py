"""The daemon's unix sockets. Each appears under its name only when it is ready and has its final owner and mode."""

import asyncio
import grp
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from aiohttp import web

from swarmlite.errors import FailedPrecondition, Unavailable

LONGEST_PATH = 107
"""Bytes of a unix socket's path that the kernel takes."""


def check_length(path: Path) -> None:
    """Raises FailedPrecondition for a path on which no socket can be made."""
    if len(os.fsencode(_unready(path))) > LONGEST_PATH:
        raise FailedPrecondition(f"{path} is too long for a unix socket: choose a shorter data directory")


@asynccontextmanager
async def served(app: web.Application, path: Path, group: str = "") -> AsyncIterator[None]:
    """Serve the application while the block runs, to root and, where it exists, to `group`."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, handle_signals=False)
    await runner.setup()
    try:
        await web.SockSite(runner, _bound(path, group)).start()
        yield
    finally:
        with suppress(FileNotFoundError):
            await asyncio.to_thread(path.unlink)
        await runner.cleanup()


def _bound(path: Path, group: str) -> socket.socket:
    """A socket left behind by a daemon that was killed is replaced."""
    unready = _unready(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        unready.unlink(missing_ok=True)
        listener.bind(str(unready))
        _give(unready, group)
        listener.listen(128)
        unready.replace(path)
    except OSError as error:
        listener.close()
        raise Unavailable(f"the socket {path} cannot be made: {error.strerror or error}") from error
    return listener


def _unready(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _give(path: Path, group: str) -> None:
    try:
        gid = grp.getgrnam(group).gr_gid if group else None
    except KeyError:
        gid = None
    path.chmod(0o600 if gid is None else 0o660)
    if gid is not None:
        os.chown(path, -1, gid)
