"""`swarmlite deploy`: a Compose file to a running stack, and the reason when it does not run."""

from pathlib import Path

import click

from swarmlite.api.client import Client
from swarmlite.api.wire import Deployed
from swarmlite.cli import live, render, wait
from swarmlite.cli.main import INTERRUPTED
from swarmlite.cli.options import completed_by, data_dir, detach, run, stack_names, timeout
from swarmlite.cli.sources import Sources, sources
from swarmlite.model.spec import StackSpec


@click.command()
@sources
@click.argument("stack", required=False, shell_complete=completed_by(stack_names))
@click.option("--prune", is_flag=True, help="Remove services that the file no longer names.")
@detach
@timeout
@data_dir
def deploy(
    sources: Sources,
    stack: str | None,
    prune: bool,
    detach: bool,
    timeout: float,
    data_dir: Path,
) -> None:
    """Deploy a Compose file as STACK, and wait until it runs.

    STACK is the name given here, else the file's `name:`, else the directory's. Deploying again changes only what
    differs. It waits until every service runs what was asked for, and is healthy where it has a healthcheck. When
    something fails for good, or after --timeout, it says which task, on which node and why, and leaves all as it is.

    \b
    Exit status: 0 all runs, 1 something failed or took too long,
    2 wrong usage or a faulty file.
    """
    wish = sources.load(stack).stack
    try:
        failed = run(_deploy(Client(data_dir), wish, prune, None if detach else timeout))
    except KeyboardInterrupt:
        render.note(f"\nno longer waiting; the deployment goes on: swarmlite stack ps {wish.name}")
        raise SystemExit(INTERRUPTED) from None
    if failed:
        raise SystemExit(1)


async def _deploy(client: Client, stack: StackSpec, prune: bool, timeout: float | None) -> bool:
    """Whether it failed. `timeout` None: do not wait."""
    result = await client.deploy(stack, prune)
    _tell(stack.name, result)
    if timeout is None:
        return False
    names = [service.name for service in stack.services]
    with live.shown() as show:
        outcome = await wait.settled(client, names, timeout, show)
    if not outcome.failures:
        if names:
            click.echo(f"stack {stack.name} runs")
        return False
    await wait.tell(client, outcome, timeout)
    render.note(f"all is left as it is; see `swarmlite stack ps {stack.name}` and `swarmlite logs {stack.name}`")
    return True


def _tell(name: str, result: Deployed) -> None:
    for network in result.networks_created:
        click.echo(f"network {network} created")
    said = (("created", result.created), ("updated", result.updated), ("removed", result.removed))
    for word, names in said:
        for service in names:
            click.echo(f"service {service} {word}")
    if result.unchanged:
        click.echo(f"unchanged: {', '.join(result.unchanged)}")
    if result.orphans:
        orphans = ", ".join(result.orphans)
        render.warning(f"the file no longer names {orphans}; still running (remove with: deploy --prune)")
    if not (result.created or result.updated or result.removed or result.unchanged):
        render.warning(f"stack {name} has no services")
