"""The agent itself: takes what the manager assigns and what the engine shows, and turns each task until it rests.

All that it knows lies on the board; every change there leads to a look at the task in question, which takes one step at
a time. Before the first listing, and before the manager's word or its lasting silence, it does nothing.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from swarmlite.agent.board import Board, answers, report_of, uses_networks
from swarmlite.agent.body import Place
from swarmlite.agent.decide import Forget, Remove, Step, Stop, Wait, decide
from swarmlite.agent.describe import describe
from swarmlite.agent.held import Fact, Failing, Held, Said
from swarmlite.agent.link import Dial, Link
from swarmlite.agent.logs import LogEngine, LogStreams
from swarmlite.agent.names import NameBook
from swarmlite.agent.networks import HostNetworks, Listener, Overlay
from swarmlite.agent.ports import HostPorts, Kernel
from swarmlite.agent.state import SAVE_AFTER, Ledger, Saved
from swarmlite.agent.steps import StepEngine, Steps
from swarmlite.agent.watch import Watch, WatchedEngine
from swarmlite.engine.base import Container, EngineInfo
from swarmlite.engine.version import parse as parse_version
from swarmlite.errors import SwarmliteError
from swarmlite.logs import logger
from swarmlite.protocol.link import (
    Assignments,
    Changes,
    Describe,
    Dismissed,
    Hello,
    LogCancel,
    LogRequest,
    ManagerMessage,
)
from swarmlite.protocol.names import NameTable, NameUpdate
from swarmlite.reconcile.loop import Loop

log = logger(__name__)

ALONE_AFTER = 2.0
"""Seconds without a link until the agent restarts crashed containers itself: a manager that restarts is quicker."""

FIRST_LOOK = 2.0
"""Seconds that the first hello waits for the first listing, so that it tells the truth."""

PARTING = 30.0
"""Seconds that a dismissed agent takes for stopping its containers at most."""


class AgentEngine(StepEngine, WatchedEngine, LogEngine, Protocol):
    """All that the agent needs of an engine."""


class Memory(Protocol):
    """What outlives the agent (`agent.state.StateFile`)."""

    async def load(self) -> Saved | None: ...
    async def save(self, assignments: Assignments, ran_in_place: Mapping[str, int]) -> None: ...
    async def remove(self) -> None: ...


class Resolver(Listener, Protocol):
    """What the agent needs of `dns.process`."""

    async def set_table(self, table: NameTable) -> None: ...
    async def update(self, update: NameUpdate) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the agent works with; each can be a real one or a test's."""

    engine: AgentEngine
    overlay: Overlay
    ports: Kernel
    dns: Resolver
    dial: Dial
    state: Memory
    chance: Callable[[], float]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    linked: Callable[[bool], None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class Me:
    """Who this agent is. `address`: of this host on the network between the hosts. `all_names`: it answers outside."""

    node_id: str
    hostname: str
    address: str
    managers: tuple[str, ...]
    all_names: bool = False


class Agent:
    def __init__(self, me: Me, parts: Parts) -> None:
        self._me = me
        self._parts = parts
        self._now = parts.now
        self._ledger = Ledger()
        self._board = Board(parts.now, self._changed)
        self._loop: Loop[str] = Loop(self._turn, lambda: asyncio.get_running_loop().time())
        self._networks = HostNetworks(parts.overlay, parts.dns, self._networks_in_use)
        self._ports = HostPorts(parts.ports, self._networks)
        self._steps = Steps(parts.engine, self._networks, self._place, self._board.learn, parts.now)
        self._book = NameBook()
        self._told_domain = ""
        self._link = Link(me.managers, parts.dial, self, parts.chance)
        self._watch = Watch(parts.engine, me.node_id, self)
        self._logs = LogStreams(parts.engine, self._container_of, self._link.send)
        self._info: EngineInfo | None = None
        self._engine_error = "the engine has not answered yet"
        self._listed = asyncio.Event()
        self._sure = False
        self._spoken = False
        self._linked = False
        self._lost_at = 0.0
        self._under_way: set[str] = set()
        self._names_due = asyncio.Event()
        self._save_due = asyncio.Event()
        self._dismissed: asyncio.Future[str] | None = None
        self._workers: asyncio.TaskGroup | None = None

    async def run(self) -> str:
        """Until cancelled, or dismissed from the cluster: then the reason."""
        self._dismissed = asyncio.get_running_loop().create_future()
        await self._remember()
        self._link_lost()
        async with asyncio.TaskGroup() as group:
            self._workers = group
            routines = (self._watch.run(), self._loop.run(), self._networks.run(), self._ports.run(), self._answer())
            running = [group.create_task(routine) for routine in (*routines, self._save(), self._keep_link())]
            reason = await self._dismissed
            await self._part()
            for task in running:
                task.cancel()
        return reason

    # --- from the engine ---

    def engine_back(self, info: EngineInfo) -> None:
        log.info("engine", version=info.server_version, api=info.api_version)
        self._info = info
        self._engine_error = ""
        self._networks.doubt()
        self._ports.doubt()
        self._link.describe(self._description())

    def engine_lost(self, why: str) -> None:
        if why == self._engine_error:
            return
        log.error("engine lost", error=why)
        self._engine_error = why
        self._listed.clear()
        self._link.describe(self._description())

    def listing_begins(self) -> int:
        return self._board.begin()

    def listed(self, containers: tuple[Container, ...], mark: int) -> None:
        self._board.listed(containers, mark, self._under_way)
        if not self._listed.is_set():
            self._sure = True
            self._listed.set()
            self._board.retry()
            self._names_due.set()
            self._touch_all()

    def happened(self, task_id: str, fact: Fact) -> None:
        self._board.learn(task_id, fact)

    # --- from the manager ---

    def hello(self) -> Hello:
        return Hello(
            description=describe(self._info, self._me.hostname),
            address=self._me.address,
            now=self._now(),
            tasks=self._board.reports(),
            all_names=self._me.all_names,
        )

    def link_up(self) -> None:
        self._linked = True
        self._parts.linked(True)
        if self._engine_error:
            self._link.describe(self._description())

    def link_down(self) -> None:
        self._logs.cancel_all()
        if self._linked:
            log.warning("link lost")
            self._linked = False
            self._parts.linked(False)
            self._link_lost()

    def receive(self, message: ManagerMessage) -> None:
        match message:
            case Assignments():
                self._assign(message)
            case Changes():
                self._change(message)
            case LogRequest():
                self._logs.start(message)
            case LogCancel():
                self._logs.cancel(message.request)
            case Dismissed():
                log.warning("dismissed", reason=message.reason)
                if self._dismissed is not None and not self._dismissed.done():
                    self._dismissed.set_result(message.reason)

    def _assign(self, message: Assignments) -> None:
        first = not self._spoken
        self._spoken = True
        self._ledger.replace(message)
        self._take_over({})
        if first:
            self._touch_all()

    def _change(self, message: Changes) -> None:
        self._ledger.apply(message)
        self._networks.assign(message.networks, message.gone_networks)
        self._book.put(message.names, message.gone_names)
        self._board.assign(message.tasks, message.gone_tasks)
        if message.published is not None:
            self._ports.assign(message.ingress, message.published)
        self._names_due.set()
        self._save_due.set()

    def _take_over(self, restarts: Mapping[str, int]) -> None:
        """Work from the ledger as a whole."""
        ledger = self._ledger
        self._book.replace(ledger.names.values())
        self._networks.assign(ledger.networks.values())
        self._board.assign(ledger.tasks.values(), restarts=restarts)
        self._ports.assign(ledger.ingress, ledger.published)
        self._names_due.set()
        self._save_due.set()

    # --- turning the tasks ---

    async def _turn(self, ids: tuple[str, ...]) -> Mapping[str, float | None]:
        """Look at these tasks; the answer says at which to look again, and when."""
        again: dict[str, float | None] = {}
        for id in ids:
            at = self._advance(id)
            if at is not None:
                again[id] = at
        return again

    def _advance(self, id: str) -> float | None:
        if not self._listed.is_set() or not (self._spoken or self._alone()) or id in self._under_way:
            return None
        while (held := self._board.get(id)) is not None and (held.task is not None or self._spoken):
            step = decide(held, self._now(), self._alone())
            match step:
                case Said():
                    self._board.learn(id, step)
                case Forget():
                    self._board.forget(id)
                case Wait(until):
                    return None if until is None else self._steady(until)
                case _:
                    self._begin(held, step)
                    return None
        return None

    def _steady(self, at: datetime) -> float:
        """A moment on the loop's clock."""
        return asyncio.get_running_loop().time() + (at - self._now()).total_seconds()

    def _begin(self, held: Held, step: Step) -> None:
        assert self._workers is not None
        self._under_way.add(held.id)
        self._workers.create_task(self._work(held, step))

    async def _work(self, held: Held, step: Step) -> None:
        try:
            await self._steps.take(held, step)
        except Exception:  # a bug that one task brings out must not stop the others
            log.exception("step broke", task=held.id, step=type(step).__name__)
            self._board.learn(held.id, Failing(self._now() + timedelta(seconds=5)))
        finally:
            self._under_way.discard(held.id)
            self._loop.touch((held.id,))
            if isinstance(step, Stop | Remove):
                self._networks.look()

    def _changed(self, before: Held | None, after: Held) -> None:
        """The board's news: look at the task, tell the manager, correct the names."""
        self._loop.touch((after.id,))
        if before is None or before.status != after.status or before.ran_in_place != after.ran_in_place:
            self._report(before, after)
        if before is None or answers(before) != answers(after) or before.task != after.task:
            self._names_due.set()
        if before is not None and uses_networks(before) and not uses_networks(after):
            self._networks.look()

    def _report(self, before: Held | None, after: Held) -> None:
        report = report_of(after)
        if report is None or after.task is None or (before is None and after.status == after.task.status):
            return
        self._link.report(report)
        self._save_due.set()

    def _touch_all(self) -> None:
        self._loop.touch(held.id for held in self._board)

    # --- with and without a manager ---

    def _alone(self) -> bool:
        return not self._linked and asyncio.get_running_loop().time() - self._lost_at >= ALONE_AFTER

    def _link_lost(self) -> None:
        loop = asyncio.get_running_loop()
        self._lost_at = loop.time()
        loop.call_later(ALONE_AFTER + 0.01, self._look_alone)

    def _look_alone(self) -> None:
        if self._alone():
            self._touch_all()
            self._names_due.set()

    async def _keep_link(self) -> None:
        try:
            async with asyncio.timeout(FIRST_LOOK):
                await self._listed.wait()
        except TimeoutError:
            log.warning("engine not seen yet", error=self._engine_error)
        await self._link.run()

    async def _part(self) -> None:
        """Stop and remove everything that this cluster has put here."""
        self._assign(Assignments(node_id=self._me.node_id, domain=self._ledger.domain))
        try:
            async with asyncio.timeout(PARTING):
                await self._listed.wait()
                await self._board.empty()
                await self._ports.settle()
                while not await self._networks.settle():  # noqa: ASYNC110 - the engine lets one go when it can
                    await asyncio.sleep(0.2)
        except TimeoutError:
            log.error("not everything could be removed", tasks=sum(1 for _ in self._board))
        await self._parts.state.remove()

    # --- names ---

    async def _answer(self) -> None:
        """Keep the DNS process's table as the manager and this host see it."""
        while True:
            await self._names_due.wait()
            self._names_due.clear()
            self._book.look(self._board, sure=self._sure, alone=self._alone())
            try:
                await self._tell_names()
            except SwarmliteError as error:
                log.error("names not told", error=str(error))

    async def _tell_names(self) -> None:
        domain = self._ledger.domain
        if self._told_domain != domain:
            self._told_domain = domain
            await self._parts.dns.set_table(self._book.table(domain))
        elif domain:
            update = self._book.update()
            if update is not None:
                await self._parts.dns.update(update)

    # --- memory ---

    async def _remember(self) -> None:
        saved = await self._parts.state.load()
        if saved is not None and saved.assignments.node_id == self._me.node_id:
            self._ledger.replace(saved.assignments)
            self._take_over(saved.ran_in_place)
            self._save_due.clear()

    async def _save(self) -> None:
        while True:
            await self._save_due.wait()
            await asyncio.sleep(SAVE_AFTER)
            self._save_due.clear()
            restarts = {held.id: held.ran_in_place for held in self._board if held.ran_in_place}
            states = {held.id: held.status for held in self._board if held.status is not None}
            await self._parts.state.save(self._ledger.whole(states), restarts)

    # --- answers to the parts ---

    def _place(self) -> Place:
        api = parse_version(self._info.api_version) if self._info else (0, 0)
        return Place(node_id=self._me.node_id, hostname=self._me.hostname, domain=self._ledger.domain, api_version=api)

    def _description(self) -> Describe:
        return Describe(description=describe(self._info, self._me.hostname), engine_error=self._engine_error)

    def _networks_in_use(self) -> set[str]:
        return {id for held in self._board if uses_networks(held) or held.id in self._under_way for id in held.networks}

    def _container_of(self, task_id: str) -> str | None:
        held = self._board.get(task_id)
        return held.seen.id if held is not None and held.seen is not None else None
