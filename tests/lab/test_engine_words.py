"""What a real engine refuses, in words that a user can act on."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from swarmlite.engine.client import Engine
from swarmlite.engine.wording import exit_reason
from swarmlite.errors import EngineError
from tests.lab.netlab import IMAGE, Host, lab_hosts

pytestmark = pytest.mark.lab

NAME = "words"
SLEEP = ["/bin/busybox", "sleep", "1000"]
REGISTRY = "10.77.0.2:5000"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with lab_hosts(1) as (only,):
        yield only


@pytest.fixture
async def engine(host: Host) -> AsyncIterator[Engine]:
    made = Engine(host.url)
    await made.connect()
    yield made
    await made.remove(NAME, force=True)
    await made.close()


async def refusal(engine: Engine, command: list[str], **more: Any) -> str:
    """The message with which a container is not created or not started."""
    with pytest.raises(EngineError) as raised:
        await engine.start(await engine.create(NAME, {"Image": IMAGE, "Cmd": command, **more}))
    return raised.value.message


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"Cmd": ["nosuch"]}, "command 'nosuch' is not in the image"),
        ({"Cmd": ["/etc/passwd"]}, "command '/etc/passwd' is not executable"),
        ({"User": "app"}, "user 'app' is not in the image"),
        ({"HostConfig": {"Memory": 1000}}, "the memory limit is too low: the engine's least is 6MB"),
        (
            {"HostConfig": {"Mounts": [{"Type": "bind", "Source": "/no/such", "Target": "/x"}]}},
            "bind mount: /no/such does not exist on this host",
        ),
        ({"HostConfig": {"Runtime": "fast"}}, "this host's engine has no runtime fast"),
        ({"NetworkingConfig": {"EndpointsConfig": {"nonet": {}}}}, "network nonet is not on this host"),
    ],
)
async def test_what_cannot_start_says_why(engine: Engine, more: dict[str, Any], message: str) -> None:
    body = {"Image": IMAGE, "Cmd": SLEEP, **more}
    with pytest.raises(Exception, match=r".") as raised:
        await engine.start(await engine.create(NAME, body))
    assert str(raised.value) == message


async def test_a_port_taken_by_a_program_of_the_host(host: Host, engine: Engine) -> None:
    host.shell("busybox nc -l -p 18081 >/dev/null 2>&1 </dev/zero & echo $! > /run/taker")
    published = {
        "ExposedPorts": {"80/tcp": {}},
        "HostConfig": {"PortBindings": {"80/tcp": [{"HostPort": "18081"}]}},
    }
    try:
        assert await refusal(engine, SLEEP, **published) == "port 18081/tcp is taken on this host by another program"
    finally:
        host.shell("kill $(cat /run/taker)")


async def test_a_container_that_passes_its_memory(engine: Engine) -> None:
    command = ["/bin/busybox", "dd", "if=/dev/zero", "of=/dev/null", "bs=100M", "count=1"]
    limits = {"Memory": 10 << 20, "MemorySwap": 10 << 20}
    container = await engine.create(NAME, {"Image": IMAGE, "Cmd": command, "HostConfig": limits})
    await engine.start(container)
    async with asyncio.timeout(20):
        while (ended := await engine.inspect(container)).exit_code is None:  # noqa: ASYNC110 - the engine changes
            await asyncio.sleep(0.05)
    assert "out of memory" in exit_reason(ended.exit_code, ended.oom_killed, ended.error)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (f"{REGISTRY}/none:1", f"image {REGISTRY}/none:1: not found in registry {REGISTRY}"),
        ("10.77.0.2:5999/web", "registry 10.77.0.2:5999 cannot be reached: connection refused"),
        ("Web", "image Web: this is not an image reference"),
    ],
)
async def test_a_pull_that_cannot_be(engine: Engine, image: str, message: str) -> None:
    with pytest.raises(EngineError) as raised:
        await engine.pull(image)
    assert raised.value.message == message


async def test_a_pull_from_the_registry(host: Host, engine: Engine) -> None:
    image = f"{REGISTRY}/words:1"
    host.docker("tag", IMAGE, image)
    host.docker("push", image)
    host.docker("rmi", image)
    assert not await engine.image_present(image)
    await engine.pull(image)
    assert await engine.image_present(image)
    host.docker("rmi", image)


async def test_a_full_disk(engine: Engine) -> None:
    """The engine copies what the image has at /bin into a new volume, and the volume is too small for it."""
    await engine.volume_create("full", options={"type": "tmpfs", "device": "tmpfs", "o": "size=64k"})
    mounts = {"Mounts": [{"Type": "volume", "Source": "full", "Target": "/bin"}]}
    try:
        message = await refusal(engine, SLEEP, HostConfig=mounts)
        assert message == "the disk of this host is full (no space left on device)"
    finally:
        await engine.remove(NAME, force=True)
        await engine.volume_remove("full")
