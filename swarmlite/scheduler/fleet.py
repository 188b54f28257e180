"""The nodes as the scheduler fills them: a working copy of their loads that lives for one run.

Nodes are numbers here (their rank in the order of ids) and their loads are columns, since a run asks little of
very many.
"""

from collections.abc import Hashable, Iterable, Sequence
from functools import cached_property

from swarmlite.model.constraint import Constraint
from swarmlite.model.load import HostPort, Loads
from swarmlite.model.objects import Node, NodeState
from swarmlite.model.spec import Availability
from swarmlite.scheduler.constraints import fits_platform, meets, value
from swarmlite.scheduler.demand import Demand
from swarmlite.scheduler.ranking import Ranking

Platforms = tuple[tuple[str, str], ...]


class Pool:
    """The nodes that pass the filters which no placement changes. `ranks` in order."""

    __slots__ = ("members", "ranks")

    def __init__(self, ranks: Sequence[int]) -> None:
        self.ranks = ranks
        self.members = frozenset(ranks)


class Fleet:
    """`exhausted`: shapes of demands that no node has room for any more."""

    def __init__(self, nodes: Iterable[Node], loads: Loads) -> None:
        self.nodes = sorted(nodes, key=lambda node: node.id)
        self.rank_of = {node.id: rank for rank, node in enumerate(self.nodes)}
        self._start = [loads.of_node(node.id) for node in self.nodes]
        self._loads = loads
        self.tasks = [load.tasks for load in self._start]
        self._counts: dict[str, dict[int, int]] = {}
        self._ports: dict[int, set[HostPort]] = {}
        self._columns: dict[str, list[str]] = {}
        self._classes: dict[str, dict[str, list[int]]] = {}
        self._pools: dict[tuple[tuple[Constraint, ...], Platforms], Pool] = {}
        self.exhausted: set[Hashable] = set()

    # --- what no placement changes ---

    @cached_property
    def open(self) -> Pool:
        """Nodes that take new tasks."""
        return Pool([rank for rank, node in enumerate(self.nodes) if is_open(node)])

    def column(self, key: str) -> list[str]:
        """Every node's value for `key`, by rank."""
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = [value(node, key) for node in self.nodes]
        return column

    def pool(self, demand: Demand) -> Pool:
        """Open nodes that meet the constraints and the platform: settled once per class of nodes that look alike."""
        key = demand.constraints, demand.platforms
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = self._select(*key)
        return pool

    def _select(self, constraints: tuple[Constraint, ...], platforms: Platforms) -> Pool:
        if not constraints and not platforms:
            return self.open
        ranks = self.open.members
        for constraint in constraints:
            classes = self._classes_by(constraint.key)
            fitting = [members for value, members in classes.items() if meets(constraint, value)]
            ranks = ranks.intersection(*fitting) if len(fitting) == 1 else ranks.intersection(set().union(*fitting))
        if platforms:
            systems, machines = self.column("node.platform.os"), self.column("node.platform.arch")
            fits = {pair: fits_platform(platforms, *pair) for pair in set(zip(systems, machines, strict=True))}
            ranks = frozenset(rank for rank in ranks if fits[systems[rank], machines[rank]])
        return Pool(sorted(ranks))

    def _classes_by(self, key: str) -> dict[str, list[int]]:
        classes = self._classes.get(key)
        if classes is None:
            classes = self._classes[key] = {}
            for rank, text in enumerate(self.column(key)):
                classes.setdefault(text, []).append(rank)
        return classes

    # --- what placement uses up ---

    @cached_property
    def free_cpus(self) -> list[int]:
        pairs = zip(self.nodes, self._start, strict=True)
        return [node.description.resources.nano_cpus - load.nano_cpus for node, load in pairs]

    @cached_property
    def free_memory(self) -> list[int]:
        pairs = zip(self.nodes, self._start, strict=True)
        return [node.description.resources.memory_bytes - load.memory_bytes for node, load in pairs]

    @cached_property
    def ranking(self) -> Ranking:
        """Open nodes, least loaded first."""
        return Ranking(self.open.ranks, self.tasks)

    def counts(self, service_id: str) -> dict[int, int]:
        """Rank -> tasks of the service that should run there; nodes without any are absent."""
        counts = self._counts.get(service_id)
        if counts is None:
            active = self._loads.active(service_id).items()
            rank_of = self.rank_of
            counts = {rank_of[node_id]: number for node_id, number in active if node_id in rank_of}
            self._counts[service_id] = counts
        return counts

    def has_port(self, rank: int, port: HostPort) -> bool:
        """Whether the port is free there."""
        return port not in self._start[rank].ports and port not in self._ports.get(rank, ())

    def room(self, rank: int, demand: Demand, most: int) -> int:
        """How many such tasks the node takes yet, at most `most`."""
        room = most
        if demand.nano_cpus:
            room = min(room, self.free_cpus[rank] // demand.nano_cpus)
        if demand.memory_bytes:
            room = min(room, self.free_memory[rank] // demand.memory_bytes)
        if demand.ports:
            room = min(room, 1) if all(self.has_port(rank, port) for port in demand.ports) else 0
        if demand.max_replicas:
            room = min(room, demand.max_replicas - self.counts(demand.service_id).get(rank, 0))
        return max(room, 0)

    def has_room(self, demand: Demand, ranks: Iterable[int]) -> bool:
        """Whether any of these nodes takes one such task more."""
        return any(self.room(rank, demand, 1) for rank in ranks)

    def take(self, ranks: Sequence[int], demand: Demand) -> None:
        """One such task more on each; a rank may come several times."""
        self._shift(ranks, demand, 1)
        if demand.ports:
            for rank in ranks:
                self._ports.setdefault(rank, set()).update(demand.ports)

    def give_back(self, rank: int, demand: Demand) -> None:
        """Undo one `take`."""
        self.exhausted.clear()
        self._shift((rank,), demand, -1)
        if demand.ports:
            self._ports[rank].difference_update(demand.ports)

    def _shift(self, ranks: Sequence[int], demand: Demand, sign: int) -> None:
        counts = self.counts(demand.service_id)
        more: dict[int, int] = {}
        for rank in ranks:
            more[rank] = more.get(rank, 0) + sign
        self._rerank(more)
        for rank, number in more.items():
            self.tasks[rank] += number
            counts[rank] = counts.get(rank, 0) + number
            if not counts[rank]:
                del counts[rank]
            if demand.nano_cpus:
                self.free_cpus[rank] -= number * demand.nano_cpus
            if demand.memory_bytes:
                self.free_memory[rank] -= number * demand.memory_bytes

    def _rerank(self, more: dict[int, int]) -> None:
        """Keep the ranking true, where there is one."""
        if "ranking" not in self.__dict__:
            return
        moves: dict[tuple[int, int], list[int]] = {}
        members = self.open.members
        for rank, number in more.items():
            if rank in members:
                moves.setdefault((self.tasks[rank], number), []).append(rank)
        for (before, number), ranks in moves.items():
            self.ranking.move(ranks, before, before + number)


def is_open(node: Node) -> bool:
    ready = node.status.state is NodeState.READY and not node.engine_error
    return ready and node.spec.availability is Availability.ACTIVE
