"""YAML text to trees with places, by go-yaml's rules: duplicate keys refused, `<<` merged, aliases bounded."""

import math
from dataclasses import replace
from typing import Any

import yaml

from swarmlite.compose.report import Report
from swarmlite.compose.scalars import resolve
from swarmlite.compose.tree import OVERRIDE, RESET, Mark, Node, Path, Scalar

MAX_VALUES = 100_000
"""Values that one document may have once its aliases are written out; a few nested aliases can stand for billions."""

MAX_DEPTH = 100
"""Levels of nesting. Compose files have about ten."""

_UNCHECKED = 4_000
"""Characters of text in which no nesting can be deep enough to exhaust the stack of the C parser."""

_PLAIN = "plain"
_QUOTED = "quoted"
_CORE = "tag:yaml.org,2002:"


class _Loader(yaml.CSafeLoader):
    """Keeps apart what PyYAML's own resolver mixes up: unquoted scalars, which we resolve, and quoted ones."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return _CORE + ("map" if kind is yaml.MappingNode else "seq")


def documents(text: str, file: str, report: Report) -> list[Node]:
    """Every document of a file. What cannot be read is a fault, and the rest of the file is left out."""
    if len(text) > _UNCHECKED and _is_too_deep(text):
        report.fault(Mark(file, 1, 1), (), f"the file is nested more than {MAX_DEPTH} levels deep")
        return []
    try:
        roots = list(yaml.compose_all(text.removeprefix("\ufeff"), Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        mark = Mark(file, at.line + 1, at.column + 1) if at else Mark(file, 1, 1)
        report.fault(mark, (), f"this is not YAML: {error.problem or error.context}{_hint(text, mark)}")
        return []
    except yaml.YAMLError as error:
        report.fault(Mark(file, 1, 1), (), f"this is not YAML: {str(error).splitlines()[0]}")
        return []
    return [node for root in roots if (node := _Reader(file, report).document(root)) is not None]


def _is_too_deep(text: str) -> bool:
    """Found from events, which need no stack: composing nodes of a text that is nested without end would crash."""
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                return True
    except yaml.YAMLError:
        return False  # said with its place when the nodes are composed
    return False


def _hint(text: str, mark: Mark) -> str:
    lines = text.splitlines()
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    return "; indent with spaces, YAML allows no tabs" if "\t" in line[: mark.column] else ""


class _Reader:
    """Turns one document's nodes into ours, each once: aliases share the result.

    `_weights`: for each mapping and list made so far, by identity, how many values it stands for and how deep it is.
    """

    def __init__(self, file: str, report: Report) -> None:
        self._file = file
        self._report = report
        self._done: dict[int, Node] = {}
        self._open: set[int] = set()
        self._weights: dict[int, tuple[int, int]] = {}
        self._too_large = False

    def document(self, root: yaml.Node) -> Node | None:
        node = self._read(root, ())
        return None if self._too_large else node

    def _mark(self, node: yaml.Node) -> Mark:
        return Mark(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _read(self, node: yaml.Node, path: Path) -> Node:
        done = self._done.get(id(node))
        if done is not None:
            return done
        mark = self._mark(node)
        if id(node) in self._open:
            self._report.fault(mark, path, "the alias stands for something that contains itself")
            return Node(None, mark)
        self._open.add(id(node))
        value = self._value(node, path) if len(path) < MAX_DEPTH else None
        self._open.discard(id(node))
        size, depth = self._weigh(value)
        if size > MAX_VALUES or depth > MAX_DEPTH or len(path) >= MAX_DEPTH:
            self._refuse(mark, size)
            value = None
        done = Node(value, mark, None, node.tag if node.tag in (RESET, OVERRIDE) else "")
        self._done[id(node)] = done
        return done

    def _weigh(self, value: Scalar | dict[str, Node] | list[Node]) -> tuple[int, int]:
        if not isinstance(value, dict | list):
            return 1, 1
        below = [
            self._weights.get(id(child.value), (1, 1))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
        weight = 1 + sum(size for size, _ in below), 1 + max((depth for _, depth in below), default=0)
        self._weights[id(value)] = weight
        return weight

    def _refuse(self, mark: Mark, size: int) -> None:
        """Said once: what contains it is refused for the same reason."""
        if not self._too_large:
            deep = f"the file is nested more than {MAX_DEPTH} levels deep"
            large = f"this stands for more than {MAX_VALUES} values once its aliases are written out"
            self._report.fault(mark, (), large if size > MAX_VALUES else deep)
        self._too_large = True

    def _value(self, node: yaml.Node, path: Path) -> Scalar | dict[str, Node] | list[Node]:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            read = [self._read(child, (*path, index)) for index, child in enumerate(node.value)]
            return [child for child in read if child.tag != RESET]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Node]:
        members: dict[str, Node] = {}
        merged: list[yaml.Node] = []
        for key, child in node.value:
            if key.tag == _PLAIN and key.value == "<<":
                if merged:
                    self._report.fault(self._mark(key), path, "'<<' is there twice; merge a list of aliases instead")
                merged.append(child)
                continue
            name = self._key(key, path)
            if name is None:
                continue
            if name in members:
                first = members[name].where
                message = f"the key '{name}' is already there, in line {first.line}; remove one of the two"
                self._report.fault(self._mark(key), path, message)
            members[name] = replace(self._read(child, (*path, name)), key=self._mark(key))
        for child in merged:
            self._merge(child, members, path)
        return members

    def _key(self, key: yaml.Node, path: Path) -> str | None:
        if isinstance(key, yaml.ScalarNode):
            if key.tag in (_QUOTED, _CORE + "str") or isinstance(resolve(key.value), str):
                return str(key.value)
            self._report.fault(self._mark(key), path, f"the key {key.value or 'null'} is no text; write it in quotes")
        else:
            self._report.fault(self._mark(key), path, "a key is text, not a list or a mapping")
        return None

    def _merge(self, node: yaml.Node, members: dict[str, Node], path: Path) -> None:
        """`<<`: what is written beside it wins, then the earlier of a list."""
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            merged = self._read(source, path)
            if not isinstance(merged.value, dict):
                self._report.fault(self._mark(source), path, "'<<' takes a mapping or a list of mappings, by alias")
            for name, child in merged.map.items():
                members.setdefault(name, child)

    def _scalar(self, node: yaml.Node, path: Path) -> Scalar:
        text = str(node.value)
        if node.tag in (RESET, OVERRIDE):
            return resolve(text)
        if node.tag == _QUOTED or node.tag == _CORE + "str":
            return text
        value = resolve(text)
        if isinstance(value, float) and not math.isfinite(value):
            self._report.fault(self._mark(node), path, f"{text} is no number that can be used here; write it in quotes")
            return None
        return value
