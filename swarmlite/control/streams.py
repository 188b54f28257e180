"""Log streams through the links: a request to each task's host, and the lines of all as they come."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from swarmlite.control.ids import new_id
from swarmlite.control.logs import LogLine, LogQuery
from swarmlite.logs import logger
from swarmlite.model.objects import Task
from swarmlite.protocol.link import LogCancel, LogEnd, LogLines, LogRequest, ManagerMessage

log = logger(__name__)

BACKLOG = 256
"""Messages that a reader may be behind before it is cut off: a slow terminal must not fill the manager's memory."""


class Line(Protocol):
    """What a stream needs of a session."""

    node_id: str

    def say(self, message: ManagerMessage) -> None: ...


class _Reader:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[LogLines | LogEnd] = asyncio.Queue(BACKLOG)
        self.tasks: dict[str, tuple[Line, str]] = {}


class LogStreams:
    """All requests under way, by request id."""

    def __init__(self) -> None:
        self._readers: dict[str, _Reader] = {}

    async def read(self, query: LogQuery, tasks: Sequence[tuple[Line, Task]]) -> AsyncIterator[LogLine]:
        reader = _Reader()
        for session, task in tasks:
            request = new_id()
            reader.tasks[request] = (session, task.id)
            self._readers[request] = reader
            session.say(
                LogRequest(request=request, task_id=task.id, follow=query.follow, tail=query.tail, since=query.since)
            )
        try:
            while reader.tasks:
                message = await reader.queue.get()
                if isinstance(message, LogEnd):
                    self._forget(message.request)
                    continue
                task_id = reader.tasks[message.request][1]
                for stream, stamp, line in message.lines:
                    yield LogLine(task_id, stream, stamp, line)
        finally:
            for request, (session, _) in list(reader.tasks.items()):
                session.say(LogCancel(request=request))
                self._forget(request)

    def lines(self, message: LogLines) -> None:
        self._give(message.request, message)

    def end(self, message: LogEnd) -> None:
        if message.error:
            log.warning("log stream ended", request=message.request, error=message.error)
        self._give(message.request, message)

    def lost(self, node_id: str) -> None:
        """The host's link is down: its streams end."""
        for request, reader in list(self._readers.items()):
            if reader.tasks[request][0].node_id == node_id:
                self._give(request, LogEnd(request=request, error="its host cannot be reached"))

    def _give(self, request: str, message: LogLines | LogEnd) -> None:
        reader = self._readers.get(request)
        if reader is None:
            return
        try:
            reader.queue.put_nowait(message)
        except asyncio.QueueFull:
            log.warning("log reader too slow, cut off", request=request)
            while not reader.queue.empty():
                reader.queue.get_nowait()
            for other in reader.tasks:
                if not reader.queue.full():
                    reader.queue.put_nowait(LogEnd(request=other, error="reader too slow"))

    def _forget(self, request: str) -> None:
        reader = self._readers.pop(request, None)
        if reader is not None:
            reader.tasks.pop(request, None)
