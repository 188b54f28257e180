"""The agent's side of the link: keeps one connection to a manager, beats, and sends what is new.

A report that is lost with a connection is made good by the next hello, which carries every task's state. States on the
way to running wait a moment for later ones that overtake them; running and ended ones go out at once.
"""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from swarmlite import settings
from swarmlite.agent.together import together
from swarmlite.errors import SwarmliteError, Unavailable
from swarmlite.logs import logger
from swarmlite.model.states import LAST_ALIVE, ORDER
from swarmlite.protocol.link import (
    AgentMessage,
    Assignments,
    Beat,
    Describe,
    Hello,
    ManagerMessage,
    Report,
    TaskReport,
)

log = logger(__name__)

GATHER = 0.002
"""Seconds that a report waits for others of the same moment."""

LAZY = 0.15
"""Seconds that a state on the way to running waits to be overtaken."""

SOONEST, LATEST = 0.1, 1.5
"""Seconds until a lost manager is dialled again: at first, and in the long run."""


class Socket(Protocol):
    """Whole messages. Both raise Unavailable once the connection is lost."""

    async def send(self, message: bytes) -> None: ...
    async def receive(self) -> bytes: ...


Dial = Callable[[str], AbstractAsyncContextManager[Socket]]
"""Opens a connection to `host:port`; raises Unavailable, in words, where that fails."""


class LinkOwner(Protocol):
    def hello(self) -> Hello: ...
    def link_up(self) -> None: ...
    def link_down(self) -> None: ...
    def receive(self, message: ManagerMessage) -> None: ...


class Link:
    """`chance()`: 0 to 1, spreads the agents' attempts after a manager's restart."""

    def __init__(self, managers: tuple[str, ...], dial: Dial, owner: LinkOwner, chance: Callable[[], float]) -> None:
        self._managers = managers
        self._dial = dial
        self._owner = owner
        self._chance = chance
        self._socket: Socket | None = None
        self._reports: dict[str, TaskReport] = {}
        self._describe: Describe | None = None
        self._pending = asyncio.Event()
        self._urgent = asyncio.Event()
        self._failures = 0
        self._complaint = ""
        self._decoder: msgspec.json.Decoder[ManagerMessage] = msgspec.json.Decoder(ManagerMessage)

    # --- saying something ---

    def report(self, report: TaskReport) -> None:
        """Goes out within milliseconds; the latest of a task is enough."""
        self._reports[report.id] = report
        self._pending.set()
        if ORDER[report.status.state] >= LAST_ALIVE:
            self._urgent.set()

    def describe(self, message: Describe) -> None:
        self._describe = message
        self._pending.set()
        self._urgent.set()

    async def send(self, message: AgentMessage) -> None:
        """At once, and no faster than the manager takes it. Raises Unavailable without a link."""
        if self._socket is None:
            raise Unavailable("there is no link to a manager now")
        await self._socket.send(msgspec.json.encode(message))

    # --- keeping the connection ---

    async def run(self) -> None:
        while True:
            for manager in self._managers:
                try:
                    async with self._dial(manager) as socket:
                        await self._serve(socket, manager)
                except Unavailable as error:
                    self._complain(manager, str(error))
                await asyncio.sleep(self._delay())

    async def _serve(self, socket: Socket, manager: str) -> None:
        """One connection, until it is lost."""
        self._reports.clear()
        self._describe = None
        await socket.send(msgspec.json.encode(self._owner.hello()))
        self._socket = socket
        try:
            await together(self._beat(socket), self._flush(socket), self._take(socket, manager))
        finally:
            self._socket = None
            self._owner.link_down()

    async def _take(self, socket: Socket, manager: str) -> None:
        while True:
            data = await socket.receive()
            try:
                message = self._decoder.decode(data)
            except msgspec.MsgspecError as error:
                log.error("message not understood", manager=manager, error=str(error))
                continue
            if isinstance(message, Assignments):
                log.info("linked", manager=manager, tasks=len(message.tasks), networks=len(message.networks))
                self._failures = 0
                self._complaint = ""
                self._owner.link_up()
            try:
                self._owner.receive(message)
            except SwarmliteError as error:
                log.error("message not taken", manager=manager, error=str(error))

    async def _beat(self, socket: Socket) -> None:
        beat = msgspec.json.encode(Beat())
        while True:
            await asyncio.sleep(settings.BEAT)
            await socket.send(beat)

    async def _flush(self, socket: Socket) -> None:
        while True:
            await self._pending.wait()
            try:
                async with asyncio.timeout(LAZY):
                    await self._urgent.wait()
            except TimeoutError:
                pass
            await asyncio.sleep(GATHER)
            for message in self._due():
                await socket.send(msgspec.json.encode(message))

    def _due(self) -> list[AgentMessage]:
        messages: list[AgentMessage] = []
        if self._describe is not None:
            messages.append(self._describe)
        if self._reports:
            messages.append(Report(tasks=tuple(self._reports.values())))
        self._describe = None
        self._reports.clear()
        self._pending.clear()
        self._urgent.clear()
        return messages

    def _delay(self) -> float:
        longest = min(LATEST, SOONEST * 2.0 ** min(self._failures, 10))
        self._failures += 1
        return longest * (0.5 + self._chance() / 2)

    def _complain(self, manager: str, error: str) -> None:
        """Once for each new reason, or a lost manager would fill the log."""
        if error != self._complaint:
            self._complaint = error
            log.warning("no link", manager=manager, error=error)
