"""`swarmlite network …`."""

from pathlib import Path

import click

from swarmlite.api.client import Client
from swarmlite.cli import options, render, rows


@click.group()
def network() -> None:
    """Networks that span the hosts. A stack's networks come and go with it."""


@network.command()
@options.output
@options.quiet
@options.data_dir
def ls(output: str, quiet: bool, data_dir: Path) -> None:
    """List networks."""
    found = rows.networks(options.run(Client(data_dir).networks()))
    render.listed(found, rows.NETWORKS, output, quiet)


@network.command()
@click.argument(
    "names", metavar="NETWORK...", nargs=-1, required=True, shell_complete=options.completed_by(options.network_names)
)
@options.data_dir
def inspect(names: tuple[str, ...], data_dir: Path) -> None:
    """Networks and what is attached to them, as JSON."""

    async def ask(client: Client) -> list[object]:
        return [await client.raw(f"/networks/{(await client.network(name)).id}") for name in names]

    render.json_value(options.run(ask(Client(data_dir))))
