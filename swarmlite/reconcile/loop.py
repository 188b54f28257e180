"""The endless loop, as dumb as it can be: wait until a name is due, give the due names to `turn`, look again.

`turn` is a function of its own with its own tests; a turn that fails is logged and its names come back after a while.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic

from swarmlite.errors import SwarmliteError
from swarmlite.logs import logger
from swarmlite.reconcile.agenda import Agenda, Name

log = logger(__name__)


class Loop(Generic[Name]):
    """`turn` takes the names that are due and answers when (seconds on the clock) to look at some of them again, or
    None for one that failed: that one comes back later and later.
    """

    def __init__(
        self,
        turn: Callable[[tuple[Name, ...]], Awaitable[Mapping[Name, float | None]]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._turn = turn
        self._clock = clock
        self._agenda: Agenda[Name] = Agenda()
        self._touched = asyncio.Event()

    def touch(self, names: Iterable[Name]) -> None:
        """Something about these names has changed: look at them now."""
        now = self._clock()
        for name in names:
            self._agenda.add(name, now)
        self._touched.set()

    async def run(self) -> None:
        while True:
            await self._until_due()
            await self.once()

    async def once(self) -> None:
        """One turn over what is due now."""
        now = self._clock()
        names = self._agenda.take(now)
        if not names:
            return
        try:
            again = await self._turn(names)
        except SwarmliteError as error:
            log.error("turn failed", names=len(names), error=str(error))
            self._agenda.failed(names, now)
            return
        failed = {name for name, at in again.items() if at is None}
        self._agenda.succeeded(name for name in names if name not in failed)
        self._agenda.failed(failed, now)
        for name, at in again.items():
            if at is not None:
                self._agenda.add(name, at)

    async def _until_due(self) -> None:
        self._touched.clear()
        at = self._agenda.next_at()
        if at is None:
            await self._touched.wait()
            return
        delay = at - self._clock()
        if delay <= 0:
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(delay):
                await self._touched.wait()
        except TimeoutError:
            pass
