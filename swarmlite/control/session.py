"""One agent's link as the manager sees it: what was sent, what is different now, and who takes what comes in."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from swarmlite.errors import SwarmliteError
from swarmlite.model.objects import Task
from swarmlite.protocol.link import (
    AgentMessage,
    AssignedNetwork,
    Assignments,
    Beat,
    Changes,
    Describe,
    Hello,
    LogEnd,
    LogLines,
    ManagerMessage,
    PublishedPort,
    Report,
    TaskReport,
)
from swarmlite.protocol.names import NetworkNames

Send = Callable[[ManagerMessage], Awaitable[None]]
T = TypeVar("T")


class NodeView(msgspec.Struct, frozen=True):
    """All that one node should hold, by id."""

    domain: str
    tasks: Mapping[str, Task]
    networks: Mapping[str, AssignedNetwork]
    names: Mapping[str, NetworkNames]
    ingress: str = ""
    published: tuple[PublishedPort, ...] = ()


class Streams(Protocol):
    def lines(self, message: LogLines) -> None: ...
    def end(self, message: LogEnd) -> None: ...


class Dispatcher(Protocol):
    """What a session needs of dispatch."""

    @property
    def streams(self) -> Streams: ...
    def node_view(self, node_id: str) -> NodeView: ...
    def beat(self, node_id: str) -> None: ...
    def report(self, node_id: str, reports: Sequence[TaskReport]) -> None: ...
    async def describe(self, node_id: str, described: Describe) -> None: ...
    def detach(self, session: "Session", *, peer_closed: bool) -> None: ...


class Session:
    """`run` sends; `receive` takes; `closed` ends. The link moves the bytes."""

    def __init__(self, node_id: str, send: Send, dispatcher: Dispatcher) -> None:
        self.node_id = node_id
        self._send = send
        self._dispatcher = dispatcher
        self._sent: NodeView | None = None
        self._said: list[ManagerMessage] = []
        self._dirty = True
        self._wake = asyncio.Event()
        self._wake.set()
        self._over = False

    def touch(self) -> None:
        """Something of this node may have changed: compute and send the difference when the link is free."""
        self._dirty = True
        self._wake.set()

    def say(self, message: ManagerMessage) -> None:
        self._said.append(message)
        self._wake.set()

    def close(self) -> None:
        self._over = True
        self._wake.set()

    async def run(self) -> None:
        """Send until the session is over: `closed`, or another took its place."""
        while not self._over:
            await self._wake.wait()
            self._wake.clear()
            for message in self._next():
                await self._send(message)

    async def receive(self, message: AgentMessage) -> None:
        """Anything heard is a sign of life."""
        self._dispatcher.beat(self.node_id)
        match message:
            case Report():
                self._dispatcher.report(self.node_id, message.tasks)
            case Describe():
                await self._dispatcher.describe(self.node_id, message)
            case LogLines():
                self._dispatcher.streams.lines(message)
            case LogEnd():
                self._dispatcher.streams.end(message)
            case Hello():
                raise SwarmliteError(f"node {self.node_id} said hello twice on one link")
            case Beat():
                pass

    def closed(self, peer_closed: bool) -> None:
        self._dispatcher.detach(self, peer_closed=peer_closed)

    def _next(self) -> list[ManagerMessage]:
        messages: list[ManagerMessage] = []
        if self._dirty and not self._over:
            self._dirty = False
            now = self._dispatcher.node_view(self.node_id)
            message = _whole(self.node_id, now) if self._sent is None else _difference(self._sent, now)
            self._sent = now
            if message is not None:
                messages.append(message)
        said, self._said = self._said, []
        return messages + said


def _whole(node_id: str, now: NodeView) -> Assignments:
    return Assignments(
        node_id=node_id,
        domain=now.domain,
        tasks=tuple(now.tasks.values()),
        networks=tuple(now.networks.values()),
        names=tuple(now.names.values()),
        ingress=now.ingress,
        published=now.published,
    )


def _difference(before: NodeView, now: NodeView) -> Changes | None:
    changes = Changes(
        tasks=tuple(task for task in _new(before.tasks, now.tasks) if _matters(before.tasks.get(task.id), task)),
        gone_tasks=tuple(before.tasks.keys() - now.tasks.keys()),
        networks=_new(before.networks, now.networks),
        gone_networks=tuple(before.networks.keys() - now.networks.keys()),
        names=_new(before.names, now.names),
        gone_names=tuple(before.names.keys() - now.names.keys()),
    )
    if before.published != now.published or before.ingress != now.ingress:
        changes = replace(changes, ingress=now.ingress, published=now.published)
    return None if changes == Changes() else changes


def _new(before: Mapping[str, T], now: Mapping[str, T]) -> tuple[T, ...]:
    return tuple(
        item for id, item in now.items() if (old := before.get(id)) is not item and (old is None or old != item)
    )


def _matters(old: Task | None, new: Task) -> bool:
    """The agent knows a task's status better than we do: only what is desired of it is news."""
    return (
        old is None
        or old.desired_state is not new.desired_state
        or old.spec != new.spec
        or old.networks_attachments != new.networks_attachments
    )
