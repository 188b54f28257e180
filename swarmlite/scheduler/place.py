"""Chooses nodes for a group of equal tasks, and marks them taken in the fleet.

Order: spread preferences; a node where the service keeps failing last; fewest tasks of the service; fewest tasks; id.
"""

from collections import Counter
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from swarmlite.model.objects import Task
from swarmlite.scheduler.demand import Demand
from swarmlite.scheduler.fill import fill, fill_idle
from swarmlite.scheduler.fleet import Fleet, Pool
from swarmlite.scheduler.spread import spread

FAILURES = 5
"""So many failures of a service on a node within `FAILURE_WINDOW` put the node last: Swarm's own numbers."""

FAILURE_WINDOW = timedelta(minutes=5)

_SHARE = 8
"""A pool of more than one in so many nodes is looked at in the fleet's own order, no further than needed; a smaller one
is looked through whole.
"""


def place(fleet: Fleet, demand: Demand, number: int, failing: AbstractSet[int] = frozenset()) -> list[int]:
    """Up to `number` places, as ranks, taken at once; fewer than `number` means that no node takes any more.
    `failing`: ranks of nodes where the service keeps failing.
    """
    if not demand.is_unlimited and demand.shape in fleet.exhausted:
        return []
    pool = fleet.pool(demand)
    places = (
        _spread(fleet, demand, pool, number, failing) if demand.spread else _even(fleet, demand, pool, number, failing)
    )
    if len(places) < number:
        fleet.exhausted.add(demand.shape)
    return places


def _spread(fleet: Fleet, demand: Demand, pool: Pool, number: int, failing: AbstractSet[int]) -> list[int]:
    places = spread(fleet, demand, pool.ranks, number, failing)
    fleet.take(places, demand)
    return places


def _even(fleet: Fleet, demand: Demand, pool: Pool, number: int, failing: AbstractSet[int]) -> list[int]:
    places = _pour(fleet, demand, pool, number, failing)
    if failing and len(places) < number:
        shunned = fill(fleet, demand, sorted(failing & pool.members), number - len(places))
        fleet.take(shunned, demand)
        places += shunned
    return places


def _pour(fleet: Fleet, demand: Demand, pool: Pool, number: int, shun: AbstractSet[int]) -> list[int]:
    places: list[int] = []
    if len(pool.ranks) * _SHARE > len(fleet.nodes):
        places = fill_idle(fleet, demand, pool, number, shun)
        fleet.take(places, demand)
    if len(places) < number:
        rest = fill(fleet, demand, [rank for rank in pool.ranks if rank not in shun], number - len(places))
        fleet.take(rest, demand)
        places += rest
    return places


def failing_nodes(fleet: Fleet, failures: Mapping[str, Task], now: datetime) -> AbstractSet[int]:
    """Ranks of nodes where so many of these failed tasks failed lately that others are better."""
    if len(failures) < FAILURES:
        return frozenset()
    recent = Counter(task.node_id for task in failures.values() if now - task.status.timestamp <= FAILURE_WINDOW)
    ranks = fleet.rank_of
    return frozenset(ranks[node] for node, number in recent.items() if number >= FAILURES and node in ranks)
