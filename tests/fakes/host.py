"""One host without a kernel: networks and a DNS process in memory, and a manager at the other end of the link."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgspec

from swarmlite.agent.agent import Agent, Me, Parts
from swarmlite.agent.state import Saved
from swarmlite.errors import Unavailable
from swarmlite.model.objects import (
    AttachedNetwork,
    NetworkAttachment,
    Task,
    TaskExtension,
    TaskStatus,
)
from swarmlite.model.spec import ContainerSpec, Healthcheck, RestartPolicy, TaskTemplate
from swarmlite.model.states import TaskState
from swarmlite.network.rules import Published
from swarmlite.protocol.link import (
    AgentMessage,
    AssignedNetwork,
    Assignments,
    Beat,
    Changes,
    Describe,
    Hello,
    ManagerMessage,
    Report,
    TaskReport,
)
from swarmlite.protocol.names import NameTable, NameUpdate, NetworkNames, updated
from tests.fakes.engine import FakeEngine

NODE = "node1"
START = datetime(2026, 1, 1, tzinfo=UTC)
NET = AssignedNetwork(id="net1", name="shop_default", subnet="10.128.0.0/24", gateway="10.128.0.1", vni=4097)
CHECK = Healthcheck(test=("CMD", "true"))
SERVE = ContainerSpec(image="bb", args=("serve",))


def a_task(
    id: str,
    *,
    desired: TaskState = TaskState.RUNNING,
    state: TaskState = TaskState.ASSIGNED,
    address: str = "",
    spec: ContainerSpec | None = None,
    policy: RestartPolicy | None = None,
) -> Task:
    """A task of service shop_web as the manager assigns it."""
    attached = NetworkAttachment(network=AttachedNetwork(id=NET.id), addresses=(f"{address}/24",))
    return Task(
        id=id,
        created_at=START,
        updated_at=START,
        service_id="svc1",
        slot=1,
        node_id=NODE,
        spec=TaskTemplate(container_spec=spec or SERVE, restart_policy=policy),
        status=TaskStatus(timestamp=START, state=state),
        desired_state=desired,
        networks_attachments=(attached,) if address else (),
        swarmlite=TaskExtension(service_name="shop_web"),
    )


class FakeOverlay:
    """Networks in the fake engine alone."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine

    async def ensure(self, network: AssignedNetwork) -> str:
        found = await self._engine.networks({"io.swarmlite.network": network.id})
        if found:
            return found[0].id
        return await self._engine.create_network(network.name, {"Labels": {"io.swarmlite.network": network.id}})

    async def drop(self, network_id: str) -> None:
        for network in await self._engine.networks({"io.swarmlite.network": network_id}):
            await self._engine.remove_network(network.id)

    async def present(self) -> set[str]:
        found = await self._engine.networks({"io.swarmlite.network": ""})
        return {network.labels["io.swarmlite.network"] for network in found}


class FakeDns:
    """Holds the table that a DNS process would answer from."""

    def __init__(self) -> None:
        self.current = NameTable(version=0)
        self.listening: set[tuple[str, int]] = set()

    async def set_table(self, table: NameTable) -> None:
        self.current = table

    async def update(self, update: NameUpdate) -> None:
        self.current = updated(self.current, update)

    async def listen(self, address: str, port: int = 53, *, outside: bool = False) -> None:
        self.listening.add((address, port))

    async def unlisten(self, address: str, port: int = 53) -> None:
        self.listening.discard((address, port))

    def answer(self, name: str, network: str = NET.id) -> tuple[str, ...]:
        found = self.current.networks.get(network)
        return found.names.get(name, ()) if found else ()


class FakeMemory:
    """What a disk would hold between two agents."""

    def __init__(self) -> None:
        self.saved: bytes | None = None

    async def load(self) -> Saved | None:
        return msgspec.json.decode(self.saved, type=Saved) if self.saved else None

    async def save(self, assignments: Assignments, ran_in_place: Mapping[str, int]) -> None:
        self.saved = msgspec.json.encode(Saved(assignments=assignments, ran_in_place=dict(ran_in_place)))

    async def remove(self) -> None:
        self.saved = None


class _Wire:
    """The agent's end of one connection in memory."""

    def __init__(self, manager: "FakeManager") -> None:
        self._manager = manager
        self.inbox: asyncio.Queue[ManagerMessage | None] = asyncio.Queue()

    async def send(self, message: bytes) -> None:
        if self._manager.wire is not self:
            raise Unavailable("the link is lost")
        self._manager.take(msgspec.json.decode(message, type=AgentMessage))

    async def receive(self) -> bytes:
        message = await self.inbox.get()
        if message is None:
            raise Unavailable("the link is lost")
        return msgspec.json.encode(message)


class FakeManager:
    """Assigns what a test says, and remembers what it hears. `up` False: cannot be reached."""

    def __init__(self) -> None:
        self.up = True
        self.wire: _Wire | None = None
        self.heard: list[AgentMessage] = []
        self.reports: dict[str, TaskReport] = {}
        self.history: dict[str, list[TaskState]] = {}
        self.beats = 0
        self.engine_error = ""
        self.tasks: dict[str, Task] = {}
        self.networks: dict[str, AssignedNetwork] = {}
        self.names: dict[str, NetworkNames] = {}

    @asynccontextmanager
    async def dial(self, manager: str) -> AsyncIterator[_Wire]:
        if not self.up:
            raise Unavailable(f"manager {manager} cannot be reached")
        wire = self.wire = _Wire(self)
        try:
            yield wire
        finally:
            if self.wire is wire:
                self.wire = None

    def take(self, message: AgentMessage) -> None:
        match message:
            case Hello():
                self._reported(message.tasks)
                self.say(self.whole())
            case Report():
                self._reported(message.tasks)
            case Beat():
                self.beats += 1
                return
            case Describe():
                self.engine_error = message.engine_error
        self.heard.append(message)

    def say(self, message: ManagerMessage) -> None:
        if self.wire is not None:
            self.wire.inbox.put_nowait(message)

    def whole(self) -> Assignments:
        return Assignments(
            node_id=NODE,
            domain="swarmlite.internal",
            tasks=tuple(self.tasks.values()),
            networks=tuple(self.networks.values()),
            names=tuple(self.names.values()),
        )

    def assign(self, *tasks: Task) -> None:
        self.tasks |= {task.id: task for task in tasks}
        self.say(Changes(tasks=tasks))

    def unassign(self, *ids: str) -> None:
        for id in ids:
            del self.tasks[id]
        self.say(Changes(gone_tasks=ids))

    def desire(self, id: str, state: TaskState) -> None:
        self.assign(msgspec.structs.replace(self.tasks[id], desired_state=state))

    def connect_network(self, network: AssignedNetwork, **names: tuple[str, ...]) -> None:
        self.networks[network.id] = network
        self.names[network.id] = NetworkNames(id=network.id, subnet=network.subnet, names=names)
        self.say(Changes(networks=(network,), names=(self.names[network.id],)))

    def drop_network(self, id: str) -> None:
        del self.networks[id], self.names[id]
        self.say(Changes(gone_networks=(id,), gone_names=(id,)))

    def cut(self) -> None:
        """The link is lost, and the manager with it."""
        self.up = False
        wire, self.wire = self.wire, None
        if wire is not None:
            wire.inbox.put_nowait(None)

    def state(self, id: str) -> TaskState | None:
        report = self.reports.get(id)
        return report.status.state if report else None

    def err(self, id: str) -> str:
        return self.reports[id].status.err

    def _reported(self, reports: tuple[TaskReport, ...]) -> None:
        for report in reports:
            self.reports[report.id] = report
            states = self.history.setdefault(report.id, [])
            if states[-1:] != [report.status.state]:
                states.append(report.status.state)


class FakeKernel:
    """`published`: what this host's kernel lets in."""

    def __init__(self) -> None:
        self.published: tuple[Published, ...] = ()

    async def publish(self, ports: Iterable[Published], bridge: str) -> None:
        self.published = tuple(ports)

    async def mend(self, ports: Iterable[Published], bridge: str) -> None:
        self.published = tuple(ports)

    async def clear(self) -> None:
        self.published = ()


class Host:
    """A host whose agent can be killed and started again; engine, disk, DNS and manager outlive it."""

    def __init__(self) -> None:
        self.engine = FakeEngine()
        self.manager = FakeManager()
        self.overlay = FakeOverlay(self.engine)
        self.kernel = FakeKernel()
        self.dns = FakeDns()
        self.memory = FakeMemory()
        self._running: asyncio.Task[str] | None = None

    def start_agent(self) -> None:
        parts = Parts(
            engine=self.engine,
            overlay=self.overlay,
            ports=self.kernel,
            dns=self.dns,
            dial=self.manager.dial,
            state=self.memory,
            chance=lambda: 0.5,
            now=wall,
        )
        me = Me(node_id=NODE, hostname="host1", address="192.0.2.1", managers=("192.0.2.9:2377",))
        self._running = asyncio.create_task(Agent(me, parts).run())

    async def kill_agent(self) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def dismissal(self) -> str:
        assert self._running is not None
        return await self._running

    def starts(self) -> int:
        """How often a container was started."""
        return sum(1 for method, _ in self.engine.calls if method == "start")


def wall() -> datetime:
    """The time of day on the loop's clock, as the fake engine has it."""
    return datetime.fromtimestamp(START.timestamp() + asyncio.get_running_loop().time(), UTC)
