"""The view kept equal to the store: made durable first, then applied, then told to listeners.

Every write goes through `transact`, which decides and commits under one lock, so a decision is never made on a view
older than the write before it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from swarmlite.errors import Conflict
from swarmlite.model.view import Change, View
from swarmlite.store.base import Store

T = TypeVar("T")

Listener = Callable[[Sequence[Change]], None]


class Mirror:
    """`view` is for reading. Use `open`; a mirror is the only writer of its store."""

    def __init__(self, store: Store, view: View) -> None:
        self.view = view
        self._store = store
        self._lock = asyncio.Lock()
        self._listeners: list[Listener] = []
        self._moved = asyncio.Condition()

    @classmethod
    async def open(cls, store: Store) -> "Mirror":
        version, objects = await store.read()
        return cls(store, View(objects, version))

    async def transact(self, decide: Callable[[View], tuple[Sequence[Change], T]]) -> T:
        """Run `decide` on the current view and make its changes durable; answers what `decide` answered beside them.

        A cancelled caller does not tear the write: what reached the store is applied too.
        """
        async with self._lock:
            changes, result = decide(self.view)
            if changes:
                await _unbroken(self._commit(changes))
        return result

    async def commit(self, changes: Sequence[Change]) -> None:
        await self.transact(lambda _: (changes, None))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after each batch, in order; it must not block. Answers how to stop it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def wait_beyond(self, version: int, timeout: float) -> int:
        """Wait until the view is newer than `version`, at most `timeout` seconds; answers the version it has."""
        try:
            async with asyncio.timeout(timeout), self._moved:
                await self._moved.wait_for(lambda: self.view.version > version)
        except TimeoutError:
            pass
        return self.view.version

    async def _commit(self, changes: Sequence[Change]) -> None:
        try:
            version = await self._store.commit(changes, after=self.view.version)
        except Conflict as conflict:
            raise Conflict("another manager writes to this data directory; stop one of them") from conflict
        self.view.apply(changes, version)
        for listener in tuple(self._listeners):
            listener(changes)
        async with self._moved:
            self._moved.notify_all()


async def _unbroken(work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
