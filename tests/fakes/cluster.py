"""A cluster in memory for tests of what stands on it: the real use cases over a store in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from swarmlite.api.backend import ManagerFacts
from swarmlite.control.cluster import ClusterControl
from swarmlite.control.ids import new_id
from swarmlite.control.logs import LogLine, LogQuery
from swarmlite.control.mirror import Mirror
from swarmlite.model.objects import (
    AttachedNetwork,
    Cluster,
    ContainerStatus,
    EngineDescription,
    ManagerStatus,
    NetworkAttachment,
    Node,
    NodeDescription,
    NodeState,
    NodeStatus,
    Service,
    Task,
    TaskExtension,
    TaskStatus,
    Version,
)
from swarmlite.model.spec import NodeSpec, Platform, Reservations, Role
from swarmlite.model.states import TaskState
from swarmlite.model.view import Put
from swarmlite.store.memory import MemoryStore

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


class FakeDispatch:
    """Where a cluster's log lines come from: `lines` by task id. `quiet` is set while nobody reads."""

    def __init__(self) -> None:
        self.lines: dict[str, list[LogLine]] = {}
        self.dismissed: list[str] = []
        self.quiet = asyncio.Event()
        self._open_streams = 0
        self._said = asyncio.Event()

    def say(self, task: Task, second: int, text: str, stream: int = 1) -> None:
        stamp = f"2026-11-23T12:00:{second:02}.000000000Z"
        self.lines.setdefault(task.id, []).append(LogLine(task.id, stream, stamp, text.encode()))
        self._said.set()
        self._said = asyncio.Event()

    async def logs(self, query: LogQuery) -> AsyncIterator[LogLine]:
        self._open_streams += 1
        self.quiet.clear()
        seen = 0
        try:
            while True:
                lines = [line for id in query.task_ids for line in self.lines.get(id, [])]
                for line in lines[max(seen, len(lines) - query.tail if query.tail else 0) :]:
                    yield line
                seen = len(lines)
                if not query.follow:
                    break
                await self._said.wait()
        finally:
            self._open_streams -= 1
            if not self._open_streams:
                self.quiet.set()

    async def dismiss(self, node_id: str, reason: str) -> None:
        self.dismissed.append(node_id)


class FakeCluster:
    """`control` is the API's backend. No planner runs: tasks are what tests make them."""

    def __init__(self, mirror: Mirror, dispatch: FakeDispatch, nodes: Sequence[Node]) -> None:
        self.mirror = mirror
        self.dispatch = dispatch
        self.control = ClusterControl(mirror, dispatch)  # type: ignore[arg-type]
        self.nodes = nodes
        own = nodes[0]
        self.facts = ManagerFacts(
            node_id=own.id, address="192.0.2.1:2377", token_text=lambda secret: f"SWMLT-1-digest-{secret}"
        )

    @classmethod
    async def start(cls, hosts: int = 3) -> "FakeCluster":
        mirror = await Mirror.open(MemoryStore())
        cluster = Cluster(id=new_id(), created_at=NOW, updated_at=NOW)
        nodes = [node(number) for number in range(1, hosts + 1)]
        await mirror.commit([Put(cluster), *(Put(one) for one in nodes)])
        return cls(mirror, FakeDispatch(), nodes)

    @property
    def view(self) -> Any:
        return self.mirror.view

    def service(self, name: str) -> Service:
        found = self.mirror.view.service_named(name)
        assert found is not None, name
        return found

    async def run(self, name: str, state: TaskState = TaskState.RUNNING, err: str = "") -> list[Task]:
        """Give a service all its tasks, in this state, spread over the nodes; those it had are shut down."""
        service = self.service(name)
        old = list(self.mirror.view.tasks_of_service(service.id).values())
        ended = [replace(one, desired_state=TaskState.SHUTDOWN, status=_status(TaskState.SHUTDOWN, "")) for one in old]
        slots = [0] * len(self.nodes) if service.spec.is_global else range(1, service.spec.replicas + 1)
        tasks = [self._task(service, number, slot, state, err) for number, slot in enumerate(slots)]
        await self.mirror.commit([Put(one) for one in (*ended, *tasks)])
        return tasks

    async def change(self, task: Task, change: Callable[[Task], Task]) -> Task:
        changed = change(self.mirror.view.tasks[task.id])
        await self.mirror.commit([Put(changed)])
        return changed

    def _task(self, service: Service, number: int, slot: int, state: TaskState, err: str) -> Task:
        placed = state is not TaskState.PENDING
        attachments = [
            NetworkAttachment(network=AttachedNetwork(id=one.target), addresses=(f"10.128.0.{number + 10}/24",))
            for one in service.spec.task_template.networks
        ]
        return Task(
            id=new_id(),
            version=Version(index=self.mirror.view.version + 1),
            created_at=datetime.now(UTC),
            updated_at=datetime.now(UTC),
            spec=service.spec.task_template,
            service_id=service.id,
            slot=slot,
            node_id=self.nodes[number % len(self.nodes)].id if placed else "",
            status=_status(state, err),
            desired_state=TaskState.RUNNING,
            networks_attachments=tuple(attachments),
            swarmlite=TaskExtension(service_name=service.name),
        )


def node(number: int) -> Node:
    """Host N; the first is the manager."""
    return Node(
        id=f"{number}node" + "x" * 20,
        version=Version(index=1),
        created_at=NOW,
        updated_at=NOW,
        spec=NodeSpec(name=f"h{number}", role=Role.MANAGER if number == 1 else Role.WORKER),
        description=NodeDescription(
            hostname=f"h{number}",
            platform=Platform(architecture="x86_64", os="linux"),
            resources=Reservations(nano_cpus=2_000_000_000, memory_bytes=4 << 30),
            engine=EngineDescription(engine_version="20.10.24"),
        ),
        status=NodeStatus(state=NodeState.READY, addr=f"192.0.2.{number}"),
        manager_status=ManagerStatus(addr="192.0.2.1:2377") if number == 1 else None,
    )


def _status(state: TaskState, err: str) -> TaskStatus:
    container = ContainerStatus(container_id=new_id(), pid=4242) if state in _WITH_CONTAINER else None
    return TaskStatus(
        timestamp=datetime.now(UTC), state=state, message=state.value, err=err, container_status=container
    )


_WITH_CONTAINER = (TaskState.RUNNING, TaskState.STARTING, TaskState.FAILED, TaskState.SHUTDOWN, TaskState.COMPLETE)
