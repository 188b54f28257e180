"""Whether and when an ended task's slot gets a new one.

The first restart comes at once; each further one of a slot that keeps failing waits twice as long (0.1 s doubling to a
minute, the engine's own rule), and never less than the policy's `delay`. A task that lived ten seconds starts the count
anew, as with the engine's restart policies.
"""

from datetime import datetime, timedelta

import msgspec

from swarmlite.model.objects import Task
from swarmlite.model.spec import RestartCondition, RestartPolicy
from swarmlite.model.states import TaskState

FIRST_GROWTH = timedelta(seconds=0.1)
LONGEST = timedelta(seconds=60)
LIVED = timedelta(seconds=10)


class Restart(msgspec.Struct, frozen=True):
    """A new task may start at `at`, and is the slot's `restarts`-th."""

    at: datetime
    restarts: int
    why: str


class GiveUp(msgspec.Struct, frozen=True):
    why: str


def decide(task: Task, policy: RestartPolicy | None) -> Restart | GiveUp:
    """What follows on a task that ended by itself."""
    policy = policy or RestartPolicy()
    state = task.status.state
    if policy.condition is RestartCondition.NONE:
        return GiveUp("restart policy is none")
    if policy.condition is RestartCondition.ON_FAILURE and state is TaskState.COMPLETE:
        return GiveUp("completed, and restart policy is on-failure")
    earlier = _counted(task, policy)
    if policy.max_attempts and earlier >= policy.max_attempts:
        return GiveUp(f"failed after {earlier} restarts, the most that its restart policy allows")
    return Restart(task.status.timestamp + _delay(task, policy), earlier + 1, f"replaces a task that is {state}")


def _counted(task: Task, policy: RestartPolicy) -> int:
    """Restarts that count against `max_attempts`: with a `window`, only while tasks end sooner than that."""
    lived = task.status.timestamp - task.created_at
    if policy.window and lived > timedelta(microseconds=policy.window / 1000):
        return 0
    if not policy.max_attempts and lived > LIVED:
        return 0
    return task.swarmlite.restarts


def _delay(task: Task, policy: RestartPolicy) -> timedelta:
    asked = timedelta(microseconds=(policy.delay or 0) / 1000)
    count = task.swarmlite.restarts
    if count == 0 or task.status.timestamp - task.created_at > LIVED:
        return asked
    growth: timedelta = FIRST_GROWTH * (1 << min(count - 1, 16))
    return max(asked, min(LONGEST, growth))
