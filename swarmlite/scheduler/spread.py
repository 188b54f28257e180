"""Pours a group over nodes with spread preferences: level by level of the tree that their values make, the branch with
the fewest tasks of the service that still has room; inside a branch as without preferences.

A node without a label stands in the branch of the empty value, as in Swarm. A branch's tasks are counted on all its
nodes, also on those that take no more.
"""

from collections.abc import Sequence, Set
from heapq import heapify, heappop, heapreplace
from typing import Any

from swarmlite.scheduler.demand import Demand
from swarmlite.scheduler.fleet import Fleet

Path = tuple[str, ...]


class _Leaf:
    """Nodes with equal values; best first."""

    __slots__ = ("heap", "room")

    def __init__(self, nodes: list[tuple[bool, int, int, int]], room: dict[int, int]) -> None:
        heapify(nodes)
        self.heap = nodes
        self.room = room

    @property
    def best(self) -> tuple[Any, ...]:
        return self.heap[0]

    def take(self) -> int:
        shunned, count, load, rank = self.heap[0]
        self.room[rank] -= 1
        if self.room[rank]:
            heapreplace(self.heap, (shunned, count + 1, load + 1, rank))
        else:
            heappop(self.heap)
        return rank


class _Branch:
    """The branches below, each with its tasks and its best node; fewest tasks first."""

    __slots__ = ("heap",)

    def __init__(self, below: list[tuple[int, "_Branch | _Leaf"]]) -> None:
        self.heap = [(count, branch.best, branch) for count, branch in below]
        heapify(self.heap)

    @property
    def best(self) -> tuple[Any, ...]:
        return self.heap[0][:2]

    def take(self) -> int:
        count, _, branch = self.heap[0]
        rank = branch.take()
        if branch.heap:
            heapreplace(self.heap, (count + 1, branch.best, branch))
        else:
            heappop(self.heap)
        return rank


def spread(fleet: Fleet, demand: Demand, ranks: Sequence[int], number: int, shun: Set[int]) -> list[int]:
    """Up to `number` places, in the order in which one task after the other takes them."""
    tree = _tree(fleet, demand, ranks, number, shun)
    places: list[int] = []
    while tree.heap and len(places) < number:
        places.append(tree.take())
    return places


def _tree(fleet: Fleet, demand: Demand, ranks: Sequence[int], number: int, shun: Set[int]) -> "_Branch | _Leaf":
    columns = [fleet.column(key) for key in demand.spread]
    counts, tasks = fleet.counts(demand.service_id), fleet.tasks
    leaves: dict[Path, list[tuple[bool, int, int, int]]] = {}
    room: dict[int, int] = {}
    for rank in ranks:
        most = fleet.room(rank, demand, number)
        if most:
            room[rank] = most
            path = tuple(column[rank] for column in columns)
            leaves.setdefault(path, []).append((rank in shun, counts.get(rank, 0), tasks[rank], rank))
    level: dict[Path, _Branch | _Leaf] = {path: _Leaf(nodes, room) for path, nodes in leaves.items()}
    for depth in range(len(columns), 0, -1):
        held = _held(counts, columns[:depth])
        below: dict[Path, list[tuple[int, _Branch | _Leaf]]] = {}
        for path, branch in level.items():
            below.setdefault(path[:-1], []).append((held.get(path, 0), branch))
        level = {path: _Branch(branches) for path, branches in below.items()}
    return level.get((), _Branch([]))


def _held(counts: dict[int, int], columns: list[list[str]]) -> dict[Path, int]:
    """Tasks of the service in each branch of one depth."""
    held: dict[Path, int] = {}
    for rank, count in counts.items():
        path = tuple(column[rank] for column in columns)
        held[path] = held.get(path, 0) + count
    return held
