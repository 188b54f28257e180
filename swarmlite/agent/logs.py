"""Streams a container's log lines to the manager, as many requests at a time as come.

Lines that come together travel together; when the link is slow the engine's stream is read no faster.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

from swarmlite.errors import NotFound, SwarmliteError
from swarmlite.protocol.link import AgentMessage, LogEnd, LogLines, LogRequest

Line = tuple[int, str, bytes]

BATCH = 256
"""Lines in one message at most."""


class LogEngine(Protocol):
    def logs(
        self, container: str, follow: bool = False, tail: int | None = None, since: float = 0.0
    ) -> AsyncIterator[Line]: ...


class LogStreams:
    """`container_of(task id)`: the engine's id of its container, None without one."""

    def __init__(
        self,
        engine: LogEngine,
        container_of: Callable[[str], str | None],
        send: Callable[[AgentMessage], Awaitable[None]],
    ) -> None:
        self._engine = engine
        self._container_of = container_of
        self._send = send
        self._streams: dict[str, asyncio.Task[None]] = {}

    def start(self, request: LogRequest) -> None:
        stream = asyncio.create_task(self._stream(request))
        self._streams[request.request] = stream
        stream.add_done_callback(lambda _: self._streams.pop(request.request, None))

    def cancel(self, request: str) -> None:
        stream = self._streams.get(request)
        if stream is not None:
            stream.cancel()

    def cancel_all(self) -> None:
        """The link is down, and who asked with it."""
        for stream in tuple(self._streams.values()):
            stream.cancel()

    async def _stream(self, request: LogRequest) -> None:
        error = ""
        try:
            container = self._container_of(request.task_id)
            if container is None:
                raise NotFound(f"task {request.task_id} has no container on this host")
            await self._copy(request, container)
        except SwarmliteError as failure:
            error = str(failure)
        try:
            await self._send(LogEnd(request=request.request, error=error))
        except SwarmliteError:
            return  # the link is down: nobody waits for the end

    async def _copy(self, request: LogRequest, container: str) -> None:
        queue: asyncio.Queue[Line | None] = asyncio.Queue(BATCH)
        reading = asyncio.create_task(self._read(request, container, queue))
        try:
            while lines := await _batch(queue):
                await self._send(LogLines(request=request.request, lines=tuple(lines)))
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, request: LogRequest, container: str, queue: "asyncio.Queue[Line | None]") -> None:
        lines = self._engine.logs(container, request.follow, request.tail, request.since)
        try:
            async for line in lines:
                await queue.put(line)
        except SwarmliteError:
            await queue.put(None)
            raise
        await queue.put(None)


async def _batch(queue: "asyncio.Queue[Line | None]") -> list[Line]:
    """The next line and what has come with it; empty at the end."""
    first = await queue.get()
    if first is None:
        return []
    lines = [first]
    while len(lines) < BATCH and not queue.empty():
        line = queue.get_nowait()
        if line is None:
            queue.put_nowait(None)
            break
        lines.append(line)
    return lines
