"""A worker's socket: its own status, and where the manager is for all else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from swarmlite.api.client import Client
from swarmlite.api.wire import Status
from swarmlite.api.worker import worker_app
from swarmlite.errors import Unavailable
from swarmlite.model.spec import Role


class Worker:
    def status(self) -> Status:
        return Status(role=Role.WORKER, node_id="n", node_name="h2", manager_address="192.0.2.1:2377")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    runner = web.AppRunner(worker_app(Worker()), shutdown_timeout=1)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "swarmlite.sock")).start()
    yield Client(tmp_path)
    await runner.cleanup()


async def test_it_tells_its_status(client: Client) -> None:
    assert (await client.status()).node_name == "h2"


async def test_all_else_is_refused_with_the_manager_s_address(client: Client) -> None:
    with pytest.raises(Unavailable, match=r"not a swarm manager.*on the manager, 192\.0\.2\.1:2377"):
        await client.nodes()
    with pytest.raises(Unavailable, match="not a swarm manager"):
        await client.remove_stack("shop")
