"""Watches the host's engine: its events are the trigger, a listing now and then is the truth.

An engine that goes away is asked for again until it is back; then all is listed anew.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Protocol

from swarmlite.agent.body import LABEL_NODE, LABEL_TASK
from swarmlite.agent.held import HEALTHY, STARTING, UNHEALTHY, Checked, Ended, Fact, OutOfMemory, Started, Vanished
from swarmlite.agent.together import together
from swarmlite.engine.base import SUBSCRIBED, Container, EngineInfo, Event
from swarmlite.errors import SwarmliteError
from swarmlite.logs import logger

log = logger(__name__)

LIST_EVERY = 12.0
"""Seconds between listings. Events miss nothing while they flow, so this only mends what nobody has foreseen."""

SOONEST, LATEST = 0.1, 1.0
"""Seconds until an engine that is away is asked for again: at first, and in the long run."""


class WatchedEngine(Protocol):
    async def connect(self) -> EngineInfo: ...
    async def list_containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]: ...
    def events(self, filters: Mapping[str, tuple[str, ...]]) -> AsyncIterator[Event]: ...


class Watcher(Protocol):
    """Who wants to know."""

    def engine_back(self, info: EngineInfo) -> None: ...
    def engine_lost(self, why: str) -> None: ...
    def listing_begins(self) -> int: ...
    def listed(self, containers: tuple[Container, ...], mark: int) -> None: ...
    def happened(self, task_id: str, fact: Fact) -> None: ...


class Watch:
    def __init__(self, engine: WatchedEngine, node_id: str, watcher: Watcher) -> None:
        self._engine = engine
        self._labels = {LABEL_NODE: node_id}
        self._filters = {"type": ("container",), "label": (f"{LABEL_NODE}={node_id}",)}
        self._watcher = watcher
        self._pause = SOONEST

    async def run(self) -> None:
        while True:
            subscribed = asyncio.Event()
            try:
                await together(self._follow(subscribed), self._list_now_and_then(subscribed))
            except SwarmliteError as error:
                self._watcher.engine_lost(str(error))
            await asyncio.sleep(self._pause)
            self._pause = min(LATEST, self._pause * 2)

    async def _follow(self, subscribed: asyncio.Event) -> None:
        """Until the engine goes away."""
        info = await self._engine.connect()
        async for event in self._engine.events(self._filters):
            if event is SUBSCRIBED:
                self._pause = SOONEST
                self._watcher.engine_back(info)
                subscribed.set()
            elif (known := fact_of(event)) is not None:
                self._watcher.happened(*known)

    async def _list_now_and_then(self, subscribed: asyncio.Event) -> None:
        await subscribed.wait()
        while True:
            mark = self._watcher.listing_begins()
            self._watcher.listed(await self._engine.list_containers(self._labels), mark)
            await asyncio.sleep(LIST_EVERY)


def fact_of(event: Event) -> tuple[str, Fact] | None:
    """What an event says of which task; None for what does not matter."""
    id = event.attributes.get(LABEL_TASK, "")
    action, _, detail = event.action.partition(": ")
    fact: Fact | None = None
    match action:
        case "start":
            fact = Started(event.id)
        case "die":
            code = event.attributes.get("exitCode", "")
            fact = Ended(event.id, datetime.fromtimestamp(event.time, UTC), int(code) if code.isdigit() else None)
        case "oom":
            fact = OutOfMemory(event.id)
        case "destroy":
            fact = Vanished(event.id)
        case "health_status" if detail in (STARTING, HEALTHY, UNHEALTHY):
            fact = Checked(event.id, detail)
    return (id, fact) if id and fact is not None else None
