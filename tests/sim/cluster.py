"""A whole control plane on a simulated clock: the real mirror, dispatch, controllers and use cases over a store in
memory, and hosts that do what agents do, as simply as can be.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable

from swarmlite.control.cluster import ClusterControl, NewNode
from swarmlite.control.controllers import Controllers
from swarmlite.control.dispatch import Dispatch
from swarmlite.control.mirror import Mirror
from swarmlite.control.session import Session
from swarmlite.model.objects import (
    Cluster,
    ContainerStatus,
    NodeDescription,
    Task,
    TaskStatus,
)
from swarmlite.model.spec import Reservations, Role
from swarmlite.model.states import ORDER, TaskState, is_terminal
from swarmlite.model.view import Put
from swarmlite.protocol.link import (
    Assignments,
    Beat,
    Changes,
    Dismissed,
    Hello,
    ManagerMessage,
    Report,
    TaskReport,
)
from swarmlite.store.memory import MemoryStore
from tests.sim.virtual import wall

GIB = 1024**3


class Host:
    """One machine: containers by task id, and an agent that may be dead or cut off."""

    def __init__(self, cluster: "SimCluster", node_id: str, name: str, address: str) -> None:
        self.cluster = cluster
        self.id = node_id
        self.name = name
        self.address = address
        self.containers: dict[str, TaskState] = {}
        self.assigned: dict[str, Task] = {}
        self.names: dict[str, dict[str, tuple[str, ...]]] = {}
        self.session: Session | None = None
        self.alive = True
        self.connected = True
        self.has_agent = True
        self._jobs: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> set[str]:
        """Tasks whose containers run here now."""
        return {id for id, state in self.containers.items() if state is TaskState.RUNNING} if self.alive else set()

    # --- what happens to it ---

    def power_off(self) -> None:
        self.alive = False
        self.containers = dict.fromkeys(self.containers, TaskState.FAILED)
        self._hang_up(peer_closed=False)

    def power_on(self) -> None:
        self.alive = True

    def lose_agent(self) -> None:
        """The agent dies; the machine, its engine and its containers live."""
        self.has_agent = False
        self._hang_up(peer_closed=True)

    def cut(self) -> None:
        self.connected = False
        self._hang_up(peer_closed=False)

    def heal(self) -> None:
        self.connected = True

    def crash(self, task_id: str, exit_code: int = 1) -> None:
        if task_id in self.containers:
            self.containers[task_id] = TaskState.FAILED
            self._tell(task_id, TaskState.FAILED, f"task: non-zero exit ({exit_code})", exit_code)

    # --- what it does ---

    async def live(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if not (self.alive and self.connected and self.has_agent):
                continue
            if self.session is None:
                await self._dial()
            elif self.session is not None:
                await self.session.receive(Beat())

    async def _dial(self) -> None:
        hello = Hello(
            description=NodeDescription(
                hostname=self.name, resources=Reservations(nano_cpus=8 * 10**9, memory_bytes=16 * GIB)
            ),
            address=self.address,
            now=wall(),
            tasks=self._all(),
        )
        session = await self.cluster.dispatch.attach(self.id, self._take, hello)
        self.session = session
        self._spawn(session.run())
        await session.receive(Report(tasks=self._all()))  # what happened since the hello was written

    async def _take(self, message: ManagerMessage) -> None:
        if not (self.alive and self.connected):
            return
        match message:
            case Assignments():
                self.assigned = {task.id: task for task in message.tasks}
                self.names = {names.id: names.names for names in message.names}
            case Changes():
                for id in message.gone_tasks:
                    self.assigned.pop(id, None)
                self.assigned.update((task.id, task) for task in message.tasks)
                self.names.update((names.id, names.names) for names in message.names)
            case Dismissed():
                self.assigned = {}
        self._spawn(self._make_it_so())

    async def _make_it_so(self) -> None:
        for id in self.containers.keys() - self.assigned.keys():
            del self.containers[id]
        for task in list(self.assigned.values()):
            if not self.alive:
                return
            state = self.containers.get(task.id)
            if task.desired_state is TaskState.RUNNING and state is None:
                if ORDER[task.status.state] < ORDER[TaskState.RUNNING]:
                    await self._start(task)
                elif task.status.state is TaskState.RUNNING:
                    self._tell(task.id, TaskState.FAILED, "its container is gone")
            elif task.desired_state is not TaskState.RUNNING and (state is None or not is_terminal(state)):
                self.containers[task.id] = TaskState.SHUTDOWN
                self._tell(task.id, TaskState.SHUTDOWN)

    async def _start(self, task: Task) -> None:
        self.containers[task.id] = TaskState.STARTING
        await asyncio.sleep(self.cluster.start_time())
        if self.alive and self.containers.get(task.id) is TaskState.STARTING:
            failure = self.cluster.failure(task)
            if failure:
                self.containers[task.id] = TaskState.FAILED
                self._tell(task.id, TaskState.FAILED, failure, 1)
            else:
                self.containers[task.id] = TaskState.RUNNING
                self._tell(task.id, TaskState.RUNNING)

    def _all(self) -> tuple[TaskReport, ...]:
        return tuple(
            TaskReport(id=id, status=TaskStatus(timestamp=wall(), state=state)) for id, state in self.containers.items()
        )

    def _tell(self, task_id: str, state: TaskState, err: str = "", exit_code: int | None = None) -> None:
        status = TaskStatus(
            timestamp=wall(),
            state=state,
            err=err,
            container_status=ContainerStatus(container_id=f"c{task_id}", exit_code=exit_code),
        )
        if self.session is not None and self.connected and self.alive:
            self._spawn(self.session.receive(Report(tasks=(TaskReport(id=task_id, status=status),))))

    def _hang_up(self, peer_closed: bool) -> None:
        if self.session is not None:
            self.session.closed(peer_closed)
            self.session = None

    def _spawn(self, work: object) -> None:
        job = asyncio.ensure_future(work)  # type: ignore[arg-type]
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)


class SimCluster:
    """Use `started`. Times are simulated seconds."""

    def __init__(self, mirror: Mirror, seed: int) -> None:
        self.mirror = mirror
        self.chance = random.Random(seed)
        self.dispatch = Dispatch(mirror, wall, wall)
        self.control = ClusterControl(mirror, self.dispatch, wall)
        self.controllers = Controllers(mirror, self.dispatch, wall, asyncio.get_running_loop().time, self.machine_lives)
        self.hosts: list[Host] = []
        self.failure: Callable[[Task], str] = lambda task: ""

    async def machine_lives(self, address: str) -> bool:
        return any(host.address == address and host.alive and host.connected for host in self.hosts)

    def start_time(self) -> float:
        return self.chance.uniform(0.05, 0.4)

    async def add_host(self, group: asyncio.TaskGroup) -> asyncio.Task[None]:
        number = len(self.hosts) + 1
        _, secret = await self.control.create_token(Role.WORKER, None, None, "")
        node = await self.control.admit(
            secret,
            NewNode(
                name=f"host{number}", address=f"192.0.2.{number}", description=NodeDescription(hostname=f"host{number}")
            ),
        )
        host = Host(self, node.id, f"host{number}", f"192.0.2.{number}")
        self.hosts.append(host)
        return group.create_task(host.live())

    async def until(self, condition: Callable[[], bool], timeout: float, what: str) -> float:
        """Wait for a condition; answers how long it took."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while not condition():
            assert loop.time() - start < timeout, f"not within {timeout} s: {what}\n{self.picture()}"
            await asyncio.sleep(0.02)
        return loop.time() - start

    def running(self, name: str) -> list[Task]:
        """Tasks of a service whose containers really run."""
        alive = {id for host in self.hosts for id in host.running}
        return [
            task for task in self.mirror.view.tasks.values() if task.id in alive and task.swarmlite.service_name == name
        ]

    def slots(self, name: str) -> Counter[int | str]:
        return Counter(task.slot or task.node_id for task in self.running(name))

    def picture(self) -> str:
        lines = [
            f"{task.name} node={task.node_id[:4]} desired={task.desired_state} {task.status.state} {task.status.err}"
            for task in self.mirror.view.tasks.values()
        ]
        lines += [f"{host.name} {host.id[:4]} alive={host.alive} connected={host.connected}" for host in self.hosts]
        return "\n".join(lines)


@contextlib.asynccontextmanager
async def started(hosts: int, seed: int = 0) -> AsyncIterator[SimCluster]:
    """A cluster with its controllers turning and `hosts` connected."""
    store = MemoryStore()
    mirror = await Mirror.open(store)
    await mirror.commit([Put(Cluster(id="c", created_at=wall(), updated_at=wall()))])
    cluster = SimCluster(mirror, seed)
    async with asyncio.TaskGroup() as group:
        jobs = [group.create_task(cluster.dispatch.run()), group.create_task(cluster.controllers.run())]
        jobs += [await cluster.add_host(group) for _ in range(hosts)]
        await cluster.until(lambda: all(host.session for host in cluster.hosts), 5, "hosts connected")
        try:
            yield cluster
        finally:
            for job in jobs:
                job.cancel()
    await store.close()
