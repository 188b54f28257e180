"""Pours a group over nodes without spread preferences: fewest tasks of the service, then fewest tasks, then node id.

The result is exactly that of choosing the best node for one task after the other, in far fewer steps.
"""

from collections.abc import Iterable, Set
from heapq import nsmallest
from itertools import islice

from swarmlite.scheduler.demand import Demand
from swarmlite.scheduler.fleet import Fleet, Pool


def fill_idle(fleet: Fleet, demand: Demand, pool: Pool, number: int, shun: Set[int]) -> list[int]:
    """Up to `number` nodes that run nothing of the service yet, one task each. Looks no further than it needs."""
    counts = fleet.counts(demand.service_id)
    members = pool.members
    idle: Iterable[int] = (r for r in fleet.ranking if r in members and r not in counts and r not in shun)
    if not demand.is_unlimited:
        idle = (rank for rank in idle if fleet.room(rank, demand, 1))
    return list(islice(idle, number))


def fill(fleet: Fleet, demand: Demand, ranks: Iterable[int], number: int) -> list[int]:
    """Up to `number` places, level by level: a node is filled up to the next count of tasks of the service with all
    others that stand there. A node that takes several comes several times.
    """
    counts = fleet.counts(demand.service_id)
    room = {rank: fleet.room(rank, demand, number) for rank in ranks}
    joining: dict[int, list[int]] = {}
    for rank, most in room.items():
        if most:
            joining.setdefault(counts.get(rank, 0), []).append(rank)
    places: list[int] = []
    standing: list[int] = []
    level = 0
    while standing or joining:
        level = level if standing else min(joining)
        standing += joining.pop(level, ())
        left = number - len(places)
        if left <= len(standing):
            places += _least_loaded(fleet, standing, counts, level, left)
            break
        places += standing
        level += 1
        standing = [rank for rank in standing if level - counts.get(rank, 0) < room[rank]]
    return places


def _least_loaded(fleet: Fleet, ranks: list[int], counts: dict[int, int], level: int, number: int) -> list[int]:
    """Of nodes that all have been filled up to `level`."""
    if number == len(ranks):
        return ranks
    size, tasks = len(fleet.nodes), fleet.tasks
    keys = [(tasks[rank] + level - counts.get(rank, 0)) * size + rank for rank in ranks]
    return [key % size for key in nsmallest(number, keys)]
