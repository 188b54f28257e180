"""Gives every waiting task a node and its addresses, or says why it has to wait.

All of them in one plan: it is what one run of the scheduler is for. Tasks of global services come with their node and
are only checked against it; they go first, since they have no choice.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from swarmlite.errors import InvalidArgument
from swarmlite.model.objects import Task
from swarmlite.model.view import View
from swarmlite.plan.actions import Assign, Explain, Plan
from swarmlite.plan.attachments import Attacher, targets
from swarmlite.plan.order import waits_for
from swarmlite.scheduler import place as scheduler
from swarmlite.scheduler.demand import Demand, demand_of
from swarmlite.scheduler.explain import explain
from swarmlite.scheduler.filters import refusal
from swarmlite.scheduler.fleet import Fleet


def place(view: View, name: str, now: datetime) -> Plan:
    """The whole cluster's waiting tasks; `name` is always the cluster's."""
    return _Run(view, now).plan() if view.unplaced else Plan()


class _Run:
    """One plan in the making. What fits nowhere is explained last, when everything else has its place, so that the same
    state always gives the same words.
    """

    def __init__(self, view: View, now: datetime) -> None:
        self._view = view
        self._now = now
        self._fleet = Fleet(view.nodes.values(), view.loads)
        self._attacher = Attacher(view)
        self._actions: list[Assign | Explain] = []
        self._unfit: list[tuple[Demand, list[Task]]] = []
        self._refused: list[tuple[Demand, Task]] = []
        self._without_address: list[tuple[Demand, Task, int]] = []
        self._texts: dict[tuple[Demand, tuple[int, ...] | None], str] = {}

    def plan(self) -> Plan:
        bound = [task for task in self._view.unplaced.values() if task.node_id]
        free = [task for task in self._view.unplaced.values() if not task.node_id]
        for demand, tasks in self._groups(bound):
            self._check(demand, tasks)
        for demand, tasks in self._groups(free):
            self._pour(demand, tasks)
        self._explain_unfit()
        return Plan((*self._attacher.settled(), *self._actions))  # a host has its gateway before its first task

    def _groups(self, tasks: Iterable[Task]) -> Iterator[tuple[Demand, list[Task]]]:
        """Tasks that ask for the same, once they may start at all."""
        for service_id, members in _by_service(tasks).items():
            service = self._view.services.get(service_id)
            if service is None:
                continue
            waits = waits_for(self._view, service)
            for alike in _alike(members):
                why = waits or self._attacher.why_not(alike[0])
                try:
                    demand = demand_of(alike[0])
                except InvalidArgument as error:
                    why = error.message
                if why is None:
                    yield demand, alike
                else:
                    self._explain(alike, why)

    def _check(self, demand: Demand, tasks: list[Task]) -> None:
        """Tasks whose node is settled."""
        for task in tasks:
            rank = self._fleet.rank_of.get(task.node_id)
            if rank is None:
                continue
            if refusal(self._fleet, rank, demand) is None:
                self._fleet.take((rank,), demand)
                self._assign(task, rank, demand, "one on every node")
            else:
                self._refused.append((demand, task))

    def _pour(self, demand: Demand, tasks: list[Task]) -> None:
        failures = self._view.failures_of_service(demand.service_id)
        failing = scheduler.failing_nodes(self._fleet, failures, self._now)
        places = scheduler.place(self._fleet, demand, len(tasks), failing)
        why = f"fewest tasks of {tasks[0].swarmlite.service_name}"
        for task, rank in zip(tasks, places, strict=False):
            self._assign(task, rank, demand, why)
        if len(places) < len(tasks):
            self._unfit.append((demand, tasks[len(places) :]))

    def _assign(self, task: Task, rank: int, demand: Demand, why: str) -> None:
        node_id = self._fleet.nodes[rank].id
        if not targets(task):
            self._actions.append(Assign(why=why, task_id=task.id, node_id=node_id))
            return
        if self._attacher.why_full(task, node_id) is not None:
            self._fleet.give_back(rank, demand)
            other = self._with_address(task, demand)
            if other is None:
                self._without_address.append((demand, task, rank))
                return
            self._fleet.take((other,), demand)
            node_id = self._fleet.nodes[other].id
        attachments = self._attacher.attach(task, node_id)
        self._actions.append(Assign(why=why, task_id=task.id, node_id=node_id, attachments=attachments))

    def _with_address(self, task: Task, demand: Demand) -> int | None:
        """Another node for a task whose node would need an address more than there are: one that has its gateway."""
        if task.node_id or not self._attacher.has_any(task):
            return None
        fleet, counts = self._fleet, self._fleet.counts(demand.service_id)
        fitting = (
            rank
            for rank in fleet.pool(demand).ranks
            if fleet.room(rank, demand, 1) and self._attacher.why_full(task, fleet.nodes[rank].id) is None
        )
        return min(fitting, key=lambda rank: (counts.get(rank, 0), fleet.tasks[rank], rank), default=None)

    def _explain_unfit(self) -> None:
        for demand, task in self._refused:
            self._explain((task,), self._text(demand, (self._fleet.rank_of[task.node_id],)))
        for demand, tasks in self._unfit:
            self._explain(tasks, self._text(demand))
        for demand, task, rank in self._without_address:
            full = self._attacher.why_full(task, self._fleet.nodes[rank].id)
            own = (rank,) if task.node_id else None
            fits = self._fleet.has_room(demand, own or self._fleet.pool(demand).ranks)
            self._explain((task,), full if fits and full else self._text(demand, own))

    def _text(self, demand: Demand, ranks: tuple[int, ...] | None = None) -> str:
        """Services that ask for the same share the looking through all nodes."""
        key = demand.shape, ranks
        if key not in self._texts:
            self._texts[key] = explain(self._fleet, demand, ranks)
        return self._texts[key]

    def _explain(self, tasks: Iterable[Task], why: str) -> None:
        self._actions.extend(Explain(task_id=task.id, why=why) for task in tasks if task.status.err != why)


def _by_service(tasks: Iterable[Task]) -> dict[str, list[Task]]:
    """In the order in which they came to wait."""
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(task.service_id, []).append(task)
    return groups


def _is_same(one: object, other: object) -> bool:
    return one is other or one == other


def _published(task: Task) -> tuple[object, ...]:
    return task.swarmlite.ports, task.swarmlite.ingress


def _alike(tasks: list[Task]) -> list[list[Task]]:
    """Groups of equal spec: few, and mostly the very same object, so each is compared with the groups there are."""
    groups: list[list[Task]] = []
    for task in tasks:
        for group in groups:
            first = group[0]
            if _is_same(task.spec, first.spec) and _is_same(_published(task), _published(first)):
                group.append(task)
                break
        else:
            groups.append([task])
    return groups
