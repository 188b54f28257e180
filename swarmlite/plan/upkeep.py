"""What each slot of a service needs, whether it has a number (replicas) or a node (everywhere)."""

from collections.abc import Iterable
from datetime import datetime

from swarmlite.model.objects import Service, Task
from swarmlite.model.states import TaskState, is_terminal
from swarmlite.model.view import View
from swarmlite.plan import restart, rollout
from swarmlite.plan.actions import AnyAction, CreateTask, Desire, Forget, Plan
from swarmlite.plan.eligibility import is_out_of_reach, why_lost
from swarmlite.plan.slots import Slot
from swarmlite.settings import TASK_HISTORY


def keep(view: View, service: Service, slot: Slot, now: datetime) -> Plan:
    """See to it that the slot has one task that runs."""
    holder = slot.holder
    if holder is None:
        return _fill(view, service, slot)
    if is_terminal(holder.status.state):
        return _after_end(service, slot, holder, now)
    lost = why_lost(view, holder)
    if lost is not None:
        return _succeed(service, slot, lost, holder.swarmlite.restarts)
    return Plan(_relieve(slot, holder))


def dismiss(view: View, tasks: Iterable[Task], why: str) -> tuple[AnyAction, ...]:
    """Remove tasks: told to their hosts while those can hear it, forgotten once nothing of them can run."""
    actions: list[AnyAction] = []
    for task in tasks:
        if not task.node_id or is_terminal(task.status.state) or is_out_of_reach(view, task):
            actions.append(Forget(kind="task", id=task.id, why=why))
        elif task.desired_state is not TaskState.REMOVE:
            actions.append(Desire(task_id=task.id, state=TaskState.REMOVE, why=why))
    return tuple(actions)


def forget_old(slots: Iterable[Slot]) -> tuple[AnyAction, ...]:
    """Keep each slot's history short, and nothing in it that was to be removed."""
    why = f"{TASK_HISTORY} ended tasks of its slot are newer"
    actions: list[AnyAction] = []
    for slot in slots:
        if slot.ended:
            removed = [task for task in slot.ended if task.desired_state is TaskState.REMOVE]
            kept = [task for task in slot.ended if task.desired_state is not TaskState.REMOVE]
            actions.extend(Forget(kind="task", id=task.id, why="was removed") for task in removed)
            actions.extend(Forget(kind="task", id=task.id, why=why) for task in kept[TASK_HISTORY:])
    return tuple(actions)


def merge(plans: Iterable[Plan]) -> Plan:
    """One plan of several that share no key."""
    actions: list[AnyAction] = []
    again: list[datetime] = []
    for plan in plans:
        actions.extend(plan.actions)
        if plan.again_at is not None:
            again.append(plan.again_at)
    return Plan(tuple(actions), min(again, default=None))


def _relieve(slot: Slot, holder: Task) -> tuple[AnyAction, ...]:
    """A task that has a successor goes when that runs; one that does not run itself is of no use until then."""
    return tuple(
        Desire(task_id=old.id, state=TaskState.SHUTDOWN, why=f"{holder.id} took its place")
        for old in slot.wanted[1:]
        if slot.is_running or old.status.state is not TaskState.RUNNING
    )


def _fill(view: View, service: Service, slot: Slot) -> Plan:
    """An empty slot waits for the task before to be gone, unless that one had to leave its node."""
    if any(why_lost(view, task) is None for task in slot.leaving):
        return Plan()
    return Plan((_create(service, slot, f"{service.name} has no task in slot {slot.key}", 0),))


def _after_end(service: Service, slot: Slot, holder: Task, now: datetime) -> Plan:
    if not rollout.is_current(holder, service):
        return _succeed(service, slot, f"{service.name} has a new spec", 0)
    decision = restart.decide(holder, service.spec.task_template.restart_policy)
    if isinstance(decision, restart.GiveUp):
        return Plan()
    if decision.at > now:
        return Plan((), decision.at)
    return _succeed(service, slot, decision.why, decision.restarts)


def _succeed(service: Service, slot: Slot, why: str, restarts: int) -> Plan:
    old = (Desire(task_id=task.id, state=TaskState.SHUTDOWN, why=why) for task in slot.wanted)
    return Plan((*old, _create(service, slot, why, restarts)))


def _create(service: Service, slot: Slot, why: str, restarts: int) -> CreateTask:
    if isinstance(slot.key, int):
        return CreateTask(service_id=service.id, slot=slot.key, restarts=restarts, why=why)
    return CreateTask(service_id=service.id, node_id=slot.key, restarts=restarts, why=why)
