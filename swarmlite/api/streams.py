"""The logs of many tasks as one stream: in the order of time while reading what is there, as they come when following.

A task whose host cannot be asked does not spoil the others: its reason comes at the end, as Docker Swarm does it.
"""

import asyncio
import heapq
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import AsyncExitStack, aclosing
from typing import NamedTuple

from swarmlite.api.backend import Logs
from swarmlite.control.logs import LogLine, LogQuery
from swarmlite.errors import SwarmliteError, Unavailable
from swarmlite.model.objects import NodeState, Task
from swarmlite.model.states import TaskState
from swarmlite.model.view import View

_AHEAD = 4096  # lines read ahead of each task: one whose lines are all newer waits for the others
_POLL = 10.0  # seconds between looks for new tasks when nothing changes


class LogOptions(NamedTuple):
    """`tail` None: all lines of each task. `since`: Unix seconds."""

    follow: bool = False
    tail: int | None = None
    since: float = 0.0


class Missing(NamedTuple):
    """Why some lines of a task are not there."""

    task_id: str
    reason: str


Item = LogLine | Missing
Choose = Callable[[View], Iterable[Task]]


def has_logs(task: Task) -> bool:
    """Whether a container of this task was ever made."""
    container = task.status.container_status
    made = container is not None and bool(container.container_id)
    return bool(task.node_id) and (made or task.status.state in (TaskState.STARTING, TaskState.RUNNING))


def check_reachable(view: View, task_id: str) -> None:
    """A host that is down would be passed over in silence; we say so instead."""
    task = view.tasks.get(task_id)
    host = view.nodes.get(task.node_id) if task else None
    if host is not None and host.status.state is NodeState.DOWN:
        raise Unavailable(f"node {host.name} is down, and its containers' logs are there")


async def merged(backend: Logs, choose: Choose, options: LogOptions) -> AsyncGenerator[Item, None]:
    """Lines of all tasks that `choose` picks from the view; with `follow` also of those that it picks later."""
    source = _followed(backend, choose, options) if options.follow else _ordered(backend, choose, options)
    async with aclosing(source) as items:
        async for item in items:
            yield item


async def _ordered(backend: Logs, choose: Choose, options: LogOptions) -> AsyncGenerator[Item, None]:
    missing: list[Missing] = []
    async with AsyncExitStack() as pumps:
        queues = []
        for task in filter(has_logs, choose(backend.view)):
            queue: asyncio.Queue[Item | None] = asyncio.Queue(_AHEAD)
            pump = await pumps.enter_async_context(_Pumps(queue))
            pump.start(backend, task.id, options)
            queues.append(queue)
        heads: list[tuple[str, int, LogLine]] = []

        async def advance(number: int) -> None:
            item = await queues[number].get()
            while isinstance(item, Missing):
                missing.append(item)
                item = await queues[number].get()
            if item is not None:
                heapq.heappush(heads, (item.stamp, number, item))

        for number in range(len(queues)):
            await advance(number)
        while heads:
            _, number, line = heapq.heappop(heads)
            yield line
            await advance(number)
    for one in missing:
        yield one


async def _followed(backend: Logs, choose: Choose, options: LogOptions) -> AsyncGenerator[Item, None]:
    queue: asyncio.Queue[Item | None] = asyncio.Queue(_AHEAD)
    async with _Pumps(queue) as pumps:
        pumps.watch(backend, choose, options)
        while True:
            item = await queue.get()
            if item is not None:
                yield item


class _Pumps:
    """Reads tasks' logs into one queue, each by an asyncio task that ends with this context. None marks an end."""

    def __init__(self, queue: asyncio.Queue[Item | None]) -> None:
        self._queue = queue
        self._running: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> "_Pumps":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    def start(self, backend: Logs, task_id: str, options: LogOptions) -> None:
        if task_id not in self._running:
            query = LogQuery(task_ids=(task_id,), follow=options.follow, tail=options.tail, since=options.since)
            self._running[task_id] = asyncio.create_task(self._read(backend, query))

    def watch(self, backend: Logs, choose: Choose, options: LogOptions) -> None:
        self._running["watch"] = asyncio.create_task(self._look(backend, choose, options))

    async def _look(self, backend: Logs, choose: Choose, options: LogOptions) -> None:
        """Tasks found at the first look show their tail; those born later show all they have."""
        while True:
            version = backend.view.version
            for task in choose(backend.view):
                if has_logs(task):
                    self.start(backend, task.id, options)
            options = options._replace(tail=None)
            await backend.wait_for_change(version, _POLL)

    async def _read(self, backend: Logs, query: LogQuery) -> None:
        try:
            check_reachable(backend.view, query.task_ids[0])
            async for line in backend.logs(query):
                await self._queue.put(line)
        except SwarmliteError as error:
            await self._queue.put(Missing(query.task_ids[0], error.message))
        await self._queue.put(None)
