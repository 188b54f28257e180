"""The manager's API on a unix socket, over a cluster in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from swarmlite.api import transport
from swarmlite.api.app import cli_app
from swarmlite.api.client import Client
from tests.fakes.cluster import FakeCluster

Call = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def cluster() -> FakeCluster:
    return await FakeCluster.start()


@pytest.fixture
async def data_dir(cluster: FakeCluster, tmp_path: Path) -> AsyncIterator[Path]:
    runner = web.AppRunner(cli_app(cluster.control, cluster.facts), shutdown_timeout=1)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "swarmlite.sock")).start()
    yield tmp_path
    await runner.cleanup()


@pytest.fixture
def client(data_dir: Path) -> Client:
    return Client(data_dir)


@pytest.fixture
def call(data_dir: Path) -> Call:
    """One request as any client sends it: status and decoded JSON."""

    async def send(method: str, target: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else msgspec.json.encode(body)
        async with transport.request(data_dir / "swarmlite.sock", method, target, data) as response:
            answer = await response.read() if method != "HEAD" else b""
        try:
            return response.status, msgspec.json.decode(answer) if answer else None
        except msgspec.DecodeError:
            return response.status, answer.decode()

    return send
