"""Compose files as trees of values that know where they were written, so that every message can say it.

Trees are never changed in place: aliases share nodes, and `extends` and `include` reuse them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

Scalar = str | int | float | bool | None
Json = Scalar | dict[str, "Json"] | list["Json"]
Path = tuple[str | int, ...]

RESET = "!reset"
OVERRIDE = "!override"


class Mark(NamedTuple):
    """A place in a file; `line` and `column` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Node:
    """One value. `key`: where its key stands, for values of mappings. `tag`: `!reset`, `!override` or nothing."""

    value: "Scalar | dict[str, Node] | list[Node]"
    mark: Mark
    key: Mark | None = None
    tag: str = ""

    @property
    def map(self) -> "dict[str, Node]":
        """The members of a mapping; empty for all else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> "list[Node]":
        """The entries of a list; empty for all else."""
        return self.value if isinstance(self.value, list) else []

    @property
    def where(self) -> Mark:
        """The place to name in a message: the key where there is one."""
        return self.key or self.mark

    def with_(self, value: "Scalar | dict[str, Node] | list[Node]") -> "Node":
        """This node with another value; it is no longer a `!reset`."""
        return replace(self, value=value)

    def set(self, **members: "Node | Scalar") -> "Node":
        """This mapping with members added or replaced; plain values get the mapping's own place."""
        added = {k: v if isinstance(v, Node) else Node(v, self.mark) for k, v in members.items()}
        return replace(self, value={**self.map, **added})

    def without(self, *names: str) -> "Node":
        return replace(self, value={k: v for k, v in self.map.items() if k not in names})

    def children(self) -> "Iterator[tuple[str | int, Node]]":
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, list):
            yield from enumerate(self.value)


def plain(node: Node) -> Json:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def graft(value: Json, mark: Mark) -> Node:
    """A plain value as a tree, all of it at one place."""
    if isinstance(value, dict):
        return Node({key: graft(child, mark) for key, child in value.items()}, mark)
    if isinstance(value, list):
        return Node([graft(child, mark) for child in value], mark)
    return Node(value, mark)


def table(value: Json) -> dict[str, Json]:
    """A mapping as it is; nothing else has members."""
    return value if isinstance(value, dict) else {}


def rows(value: Json) -> list[Json]:
    """A list as it is; nothing else has entries."""
    return value if isinstance(value, list) else []


def find(root: Node, path: Path) -> Node:
    """The node at `path`, or the nearest one above it that exists."""
    node = root
    for step in path:
        if isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        elif isinstance(step, str) and step in node.map:
            node = node.map[step]
        else:
            break
    return node


def spell(path: Path) -> str:
    """`services.web.ports[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def strip(node: Node) -> Node:
    """The tree without `!reset` members, and with the tags forgotten."""
    if isinstance(node.value, dict):
        kept = {key: strip(child) for key, child in node.value.items() if child.tag != RESET}
        return Node(kept, node.mark, node.key)
    if isinstance(node.value, list):
        return Node([strip(child) for child in node.value if child.tag != RESET], node.mark, node.key)
    return replace(node, tag="") if node.tag in (RESET, OVERRIDE) else node
