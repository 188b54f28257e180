"""A host that answers askers from outside is told the names of all networks; others only those of their own."""

import asyncio
from datetime import UTC, datetime

from msgspec.structs import replace

from swarmlite.control.dispatch import Dispatch
from swarmlite.control.mirror import Mirror
from swarmlite.model.objects import Cluster, Network, Node, NodeDescription, NodeState, NodeStatus
from swarmlite.model.spec import NetworkSpec
from swarmlite.model.view import Delete, Put
from swarmlite.protocol.link import Assignments, Changes, Hello, ManagerMessage
from swarmlite.store.memory import MemoryStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HELLO = Hello(description=NodeDescription(hostname="a"), address="10.0.0.1", now=NOW)


def network(id: str) -> Network:
    return Network(id=id, created_at=NOW, updated_at=NOW, spec=NetworkSpec(name=id), subnet="10.128.0.0/24")


async def test_all_names_go_to_hosts_that_answer_outside() -> None:
    store = MemoryStore()
    node = Node(id="n1", created_at=NOW, updated_at=NOW, status=NodeStatus(state=NodeState.READY))
    cluster = Cluster(id="c1", created_at=NOW, updated_at=NOW)
    await store.commit([Put(item) for item in (cluster, node, replace(node, id="n2"), network("net1"))], 0)
    mirror = await Mirror.open(store)
    dispatch = Dispatch(mirror)
    alone, whole = asyncio.Queue[ManagerMessage](), asyncio.Queue[ManagerMessage]()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for id, queue, hello in (("n1", whole, replace(HELLO, all_names=True)), ("n2", alone, HELLO)):
            group.create_task((await dispatch.attach(id, queue.put, hello)).run())
        assert names_in(await alone.get()) == []
        assert names_in(await whole.get()) == ["net1"]
        await mirror.commit([Put(network("net2"))])
        assert names_in(await whole.get()) == ["net2"]
        await mirror.commit([Delete("network", "net1")])
        assert await whole.get() == Changes(gone_names=("net1",))
        for id in ("n1", "n2"):
            await dispatch.attach(id, alone.put, HELLO)  # ends the session before


def names_in(message: ManagerMessage) -> list[str]:
    assert isinstance(message, Assignments | Changes)
    return [names.id for names in message.names]
