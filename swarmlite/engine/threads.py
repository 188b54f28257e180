"""Threads for the SDK's blocking calls.

Not `concurrent.futures`: its threads are joined when the interpreter exits, so one call to an engine that hangs would
keep a stopped daemon alive. These are daemon threads, started only as calls come in.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Callable[[], Any]]


class Workers:
    """At most `size` calls at a time; the others wait their turn."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = 0
        self._busy = 0

    async def run(self, function: Callable[[], T]) -> T:
        """`function()` in a thread. Cancelling frees the caller; a call that has begun goes on unseen."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._busy += 1
        if self._busy > self._threads and self._threads < self._size:
            self._threads += 1
            threading.Thread(target=self._work, name=f"{self._name}-{self._threads}", daemon=True).start()
        self._jobs.put((loop, future, function))
        return await future

    def close(self) -> None:
        """Lets the threads end once their calls have."""
        for _ in range(self._threads):
            self._jobs.put(None)
        self._threads = 0

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            loop, future, function = job
            result: Any = None
            failure: BaseException | None = None
            if not future.cancelled():
                try:
                    result = function()
                except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
                    failure = error
            try:
                loop.call_soon_threadsafe(self._settle, future, result, failure)
            except RuntimeError:  # the loop has closed: nobody waits
                return

    def _settle(self, future: "asyncio.Future[Any]", result: object, failure: BaseException | None) -> None:
        self._busy -= 1
        if future.cancelled():
            return
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(result)
