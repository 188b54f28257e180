"""Answers without end (events, followed logs, pulls) as asynchronous iterators, each with a thread of its own.

Backpressure: the thread reads on only while fewer than `AHEAD` items wait. Leaving the iterator, or cancelling, hangs
up the connection, which frees the thread.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from swarmlite.engine.transport import Call, Transport

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

AHEAD = 512


class _Reader(Generic[T]):
    """The thread's side. Items go to the loop as ("item", x), then once ("end", error or None)."""

    def __init__(self, transport: Transport, call: Call, cut: Callable[[Iterator[bytes]], Iterator[T]]) -> None:
        self._transport = transport
        self._call = call
        self._cut = cut
        self._loop = asyncio.get_running_loop()
        self._response: requests.Response | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._room = threading.Semaphore(AHEAD)
        self.queue: asyncio.Queue[tuple[T, None] | tuple[None, BaseException | None]] = asyncio.Queue()

    def start(self) -> None:
        threading.Thread(target=self._run, name="engine-stream", daemon=True).start()

    def taken(self) -> None:
        self._room.release()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            response = self._response
        self._room.release()
        if response is not None:
            self._transport.hang_up(response)

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._read()
        except BaseException as error:  # noqa: BLE001 - handed to the reader, whatever it is
            failure = error
        self._hand((None, failure))

    def _read(self) -> None:
        response = self._transport.stream(self._call)
        with self._lock:
            self._response = response
            if self._closed:
                response.close()
                return
        with response:
            for item in self._cut(self._transport.chunks(response)):
                self._room.acquire()
                if self._closed:
                    return
                self._hand((item, None))

    def _hand(self, entry: tuple[T, None] | tuple[None, BaseException | None]) -> None:
        if self._closed:
            return
        try:
            self._loop.call_soon_threadsafe(self.queue.put_nowait, entry)
        except RuntimeError:  # the loop has closed: nobody reads
            self._closed = True


async def items(
    transport: Transport, call: Call, cut: Callable[[Iterator[bytes]], Iterator[T]]
) -> AsyncGenerator[T, None]:
    """What `cut` makes of the answer's bytes; it runs in the thread. None must not be an item."""
    reader = _Reader(transport, call, cut)
    reader.start()
    try:
        while True:
            item, failure = await reader.queue.get()
            if item is None:
                if failure is not None:
                    raise failure
                return
            reader.taken()
            yield item
    finally:
        reader.close()
