"""The states of a task, in the Engine API's own order, and which moves are legal. A task only moves forward."""

from enum import StrEnum


class TaskState(StrEnum):
    NEW = "new"
    PENDING = "pending"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETE = "complete"
    SHUTDOWN = "shutdown"
    FAILED = "failed"
    REJECTED = "rejected"
    REMOVE = "remove"
    ORPHANED = "orphaned"


ORDER: dict[TaskState, int] = {state: rank for rank, state in enumerate(TaskState)}
LAST_ALIVE = ORDER[TaskState.RUNNING]


def is_terminal(state: TaskState) -> bool:
    """Nothing runs any more, and nothing will."""
    return ORDER[state] > LAST_ALIVE


def is_ahead(new: TaskState, old: TaskState) -> bool:
    """Whether a report of `new` may follow `old`: the same state again (a new message) or any later one."""
    return ORDER[new] >= ORDER[old]
