"""All tasks in the agent's charge, and the one place where what is known of them changes.

Whoever changes something tells whom it concerns through `changed`. A listing that began before newer news of a task is
no truth about that task any more and is passed over for it.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from swarmlite.agent.body import LABEL_NETWORKS, LABEL_TASK
from swarmlite.agent.held import DEFAULT_GRACE, HEALTHY, Fact, Held, Listed, learn
from swarmlite.agent.steps import seen_of
from swarmlite.engine.base import Container, ContainerState
from swarmlite.model.objects import Task, TaskStatus
from swarmlite.model.states import ORDER, TaskState
from swarmlite.protocol.link import TaskReport


class Board:
    """`changed(before, after)` is called for every task whose record changed."""

    def __init__(self, now: Callable[[], datetime], changed: Callable[[Held | None, Held], None]) -> None:
        self._now = now
        self._changed = changed
        self._held: dict[str, Held] = {}
        self._touched: dict[str, int] = {}
        self._count = 0
        self._emptied = asyncio.Event()
        self._emptied.set()

    def __contains__(self, id: str) -> bool:
        return id in self._held

    def __iter__(self) -> Iterator[Held]:
        return iter(tuple(self._held.values()))

    def get(self, id: str) -> Held | None:
        return self._held.get(id)

    # --- what is assigned ---

    def assign(
        self, tasks: Iterable[Task], gone: Iterable[str] | None = None, restarts: Mapping[str, int] = {}
    ) -> None:
        """Tasks put; `gone` None: all others are gone. `restarts`: made in place before the agent restarted."""
        put = {task.id: task for task in tasks}
        for task in put.values():
            held = self._held.get(task.id) or Held(
                id=task.id, status=task.status, ran_in_place=restarts.get(task.id, task.swarmlite.ran_in_place)
            )
            networks = tuple(attachment.network.id for attachment in task.networks_attachments)
            grace = grace_period(task.spec.container_spec.stop_grace_period)
            status = held.status or task.status
            self._put(msgspec.structs.replace(held, task=task, networks=networks, grace=grace, status=status))
        for id in tuple(self._held) if gone is None else tuple(gone):
            if id in self._held and id not in put:
                self._put(msgspec.structs.replace(self._held[id], task=None))

    # --- what is seen ---

    def learn(self, id: str, fact: Fact) -> None:
        held = self._held.get(id)
        if held is not None:
            self._put(learn(held, fact, self._now()))

    def begin(self) -> int:
        """A mark to take before asking for a listing."""
        return self._count

    def listed(self, containers: Iterable[Container], mark: int, busy: Iterable[str]) -> None:
        """The containers that the engine has. Tasks that are `busy` with a step hear the truth from that step."""
        newer = set(busy)
        rows: dict[str, Container] = {}
        for container in containers:
            id = container.labels.get(LABEL_TASK, "")
            known = rows.get(id)
            if known is None or (container.state.live and not known.state.live):
                rows[id] = container
        for id in {*self._held, *rows}:
            if id in newer or self._touched.get(id, 0) > mark:
                continue
            row = rows.get(id)
            held = self._held.get(id)
            if held is None and row is not None:
                networks = tuple(filter(None, row.labels.get(LABEL_NETWORKS, "").split(",")))
                held = Held(id=id, networks=networks)
            if held is not None:
                self._put(learn(held, Listed(None if row is None else seen_of(row)), self._now()))

    def retry(self) -> None:
        """The engine is back: what failed for want of it need not wait any longer."""
        for held in tuple(self._held.values()):
            self._put(msgspec.structs.replace(held, not_before=None, failures=0))

    def forget(self, id: str) -> None:
        self._held.pop(id, None)
        self._touched.pop(id, None)
        if not self._held:
            self._emptied.set()

    async def empty(self) -> None:
        """Returns when there are no tasks."""
        await self._emptied.wait()

    # --- what is said ---

    def reports(self) -> tuple[TaskReport, ...]:
        """The state of every assigned task."""
        return tuple(report for held in self._held.values() if (report := report_of(held)) is not None)

    def _put(self, held: Held) -> None:
        before = self._held.get(held.id)
        if before == held:
            return
        self._held[held.id] = held
        self._emptied.clear()
        self._count += 1
        self._touched[held.id] = self._count
        self._changed(before, held)


def grace_period(asked: int | None) -> float:
    """Seconds, from the spec's nanoseconds."""
    return DEFAULT_GRACE if asked is None else asked / 1_000_000_000


def report_of(held: Held) -> TaskReport | None:
    status: TaskStatus | None = held.status
    if held.task is None or status is None:
        return None
    return TaskReport(id=held.id, status=status, ran_in_place=held.ran_in_place)


def uses_networks(held: Held) -> bool:
    """Whether the task's container may yet need its networks: one that is only kept for its logs does not."""
    seen, task = held.seen, held.task
    if seen is None:
        return False
    wanted = task is not None and ORDER[task.desired_state] <= ORDER[TaskState.RUNNING]
    return wanted or seen.state.live or seen.state is ContainerState.REMOVING


def answers(held: Held) -> bool:
    """Whether the task's container may be given out as an answer, as far as this host can see."""
    seen, task = held.seen, held.task
    if task is None or task.desired_state is not TaskState.RUNNING or seen is None or not seen.state.live:
        return False
    return seen.health in ("", HEALTHY)
