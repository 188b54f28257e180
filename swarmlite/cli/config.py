"""`swarmlite config`."""

import click
import yaml

from swarmlite.cli import render
from swarmlite.cli.sources import Sources, sources


class _Plain(yaml.SafeDumper):
    """Values that happen to be one object are written out each time, not as anchors."""

    def ignore_aliases(self, data: object) -> bool:
        return True


@click.command()
@sources
@click.argument("stack", required=False)
@click.option("--services", is_flag=True, help="Print only the services' names.")
@click.option("--format", "output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def config(sources: Sources, stack: str | None, services: bool, output: str) -> None:
    """Show the Compose files as one: merged, with variables filled in, short forms written out.

    Needs no cluster. Faults are told with file, line and column.
    """
    found = sources.load(stack)
    if services:
        table = found.project.get("services")
        for name in table if isinstance(table, dict) else ():
            click.echo(name)
    elif output == "json":
        render.json_value(found.project)
    else:
        click.echo(yaml.dump(found.project, Dumper=_Plain, sort_keys=False, allow_unicode=True), nl=False)
