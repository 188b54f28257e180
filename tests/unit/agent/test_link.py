"""The link over a real WebSocket, to a small manager in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec
import pytest
from aiohttp import WSMsgType, web

from swarmlite.agent.dial import PATH, Dialer
from swarmlite.agent.link import Link
from swarmlite.errors import Unavailable
from swarmlite.model.objects import NodeDescription, TaskStatus
from swarmlite.model.states import TaskState
from swarmlite.protocol.link import (
    AgentMessage,
    Assignments,
    Beat,
    Changes,
    Hello,
    LogEnd,
    ManagerMessage,
    Report,
    TaskReport,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Manager:
    """Takes every message, answers a hello with empty assignments. `sockets`: open links."""

    def __init__(self) -> None:
        self.heard: list[AgentMessage] = []
        self.sockets: list[web.WebSocketResponse] = []

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for frame in socket:
            assert frame.type is WSMsgType.BINARY
            message = msgspec.json.decode(frame.data, type=AgentMessage)
            self.heard.append(message)
            if isinstance(message, Hello):
                await socket.send_bytes(msgspec.json.encode(Assignments(node_id="n", domain="d")))
        self.sockets.remove(socket)
        return socket

    def count(self, kind: type[AgentMessage]) -> int:
        return sum(isinstance(message, kind) for message in self.heard)


class Owner:
    def __init__(self) -> None:
        self.received: list[ManagerMessage] = []
        self.ups = 0
        self.downs = 0

    def hello(self) -> Hello:
        return Hello(description=NodeDescription(hostname="h"), address="192.0.2.1", now=NOW)

    def link_up(self) -> None:
        self.ups += 1

    def link_down(self) -> None:
        self.downs += 1

    def receive(self, message: ManagerMessage) -> None:
        self.received.append(message)


@asynccontextmanager
async def served(manager: Manager, port: int = 0) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get(PATH, manager.link)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        for socket in tuple(manager.sockets):
            await socket.close()
        await runner.cleanup()


@asynccontextmanager
async def linked(port: int) -> AsyncIterator[tuple[Link, Owner]]:
    owner = Owner()
    link = Link((f"127.0.0.1:{port}",), Dialer(None), owner, chance=lambda: 0.0)
    task = asyncio.create_task(link.run())
    try:
        yield link, owner
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - the other end is a real socket
            await asyncio.sleep(0.005)


def report(id: str, state: TaskState) -> TaskReport:
    return TaskReport(id=id, status=TaskStatus(timestamp=NOW, state=state))


async def test_it_says_hello_beats_and_takes_what_is_sent() -> None:
    manager = Manager()
    async with served(manager) as port, linked(port) as (_, owner):
        await until(lambda: owner.ups == 1)
        assert isinstance(manager.heard[0], Hello)
        await manager.sockets[0].send_str(msgspec.json.encode(Changes(gone_tasks=("x",))).decode())
        await until(lambda: Changes(gone_tasks=("x",)) in owner.received)
        await until(lambda: manager.count(Beat) >= 2)


async def test_the_latest_state_of_a_task_overtakes_those_before_it() -> None:
    manager = Manager()
    async with served(manager) as port, linked(port) as (link, owner):
        await until(lambda: owner.ups == 1)
        for state in (TaskState.PREPARING, TaskState.STARTING, TaskState.RUNNING):
            link.report(report("t1", state))
        link.report(report("t2", TaskState.FAILED))
        await until(lambda: manager.count(Report) == 1)
        sent = next(message for message in manager.heard if isinstance(message, Report))
        assert {it.id: it.status.state for it in sent.tasks} == {"t1": TaskState.RUNNING, "t2": TaskState.FAILED}


async def test_a_lost_link_is_made_again_and_begins_with_hello() -> None:
    manager = Manager()
    async with served(manager) as port, linked(port) as (link, owner):
        await until(lambda: owner.ups == 1)
        await manager.sockets[0].close()
        await until(lambda: owner.ups == 2)
        assert owner.downs == 1
        assert manager.count(Hello) == 2
        await link.send(LogEnd(request="r"))
        await until(lambda: manager.count(LogEnd) == 1)


async def test_a_manager_that_comes_later_is_found() -> None:
    manager = Manager()
    async with served(Manager()) as port:
        pass
    async with linked(port) as (link, owner):
        await asyncio.sleep(0.3)
        with pytest.raises(Unavailable, match="no link"):
            await link.send(LogEnd(request="r"))
        async with served(manager, port):
            await until(lambda: owner.ups == 1)


async def test_a_message_of_a_newer_manager_does_not_end_the_link() -> None:
    manager = Manager()
    async with served(manager) as port, linked(port) as (_, owner):
        await until(lambda: owner.ups == 1)
        await manager.sockets[0].send_bytes(b'{"type":"Novelty"}')
        await manager.sockets[0].send_bytes(msgspec.json.encode(Changes(gone_tasks=("y",))))
        await until(lambda: Changes(gone_tasks=("y",)) in owner.received)
        assert owner.downs == 0
