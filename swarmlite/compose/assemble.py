"""From files to one tree: each file is read, filled in, completed by what it includes and extends, and merged.

Every step of a file follows compose's order, since each sees what the one before it left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from swarmlite.compose import dotenv, files, normal
from swarmlite.compose.check import check_forms
from swarmlite.compose.interpolate import interpolate
from swarmlite.compose.keytable import RULES
from swarmlite.compose.longform import lengthen
from swarmlite.compose.merge import members, merge, unique, warn_repeated
from swarmlite.compose.paths import Paths
from swarmlite.compose.read import documents
from swarmlite.compose.report import Report
from swarmlite.compose.schema import validate
from swarmlite.compose.tree import RESET, Mark, Node, Path, strip

_SECTIONS = ("services", "volumes", "networks", "secrets", "configs", "models")
_SERVICE = RULES.step("services").step("*")


@dataclass(frozen=True)
class Assembler:
    """`folder`: what relative paths stand against. `shown`: folder that messages name files from."""

    folder: str
    environment: Mapping[str, str]
    shown: str
    report: Report

    @property
    def paths(self) -> Paths:
        return Paths(self.folder, self.environment.get("HOME", ""))

    def assemble(self, names: Sequence[str], included: tuple[str, ...] = ()) -> Node:
        """One tree of all files, in long form, its paths absolute. `included`: the files that led here."""
        tree = Node({}, Mark(self._show(names[0]), 1, 1))
        for name in names:
            tree = self._file(name, tree, (*included, name))
        tree = normal.fill_in(tree)
        self.report.stop()
        check_forms(tree, self.report)
        return normal.take_from_shell(self.paths.all(tree), self.environment)

    def _file(self, name: str, tree: Node, included: tuple[str, ...]) -> Node:
        for document in self._documents(name):
            found = interpolate(document, self.environment.get, RULES, (), self.report)
            warn_repeated(found, RULES, (), self.report)
            found = self._include(found, included)
            found = self._extend(found, name)
            tree = unique(strip(members(tree, found, RULES, (), self.report)), RULES)
            validate(tree, self.report)
            if "version" in found.map:
                self.report.warn(found.map["version"], ("version",), "is not needed: all versions are read alike")
            tree = unique(lengthen(tree.without("version"), RULES, (), self.report), RULES)
        return tree

    def _documents(self, name: str) -> list[Node]:
        shown = self._show(name)
        try:
            text = files.read(name)
        except ValueError as error:
            self.report.fault(Mark(shown, 1, 1), (), f"the file {error}")
            return []
        found = documents(text, shown, self.report)
        for document in found:
            if not isinstance(document.value, dict):
                self.report.fault(document, (), "a compose file is a mapping that begins with services:, not this")
        return [document for document in found if isinstance(document.value, dict)]

    def _show(self, name: str) -> str:
        """A file as messages name it: from where the user stands, if it is below."""
        return name.removeprefix(self.shown.rstrip("/") + "/")

    # --- include ----------------------------------------------------------------------------------------------------

    def _include(self, document: Node, included: tuple[str, ...]) -> Node:
        told = document.map.get("include")
        if told is None:
            return document
        if not isinstance(told.value, list):
            self.report.fault(told, ("include",), "only a list of files is allowed here")
        for index, entry in enumerate(told.items):
            document = self._included(document, entry, ("include", index), included)
        return document.without("include")

    def _included(self, document: Node, entry: Node, path: Path, included: tuple[str, ...]) -> Node:
        names = [self.paths.join(str(name.value)) for name in _texts(entry.map.get("path", entry))]
        if not names:
            self.report.fault(entry, path, "says not which file; write a path")
            return document
        if names[0] in included:
            ring = " → ".join(self._show(name) for name in (*included, names[0]))
            self.report.fault(entry, path, f"files include each other: {ring}; remove one of the includes")
            return document
        missing = [name for name in names if not files.is_file(name)]
        for name in missing:
            self.report.fault(entry, path, f"the file {self._show(name)} does not exist")
        if missing:
            return document
        told = entry.map.get("project_directory")
        folder = (
            self.paths.join(str(told.value)) if told is not None and told.value else names[0].rpartition("/")[0] or "/"
        )
        other = replace(self, folder=folder, environment={**self._environment(entry, path, folder), **self.environment})
        tree = other.assemble(names, included)
        for section in _SECTIONS:
            if section in tree.map:
                document = self._import(document, section, tree.map[section])
        return document

    def _environment(self, entry: Node, path: Path, folder: str) -> dict[str, str]:
        """The variables of an include's own files."""
        told = entry.map.get("env_file")
        names = [self.paths.join(str(name.value)) for name in _texts(told)] if told is not None else []
        names = [name for name in names if name != "/dev/null"]
        if not names and told is None and files.is_file(f"{folder}/.env"):
            names = [f"{folder}/.env"]
        found: dict[str, str] = {}
        for name in names:
            try:
                dotenv.parse(files.read(name), self.environment.get, found)
            except ValueError as error:
                self.report.fault(told or entry, (*path, "env_file"), f"the file {self._show(name)}: {error}")
        return found

    def _import(self, document: Node, section: str, found: Node) -> Node:
        """What both have is merged; the including file wins."""
        mine = document.map.get(section, Node({}, found.mark, found.key))
        if not isinstance(mine.value, dict):
            return document
        merged = dict(mine.map)
        rule = RULES.step(section)
        for name, child in found.map.items():
            known = merged.get(name)
            path = (section, name)
            merged[name] = child if known is None else merge(child, known, rule.step(name), path, self.report)
        return document.set(**{section: mine.with_(merged)})

    # --- extends ----------------------------------------------------------------------------------------------------

    def _extend(self, document: Node, name: str) -> Node:
        services = document.map.get("services")
        if services is None or not isinstance(services.value, dict):
            return document
        extended = {service: self._extended(service, services.map, name, ()) for service in services.map}
        return document.set(services=services.with_({**extended}))

    def _extended(
        self, service: str, services: Mapping[str, Node], file: str, trail: tuple[tuple[str, str], ...]
    ) -> Node:
        """A service with what it extends under it. `trail`: the (file, service) pairs that led here."""
        node = services[service]
        told = node.map.get("extends")
        if told is None or told.tag == RESET:
            return node
        path = ("services", service, "extends")
        base_name, base_file = str(_text(told, "service")), _text(told, "file")
        if (file, service) in trail:
            ring = " → ".join(name for _, name in (*trail, (file, service)))
            self.report.fault(told, path, f"services extend each other: {ring}; remove one of the extends")
            return node.without("extends")
        other_file, others = file, services
        if base_file is not None:
            other_file = self.paths.join(base_file)
            others = self._services(other_file, told, path)
        if base_name not in others:
            if others or base_file is None:
                where = f" in {self._show(other_file)}"
                self.report.fault(told, path, f"the service '{base_name}' is not defined{where}")
            return node.without("extends")
        base = strip(self._extended(base_name, others, other_file, (*trail, (file, service))))
        if base.value is None:
            return node
        return merge(base, node, _SERVICE, ("services", service), self.report).without("extends")

    def _services(self, name: str, told: Node, path: Path) -> Mapping[str, Node]:
        """The services of another file, in long form, its paths absolute."""
        if not files.is_file(name):
            self.report.fault(told, path, f"the file {self._show(name)} does not exist")
            return {}
        tree = Node({}, told.mark)
        for document in self._documents(name):
            found = interpolate(document, self.environment.get, RULES, (), self.report)
            tree = unique(members(tree, found, RULES, (), self.report), RULES)
            tree = unique(lengthen(tree, RULES, (), self.report), RULES)
        services = Paths(name.rpartition("/")[0] or "/", self.environment.get("HOME", "")).all(tree).map.get("services")
        if services is None or not services.map:
            self.report.fault(told, path, f"the file {self._show(name)} has no services")
        return services.map if services is not None else {}


def _texts(node: Node) -> list[Node]:
    return [node] if isinstance(node.value, str) else [entry for entry in node.items if isinstance(entry.value, str)]


def _text(node: Node, name: str) -> str | None:
    """`name` of a long form; a short form is its service."""
    if not isinstance(node.value, dict):
        return str(node.value) if name == "service" else None
    child = node.map.get(name)
    return None if child is None or child.value is None else str(child.value)
