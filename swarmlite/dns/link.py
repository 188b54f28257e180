"""The parent's hold on one answering process: its start, what is said to it, its end."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from swarmlite.dns import pipe

_LOG = "dns.log"
_EXIT_SECONDS = 6.0  # the child gives answers from upstream 5
_POLL_SECONDS = 0.005


class Link:
    """One answering process and the socket to it."""

    def __init__(self, process: subprocess.Popen[bytes], sock: socket.socket) -> None:
        self.process, self.sock = process, sock
        self._lock = asyncio.Lock()

    async def send(self, frames: list[tuple[pipe.Frame, tuple[socket.socket, ...]]], serial: int) -> None:
        async with self._lock:
            for frame, beside in [*frames, (pipe.Sync(serial), ())]:
                await send(self.sock, pipe.packed(frame), beside)

    async def stop(self) -> None:
        """Let it finish, not for long."""
        with contextlib.suppress(OSError):
            await self.send([(pipe.Quit(), ())], 0)
        await self._reap(_EXIT_SECONDS)

    def let_go(self) -> None:
        """It is to outlive this process."""
        self.sock.close()
        self.process.returncode = 0  # so that nobody complains of a child not waited for

    async def bury(self) -> None:
        """It closed its end: it is dead, or as good as."""
        await self._reap(0.5)

    async def _reap(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while self.process.poll() is None:  # noqa: ASYNC110 - nothing signals it in this Python
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            self.process.kill()
            self.process.wait()
        finally:
            self.sock.close()


def spawn(run_dir: Path, door: socket.socket, orphan_seconds: float) -> Link:
    """A new answering process, of a session of its own: the terminal's Ctrl-C is not for it, and its errors go to a
    file, since it may outlive whoever reads the parent's.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    package = Path(__file__).resolve().parent.parent.parent
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    with theirs, (run_dir / _LOG).open("ab") as errors:
        fds = [theirs.fileno(), door.fileno()]
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "swarmlite.dns", *map(str, fds), str(orphan_seconds)],
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            cwd="/",
            env=os.environ | {"PYTHONPATH": path},
            start_new_session=True,
        )
    return Link(process, ours)


async def ready(sock: socket.socket, *, to_write: bool = False) -> None:
    """Wait until the socket can be read or written."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    add, remove = (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    add(sock, lambda: None if done.done() else done.set_result(None))
    try:
        await done
    finally:
        remove(sock)


async def send(sock: socket.socket, data: bytes, beside: tuple[socket.socket, ...]) -> None:
    """The sockets `beside` travel with the first byte."""
    while beside:
        try:
            sent = socket.send_fds(sock, [data], [other.fileno() for other in beside])
            data, beside = data[sent:], ()
        except BlockingIOError:
            await ready(sock, to_write=True)
    await asyncio.get_running_loop().sock_sendall(sock, data)
