"""The last batches, for watchers. Each watcher keeps only its place, so a slow one costs nothing and blocks nobody."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from swarmlite.errors import Conflict
from swarmlite.model.view import Change
from swarmlite.store.base import Batch

KEPT = 1024
"""Batches at hand; a watcher further behind reads everything again."""


class Feed:
    """`version`: of the last batch."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._batches: deque[Batch] = deque(maxlen=KEPT)
        self._news = asyncio.Event()
        self._closed = False

    def publish(self, changes: tuple[Change, ...], version: int) -> None:
        self._batches.append((version, changes))
        self.version = version
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    async def watch(self, after: int) -> AsyncIterator[Batch]:
        while True:
            news = self._news
            for batch in self._since(after):
                yield batch
                after = batch[0]
            if self._closed:
                return
            if after == self.version:
                await news.wait()

    def _since(self, after: int) -> tuple[Batch, ...]:
        missing = self.version - after
        if missing < 0 or missing > len(self._batches):
            raise Conflict(f"changes after version {after} are no longer at hand (now {self.version}): read again")
        return tuple(self._batches[index] for index in range(len(self._batches) - missing, len(self._batches)))

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
