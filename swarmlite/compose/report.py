"""What is wrong with the files and what will not happen, gathered so that the user sees all of it at once."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from swarmlite.compose.tree import Mark, Node, Path, find, spell
from swarmlite.errors import ComposeError


class Warning(NamedTuple):
    """`path`: the key, as `services.web.ports[0]`; empty where the file as a whole is meant."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        key = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {key}{self.message}"


class Report:
    """Faults and warnings of one load, in the order of the files."""

    def __init__(self) -> None:
        self._faults: dict[Warning, None] = {}
        self._warnings: dict[Warning, None] = {}

    def fault(self, place: Node | Mark, path: Path, message: str) -> None:
        self._faults[_entry(place, path, message)] = None

    def warn(self, place: Node | Mark, path: Path, message: str) -> None:
        self._warnings[_entry(place, path, message)] = None

    def add(self, other: "Report") -> None:
        """Take over all that another report has."""
        self._faults |= other._faults
        self._warnings |= other._warnings

    @property
    def failed(self) -> bool:
        return bool(self._faults)

    @property
    def faults(self) -> tuple[Warning, ...]:
        return tuple(self._faults)

    @property
    def warnings(self) -> tuple[Warning, ...]:
        return tuple(self._warnings)

    def stop(self) -> None:
        """Raise ComposeError with every fault found so far, one a line, if there is any."""
        if self._faults:
            raise ComposeError("\n".join(str(fault) for fault in self._faults))


def _entry(place: Node | Mark, path: Path, message: str) -> Warning:
    mark = place.where if isinstance(place, Node) else place
    return Warning(mark.file, mark.line, mark.column, spell(path), message)


def meant(word: str, allowed: Iterable[str]) -> str:
    """`; did you mean 'ports'?`, or nothing where nothing is near."""
    near = get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


class Place:
    """A path of one tree, to report on without saying again where it is."""

    def __init__(self, root: Node, path: Path, report: Report) -> None:
        self._root = root
        self._path = path
        self._report = report

    @property
    def node(self) -> Node:
        """What stands there, or the nearest above it."""
        return find(self._root, self._path)

    def at(self, *steps: str | int) -> "Place":
        return Place(self._root, (*self._path, *steps), self._report)

    def fault(self, message: str) -> None:
        self._report.fault(self.node, self._path, message)

    def warn(self, message: str) -> None:
        self._report.warn(self.node, self._path, message)
