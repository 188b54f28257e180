"""`swarmlite token …`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from swarmlite.api.client import Client
from swarmlite.api.wire import TokenRequest
from swarmlite.cli import options, render, rows, times
from swarmlite.model.spec import Role


@click.group()
def token() -> None:
    """Join tokens: what a host needs to become a node. A token's text is shown once, when it is made."""


@token.command()
@click.option(
    "--role", type=click.Choice([one.value for one in Role]), default="worker", show_default=True, help="What it makes."
)
@click.option(
    "--expires", default="24h", show_default=True, metavar="DURATION", help="How long it is good: 90s, 1h, 7d, never."
)
@click.option("--uses", type=click.IntRange(min=1), metavar="N", help="How many hosts may join.  [default: any]")
@click.option("--description", default="", help="What it is for.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the token.")
@options.data_dir
def create(role: str, expires: str, uses: int | None, description: str, quiet: bool, data_dir: Path) -> None:
    """Make a token, and print the command that joins with it."""
    seconds = None if expires == "never" else max(1, round(times.duration(expires)))
    asked = TokenRequest(role=Role(role), expires_in=seconds, uses=uses, description=description)
    made = options.run(Client(data_dir).create_token(asked))
    if quiet:
        click.echo(made.text)
        return
    limits = f"good {'for ever' if seconds is None else f'for {times.span(seconds)}'}"
    limits += "" if uses is None else f", {uses} use{'' if uses == 1 else 's'}"
    click.echo(f"Join token {made.token.id} ({role}, {limits}). On the host that is to join:\n")
    click.echo(f"    swarmlite join --token {made.text} {made.address}")


@token.command()
@options.output
@options.quiet
@options.data_dir
def ls(output: str, quiet: bool, data_dir: Path) -> None:
    """List tokens, without their secret part."""
    found = rows.tokens(options.run(Client(data_dir).tokens()))
    render.listed(found, rows.token_columns(datetime.now(UTC)), output, quiet)


@token.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@options.data_dir
def rm(ids: tuple[str, ...], data_dir: Path) -> None:
    """Revoke tokens. Hosts that joined with them stay."""

    async def revoke(client: Client) -> None:
        for id in ids:
            await client.revoke_token(id)
            click.echo(id)

    options.run(revoke(Client(data_dir)))
