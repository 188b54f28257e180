"""What is to be done next for one task: the whole of the agent's judgement. Pure.

`decide` is asked again after every step and every fact, so a step interrupted anywhere, also by the agent's own end, is
answered by the same question: what is assigned, what is there, what is missing.
"""

from datetime import datetime

import msgspec

from swarmlite.agent.held import STARTING, UNHEALTHY, Held, Said, Seen
from swarmlite.engine.base import ContainerState
from swarmlite.model.objects import TaskStatus
from swarmlite.model.states import ORDER, TaskState, is_terminal
from swarmlite.plan import restart

KILLED = 137
"""The exit code of SIGKILL: a human's, or the kernel's for want of memory. Only the engine knows which."""

MIB = 1024 * 1024


class Prepare(msgspec.Struct, frozen=True):
    """Image, networks, container. `again`: in place of one that has gone, without a manager."""

    again: bool = False


class Start(msgspec.Struct, frozen=True):
    container: str
    again: bool = False


class Stop(msgspec.Struct, frozen=True):
    container: str


class Remove(msgspec.Struct, frozen=True):
    container: str


class Examine(msgspec.Struct, frozen=True):
    """Ask the engine what a listing does not say: exit code, out of memory, the last health check's output."""

    container: str


class Forget(msgspec.Struct, frozen=True):
    """Nothing is left of it."""


class Wait(msgspec.Struct, frozen=True):
    """Until something changes, or until then."""

    until: datetime | None = None


Step = Prepare | Start | Stop | Remove | Examine | Forget | Wait | Said

_REST = Wait()


def decide(held: Held, now: datetime, alone: bool) -> Step:
    """The next step of one task. `alone`: there has been no manager for a while."""
    if held.not_before is not None and now < held.not_before:
        return Wait(held.not_before)
    if held.task is None:
        return _clear(held.seen) or Forget()
    desired = held.task.desired_state
    ended = held.status is not None and is_terminal(held.status.state)
    if ORDER[desired] >= ORDER[TaskState.REMOVE]:
        return _clear(held.seen) or (_REST if ended else Said(TaskState.SHUTDOWN, "removed"))
    if ORDER[desired] > ORDER[TaskState.RUNNING]:
        return _shut_down(held, ended)
    if held.seen is None:
        return _begin(held, ended, now, alone)
    return _keep(held, held.seen, ended, now, alone)


def _clear(seen: Seen | None) -> Step | None:
    """Stop and remove what is there; None when nothing is."""
    if seen is None:
        return None
    if seen.state is ContainerState.REMOVING:
        return _REST
    return Stop(seen.id) if seen.state.live else Remove(seen.id)


def _shut_down(held: Held, ended: bool) -> Step:
    """Stop, and keep the container for its logs."""
    seen = held.seen
    if seen is not None and seen.state is ContainerState.CREATED:
        return Remove(seen.id)
    if seen is not None and seen.state.live:
        return Stop(seen.id)
    if ended:
        return _REST
    if seen is not None and seen.exit_code is None and not seen.examined:
        return Examine(seen.id)
    return Said(TaskState.SHUTDOWN, "shutdown")


def _begin(held: Held, ended: bool, now: datetime, alone: bool) -> Step:
    """Wanted, and there is no container."""
    if ended:
        return _REST
    state = held.status.state if held.status else TaskState.NEW
    if ORDER[state] < ORDER[TaskState.STARTING]:
        return Prepare()
    if alone:
        again = _again(held, TaskState.FAILED, now, now)
        if again is not None:
            return Prepare(again=True) if again <= now else Wait(again)
    return Said(TaskState.FAILED, "failed", "its container was removed from outside")


def _keep(held: Held, seen: Seen, ended: bool, now: datetime, alone: bool) -> Step:
    """Wanted, and there is a container."""
    if seen.state is ContainerState.REMOVING:
        return _REST
    if seen.state is ContainerState.CREATED:
        return _start(held, seen, ended)
    if not seen.state.live:
        return _after_end(held, seen, ended, now, alone)
    if ended:
        return Stop(seen.id)
    state = held.status.state if held.status else TaskState.NEW
    if seen.health == UNHEALTHY:
        if not seen.examined:
            return Examine(seen.id)
        return Said(TaskState.FAILED, "failed", f"unhealthy: {seen.note}" if seen.note else "unhealthy")
    if seen.health == STARTING:
        return _REST if state is TaskState.STARTING else Said(TaskState.STARTING, "started, not yet healthy")
    return _REST if state is TaskState.RUNNING else Said(TaskState.RUNNING, "started")


def _start(held: Held, seen: Seen, ended: bool) -> Step:
    """A container that was created and has never run."""
    if ended:
        return Remove(seen.id)
    if held.task is not None and ORDER[held.task.desired_state] < ORDER[TaskState.STARTING]:
        ready = held.status is not None and held.status.state is TaskState.READY
        return _REST if ready else Said(TaskState.READY, "prepared")
    return Start(seen.id)


def _after_end(held: Held, seen: Seen, ended: bool, now: datetime, alone: bool) -> Step:
    unknown = seen.exit_code is None or (seen.exit_code == KILLED and not seen.oom)
    if unknown and not seen.examined:
        return Examine(seen.id)
    state = TaskState.FAILED if seen.exit_code else TaskState.COMPLETE
    if alone and seen.state is ContainerState.EXITED:
        ended_state = held.status.state if ended and held.status else state
        again = _again(held, ended_state, seen.ended_at or now, now)
        if again is not None:
            return Start(seen.id, again=True) if again <= now else Wait(again)
    if ended:
        return _REST
    if state is TaskState.COMPLETE:
        return Said(state, "finished")
    return Said(state, "failed", why_ended(held, seen))


def _again(held: Held, state: TaskState, ended_at: datetime, now: datetime) -> datetime | None:
    """When the agent itself may run the task again by its restart policy; None for not at all."""
    task = held.task
    if task is None or state not in (TaskState.FAILED, TaskState.COMPLETE):
        return None
    replace = msgspec.structs.replace
    extension = replace(task.swarmlite, restarts=task.swarmlite.restarts + held.ran_in_place)
    asked = replace(
        task,
        created_at=held.started_at or task.created_at,
        status=TaskStatus(timestamp=min(ended_at, now), state=state),
        swarmlite=extension,
    )
    answer = restart.decide(asked, task.spec.restart_policy)
    return answer.at if isinstance(answer, restart.Restart) else None


def why_ended(held: Held, seen: Seen) -> str:
    """Why a container ended with other than 0, in words."""
    if seen.note:
        return seen.note
    text = f"task: non-zero exit ({seen.exit_code})"
    if not seen.oom:
        return text
    resources = held.task.spec.resources if held.task else None
    limit = resources.limits.memory_bytes if resources and resources.limits else 0
    return f"{text}: killed for exceeding its memory limit {_size(limit)}" if limit else f"{text}: out of memory"


def _size(bytes_: int) -> str:
    return f"{bytes_ // MIB} MiB" if bytes_ % MIB == 0 else f"{bytes_ / MIB:.1f} MiB"
