"""How far services are from what was asked of them, from one look at the cluster after the other. Pure.

A service is done when every slot has a running task of its present spec (healthy, where it has a healthcheck: a task is
not running before), and no older task runs beside it. Without a healthcheck it must also stay so for a second, or a
container that dies at once would look like a success. A task that completed and is not to run again counts as done.

It has failed, without waiting for the time-out, when nothing that we wait for will change it:
- its restart policy gave up on a slot's task, and that task did not complete;
- a slot had three tasks rejected (image missing, port taken …) for three seconds, and none ran;
- a slot had five tasks fail for twenty seconds, none of them living ten;
- its update was paused or rolled back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from swarmlite.model.objects import Node, NodeState, Service, Task
from swarmlite.model.states import ORDER, TaskState, is_terminal
from swarmlite.plan.restart import GiveUp, decide

STEADY = 1.0
REJECTED_TIMES, REJECTED_FOR = 3, 3.0
FAILED_TIMES, FAILED_FOR = 5, 20.0
LIVED = 10.0
NO_NODE_AFTER = 3.0

_BROKEN_UPDATES = ("paused", "rollback_paused", "rollback_completed")


@dataclass(frozen=True)
class Snapshot:
    services: Sequence[Service]
    tasks: Sequence[Task]
    nodes: Mapping[str, Node]


@dataclass(frozen=True)
class ServiceProgress:
    """`note`: what its tasks are doing; `reason`: what they wait for or why they fail, in the words of one of them."""

    name: str
    ready: int
    wanted: int
    status: Literal["waiting", "done", "failed"]
    note: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Failure:
    """Which task stands in the way, where, and why; without a task it is the service as a whole."""

    service: str
    why: str
    task: Task | None = None
    node: str = ""


@dataclass(frozen=True)
class Assessment:
    services: tuple[ServiceProgress, ...]
    failures: tuple[Failure, ...]
    done: bool


@dataclass
class _Trouble:
    """A slot's tasks that ended badly since we look, and since when."""

    since: float
    ids: set[str] = field(default_factory=set)


class Progress:
    """Remembers what one look cannot show. `now` is any clock's seconds."""

    def __init__(self) -> None:
        self._rejected: dict[tuple[str, int | str], _Trouble] = {}
        self._failed: dict[tuple[str, int | str], _Trouble] = {}
        self._done_since: dict[str, tuple[float, frozenset[str]]] = {}
        self._first: float | None = None

    def observe(self, seen: Snapshot, now: float) -> Assessment:
        first_look = self._first is None
        if self._first is None:
            self._first = now
        services, failures, done = [], [], True
        for service in sorted(seen.services, key=lambda service: service.name):
            progress, failure, running = self._service(service, seen, now)
            if progress.status == "done" and not self._is_steady(service, running, now, first_look):
                done = False
            services.append(progress)
            done = done and progress.status == "done"
            failures += [failure] if failure else []
        return Assessment(tuple(services), tuple(failures), done)

    def _service(
        self, service: Service, seen: Snapshot, now: float
    ) -> tuple[ServiceProgress, Failure | None, frozenset[str]]:
        tasks = [task for task in seen.tasks if task.service_id == service.id]
        slots = _slots(service, tasks)
        current = {key: task for key, task in slots.items() if task.spec == service.spec.task_template}
        ready = [task for task in current.values() if is_ready(service, task, seen.nodes)]
        wanted = len(slots) if service.spec.is_global else service.spec.replicas
        failure = _update_failure(service) or self._slot_failure(service, tasks, current, seen, now)
        stale = [task for task in tasks if _runs_old(service, task, seen.nodes)]
        is_done = len(ready) >= wanted and not stale and len(slots) <= wanted
        note, waits_for = "", ""
        if service.spec.is_global and not slots:
            is_done = self._first is not None and now - self._first >= NO_NODE_AFTER
            waits_for = "no node matches"
        if failure:
            waits_for = failure.why
        elif not is_done and slots:
            note, waits_for = describe(service, slots.values(), len(stale), seen.nodes)
        status: Literal["waiting", "done", "failed"] = "failed" if failure else "done" if is_done else "waiting"
        progress = ServiceProgress(service.name, len(ready), wanted, status, note, waits_for)
        return progress, failure, frozenset(task.id for task in ready)

    def _is_steady(self, service: Service, running: frozenset[str], now: float, first_look: bool) -> bool:
        since, before = self._done_since.get(service.name, (now, running))
        if before != running:
            since = now
        elif first_look or has_healthcheck(service):
            since = now - STEADY
        self._done_since[service.name] = (since, running)
        return now - since >= STEADY

    def _slot_failure(
        self,
        service: Service,
        tasks: Iterable[Task],
        current: Mapping[int | str, Task],
        seen: Snapshot,
        now: float,
    ) -> Failure | None:
        for task in tasks:
            if task.spec == service.spec.task_template:
                self._remember(service, task, now)
        for key, task in current.items():
            where = seen.nodes[task.node_id].name if task.node_id in seen.nodes else task.node_id
            given_up = _given_up(service, task)
            if given_up:
                return Failure(service.name, f"{reason(task)}; {given_up}", task, where)
            slot = (service.id, key)
            worst = _last_ended(tasks, key) or task
            if _is_stuck(self._rejected.get(slot), now, REJECTED_TIMES, REJECTED_FOR):
                return Failure(service.name, f"{reason(worst)}; rejected again and again", worst, _where(worst, seen))
            if _is_stuck(self._failed.get(slot), now, FAILED_TIMES, FAILED_FOR):
                return Failure(service.name, f"{reason(worst)}; it fails again and again", worst, _where(worst, seen))
        return None

    def _remember(self, service: Service, task: Task, now: float) -> None:
        slot = (service.id, _key(task))
        state = task.status.state
        lived = (task.status.timestamp - task.created_at).total_seconds()
        if state is TaskState.RUNNING:
            self._rejected.pop(slot, None)
        if lived >= LIVED and state in (TaskState.RUNNING, TaskState.FAILED):
            self._failed.pop(slot, None)
        elif state in (TaskState.FAILED, TaskState.COMPLETE) and task.desired_state is not TaskState.REMOVE:
            self._failed.setdefault(slot, _Trouble(now)).ids.add(task.id)
        elif state is TaskState.REJECTED:
            self._rejected.setdefault(slot, _Trouble(now)).ids.add(task.id)


def is_ready(service: Service, task: Task, nodes: Mapping[str, Node]) -> bool:
    """Runs on a host that is there, or completed and is not to run again."""
    if task.status.state is TaskState.RUNNING:
        host = nodes.get(task.node_id)
        return host is not None and host.status.state is not NodeState.DOWN
    policy = service.spec.task_template.restart_policy
    return task.status.state is TaskState.COMPLETE and isinstance(decide(task, policy), GiveUp)


def has_healthcheck(service: Service) -> bool:
    check = service.spec.task_template.container_spec.healthcheck
    return check is not None and bool(check.test) and check.test[0] != "NONE"


def describe(service: Service, tasks: Iterable[Task], stale: int, nodes: Mapping[str, Node]) -> tuple[str, str]:
    """What the tasks that are not ready do, and the most telling reason among them."""
    waiting = [task for task in tasks if not is_ready(service, task, nodes)]
    waiting = [task for task in waiting if task.spec == service.spec.task_template] or waiting
    states = sorted({task.status.state for task in waiting}, key=lambda state: ORDER[state])
    parts = [f"{sum(task.status.state is state for task in waiting)} {state}" for state in states]
    if stale:
        parts.append(f"{stale} still on the old spec")
    worst = most_telling(waiting)
    return ", ".join(parts), worst.status.err if worst is not None else ""


def most_telling(tasks: Iterable[Task]) -> Task | None:
    """The task whose words explain most: one that says why, the furthest first."""
    ranked = sorted(tasks, key=lambda task: (bool(task.status.err), ORDER[task.status.state]))
    return ranked[-1] if ranked else None


def reason(task: Task) -> str:
    return task.status.err or task.status.message or task.status.state.value


def in_the_way(seen: Snapshot, assessment: Assessment) -> tuple[Failure, ...]:
    """At the time-out: for each service that is not done, the task that says most."""
    waiting = {one.name: one for one in assessment.services if one.status != "done"}
    known = {failure.service: failure for failure in assessment.failures}
    out = []
    for service in seen.services:
        if service.name not in waiting:
            continue
        slots = _slots(service, [task for task in seen.tasks if task.service_id == service.id])
        task = most_telling(one for one in slots.values() if not is_ready(service, one, seen.nodes))
        why = waiting[service.name].reason or "no task was planned"
        fallback = Failure(service.name, reason(task) if task else why, task, _where(task, seen) if task else "")
        out.append(known.get(service.name, fallback))
    return tuple(out)


def _slots(service: Service, tasks: Iterable[Task]) -> dict[int | str, Task]:
    """The newest wanted task of each slot; of several, one of the present spec."""
    slots: dict[int | str, Task] = {}
    for task in sorted(tasks, key=lambda task: (task.spec == service.spec.task_template, task.created_at)):
        if task.desired_state is TaskState.RUNNING:
            slots[_key(task)] = task
    return slots


def _key(task: Task) -> int | str:
    return task.slot or task.node_id


def _runs_old(service: Service, task: Task, nodes: Mapping[str, Node]) -> bool:
    old = task.spec != service.spec.task_template and task.desired_state is TaskState.RUNNING
    return old and not is_terminal(task.status.state) and (not task.node_id or task.node_id in nodes)


def _given_up(service: Service, task: Task) -> str:
    """Why a slot's ended task gets no successor; empty when it gets one, or needs none."""
    if task.status.state not in (TaskState.FAILED, TaskState.REJECTED):
        return ""
    decision = decide(task, service.spec.task_template.restart_policy)
    return decision.why if isinstance(decision, GiveUp) else ""


def _update_failure(service: Service) -> Failure | None:
    status = service.update_status
    if status is None or status.state not in _BROKEN_UPDATES:
        return None
    return Failure(service.name, f"update {status.state.replace('_', ' ')}: {status.message}")


def _is_stuck(trouble: _Trouble | None, now: float, times: int, seconds: float) -> bool:
    return trouble is not None and len(trouble.ids) >= times and now - trouble.since >= seconds


def _last_ended(tasks: Iterable[Task], key: int | str) -> Task | None:
    ended = [task for task in tasks if _key(task) == key and task.status.err and is_terminal(task.status.state)]
    return max(ended, key=lambda task: task.created_at, default=None)


def _where(task: Task, seen: Snapshot) -> str:
    host = seen.nodes.get(task.node_id)
    return host.name if host else task.node_id
