"""`swarmlite stack …`."""

from pathlib import Path

import click

from swarmlite.api.client import Client
from swarmlite.cli import options, render, rows, tasks
from swarmlite.cli.deploy import deploy
from swarmlite.errors import NotFound
from swarmlite.plan.endpoints import STACK_LABEL

_STACK = click.argument("name", metavar="STACK", shell_complete=options.completed_by(options.stack_names))


@click.group()
def stack() -> None:
    """Stacks: what one Compose file deployed."""


stack.add_command(deploy)


@stack.command()
@options.output
@options.quiet
@options.data_dir
def ls(output: str, quiet: bool, data_dir: Path) -> None:
    """List stacks."""
    found = rows.stacks(options.run(Client(data_dir).stacks()))
    render.listed(found, rows.STACKS, output, quiet, key="name")


@stack.command()
@_STACK
@options.output
@options.quiet
@tasks.current
@options.data_dir
def ps(name: str, output: str, quiet: bool, current: bool, data_dir: Path) -> None:
    """The stack's tasks."""

    async def ask(client: Client) -> list[rows.Row]:
        await _must_exist(client, name)
        return await tasks.listed(client, {"label": [f"{STACK_LABEL}={name}"]}, current)

    tasks.show(options.run(ask(Client(data_dir))), output, quiet)


@stack.command()
@_STACK
@options.output
@options.quiet
@options.data_dir
def services(name: str, output: str, quiet: bool, data_dir: Path) -> None:
    """The stack's services."""

    async def ask(client: Client) -> list[rows.Row]:
        await _must_exist(client, name)
        return rows.services(await client.services({"label": [f"{STACK_LABEL}={name}"]}))

    found = options.run(ask(Client(data_dir)))
    render.listed(found, rows.SERVICES, output, quiet)


@stack.command()
@click.argument(
    "names", metavar="STACK...", nargs=-1, required=True, shell_complete=options.completed_by(options.stack_names)
)
@options.data_dir
def rm(names: tuple[str, ...], data_dir: Path) -> None:
    """Remove stacks: their services and networks. Volumes stay."""

    async def remove(client: Client) -> None:
        for name in names:
            result = await client.remove_stack(name)
            for service in result.removed:
                click.echo(f"service {service} removed")
            click.echo(f"stack {name} removed")

    options.run(remove(Client(data_dir)))


async def _must_exist(client: Client, name: str) -> None:
    known = await options.stack_names(client)
    if name not in known:
        raise NotFound(f"stack {name} not found; there are: {', '.join(known) or 'none'}")
