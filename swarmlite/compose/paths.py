"""Relative paths of a file made absolute, against the folder that its project stands in."""

import posixpath
from collections.abc import Callable
from dataclasses import replace

from swarmlite.compose import files
from swarmlite.compose.tree import Node

_REMOTE = ("https://", "http://", "git://", "ssh://", "github.com/", "git@", "service:")


RELATIVE = "relative"
"""The tag of a path on the host that was made absolute: it is one of this machine, and a task may run elsewhere."""


class Paths:
    """`folder`: absolute. `home`: what `~` stands for; empty where it is not known."""

    def __init__(self, folder: str, home: str) -> None:
        self._folder = folder
        self._home = home

    def join(self, path: str) -> str:
        """The absolute form of a path."""
        if path.startswith("~") and self._home:
            path = f"{self._home}/{path[1:]}"
        return "/" + posixpath.normpath(posixpath.join(self._folder, path)).lstrip("/")

    def all(self, root: Node) -> Node:
        """The tree with every path of it absolute."""
        root = _each(root, "services", self._service)
        root = _each(root, "volumes", self._volume)
        for objects in ("configs", "secrets"):
            root = _each(root, objects, lambda found: _member(found, "file", self._host_path))
        return root

    def _service(self, service: Node) -> Node:
        service = _member(service, "build", self._build)
        service = _member(service, "env_file", lambda found: _entries(found, lambda e: _member(e, "path", self._path)))
        service = _member(service, "label_file", lambda found: _entries(found, self._path))
        service = _member(service, "extends", lambda found: _member(found, "file", self._path))
        service = _member(service, "volumes", lambda found: _entries(found, self._mount))
        return _member(service, "develop", lambda found: _member(found, "watch", self._watches))

    def _build(self, build: Node) -> Node:
        build = _member(build, "context", self._context)
        build = _member(build, "additional_contexts", lambda found: _values(found, self._context))
        return _member(build, "ssh", lambda found: _values(found, self._host_path))

    def _watches(self, watches: Node) -> Node:
        def followed(path: Node) -> Node:
            path = self._path(path)
            return path.with_(files.real(path.value)) if isinstance(path.value, str) and path.value else path

        return _entries(watches, lambda watch: _member(watch, "path", followed))

    def _mount(self, mount: Node) -> Node:
        kind = mount.map.get("type")
        return _member(mount, "source", self._host_path) if kind is not None and kind.value == "bind" else mount

    def _volume(self, volume: Node) -> Node:
        """`o: bind` options of the local driver name a path, too."""
        driver, options = volume.map.get("driver"), volume.map.get("driver_opts")
        if driver is None or driver.value != "local" or options is None:
            return volume
        kind = options.map.get("o")
        if kind is None or kind.value != "bind":
            return volume
        return volume.set(driver_opts=_member(options, "device", self._host_path))

    def _path(self, node: Node) -> Node:
        return node.with_(self.join(node.value)) if isinstance(node.value, str) and node.value else node

    def _host_path(self, node: Node) -> Node:
        """As `_path`, but paths of other systems and absolute ones stay as they are written."""
        if not isinstance(node.value, str) or is_absolute(node.value):
            return node
        return replace(node, value=self.join(node.value), tag=RELATIVE)

    def _context(self, node: Node) -> Node:
        remote = isinstance(node.value, str) and ("://" in node.value or node.value.startswith(_REMOTE))
        return node if remote else self._path(node)


def is_absolute(path: str) -> bool:
    """For Linux or Windows."""
    return path.startswith(("/", "\\\\")) or (path[1:2] == ":" and path[2:3] in ("/", "\\"))


def _member(node: Node, name: str, change: Callable[[Node], Node]) -> Node:
    child = node.map.get(name)
    return node if child is None else node.with_({**node.map, name: change(child)})


def _entries(node: Node, change: Callable[[Node], Node]) -> Node:
    return node.with_([change(child) for child in node.value]) if isinstance(node.value, list) else node


def _values(node: Node, change: Callable[[Node], Node]) -> Node:
    return node.with_({k: change(v) for k, v in node.value.items()}) if isinstance(node.value, dict) else node


def _each(root: Node, section: str, change: Callable[[Node], Node]) -> Node:
    return _member(root, section, lambda found: _values(found, change))
