"""Progress as it is drawn: rewritten in place on a terminal, one line for each change of a service elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from swarmlite.cli import render
from swarmlite.cli.progress import Assessment, ServiceProgress

Show = Callable[[Assessment], None]


@contextmanager
def shown() -> Iterator[Show]:
    """What draws an assessment, while this context lasts."""
    if render.is_terminal():
        with _live() as show:
            yield show
    else:
        yield Lines().show


class Lines:
    """For pipes and logs: a line when a service's count or status changes, or when it has a new reason to wait.

    The states that tasks pass through, and the return of a reason that was told, make no line of their own.
    """

    def __init__(self) -> None:
        self._counts: dict[str, tuple[int, int, str]] = {}
        self._reasons: dict[str, set[str]] = {}

    def show(self, assessment: Assessment) -> None:
        for service in assessment.services:
            count = (service.ready, service.wanted, service.status)
            told = self._reasons.setdefault(service.name, {""})
            if self._counts.get(service.name) != count or service.reason not in told:
                click.echo(line(service))
            self._counts[service.name] = count
            told.add(service.reason)


def line(service: ServiceProgress) -> str:
    word = {"done": "running", "failed": "FAILED", "waiting": "waiting"}[service.status]
    note = f" ({note_of(service)})" if note_of(service) else ""
    return f"{service.name}: {service.ready}/{service.wanted} {word}{note}"


def note_of(service: ServiceProgress) -> str:
    return ": ".join(part for part in (service.note, service.reason) if part)


@contextmanager
def _live() -> Iterator[Show]:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

    marks = {"done": ("✓", "green"), "failed": ("✗", "red"), "waiting": ("…", "yellow")}

    def drawn(assessment: Assessment) -> Table:
        table = Table.grid(padding=(0, 2))
        for service in assessment.services:
            mark, color = marks[service.status]
            word = {"done": "running", "failed": "failed", "waiting": ""}[service.status]
            count = f"{service.ready}/{service.wanted}"
            table.add_row(Text(mark, color), service.name, count, Text(word, color), Text(note_of(service), "dim"))
        return table

    with Live(console=Console(highlight=False), refresh_per_second=8) as live:
        yield lambda assessment: live.update(drawn(assessment))
