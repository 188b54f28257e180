"""What a store promises. Nothing outside this room knows which one it has."""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from swarmlite.model.objects import Object
from swarmlite.model.view import Change

Batch = tuple[int, tuple[Change, ...]]
"""What one commit changed, and the version that it made."""


class Store(Protocol):
    async def read(self) -> tuple[int, tuple[Object, ...]]:
        """The version and all objects of that version."""
        ...

    async def commit(self, changes: Sequence[Change], after: int) -> int:
        """Make the changes durable, all or none, and give the new version.

        `after`: the version that the writer saw; Conflict when it is not the current one. A caller that is cancelled
        does not know whether the changes were made.
        """
        ...

    def watch(self, after: int) -> AsyncIterator[Batch]:
        """Every batch since `after`, in order and without a gap, for ever; ends when the store closes.

        Conflict when batches since `after` are no longer at hand (a watcher too slow): read again.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun, let go of all, end the watchers."""
        ...
