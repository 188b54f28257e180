"""Nodes' states and agents' reports across a manager's restart and a full disk."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from swarmlite.control.controllers import Controllers
from swarmlite.control.dispatch import Dispatch
from swarmlite.control.mirror import Mirror
from swarmlite.errors import Unavailable
from swarmlite.model.objects import Cluster, Node, NodeDescription, NodeState, NodeStatus, Task, TaskStatus
from swarmlite.model.spec import TaskTemplate
from swarmlite.model.states import TaskState
from swarmlite.model.view import Change, Put
from swarmlite.protocol.link import Hello, ManagerMessage, Report, TaskReport
from swarmlite.store.memory import MemoryStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HELLO = Hello(description=NodeDescription(hostname="a"), address="10.0.0.1", now=NOW)


class SmallDisk(MemoryStore):
    full = False

    async def commit(self, changes: Sequence[Change], after: int) -> int:
        if self.full:
            raise Unavailable("the disk is full")
        return await super().commit(changes, after)


def node(id: str, state: NodeState) -> Node:
    return Node(id=id, created_at=NOW, updated_at=NOW, status=NodeStatus(state=state))


def task() -> Task:
    status = TaskStatus(timestamp=NOW, state=TaskState.STARTING)
    return Task(
        id="t1",
        created_at=NOW,
        updated_at=NOW,
        spec=TaskTemplate(),
        node_id="ready",
        status=status,
        desired_state=TaskState.RUNNING,
    )


async def store_of(*objects: Node | Task) -> SmallDisk:
    store = SmallDisk()
    cluster = Cluster(id="c1", created_at=NOW, updated_at=NOW)
    await store.commit([Put(cluster), *(Put(item) for item in objects)], 0)
    return store


async def ignore(_: ManagerMessage) -> None:
    pass


async def test_after_a_restart_nodes_are_what_they_were_until_they_are_heard() -> None:
    before = {state: node(state.value, state) for state in NodeState}
    mirror = await Mirror.open(await store_of(*before.values()))
    turning = asyncio.create_task(Controllers(mirror, Dispatch(mirror)).run())
    await asyncio.sleep(0.6)  # a few looks at the beats
    assert {id: item.status.state for id, item in mirror.view.nodes.items()} == {s.value: s for s in NodeState}
    turning.cancel()
    await asyncio.gather(turning, return_exceptions=True)


async def test_reports_that_cannot_be_written_are_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swarmlite.control.dispatch.WRITE_AGAIN", 0.05)
    store = await store_of(node("ready", NodeState.READY), task())
    mirror = await Mirror.open(store)
    dispatch = Dispatch(mirror)
    writing = asyncio.create_task(dispatch.run())
    session = await dispatch.attach("ready", ignore, HELLO)
    store.full = True
    for state in (TaskState.RUNNING, TaskState.FAILED):
        await session.receive(
            Report(tasks=(TaskReport(id="t1", status=TaskStatus(timestamp=NOW, state=state, message=state)),))
        )
        await asyncio.sleep(0.02)
    assert mirror.view.tasks["t1"].status.state is TaskState.STARTING
    assert not writing.done()
    store.full = False
    await mirror.wait_beyond(mirror.view.version, 5.0)
    assert mirror.view.tasks["t1"].status.state is TaskState.FAILED
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
