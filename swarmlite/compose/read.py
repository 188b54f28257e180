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


def _hint(text: str, mark: Mark) -> str:
    lines = text.splitlines()
    line = lines[mark.line - 1] if mark.line <= len(lines) else ""
    return "; indent with spaces, YAML allows no tabs" if "\t" in line[: mark.column] else ""


class _Reader:
    """Turns one document's nodes into ours, each once: aliases share the result."""

    def __init__(self, file: str, report: Report) -> None:
        self._file = file
        self._report = report
        self._done: dict[int, tuple[Node, int]] = {}
        self._open: set[int] = set()

    def document(self, root: yaml.Node) -> Node | None:
        node, size = self._read(root, ())
        if size > MAX_VALUES:
            message = f"the document stands for more than {MAX_VALUES} values once its aliases are written out"
            self._report.fault(node, (), message)
            return None
        return node

    def _mark(self, node: yaml.Node) -> Mark:
        return Mark(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _read(self, node: yaml.Node, path: Path) -> tuple[Node, int]:
        if id(node) in self._done:
            return self._done[id(node)]
        if id(node) in self._open:
            self._report.fault(self._mark(node), path, "the alias stands for something that contains itself")
            return Node(None, self._mark(node)), 1
        self._open.add(id(node))
        tag = node.tag if node.tag in (RESET, OVERRIDE) else ""
        value, size = self._value(node, path)
        self._open.discard(id(node))
        self._done[id(node)] = (Node(value, self._mark(node), None, tag), size)
        return self._done[id(node)]

    def _value(self, node: yaml.Node, path: Path) -> tuple[Scalar | dict[str, Node] | list[Node], int]:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            read = [self._read(child, (*path, index)) for index, child in enumerate(node.value)]
            return [child for child, _ in read if child.tag != RESET], 1 + sum(size for _, size in read)
        return self._scalar(node, path), 1

    def _mapping(self, node: yaml.MappingNode, path: Path) -> tuple[dict[str, Node], int]:
        members: dict[str, Node] = {}
        merged: list[yaml.Node] = []
        total = 1
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
            value, size = self._read(child, (*path, name))
            members[name] = replace(value, key=self._mark(key))
            total += size
        for child in merged:
            total += self._merge(child, members, path)
        return members, total

    def _key(self, key: yaml.Node, path: Path) -> str | None:
        if isinstance(key, yaml.ScalarNode):
            if key.tag in (_QUOTED, _CORE + "str") or isinstance(resolve(key.value), str):
                return str(key.value)
            self._report.fault(self._mark(key), path, f"the key {key.value or 'null'} is no text; write it in quotes")
        else:
            self._report.fault(self._mark(key), path, "a key is text, not a list or a mapping")
        return None

    def _merge(self, node: yaml.Node, members: dict[str, Node], path: Path) -> int:
        """`<<`: what is written beside it wins, then the earlier of a list."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        total = 0
        for source in sources:
            merged, size = self._read(source, path)
            total += size
            if not isinstance(merged.value, dict):
                self._report.fault(self._mark(source), path, "'<<' takes a mapping or a list of mappings, by alias")
            for name, child in merged.map.items():
                members.setdefault(name, child)
        return total

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
