"""Waiting until services run what was asked of them, with live progress, and saying why when they do not."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from swarmlite.api.client import Client
from swarmlite.cli import render
from swarmlite.cli.progress import Assessment, Failure, Progress, Snapshot, in_the_way
from swarmlite.errors import SwarmliteError

_LAST_LINES = 10
_PAUSE = 0.1  # seconds between looks at the least
_LOOK = 0.5  # … and at the most, since time alone can settle things


class Outcome(NamedTuple):
    failures: tuple[Failure, ...]
    timed_out: bool = False


async def settled(client: Client, names: Sequence[str], timeout: float, show: Callable[[Assessment], None]) -> Outcome:
    """Look until all services of these names are done, one has failed, or `timeout` seconds have passed."""
    progress, deadline = Progress(), time.monotonic() + timeout
    version = 0
    while True:
        began = time.monotonic()
        version = await client.changes(version, min(_LOOK, max(deadline - began, 0)))
        seen = await look(client, names)
        now = time.monotonic()
        assessment = progress.observe(seen, now)
        show(assessment)
        if assessment.failures:
            return Outcome(assessment.failures)
        if assessment.done:
            return Outcome(())
        if now >= deadline:
            return Outcome(in_the_way(seen, assessment), timed_out=True)
        await asyncio.sleep(min(_PAUSE, deadline - now))


async def look(client: Client, names: Sequence[str]) -> Snapshot:
    wanted = set(names)
    services = [one for one in await client.services({"name": names} if names else None) if one.name in wanted]
    gone = wanted - {one.name for one in services}
    if gone:
        raise SwarmliteError(f"service {sorted(gone)[0]} was removed while we waited for it")
    tasks = await client.tasks({"service": [one.id for one in services]}) if services else []
    nodes = {node.id: node for node in await client.nodes()}
    return Snapshot(services, tasks, nodes)


async def tell(client: Client, outcome: Outcome, timeout: float) -> None:
    """Each failure with its task, its host, its reason and its last log lines, on standard error."""
    if outcome.timed_out:
        render.failure(f"not there after {timeout:g} s:")
    for failure in outcome.failures:
        render.failure(f"{failure.service}: {sentence(failure)}")
        for line in await _last_lines(client, failure):
            render.note(f"    | {line}")


def sentence(failure: Failure) -> str:
    task = failure.task
    if task is None:
        return failure.why
    where = f" on {failure.node}" if failure.node else ", which has no node"
    name = f"{failure.service}.{task.slot or failure.node}"
    return f"task {name} ({task.id[:12]}){where}, {task.status.state}: {failure.why}"


async def _last_lines(client: Client, failure: Failure) -> list[str]:
    """A failing host must not hide the failure itself: without its logs we say so and go on."""
    container = failure.task.status.container_status if failure.task else None
    if failure.task is None or container is None or not container.container_id:
        return []
    try:
        async with asyncio.timeout(5):
            logs = client.logs([failure.task.id], tail=_LAST_LINES)
            return [record.error or record.line async for record in logs]
    except (SwarmliteError, TimeoutError) as error:
        return [f"(its logs cannot be read: {error})"]
