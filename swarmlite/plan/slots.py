"""A service's tasks, slot by slot: which one holds the slot, which are on their way out, which have ended."""

from collections.abc import Callable, Iterable

import msgspec

from swarmlite.model.objects import Task
from swarmlite.model.states import TaskState, is_terminal

SlotKey = int | str
"""A slot's number, or the node's id for a global service."""


class Slot(msgspec.Struct, frozen=True):
    """`wanted`: tasks that should run; `leaving`: told to stop and not yet gone; `ended`. Each newest first."""

    key: SlotKey
    wanted: tuple[Task, ...] = ()
    leaving: tuple[Task, ...] = ()
    ended: tuple[Task, ...] = ()

    @property
    def holder(self) -> Task | None:
        return self.wanted[0] if self.wanted else None

    @property
    def is_running(self) -> bool:
        holder = self.holder
        return holder is not None and holder.status.state is TaskState.RUNNING

    @property
    def tasks(self) -> tuple[Task, ...]:
        return (*self.wanted, *self.leaving, *self.ended)


def group(tasks: Iterable[Task], key: Callable[[Task], SlotKey]) -> dict[SlotKey, Slot]:
    by_key: dict[SlotKey, list[Task]] = {}
    for task in tasks:
        by_key.setdefault(key(task), []).append(task)
    return {slot: _slot(slot, members) for slot, members in by_key.items()}


def _slot(key: SlotKey, tasks: list[Task]) -> Slot:
    if len(tasks) > 1:
        tasks.sort(key=lambda task: (task.created_at, task.id), reverse=True)
    wanted, leaving, ended = [], [], []
    for task in tasks:
        if task.desired_state is TaskState.RUNNING:
            wanted.append(task)
        elif is_terminal(task.status.state) or not task.node_id:
            ended.append(task)
        else:
            leaving.append(task)
    return Slot(key, tuple(wanted), tuple(leaving), tuple(ended))
