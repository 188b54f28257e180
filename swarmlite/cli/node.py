"""`swarmlite node …`."""

from pathlib import Path

import click
from msgspec.structs import replace

from swarmlite.api.client import Client
from swarmlite.cli import options, render, rows, tasks
from swarmlite.errors import InvalidArgument
from swarmlite.model.objects import Node
from swarmlite.model.spec import Availability, NodeSpec, Role

_NODES = click.argument("names", metavar="NODE...", nargs=-1, required=True,
                        shell_complete=options.completed_by(options.node_names))  # fmt: skip


@click.group()
def node() -> None:
    """The cluster's hosts. NODE is a name, an id or the beginning of an id; `self` is this host."""


@node.command()
@options.output
@options.quiet
@options.data_dir
def ls(output: str, quiet: bool, data_dir: Path) -> None:
    """List nodes."""
    found = rows.nodes(options.run(Client(data_dir).nodes()))
    render.listed(found, rows.NODES, output, quiet)


@node.command()
@_NODES
@options.data_dir
def inspect(names: tuple[str, ...], data_dir: Path) -> None:
    """All that is known of nodes, as JSON."""

    async def ask(client: Client) -> list[object]:
        return [await client.raw(f"/nodes/{(await _named(client, name)).id}") for name in names]

    render.json_value(options.run(ask(Client(data_dir))))


@node.command()
@click.argument("names", metavar="[NODE...]", nargs=-1, shell_complete=options.completed_by(options.node_names))
@options.output
@options.quiet
@tasks.current
@options.data_dir
def ps(names: tuple[str, ...], output: str, quiet: bool, current: bool, data_dir: Path) -> None:
    """Tasks on nodes; without a name those on this host."""

    async def ask(client: Client) -> list[rows.Row]:
        ids = [(await _named(client, name)).id for name in names or ("self",)]
        return await tasks.listed(client, {"node": ids}, current)

    tasks.show(options.run(ask(Client(data_dir))), output, quiet)


@node.command()
@_NODES
@click.option("--label-add", multiple=True, metavar="KEY[=VALUE]", help="Add or change a label.")
@click.option("--label-rm", multiple=True, metavar="KEY", help="Remove a label.")
@click.option("--availability", type=click.Choice([one.value for one in Availability]), help="Whether it takes tasks.")
@click.option("--role", type=click.Choice([one.value for one in Role]), help="Manager or worker.")
@options.data_dir
def update(
    names: tuple[str, ...],
    label_add: tuple[str, ...],
    label_rm: tuple[str, ...],
    availability: str | None,
    role: str | None,
    data_dir: Path,
) -> None:
    """Change labels, availability or role. Draining a node moves its tasks to others."""
    if not (label_add or label_rm or availability or role):
        raise click.UsageError("nothing to change: give --label-add, --label-rm, --availability or --role")

    def changed(spec: NodeSpec) -> NodeSpec:
        labels = _labels(spec.labels, label_add, label_rm)
        wished = Availability(availability) if availability else spec.availability
        return replace(spec, labels=labels, availability=wished, role=Role(role) if role else spec.role)

    async def change(client: Client) -> None:
        for name in names:
            found = await _named(client, name)
            await client.update_node(found, changed(found.spec))
            click.echo(found.name)

    options.run(change(Client(data_dir)))


@node.command()
@_NODES
@click.option("--force", is_flag=True, help="Also when it is not down: it is told to stop its tasks and leave.")
@options.data_dir
def rm(names: tuple[str, ...], force: bool, data_dir: Path) -> None:
    """Remove nodes from the cluster."""

    async def remove(client: Client) -> None:
        for name in names:
            await client.remove_node((await _named(client, name)).id, force)
            click.echo(name)

    options.run(remove(Client(data_dir)))


async def _named(client: Client, name: str) -> Node:
    return await client.node((await client.status()).node_id if name == "self" else name)


def _labels(labels: dict[str, str], add: tuple[str, ...], remove: tuple[str, ...]) -> dict[str, str]:
    missing = [key for key in remove if key not in labels]
    if missing:
        raise InvalidArgument(f"no label {missing[0]!r} to remove; there are: {', '.join(sorted(labels)) or 'none'}")
    kept = {key: value for key, value in labels.items() if key not in remove}
    added = (text.partition("=") for text in add)
    return kept | {key: value for key, _, value in added}
