"""The controllers, one row each: which names a change concerns, and who plans for a name.

To add a controller: a planner in plan/, a row in `_PLANNERS`, and what concerns it in `concerned`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from swarmlite.control.clock import utc_now
from swarmlite.control.dispatch import Dispatch
from swarmlite.control.ids import new_id
from swarmlite.control.mirror import Mirror
from swarmlite.control.probe import answers
from swarmlite.errors import SwarmliteError
from swarmlite.logs import logger
from swarmlite.model.objects import Network, Node, NodeState, Service, Task
from swarmlite.model.states import TaskState, is_terminal
from swarmlite.model.view import Change, Put, View
from swarmlite.plan import everywhere, ingress, liveness, networks, placement, replicas
from swarmlite.plan.actions import AnyAction, Explain, Plan
from swarmlite.plan.apply import changes as changes_of
from swarmlite.reconcile.loop import Loop
from swarmlite.settings import BEAT

log = logger(__name__)

FULL_PASS = 30.0
"""Seconds between looks at everything, which mend what an event lost."""

TICK = 0.25
"""Seconds between looks at heartbeats: a quarter of a beat."""

Name = tuple[str, str]
"""A controller and the id of what it looks at."""

FIRST_GRACE = 6.0
"""Seconds added to the first silence that is tolerated after the manager's start: agents dial again within two."""

PLACEMENT: Name = ("placement", "cluster")


def _service(view: View, id: str, now: datetime) -> Plan:
    service = view.services.get(id)
    if service is None:
        return replicas.leftovers(view, id)
    return everywhere.plan(view, service, now) if service.spec.is_global else replicas.plan(view, service, now)


def _network(view: View, id: str, now: datetime) -> Plan:
    network = view.networks.get(id)
    return Plan() if network is None else networks.plan(view, network)


_PLANNERS: dict[str, Callable[[View, str, datetime], Plan]] = {
    "service": _service,
    "placement": placement.place,
    "network": _network,
}


_MOVES_PLACEMENT = frozenset(
    state
    for state in TaskState
    if state in (TaskState.NEW, TaskState.PENDING, TaskState.STARTING, TaskState.RUNNING) or is_terminal(state)
)
"""A task in these states asks for a place, frees one, or is what another one waits for."""


def _planned(view: View, name: Name, now: datetime) -> Plan | None:
    """The plan for one name; None where its planner broke, which must not stop the others."""
    kind, id = name
    try:
        return _PLANNERS[kind](view, id, now)
    except Exception:  # a bug that one object brings out
        log.exception("planner broke", kind=kind, id=id)
        return None


def concerned(view: View, change: Change) -> Iterable[Name]:
    """Whom a change concerns. Saying too many names costs a look; saying too few waits for the full pass."""
    if not isinstance(change, Put):
        if change.kind == "service":
            yield ("service", change.id)
        elif change.kind in ("task", "node"):
            yield from everything(view)
        return
    item = change.object
    if isinstance(item, Task):
        yield ("service", item.service_id)
        if view.unplaced and item.status.state in _MOVES_PLACEMENT:
            yield PLACEMENT
    elif isinstance(item, Service):
        yield ("service", item.id)
        entry = ingress.network_of(view)
        if entry is not None:
            yield ("network", entry.id)
    elif isinstance(item, Network):
        yield ("network", item.id)
    elif isinstance(item, Node):
        yield from everything(view)


def everything(view: View) -> Iterable[Name]:
    yield from (("service", id) for id in view.services)
    yield from (("service", id) for id in {task.service_id for task in view.tasks.values()} - view.services.keys())
    yield from (("network", id) for id in view.networks)
    yield PLACEMENT


class Controllers:
    """Turns the ring: plans the names that a change concerns, and writes what the plans ask for."""

    def __init__(
        self,
        mirror: Mirror,
        dispatch: Dispatch,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        probe: Callable[[str], Awaitable[bool]] = answers,
    ) -> None:
        self._mirror = mirror
        self._dispatch = dispatch
        self._clock = clock
        self._monotonic = monotonic
        self._probe = probe
        self._loop: Loop[Name] = Loop(self.turn, monotonic)
        mirror.listen(self._on_change)

    async def run(self) -> None:
        self._loop.touch(everything(self._mirror.view))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._loop.run())
            group.create_task(self._sweep())
            group.create_task(self._watch_beats())
            group.create_task(self._await_agents())

    async def turn(self, names: tuple[Name, ...]) -> Mapping[Name, float | None]:
        """Plan all names on one view, write all in one batch, and say when to look again."""
        again: dict[Name, float | None] = {}

        def decide(view: View) -> tuple[Sequence[Change], None]:
            now = self._clock()
            actions: list[AnyAction] = []
            for name in names:
                plan = _planned(view, name, now)
                if plan is None:
                    again[name] = None
                    continue
                actions.extend(plan.actions)
                if plan.again_at is not None:
                    again[name] = self._monotonic() + max(0.0, (plan.again_at - now).total_seconds())
            _log(actions)
            return changes_of(view, actions, now, new_id), None

        await self._mirror.transact(decide)
        return again

    def _on_change(self, changes: Sequence[Change]) -> None:
        view = self._mirror.view
        self._loop.touch({name for change in changes for name in concerned(view, change)})

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(FULL_PASS)
            self._loop.touch(everything(self._mirror.view))

    async def _watch_beats(self) -> None:
        """Nodes that were ready before this start get time to dial in; our own pauses are nobody's silence."""
        grace = self._dispatch.steady() + timedelta(seconds=FIRST_GRACE)
        pulses = self._dispatch.pulses
        for node in self._mirror.view.nodes.values():
            if node.status.state is NodeState.READY:  # one that was down is down until it is heard
                pulses.setdefault(node.id, liveness.Pulse(grace))
        before = self._monotonic()
        while True:
            await asyncio.sleep(TICK)
            now = self._monotonic()
            overslept = now - before - TICK
            before = now
            if overslept > TICK:
                self._dispatch.forgive(timedelta(seconds=overslept))
            try:
                await self.look_at_beats()
            except SwarmliteError as error:  # a disk is full: it will be looked at again
                log.error("node states not written", error=str(error))

    async def _await_agents(self) -> None:
        """A machine whose agent hung up is asked each second whether it lives."""
        while True:
            await asyncio.sleep(BEAT)
            nodes = self._dispatch.awaited()
            found = await asyncio.gather(*(self._probe(node.status.addr) for node in nodes))
            for node, lives in zip(nodes, found, strict=True):
                if lives:
                    self._dispatch.lives(node.id)

    async def look_at_beats(self) -> None:
        now = self._dispatch.steady()
        pulses = self._dispatch.pulses
        self._dispatch.suspect(liveness.suspects(pulses, now))
        marks = liveness.plan(self._mirror.view, pulses, now).actions
        if marks:
            _log(marks)
            await self._mirror.transact(lambda view: (changes_of(view, marks, self._clock(), new_id), None))


def _log(actions: Iterable[AnyAction]) -> None:
    for action in actions:
        if not isinstance(action, Explain):
            kind, id = action.key
            log.debug(type(action).__name__.lower(), kind=kind, id=id, why=action.why)
