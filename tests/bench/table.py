"""One figure as a row, and all of them as one table."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    figure: str
    ours: str
    swarm: str
    goal: str
    ratio: str
    good: bool | None = None
    """Whether the goal is met; None where there is none."""

    @classmethod
    def compared(cls, figure: str, values: Sequence[float], show: Callable[[float], str], limit: float) -> "Row":
        """Ours and, if it took part, Swarm's; at most `limit` is good."""
        ours, swarm = values[0], values[1] if len(values) > 1 else None
        theirs = "" if swarm is None else show(swarm)
        better = "" if swarm is None else ratio(swarm / ours)
        return cls(figure, show(ours), theirs, f"≤ {limit:g}{show(0.0)[4:]}", better, good=ours <= limit)


def seconds(value: float) -> str:
    return f"{value:.2f} s"


def ratio(value: float) -> str:
    return f"{value:.2f} x"


COLUMNS = ("figure", "swarmlite", "Docker Swarm", "goal", "Swarm / swarmlite", "")


def show(rows: Sequence[Row], notes: Sequence[str]) -> None:
    """With frames and colours in a terminal, plain columns in a pipe."""
    cells = [(row.figure, row.ours, row.swarm, row.goal, row.ratio, _verdict(row)) for row in rows]
    if sys.stdout.isatty():
        _framed(cells)
    else:
        widths = [max(len(line[at]) for line in [COLUMNS, *cells]) for at in range(len(COLUMNS))]
        for line in [COLUMNS, *cells]:
            print("  ".join(f"{text:{width}}" for text, width in zip(line, widths, strict=True)).rstrip())
    for note in notes:
        print(note)


def _framed(cells: Sequence[tuple[str, ...]]) -> None:
    table = Table(*COLUMNS)
    for line in cells:
        style = {"missed": "bold red", "met": "green"}.get(line[-1], "")
        table.add_row(*line[:-1], f"[{style}]{line[-1]}[/]" if style else line[-1])
    Console().print(table)


def _verdict(row: Row) -> str:
    return {True: "met", False: "missed", None: ""}[row.good]
