"""A readiness loop with timers, since asyncio would cost the answering process 8 MiB and twice the time to start."""

import heapq
import itertools
import select
import time
from collections.abc import Callable

READ, WRITE = select.EPOLLIN, select.EPOLLOUT


class Loop:
    """Calls back when a descriptor is ready or a moment has come. A callback may remove any descriptor."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._running = True

    def watch(self, fd: int, events: int, handler: Callable[[], None]) -> None:
        """Call `handler` while the descriptor is ready for `events`; a second call replaces the first."""
        if fd in self._handlers:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._handlers[fd] = handler

    def forget(self, fd: int) -> None:
        if self._handlers.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def after(self, seconds: float, handler: Callable[[], None]) -> None:
        """Call once. There is no cancelling: a handler looks whether it is still wanted."""
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), handler))

    def run(self) -> None:
        """Until `stop`."""
        while self._running:
            self._turn()

    def stop(self) -> None:
        self._running = False

    def _turn(self) -> None:
        wait = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
        for fd, _ in self._epoll.poll(wait):
            if handler := self._handlers.get(fd):
                handler()
        if self._timers:
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                heapq.heappop(self._timers)[2]()
