"""Waits until a daemon that was just started serves its socket and its node is part of the cluster."""

import asyncio

from swarmlite.api.client import Client
from swarmlite.errors import SwarmliteError, Timeout
from swarmlite.manager.background import Background
from swarmlite.manager.datadir import DataDir, NodeRecord
from swarmlite.model.objects import NodeState
from swarmlite.model.spec import Role

READY_WITHIN = 60.0


async def await_ready(datadir: DataDir, record: NodeRecord, background: Background) -> None:
    """Raises Timeout, or what the daemon's early end means."""
    client = Client(datadir.root)
    waits_for = "its socket"
    try:
        async with asyncio.timeout(READY_WITHIN):
            while waits_for:
                if background.ended():
                    raise SwarmliteError("the daemon ended before it was ready.")
                await asyncio.sleep(0.05)
                waits_for = await _missing(client, record)
    except TimeoutError as error:
        raise Timeout(
            f"the daemon was not ready within {READY_WITHIN:.0f} s: it still waits for {waits_for}."
        ) from error


async def _missing(client: Client, record: NodeRecord) -> str:
    """What the daemon waits for; "" when all is there."""
    try:
        if record.role is Role.MANAGER:
            node = await client.node(record.node_id)
            return "" if node.status.state is NodeState.READY else "its own agent"
        status = await client.status()
    except SwarmliteError as error:
        return f"its socket ({error})"
    return "" if status.connected else f"the manager at {record.manager}"
