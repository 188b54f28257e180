"""The only place that knows colours. They come on terminals alone, and never say what the words do not say too."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import click

_STATES = {
    "running": "green",
    "ready": "green",
    "complete": "green",
    "active": "green",
    "failed": "red",
    "rejected": "red",
    "down": "red",
    "orphaned": "red",
    "pending": "yellow",
    "drain": "yellow",
    "pause": "yellow",
    "unknown": "yellow",
}
_PREFIXES = ("cyan", "yellow", "green", "magenta", "blue", "bright_cyan", "bright_yellow", "bright_green")


class Column(NamedTuple):
    """`value`: a row's key, or what makes the text of a row. `state`, `wrong`: how it is coloured."""

    title: str
    value: str | Callable[[Mapping[str, Any]], str]
    state: bool = False
    wrong: bool = False

    def text(self, row: Mapping[str, Any]) -> str:
        text = str(row[self.value]) if isinstance(self.value, str) else self.value(row)
        return " ".join(text.split())


def rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], output: str) -> None:
    """A list as a table or as a JSON array."""
    if output == "json":
        json_value(rows)
    else:
        table(rows, columns)


def listed(
    found: Sequence[Mapping[str, Any]], columns: Sequence[Column], output: str, quiet: bool, key: str = "id"
) -> None:
    """A list as was asked for; `quiet`: each row's `key` alone, a line each."""
    if quiet:
        for row in found:
            click.echo(row[key])
    else:
        rows(found, columns, output)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> None:
    """Docker's look: titles, columns three blanks apart, nothing cut off."""
    texts = [[column.text(row) for column in columns] for row in rows]
    widths = [max(len(cell) for cell in cells) for cells in zip(*([c.title for c in columns], *texts), strict=True)]
    click.echo(_line([column.title for column in columns], widths))
    for cells in texts:
        painted = [_painted(cell, column) for cell, column in zip(cells, columns, strict=True)]
        padding = [" " * (width - len(cell)) for cell, width in zip(cells, widths, strict=True)]
        click.echo("   ".join(cell + pad for cell, pad in zip(painted, padding, strict=True)).rstrip())


def json_value(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values, one a line."""
    kept = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in kept), default=0)
    for name, value in kept:
        click.echo(f"{name + ':':<{width + 2}}{value}")


def note(text: str) -> None:
    """Something beside the result: to standard error, so that pipes stay clean."""
    click.echo(text, err=True)


def warning(text: str) -> None:
    note(_color("warning: ", "yellow", sys.stderr) + text)


def failure(text: str) -> None:
    note(_color(text, "red", sys.stderr))


class LogPrinter:
    """Log lines behind their task's name, a colour each. What a task wrote to standard error goes to ours."""

    def __init__(self, timestamps: bool) -> None:
        self._timestamps = timestamps
        self._colors: dict[str, str] = {}
        self._width = 0

    def line(self, name: str, stamp: str, text: str, stream: int) -> None:
        self._width = max(self._width, len(name))
        color = self._colors.setdefault(name, _PREFIXES[len(self._colors) % len(_PREFIXES)])
        out = sys.stderr if stream == 2 else sys.stdout
        head = f"{stamp} " if self._timestamps else ""
        print(f"{head}{_color(name.ljust(self._width), color, out)} | {text}", file=out, flush=True)


def is_terminal() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def state(text: str) -> str:
    """A state word in its colour, for standard output."""
    return _color(text, _STATES.get(text), sys.stdout)


def _painted(cell: str, column: Column) -> str:
    if column.wrong:
        return _color(cell, "red", sys.stdout)
    return state(cell) if column.state else cell


def _color(text: str, color: str | None, stream: Any) -> str:
    if color is None or not text or not stream.isatty() or os.environ.get("NO_COLOR"):
        return text
    return click.style(text, fg=color)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "   ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
