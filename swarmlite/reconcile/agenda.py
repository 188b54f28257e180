"""Which names are due, and when. Deduplicates; a failed name backs off by itself and always comes back.

Not a queue of events: a name is here or not, however often it was touched.
"""

import heapq
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 30.0


Name = TypeVar("Name", bound=Hashable)


class Agenda(Generic[Name]):
    """Times are seconds on the caller's clock, monotonic."""

    def __init__(self) -> None:
        self._due: dict[Name, float] = {}
        self._heap: list[tuple[float, int, Name]] = []
        self._failures: dict[Name, int] = {}
        self._sequence = 0

    def add(self, name: Name, at: float) -> None:
        """Look at `name` at time `at`, or earlier if it was due earlier."""
        current = self._due.get(name)
        if current is not None and current <= at:
            return
        self._due[name] = at
        self._sequence += 1
        heapq.heappush(self._heap, (at, self._sequence, name))

    def next_at(self) -> float | None:
        """When the next name is due; None for never."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> tuple[Name, ...]:
        """All names due by `now`, in the order in which they became due."""
        taken = []
        while (at := self.next_at()) is not None and at <= now:
            name = heapq.heappop(self._heap)[2]
            del self._due[name]
            taken.append(name)
        return tuple(taken)

    def failed(self, names: Iterable[Name], now: float) -> None:
        """Put names back after a failure, each after twice the time of its failure before."""
        for name in names:
            count = self._failures.get(name, 0)
            self._failures[name] = count + 1
            self.add(name, now + min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**count))

    def succeeded(self, names: Iterable[Name]) -> None:
        for name in names:
            self._failures.pop(name, None)
