"""`swarmlite service …`."""

from pathlib import Path

import click

from swarmlite.api.client import Client
from swarmlite.cli import live, options, refs, render, rows, tasks, wait
from swarmlite.cli.logs import logs
from swarmlite.cli.main import INTERRUPTED
from swarmlite.errors import InvalidArgument

_SERVICES = click.argument("names", metavar="SERVICE...", nargs=-1, required=True,
                           shell_complete=options.completed_by(options.service_names))  # fmt: skip


@click.group()
def service() -> None:
    """Services. SERVICE is a full name (`shop_web`), an id or its beginning, or a name in one stack alone (`web`)."""


service.add_command(logs)


@service.command()
@options.output
@options.quiet
@options.data_dir
def ls(output: str, quiet: bool, data_dir: Path) -> None:
    """List services, with how many of their tasks run."""
    found = rows.services(options.run(Client(data_dir).services()))
    render.listed(found, rows.SERVICES, output, quiet)


@service.command()
@_SERVICES
@options.output
@options.quiet
@tasks.current
@options.data_dir
def ps(names: tuple[str, ...], output: str, quiet: bool, current: bool, data_dir: Path) -> None:
    """The services' tasks."""

    async def ask(client: Client) -> list[rows.Row]:
        ids = [one.id for one in await refs.services(client, names)]
        return await tasks.listed(client, {"service": ids}, current)

    tasks.show(options.run(ask(Client(data_dir))), output, quiet)


@service.command()
@_SERVICES
@options.data_dir
def inspect(names: tuple[str, ...], data_dir: Path) -> None:
    """All that is known of services, as JSON."""

    async def ask(client: Client) -> list[object]:
        return [await client.raw(f"/services/{one.id}") for one in await refs.services(client, names)]

    render.json_value(options.run(ask(Client(data_dir))))


class _Scale(click.ParamType):  # type: ignore[type-arg]  # generic in newer click only
    """`web=10`."""

    name = "SERVICE=REPLICAS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        name, _, count = str(value).partition("=")
        if not name or not count.isdecimal():
            self.fail(f"{value!r} is not SERVICE=REPLICAS, as in web=10", param, ctx)
        return name, int(count)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list["click.shell_completion.CompletionItem"]:
        names = options.completed_by(options.service_names)(ctx, param, incomplete)
        return [click.shell_completion.CompletionItem(f"{name}=") for name in names]


@service.command()
@click.argument("scales", metavar="SERVICE=REPLICAS...", nargs=-1, required=True, type=_Scale())
@options.detach
@options.timeout
@options.data_dir
def scale(scales: tuple[tuple[str, int], ...], detach: bool, timeout: float, data_dir: Path) -> None:
    """Change how many replicas services have, and wait until they run."""
    try:
        failed = options.run(_scale(Client(data_dir), dict(scales), None if detach else timeout))
    except KeyboardInterrupt:
        render.note("\nno longer waiting; the change goes on: swarmlite service ls")
        raise SystemExit(INTERRUPTED) from None
    if failed:
        raise SystemExit(1)


@service.command()
@_SERVICES
@options.data_dir
def rm(names: tuple[str, ...], data_dir: Path) -> None:
    """Remove services; their containers stop."""

    async def remove(client: Client) -> None:
        for one in await refs.services(client, names):
            await client.remove_service(one.id)
            click.echo(one.name)

    options.run(remove(Client(data_dir)))


async def _scale(client: Client, scales: dict[str, int], timeout: float | None) -> bool:
    """Whether it failed. `timeout` None: do not wait."""
    found = await refs.services(client, scales)
    for one in found:
        if one.spec.is_global:
            raise InvalidArgument(f"service {one.name} is global: it runs once on every node and has no scale")
    for one, count in zip(found, scales.values(), strict=True):
        await client.scale(one.id, count)
        click.echo(f"{one.name} scaled to {count}")
    names = [one.name for one in found]
    if timeout is None:
        return False
    with live.shown() as show:
        outcome = await wait.settled(client, names, timeout, show)
    await wait.tell(client, outcome, timeout)
    return bool(outcome.failures)
