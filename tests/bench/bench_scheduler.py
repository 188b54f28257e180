"""Placement in memory, the whole way: tasks made and applied, placed, the assignments made and applied.

Run `python -m tests.bench.bench_scheduler`. The peer's figures were measured once, with swarmkit's own scheduler and
in-memory store on such a machine, its tasks grouped as real ones are. Its store encodes what it keeps, so the rows to
hold against it are those that encode too; it also copies records and keeps eight indexes, so the ratio is of what a
user waits for, not of the schedulers alone.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import NamedTuple

from msgspec.structs import replace

from swarmlite.model.codec import encode
from swarmlite.model.objects import Node, NodeDescription, NodeState, NodeStatus, Service, TaskStatus
from swarmlite.model.spec import (
    NodeSpec,
    Placement,
    Reservations,
    Resources,
    ServiceSpec,
    TaskTemplate,
)
from swarmlite.model.states import TaskState
from swarmlite.model.view import Change, Put, View
from swarmlite.plan.actions import AnyAction, CreateTask, Desire
from swarmlite.plan.apply import changes
from swarmlite.plan.placement import place

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZONES = ("a", "b", "c", "d")
ROUNDS = 7
Setup = Callable[[], View]


def cluster(nodes: int, services: int, constrained: bool) -> View:
    view = View()
    described = NodeDescription(resources=Reservations(nano_cpus=64 * 10**9, memory_bytes=256 << 30))
    ready = NodeStatus(state=NodeState.READY)
    hosts = (
        Node(
            id=f"node{number:06}",
            created_at=NOW,
            updated_at=NOW,
            spec=NodeSpec(labels={"zone": ZONES[number % len(ZONES)]}),
            description=described,
            status=ready,
        )
        for number in range(nodes)
    )
    view.apply((Put(node) for node in hosts), 1)
    view.apply((Put(_service(number, constrained)) for number in range(services)), 2)
    return view


def _service(number: int, constrained: bool) -> Service:
    placement = Placement(constraints=(f"node.labels.zone != {ZONES[number % len(ZONES)]}",)) if constrained else None
    resources = Resources(reservations=Reservations(nano_cpus=10**8, memory_bytes=64 << 20)) if constrained else None
    template = TaskTemplate(placement=placement, resources=resources)
    spec = ServiceSpec(name=f"service{number}", task_template=template)
    return Service(id=f"service{number:06}", created_at=NOW, updated_at=NOW, spec=spec)


def deploy(view: View, tasks: int, encoded: bool = False) -> None:
    """All that a deployment does to the state but for making it durable."""
    ids = count(len(view.tasks))
    each = tasks // len(view.services)
    wanted = [CreateTask(service_id=id, slot=slot + 1, why="") for id in view.services for slot in range(each)]
    commit(view, changes(view, wanted, NOW, lambda: f"task{next(ids):07}"), encoded)
    settle(view, encoded)


def settle(view: View, encoded: bool = False) -> None:
    commit(view, changes(view, place(view, "cluster", NOW).actions, NOW, str), encoded)


def commit(view: View, made: Iterable[Change], encoded: bool) -> None:
    if encoded:
        for change in made:
            assert isinstance(change, Put)
            encode(change.object)
    view.apply(made, view.version + 1)


def lose_nodes(view: View, share: float) -> None:
    """What the nodes held is told to stop, and has a successor that waits for a place."""
    lost = list(view.nodes.values())[:: round(1 / share)]
    view.apply((Put(replace(node, status=NodeStatus(state=NodeState.DOWN))) for node in lost), view.version + 1)
    ids = count()
    actions: list[AnyAction] = []
    for node in lost:
        for task in view.tasks_of_node(node.id).values():
            actions.append(Desire(task_id=task.id, state=TaskState.SHUTDOWN, why=""))
            actions.append(CreateTask(service_id=task.service_id, slot=task.slot, why=""))
    view.apply(changes(view, actions, NOW, lambda: f"again{next(ids):07}"), view.version + 1)


def running(view: View) -> View:
    status = TaskStatus(timestamp=NOW, state=TaskState.RUNNING)
    view.apply([Put(replace(task, status=status)) for task in view.tasks.values()], view.version + 1)
    return view


def deployed(nodes: int, tasks: int, services: int, constrained: bool) -> View:
    view = cluster(nodes, services, constrained)
    deploy(view, tasks)
    return running(view)


def degraded(nodes: int, tasks: int, services: int) -> View:
    view = deployed(nodes, tasks, services, False)
    lose_nodes(view, 0.01)
    return view


class Figure(NamedTuple):
    """Milliseconds of processor time, which is what an idle machine takes, whatever else runs on this one. `peer` is
    swarmkit's, 0 where it has none.
    """

    name: str
    least: float
    median: float
    limit: int
    peer: int


def measure(name: str, setup: Setup, run: Callable[[View], None], limit: int, peer: int = 0) -> Figure:
    times = []
    for _ in range(ROUNDS):
        view = setup()
        gc.collect()
        start = time.process_time()
        run(view)
        times.append((time.process_time() - start) * 1000)
        assert not view.unplaced
    return Figure(name, min(times), statistics.median(times), limit, peer)


def figures() -> Iterator[Figure]:
    yield measure(
        "10,000 tasks of 100 services on 1,000 nodes",
        lambda: cluster(1_000, 100, constrained=False),
        lambda view: deploy(view, 10_000),
        300,
    )
    yield measure(
        "  with constraints and reservations, encoded",
        lambda: cluster(1_000, 100, constrained=True),
        lambda view: deploy(view, 10_000, encoded=True),
        300,
        peer=572,
    )
    yield measure(
        "10,000 tasks of 100 services on 10,000 nodes",
        lambda: cluster(10_000, 100, constrained=False),
        lambda view: deploy(view, 10_000),
        296,
    )
    yield measure(
        "  encoded",
        lambda: cluster(10_000, 100, constrained=False),
        lambda view: deploy(view, 10_000, encoded=True),
        296,
        peer=593,
    )
    yield measure("what 1 % of 1,000 nodes held, of 10,000 tasks", lambda: degraded(1_000, 10_000, 100), settle, 50)
    yield measure("what 1 % of 10,000 nodes held, of 10,000 tasks", lambda: degraded(10_000, 10_000, 100), settle, 50)


def main() -> None:
    print(f"{'placement, in memory (ms)':56} {'min':>7} {'median':>7} {'limit':>6} {'':5}{'swarmkit':>8}")
    for name, least, middle, limit, peer in figures():
        beside = f"{peer:6} {peer / middle:5.1f} x" if peer else ""
        print(f"{name:56} {least:7.1f} {middle:7.1f} {limit:6} {'ok' if middle <= limit else 'SLOW':5}{beside}")


if __name__ == "__main__":
    main()
