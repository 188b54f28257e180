"""Options that many commands share, and the way from a command into the asynchronous client."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

from swarmlite import settings
from swarmlite.api.client import Client
from swarmlite.errors import SwarmliteError

_T = TypeVar("_T")
_F = TypeVar("_F", bound=Callable[..., Any])

_COMPLETION_WAIT = 1.0  # seconds that a shell's completion may wait for names

data_dir = click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="SWARMLITE_DATA_DIR",
    default=settings.DATA_DIR,
    show_default=True,
    show_envvar=True,
    help="Where this host's daemon keeps its state and sockets.",
)
output = click.option(
    "--format", "output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print."
)
quiet = click.option("-q", "--quiet", is_flag=True, help="Print only ids or names.")
detach = click.option("-d", "--detach", is_flag=True, help="Do not wait until it runs.")
timeout = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait.",
)


def run(work: Coroutine[Any, Any, _T]) -> _T:
    return asyncio.run(work)


def client(data_dir: Path) -> Client:
    return Client(data_dir)


async def service_names(client: Client) -> list[str]:
    return [service.name for service in await client.services()]


async def stack_names(client: Client) -> list[str]:
    return [stack.name for stack in await client.stacks()]


async def stack_and_service_names(client: Client) -> list[str]:
    return [*await stack_names(client), *await service_names(client)]


async def node_names(client: Client) -> list[str]:
    return [node.name for node in await client.nodes()]


async def network_names(client: Client) -> list[str]:
    return [network.name for network in await client.networks()]


Names = Callable[[Client], Coroutine[Any, Any, list[str]]]


def completed_by(names: Names) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """For `shell_complete`: names that the cluster has now; none when nobody answers."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        there = ctx.params.get("data_dir") or settings.DATA_DIR

        async def ask() -> list[str]:
            async with asyncio.timeout(_COMPLETION_WAIT):
                return await names(Client(Path(there)))

        try:
            return [name for name in asyncio.run(ask()) if name.startswith(incomplete)]
        except (SwarmliteError, TimeoutError):
            return []

    return complete
