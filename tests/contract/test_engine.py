"""What every engine keeps, the fake of the tests and a real daemon: `engine.base.ContainerEngine`.

The real one is that of a lab of one host.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from swarmlite.engine.base import SUBSCRIBED, ContainerDetail, ContainerEngine, ContainerState, Event
from swarmlite.engine.client import Engine
from swarmlite.errors import AlreadyExists, EngineError, NotFound
from tests.fakes.engine import FakeEngine
from tests.lab.netlab import lab_hosts

IMAGE = "busybox:latest"
FOREVER = ["/bin/busybox", "sleep", "1000"]


@pytest.fixture(scope="module")
def real_url() -> Iterator[str]:
    with lab_hosts(1) as (host,):
        yield host.url


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.lab)])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[ContainerEngine]:
    fake = request.param == "fake"
    made: ContainerEngine = FakeEngine(images=(IMAGE,)) if fake else Engine(request.getfixturevalue("real_url"))
    await made.connect()
    yield made
    for container in await made.list_containers({"contract": ""}):
        await made.remove(container.id, force=True)
    for network in await made.networks({"contract": ""}):
        await made.remove_network(network.id)
    await made.close()


@pytest.fixture
def name() -> str:
    return f"contract-{uuid.uuid4().hex[:8]}"


def body(command: list[str], **more: Any) -> dict[str, Any]:
    return {"Image": IMAGE, "Cmd": command, "Labels": {"contract": "yes"}, **more}


def script(text: str) -> dict[str, Any]:
    return body(["sh", "-c", text])


async def until(engine: ContainerEngine, container: str, good: Callable[[ContainerDetail], bool]) -> ContainerDetail:
    async with asyncio.timeout(10):
        while not good(detail := await engine.inspect(container)):  # noqa: ASYNC110 - the engine is what changes
            await asyncio.sleep(0.02)
    return detail


async def test_says_what_it_is(engine: ContainerEngine) -> None:
    info = await engine.connect()
    assert info.name
    assert info.cpus > 0
    assert info.memory_bytes > 0
    assert (info.os, info.arch) in {("linux", "amd64"), ("linux", "arm64")}


async def test_a_container_lives_and_ends_as_told(engine: ContainerEngine, name: str) -> None:
    container = await engine.create(name, body(FOREVER))
    assert (await engine.inspect(container)).state is ContainerState.CREATED
    await engine.start(container)
    running = await engine.inspect(container)
    assert running.state is ContainerState.RUNNING
    assert running.pid > 0
    assert running.exit_code is None
    assert running.started_at
    assert running.finished_at == ""
    await engine.kill(container)
    ended = await until(engine, container, lambda detail: not detail.state.live)
    assert ended.exit_code == 137
    assert ended.finished_at
    await engine.remove(container)
    with pytest.raises(NotFound):
        await engine.inspect(container)


async def test_what_is_done_already_is_no_error(engine: ContainerEngine, name: str) -> None:
    container = await engine.create(name, body(FOREVER))
    await engine.start(container)
    await engine.start(container)
    await engine.stop(container, 0)
    await engine.stop(container, 0)
    await engine.kill(container)
    await engine.remove(container)
    await engine.remove(container)
    await engine.remove_network("contract-none")
    await engine.volume_remove("contract-none")


async def test_stop_returns_when_the_container_has_ended(engine: ContainerEngine, name: str) -> None:
    container = await engine.create(name, body(FOREVER))
    await engine.start(container)
    await engine.stop(container, 0)
    assert (await engine.inspect(container)).state is ContainerState.EXITED


async def test_an_exit_code_is_told(engine: ContainerEngine, name: str) -> None:
    container = await engine.create(name, script("exit 3"))
    await engine.start(container)
    ended = await until(engine, container, lambda detail: detail.exit_code is not None)
    assert ended.exit_code == 3
    [row] = await engine.list_containers({"contract": "yes"})
    assert row.exit_code == 3
    assert row.state is ContainerState.EXITED


async def test_a_listing_is_by_all_labels(engine: ContainerEngine, name: str) -> None:
    await engine.create(f"{name}-a", body(FOREVER, Labels={"contract": "yes", "kind": "a"}))
    await engine.create(f"{name}-b", body(FOREVER, Labels={"contract": "yes", "kind": "b"}))
    assert {row.name for row in await engine.list_containers({"contract": "yes"})} == {f"{name}-a", f"{name}-b"}
    assert {row.name for row in await engine.list_containers({"contract": "", "kind": "b"})} == {f"{name}-b"}
    assert await engine.list_containers({"contract": "no"}) == ()


async def test_a_running_container_is_not_removed_without_force(engine: ContainerEngine, name: str) -> None:
    container = await engine.create(name, body(FOREVER))
    await engine.start(container)
    with pytest.raises(EngineError):
        await engine.remove(container)
    await engine.remove(container, force=True)
    assert await engine.list_containers({"contract": ""}) == ()


async def test_a_name_is_given_once(engine: ContainerEngine, name: str) -> None:
    await engine.create(name, body(FOREVER))
    with pytest.raises(AlreadyExists, match=name):
        await engine.create(name, body(FOREVER))


async def test_what_is_absent_is_not_found(engine: ContainerEngine, name: str) -> None:
    assert await engine.image_present(IMAGE)
    assert not await engine.image_present("contract-none")
    with pytest.raises(NotFound, match="contract-none"):
        await engine.create(name, {"Image": "contract-none"})
    for call in (engine.inspect(name), engine.start(name), engine.stop(name, 0), engine.kill(name)):
        with pytest.raises(NotFound, match=name):
            await call


async def test_an_image_that_no_registry_has_names_itself(engine: ContainerEngine) -> None:
    with pytest.raises(EngineError, match=r"contract-none|docker\.io"):
        await engine.pull("contract-none")


async def test_a_published_port_is_told_and_taken(engine: ContainerEngine, name: str) -> None:
    published = {
        "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "18080"}]}},
    }
    first = await engine.create(f"{name}-a", body(FOREVER, **published))
    second = await engine.create(f"{name}-b", body(FOREVER, **published))
    await engine.start(first)
    port = (await engine.inspect(first)).ports[0]
    assert (port.protocol, port.container_port, port.host_port) == ("tcp", 80, 18080)
    with pytest.raises(EngineError, match=r"port 18080.*taken"):
        await engine.start(second)


async def test_networks_give_the_addresses_asked_for(engine: ContainerEngine, name: str) -> None:
    labels = {"contract": "yes"}
    for number in (1, 2):
        pool = {"Subnet": f"10.213.{number}.0/24", "Gateway": f"10.213.{number}.1"}
        await engine.create_network(f"{name}-{number}", {"IPAM": {"Config": [pool]}, "Labels": labels})
    with pytest.raises(AlreadyExists, match=f"{name}-1"):
        await engine.create_network(f"{name}-1", {"Labels": labels})
    assert {(found.name, found.gateway) for found in await engine.networks(labels)} == {
        (f"{name}-1", "10.213.1.1"),
        (f"{name}-2", "10.213.2.1"),
    }
    endpoint = {"IPAMConfig": {"IPv4Address": "10.213.1.77"}}
    config = {"EndpointsConfig": {f"{name}-1": endpoint}}
    container = await engine.create(name, body(FOREVER, NetworkingConfig=config))
    await engine.attach(f"{name}-2", container, {"IPAMConfig": {"IPv4Address": "10.213.2.77"}})
    await engine.start(container)
    [row] = await engine.list_containers(labels)
    assert row.addresses == {f"{name}-1": "10.213.1.77", f"{name}-2": "10.213.2.77"}
    with pytest.raises(EngineError, match="active endpoints"):
        await engine.remove_network(f"{name}-1")
    await engine.detach(f"{name}-2", container)
    await engine.remove_network(f"{name}-2")
    assert [found.name for found in await engine.networks(labels)] == [f"{name}-1"]
    await engine.remove(container, force=True)


async def test_events_tell_a_containers_life(engine: ContainerEngine, name: str) -> None:
    seen: list[Event] = []
    subscribed = asyncio.Event()

    async def listen() -> None:
        async for event in engine.events({"type": ("container",), "label": ("contract",)}):
            seen.append(event)
            subscribed.set()
            if event.action == "destroy":
                return

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(listen())
        await subscribed.wait()
        assert seen == [SUBSCRIBED]
        container = await engine.create(name, script("exit 4"))
        await engine.start(container)
        await until(engine, container, lambda detail: detail.exit_code is not None)
        await engine.remove(container)
    assert [event.action for event in seen] == ["subscribed", "create", "start", "die", "destroy"]
    assert all(event.id == container and event.attributes["name"] == name for event in seen[1:])
    assert seen[3].attributes["exitCode"] == "4"
    assert [event.time for event in seen] == sorted(event.time for event in seen)


async def test_log_lines_keep_their_stream_and_time(engine: ContainerEngine, name: str) -> None:
    container = await engine.create(name, script("echo one; sleep 0.05; echo two >&2; sleep 0.05; echo three"))
    await engine.start(container)
    await until(engine, container, lambda detail: detail.exit_code is not None)
    lines = [line async for line in engine.logs(container)]
    assert [(stream, text) for stream, _, text in lines] == [(1, b"one"), (2, b"two"), (1, b"three")]
    stamps = [stamp for _, stamp, _ in lines]
    assert stamps == sorted(stamps)
    assert all(len(stamp) == len("2026-01-01T00:00:00.000000000Z") for stamp in stamps)
    assert [text async for _, _, text in engine.logs(container, tail=1)] == [b"three"]


async def test_followed_logs_end_with_the_container(engine: ContainerEngine, name: str) -> None:
    container = await engine.create(name, script("echo one; sleep 0.3; echo two"))
    await engine.start(container)
    async with asyncio.timeout(10):
        assert [text async for _, _, text in engine.logs(container, follow=True)] == [b"one", b"two"]


async def test_a_stream_can_be_left(engine: ContainerEngine, name: str) -> None:
    container = await engine.create(name, script("echo one; sleep 1000"))
    await engine.start(container)
    async with asyncio.timeout(10):
        async with aclosing(engine.logs(container, follow=True)) as lines:
            async for _, _, text in lines:
                assert text == b"one"
                break
        assert (await engine.inspect(container)).state is ContainerState.RUNNING
