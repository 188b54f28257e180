"""Logs and events as Docker's clients get them, and what our own get; nothing stays open when a client hangs up."""

import asyncio
import struct
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from swarmlite.api import transport
from swarmlite.api.client import Client
from swarmlite.model.objects import NodeState
from swarmlite.model.view import Put
from tests.fakes.cluster import FakeCluster
from tests.unit.api.conftest import Call
from tests.unit.api.test_docker_routes import WEB, create


def frames(data: bytes) -> list[tuple[int, str]]:
    out = []
    while data:
        stream, size = struct.unpack(">BxxxL", data[:8])
        out.append((stream, data[8 : 8 + size].decode()))
        data = data[8 + size :]
    return out


async def logs(data_dir: Path, query: str, of: str = "/services/web") -> list[tuple[int, str]]:
    async with transport.request(data_dir / "swarmlite.sock", "GET", f"/v1.47{of}/logs?{query}") as response:
        assert response.status == 200
        return frames(await response.read())


async def test_frames_carry_stamp_details_and_line(call: Call, cluster: FakeCluster, data_dir: Path) -> None:
    id = await create(call)
    task, _ = await cluster.run("web")
    cluster.dispatch.say(task, 1, "hello")
    cluster.dispatch.say(task, 2, "oh", stream=2)
    details = (
        f"com.docker.swarm.node.id={task.node_id},com.docker.swarm.service.id={id},com.docker.swarm.task.id={task.id}"
    )
    assert await logs(data_dir, "details=1&stdout=1&stderr=1&timestamps=1&tail=all&since=0") == [
        (1, f"2026-11-23T12:00:01.000000000Z {details} hello\n"),
        (2, f"2026-11-23T12:00:02.000000000Z {details} oh\n"),
    ]
    assert await logs(data_dir, "stdout=1", f"/tasks/{task.id}") == [(1, "hello\n")]


async def test_a_stream_must_be_chosen(call: Call) -> None:
    await create(call)
    assert (await call("GET", "/services/web/logs"))[0] == 400


async def test_a_host_that_is_down_is_named_at_the_end(call: Call, cluster: FakeCluster, data_dir: Path) -> None:
    await create(call)
    first, second = await cluster.run("web")
    cluster.dispatch.say(first, 1, "hello")
    down = next(one for one in cluster.nodes if one.id == second.node_id)
    await cluster.mirror.commit([Put(replace(down, status=replace(down.status, state=NodeState.DOWN)))])
    out = await logs(data_dir, "stdout=1")
    assert out[0] == (1, "hello\n")
    assert out[1][0] == 3
    assert f"task {second.id}: node h2 is down" in out[1][1]


async def test_following_takes_in_tasks_born_later_and_ends_with_its_reader(
    call: Call, cluster: FakeCluster, client: Client
) -> None:
    await create(call)
    before = await cluster.run("web")
    cluster.dispatch.say(before[0], 1, "old")
    lines = client.logs(["web"], follow=True)
    async with asyncio.timeout(10):
        assert (await anext(lines)).line == "old"
        born = (await cluster.run("web"))[0]
        cluster.dispatch.say(born, 2, "new")
        async for record in lines:
            if record.line == "new":
                break
        await lines.aclose()
        await cluster.dispatch.quiet.wait()


async def test_events_tell_what_changed(call: Call, cluster: FakeCluster, data_dir: Path) -> None:
    async with asyncio.timeout(10), transport.request(data_dir / "swarmlite.sock", "GET", "/v1.47/events") as response:
        id = await create(call)
        event = msgspec.json.decode(await anext(response.chunks))
        assert (event["Type"], event["Action"], event["Actor"]["ID"]) == ("service", "create", id)
        await cluster.control.scale("web", 5)
        event = msgspec.json.decode(await anext(response.chunks))
        assert event["Actor"]["Attributes"] == {"name": "web", "replicas.old": "2", "replicas.new": "5"}


async def test_waiting_for_a_change_ends_with_it_or_with_the_time(call: Call, client: Client) -> None:
    version = await client.changes(0, 0)
    assert await client.changes(version, 0.05) == version
    waiting = asyncio.create_task(client.changes(version, 10))
    await call("POST", "/services/create", WEB)
    async with asyncio.timeout(5):
        assert await waiting > version


@pytest.mark.parametrize("names", [["shop"], ["web"]])
async def test_our_own_logs_take_a_stack_or_a_service(
    call: Call, cluster: FakeCluster, client: Client, names: list[str]
) -> None:
    await create(call, {**WEB, "Labels": {"com.docker.stack.namespace": "shop"}})
    task, _ = await cluster.run("web")
    cluster.dispatch.say(task, 1, "hello")
    found = [record async for record in client.logs(names)]
    assert [(one.name, one.node, one.line) for one in found] == [("web.1", "h1", "hello")]
