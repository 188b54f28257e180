"""Carries out one step on the engine and tells what it has learnt. It decides nothing; every step may be done twice.

There are no questions before a call: an image or network that is missing shows in the call's refusal, which costs
nothing where all is there.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from swarmlite.agent import body
from swarmlite.agent.decide import Examine, Prepare, Remove, Start, Step, Stop
from swarmlite.agent.held import (
    STARTING,
    Again,
    Created,
    Ended,
    Examined,
    Fact,
    Failing,
    Held,
    Listed,
    Said,
    Seen,
    Started,
    Starting,
    Vanished,
)
from swarmlite.engine.base import Body, Container, ContainerDetail
from swarmlite.errors import AlreadyExists, EngineError, FailedPrecondition, NotFound, SwarmliteError, Unavailable
from swarmlite.logs import logger
from swarmlite.model.objects import Task
from swarmlite.model.spec import PullPolicy
from swarmlite.model.states import TaskState

log = logger(__name__)

WIDTH = 12
"""Create and start calls under way at a time: an engine gets no faster with more, and 16 calls fit into its client."""

START_FAILED = 128
"""The exit code that the engine itself gives a container whose start failed."""

LONGEST_BACKOFF = 5.0


class StepEngine(Protocol):
    """What steps need of an engine."""

    async def create(self, name: str, body: Body) -> str: ...
    async def attach(self, network: str, container: str, endpoint: Body) -> None: ...
    async def start(self, container: str) -> None: ...
    async def stop(self, container: str, timeout: float) -> None: ...
    async def remove(self, container: str, force: bool = False) -> None: ...
    async def inspect(self, container: str) -> ContainerDetail: ...
    async def list_containers(self, labels: Mapping[str, str]) -> tuple[Container, ...]: ...
    async def image_present(self, image: str) -> bool: ...
    async def pull(self, image: str, auth: str = "") -> None: ...


class StepNetworks(Protocol):
    async def ready(self, id: str) -> body.HostNetwork:
        """The network as this host has it; makes it first where it is missing."""
        ...

    def doubt(self, ids: tuple[str, ...]) -> None:
        """The engine says that one of these is missing: look at them again."""
        ...


class Steps:
    """`learn(task id, fact)` takes what each step finds out, `place()` says what the host is now."""

    def __init__(
        self,
        engine: StepEngine,
        networks: StepNetworks,
        place: Callable[[], body.Place],
        learn: Callable[[str, Fact], None],
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._networks = networks
        self._place = place
        self._learn = learn
        self._now = now
        self._turn = asyncio.Semaphore(WIDTH)
        self._pulls: dict[str, asyncio.Lock] = {}
        self._has_check: dict[str, bool] = {}

    async def take(self, held: Held, step: Step) -> None:
        """One step. What goes wrong is either the task's end, in words, or tried again after a while."""
        try:
            match step:
                case Prepare(again):
                    await self._prepare(held, again)
                case Start(container, again):
                    await self._start(held, container, again)
                case Stop(container):
                    await self._stop(held, container)
                case Remove(container):
                    await self._engine.remove(container, force=True)
                    self._learn(held.id, Vanished(container))
                case Examine(container):
                    await self._examine(held, container)
        except SwarmliteError as error:
            delay = min(LONGEST_BACKOFF, 0.1 * 2.0 ** min(held.failures, 10))
            log.warning("step failed", task=held.id, step=type(step).__name__, error=str(error), again_in=delay)
            self._learn(held.id, Failing(self._now() + timedelta(seconds=delay)))

    # --- prepare ---

    async def _prepare(self, held: Held, again: bool) -> None:
        task = _assigned(held)
        if again:
            self._learn(held.id, Again(TaskState.PREPARING, "created again, without a manager"))
        else:
            self._learn(held.id, Said(TaskState.PREPARING, "preparing"))
        spec = task.spec.container_spec
        try:
            if spec.swarmlite is not None and spec.swarmlite.pull_policy is PullPolicy.ALWAYS:
                await self._pull(held.id, spec.image, afresh=True)
            await self._create(task)
        except Unavailable:
            raise
        except SwarmliteError as error:
            self._learn(held.id, Said(TaskState.REJECTED, "preparing failed", self._words(error)))

    async def _create(self, task: Task) -> None:
        """A third try is the last: one may lack the image, one a network that was believed to be there."""
        for _ in range(2):
            try:
                self._learn(task.id, Created(await self._created(task)))
                return
            except AlreadyExists:
                await self._adopt(task)
                return
            except NotFound:
                image = task.spec.container_spec.image
                if await self._engine.image_present(image):
                    self._networks.doubt(tuple(id for id, _ in body.addresses(task)))
                else:
                    await self._fetch(task)
        self._learn(task.id, Created(await self._created(task)))

    async def _created(self, task: Task) -> str:
        ids = [id for id, _ in body.addresses(task)]
        ready = await asyncio.gather(*(self._networks.ready(id) for id in ids))
        async with self._turn:
            return await self._engine.create(
                task.name, body.create_body(task, self._place(), dict(zip(ids, ready, strict=True)))
            )

    async def _adopt(self, task: Task) -> None:
        """The name is taken: by our own create call, whose answer was lost, or by a stranger."""
        found = await self._engine.list_containers({body.LABEL_TASK: task.id})
        if not found:
            raise EngineError(f"a container named {task.name} that is not of this cluster exists on this host", 409)
        self._learn(task.id, Listed(seen_of(found[0])))

    async def _fetch(self, task: Task) -> None:
        spec = task.spec.container_spec
        if spec.swarmlite is not None and spec.swarmlite.pull_policy is PullPolicy.NEVER:
            raise NotFound(f"image {spec.image}: not on this host, and its pull policy is never")
        await self._pull(task.id, spec.image, afresh=False)

    async def _pull(self, id: str, image: str, afresh: bool) -> None:
        """One pull of an image at a time; who waited for another's pull needs none of its own."""
        lock = self._pulls.setdefault(image, asyncio.Lock())
        waited = lock.locked()
        try:
            async with lock:
                if waited and await self._engine.image_present(image):
                    return
                self._learn(id, Said(TaskState.PREPARING, f"pulling image {image}"))
                self._has_check.pop(image, None)
                await self._engine.pull(image)
        except Unavailable:
            raise
        except SwarmliteError as error:
            why = str(error).removeprefix(f"image {image}: ")
            lacks = "" if afresh else " is not on this host, and"
            raise EngineError(f"image {image}{lacks or ':'} {why}") from error
        finally:
            if not lock.locked():
                self._pulls.pop(image, None)

    # --- start ---

    async def _start(self, held: Held, container: str, again: bool) -> None:
        task = _assigned(held)
        if again:
            self._learn(held.id, Again(TaskState.STARTING, "started again, without a manager"))
        else:
            self._learn(held.id, Said(TaskState.STARTING, "starting"))
        self._learn(held.id, Starting(container))
        try:
            if not again:
                await self._attach(task, container)
            async with self._turn:
                await self._engine.start(container)
        except NotFound:
            self._learn(held.id, Vanished(container))
        except Unavailable:
            raise
        except SwarmliteError as error:
            if again:
                log.warning("start failed", task=held.id, error=str(error))
                self._learn(held.id, Ended(container, self._now(), START_FAILED))
            else:
                self._learn(held.id, Said(TaskState.FAILED, "starting failed", self._words(error)))
        else:
            self._learn(held.id, Started(container, await self._first_health(task, container)))

    async def _attach(self, task: Task, container: str) -> None:
        networks = {id: await self._networks.ready(id) for id, _ in body.addresses(task)[1:]}
        for network, address in body.later_networks(task, self._place(), networks):
            try:
                await self._engine.attach(network, container, {"IPAMConfig": {"IPv4Address": address}})
            except SwarmliteError as error:
                if "already" not in str(error):
                    raise

    async def _first_health(self, task: Task, container: str) -> str:
        """`starting` where a check will judge it. Whether an image brings a check is asked once."""
        spec = task.spec.container_spec
        if spec.healthcheck is not None and spec.healthcheck.test:
            return "" if spec.healthcheck.test[0] == "NONE" else STARTING
        known = self._has_check.get(spec.image)
        if known is not None:
            return STARTING if known else ""
        try:
            health = (await self._engine.inspect(container)).health
        except NotFound:
            return ""
        self._has_check[spec.image] = bool(health)
        return health

    # --- stop, examine ---

    async def _stop(self, held: Held, container: str) -> None:
        try:
            await self._engine.stop(container, held.grace)
        except NotFound:
            self._learn(held.id, Vanished(container))
        else:
            self._learn(held.id, Ended(container, self._now()))

    async def _examine(self, held: Held, container: str) -> None:
        try:
            detail = await self._engine.inspect(container)
        except NotFound:
            self._learn(held.id, Vanished(container))
            return
        note = detail.health_log.strip() if detail.state.live else self._words_of(detail.error)
        ended_at = held.seen.ended_at if held.seen else None
        seen = Seen(
            id=detail.id,
            state=detail.state,
            exit_code=detail.exit_code,
            health=detail.health if detail.state.live else "",
            oom=detail.oom_killed,
            note=note,
            examined=True,
            ended_at=None if detail.state.live else ended_at or self._now(),
        )
        self._learn(held.id, Examined(seen))

    # --- words ---

    def _words(self, error: SwarmliteError) -> str:
        return self._words_of(str(error))

    def _words_of(self, text: str) -> str:
        """The reader of a task's status is not on this host, so the host gets its name."""
        return text.replace("this host", self._place().hostname)


def seen_of(container: Container) -> Seen:
    """A row of a listing as a fact about a task."""
    return Seen(
        id=container.id,
        state=container.state,
        exit_code=container.exit_code,
        health=container.health if container.state.live else "",
    )


def _assigned(held: Held) -> Task:
    if held.task is None:
        raise FailedPrecondition(f"task {held.id} is not assigned to this host any more")
    return held.task
