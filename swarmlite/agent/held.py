"""One task as the agent knows it, and how that knowledge grows. Pure.

Facts come from three sides (a step's own outcome, the engine's events, the periodic listing) in any order; `learn`
takes them all, so a container that dies before its start call has returned is dead, whoever says so first.
"""

from datetime import datetime

import msgspec

from swarmlite.engine.base import ContainerState
from swarmlite.model.objects import ContainerStatus, Task, TaskStatus
from swarmlite.model.states import TaskState

DEFAULT_GRACE = 10.0
"""Seconds between the stop signal and SIGKILL where the service says nothing."""

STARTING, HEALTHY, UNHEALTHY = "starting", "healthy", "unhealthy"


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The task's container. `health` as the engine says it, "" without a check; `note`: why it ended, or what its last
    check said; `examined`: asked the engine about it since it ended or became unhealthy.
    """

    id: str
    state: ContainerState
    exit_code: int | None = None
    health: str = ""
    oom: bool = False
    note: str = ""
    examined: bool = False
    ended_at: datetime | None = None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """`task` None: no longer assigned. `status`: what was said last. `networks`: those that its container uses.
    `grace`: seconds to stop in. `not_before`: a step failed, and waits till then.
    """

    id: str
    task: Task | None = None
    networks: tuple[str, ...] = ()
    grace: float = DEFAULT_GRACE
    status: TaskStatus | None = None
    seen: Seen | None = None
    ran_in_place: int = 0
    started_at: datetime | None = None
    not_before: datetime | None = None
    failures: int = 0


# --- what can be learnt ---------------------------------------------------------------------------------------------


class Listed(msgspec.Struct, frozen=True):
    """The truth, from a listing."""

    seen: Seen | None


class Created(msgspec.Struct, frozen=True):
    container: str


class Starting(msgspec.Struct, frozen=True):
    """It is being started now."""

    container: str


class Again(msgspec.Struct, frozen=True):
    """The agent itself runs the task again, without a manager."""

    state: TaskState
    message: str


class Started(msgspec.Struct, frozen=True):
    """`health`: None where the source cannot know."""

    container: str
    health: str | None = None


class Ended(msgspec.Struct, frozen=True):
    container: str
    at: datetime
    exit_code: int | None = None


class Vanished(msgspec.Struct, frozen=True):
    container: str


class Checked(msgspec.Struct, frozen=True):
    """A health check's verdict."""

    container: str
    health: str


class OutOfMemory(msgspec.Struct, frozen=True):
    container: str


class Examined(msgspec.Struct, frozen=True):
    seen: Seen


class Said(msgspec.Struct, frozen=True):
    """The task's state, as it is reported from now on."""

    state: TaskState
    message: str
    err: str = ""


class Failing(msgspec.Struct, frozen=True):
    """A step could not be done and is tried again at `until`."""

    until: datetime


Fact = (
    Listed | Created | Starting | Again | Started | Ended | Vanished | Checked | OutOfMemory | Examined | Said | Failing
)


def learn(held: Held, fact: Fact, now: datetime) -> Held:
    """What is known after `fact`."""
    match fact:
        case Said(state, message, err):
            return _said(held, TaskStatus(timestamp=now, state=state, message=message, err=err))
        case Failing(until):
            return msgspec.structs.replace(held, not_before=until, failures=held.failures + 1)
        case Again(state, message):
            held = msgspec.structs.replace(held, ran_in_place=held.ran_in_place + 1)
            return _said(held, TaskStatus(timestamp=now, state=state, message=message))
        case Starting():
            held = msgspec.structs.replace(held, started_at=now)
    seen = _see(held, fact, now)
    if seen == held.seen:
        return held
    return msgspec.structs.replace(held, seen=seen, not_before=None, failures=0)


def _see(held: Held, fact: Fact, now: datetime) -> Seen | None:
    seen = held.seen
    match fact:
        case Listed(found):
            return _listed(seen, found, now)
        case Created(container):
            return Seen(id=container, state=ContainerState.CREATED)
        case Examined(found):
            return found if seen is None or seen.id == found.id else seen
        case Starting(container):
            return Seen(id=container, state=ContainerState.CREATED)
        case Vanished(container):
            return None if seen is not None and seen.id == container else seen
        case Started(container, health) if seen is None:
            return Seen(id=container, state=ContainerState.RUNNING, health=health or "")
    if seen is None or not hasattr(fact, "container") or seen.id != fact.container:
        return seen
    return _moved(held, seen, fact)


def _moved(held: Held, seen: Seen, fact: Fact) -> Seen:
    """News of the container that is known already."""
    replace = msgspec.structs.replace
    match fact:
        case Started(_, health):
            if seen.state is ContainerState.CREATED or (health is None and not seen.state.live):
                return Seen(id=seen.id, state=ContainerState.RUNNING, health=seen.health or health or "")
            return replace(seen, health=health) if health and seen.state.live and not seen.health else seen
        case Ended(_, at, exit_code):
            if held.started_at is not None and at < held.started_at:  # an event of the run before this one
                return seen
            if not seen.state.live and seen.state is not ContainerState.CREATED:
                return replace(seen, exit_code=exit_code) if seen.exit_code is None else seen
            return replace(
                seen, state=ContainerState.EXITED, exit_code=exit_code, health="", note="", examined=False, ended_at=at
            )
        case Checked(_, health):
            return replace(seen, health=health, examined=False) if seen.state.live and seen.health != health else seen
        case OutOfMemory():
            return replace(seen, oom=True)
    return seen


def _listed(seen: Seen | None, found: Seen | None, now: datetime) -> Seen | None:
    """A listing knows less than an examination, so what was found out before stays while nothing has changed."""
    if found is None:
        return None
    ended = found.state in (ContainerState.EXITED, ContainerState.DEAD)
    if seen is not None and seen.id == found.id and seen.state is found.state and seen.health == found.health:
        return msgspec.structs.replace(seen, exit_code=found.exit_code if seen.exit_code is None else seen.exit_code)
    return msgspec.structs.replace(found, ended_at=now) if ended else found


def _said(held: Held, status: TaskStatus) -> Held:
    seen = held.seen
    container = held.status.container_status if held.status else None
    if seen is not None:
        container = ContainerStatus(container_id=seen.id, exit_code=seen.exit_code)
    return msgspec.structs.replace(held, status=msgspec.structs.replace(status, container_status=container))
