"""The shortest statement of the contract; for tests and simulations. Nothing survives the process."""

from collections.abc import AsyncIterator, Sequence

from swarmlite.errors import Conflict, Unavailable
from swarmlite.model.objects import Object
from swarmlite.model.view import Change, Put
from swarmlite.store.base import Batch
from swarmlite.store.feed import Feed


class MemoryStore:
    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], Object] = {}
        self._feed = Feed(0)
        self._closed = False

    async def read(self) -> tuple[int, tuple[Object, ...]]:
        self._check_open()
        return self._feed.version, tuple(self._objects.values())

    async def commit(self, changes: Sequence[Change], after: int) -> int:
        self._check_open()
        if after != self._feed.version:
            raise Conflict(f"the store is at version {self._feed.version}, the writer saw {after}")
        for change in changes:
            if isinstance(change, Put):
                self._objects[change.key] = change.object
            else:
                self._objects.pop(change.key, None)
        self._feed.publish(tuple(changes), after + 1)
        return after + 1

    def watch(self, after: int) -> AsyncIterator[Batch]:
        return self._feed.watch(after)

    async def close(self) -> None:
        self._closed = True
        self._feed.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")
