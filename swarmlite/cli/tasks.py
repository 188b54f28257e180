"""`swarmlite ps`, and the task lists of services, stacks and nodes."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from swarmlite.api.client import Client
from swarmlite.cli import options, render, rows
from swarmlite.model.objects import Task
from swarmlite.model.states import TaskState

current = click.option("--current", is_flag=True, help="Leave out tasks that ended and were replaced.")


@click.command()
@options.output
@options.quiet
@current
@options.data_dir
def ps(output: str, quiet: bool, current: bool, data_dir: Path) -> None:
    """All tasks of all services, on all hosts."""
    show(options.run(listed(Client(data_dir), None, current)), output, quiet)


async def listed(client: Client, filters: Mapping[str, Iterable[str]] | None, current: bool) -> list[rows.Row]:
    tasks = await client.tasks(filters)
    services = {service.id: service.name for service in await client.services()}
    nodes = {node.id: node.name for node in await client.nodes()}
    return rows.tasks([task for task in tasks if not current or _is_current(task)], services, nodes)


def show(found: list[rows.Row], output: str, quiet: bool) -> None:
    render.listed(found, rows.task_columns(datetime.now(UTC), found), output, quiet)


def _is_current(task: Task) -> bool:
    return task.desired_state is TaskState.RUNNING
