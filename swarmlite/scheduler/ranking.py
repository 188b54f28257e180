"""Nodes ordered by how many tasks they run, then by id, while a few of them change at a time.

Buckets of sorted numbers instead of a heap: most groups take from the front and skip many, and a heap pays for
each skip.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator

_MANY = 8
"""One in so many of a bucket moves: filter it whole."""


class Ranking:
    """`loads[rank]`: how many tasks the node of that rank runs now; ranks are in the order of node ids."""

    def __init__(self, ranks: Iterable[int], loads: list[int]) -> None:
        self._buckets: dict[int, list[int]] = {}
        for rank in sorted(ranks):
            self._buckets.setdefault(loads[rank], []).append(rank)

    def __iter__(self) -> Iterator[int]:
        """Least loaded first. Do not move any meanwhile."""
        for load in sorted(self._buckets):
            yield from self._buckets[load]

    def move(self, ranks: Iterable[int], before: int, after: int) -> None:
        """These ranks, which all ran `before` tasks, run `after` now."""
        moved = sorted(ranks)
        left = self._buckets[before]
        if len(moved) * _MANY > len(left):
            gone = set(moved)
            left = self._buckets[before] = [rank for rank in left if rank not in gone]
        else:
            for rank in moved:
                del left[bisect_left(left, rank)]
        if not left:
            del self._buckets[before]
        self._join(moved, after)

    def _join(self, ranks: list[int], load: int) -> None:
        bucket = self._buckets.setdefault(load, [])
        if len(ranks) * _MANY > len(bucket):
            bucket.extend(ranks)
            bucket.sort()
        else:
            for rank in ranks:
                insort(bucket, rank)
