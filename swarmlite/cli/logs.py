"""`swarmlite logs`: lines of stacks, services and tasks from all hosts, each behind its task's name."""

from datetime import UTC, datetime
from pathlib import Path

import click

from swarmlite.api.client import Client
from swarmlite.cli import options, refs, render, times


class _Tail(click.ParamType):  # type: ignore[type-arg]  # generic in newer click only
    name = "N|all"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """-1 for all."""
        text = str(value)
        if text != "all" and not text.isdecimal() and text != "-1":
            self.fail(f"{text!r} is neither a number nor all", param, ctx)
        return -1 if text == "all" else int(text)


@click.command()
@click.argument(
    "names",
    metavar="STACK_OR_SERVICE...",
    nargs=-1,
    required=True,
    shell_complete=options.completed_by(options.stack_and_service_names),
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, also from tasks that start later.")
@click.option("-n", "--tail", type=_Tail(), default=-1, metavar="N|all", help="Only the last N lines of each task.")
@click.option("--since", default="", metavar="TIME", help="Only lines since: 10m (ago) or 2026-11-23T12:00:00Z.")
@click.option("-t", "--timestamps", is_flag=True, help="Show when each line was written.")
@options.data_dir
def logs(names: tuple[str, ...], follow: bool, tail: int, since: str, timestamps: bool, data_dir: Path) -> None:
    """Logs of stacks, services or tasks.

    Lines of all hosts are merged in the order of time, each behind its task's name.
    """
    start = times.moment(since, datetime.now(UTC)) if since else 0.0
    printer = render.LogPrinter(timestamps)

    async def read(client: Client) -> None:
        async for one in client.logs(await refs.sources(client, names), follow, None if tail < 0 else tail, start):
            if one.error:
                render.warning(f"{one.name} on {one.node or 'no node'}: {one.error}")
            else:
                printer.line(f"{one.name}@{one.node}", one.stamp, one.line, one.stream)

    options.run(read(Client(data_dir)))
