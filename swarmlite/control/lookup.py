"""References as users write them: a full id, an exact name, or the unique beginning of an id, in this order."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from swarmlite.errors import InvalidArgument, NotFound
from swarmlite.model.objects import Network, Node, Service, Task, Token
from swarmlite.model.view import View


class Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Named)


def service(view: View, ref: str) -> Service:
    return _find("service", ref, view.services, view.service_named(ref))


def network(view: View, ref: str) -> Network:
    present = {id: item for id, item in view.networks.items() if not item.swarmlite.pending_delete}
    return _find("network", ref, present, view.network_named(ref))


def node(view: View, ref: str) -> Node:
    named = [item for item in view.nodes.values() if item.name == ref]
    if len(named) > 1:
        raise InvalidArgument(f"node {ref} is ambiguous ({len(named)} nodes have this name); give an id")
    return _find("node", ref, view.nodes, named[0] if named else None)


def task(view: View, ref: str) -> Task:
    named = next((item for item in view.tasks.values() if item.name == ref), None)
    return _find("task", ref, view.tasks, named)


def token(view: View, ref: str) -> Token:
    return _find("token", ref, view.tokens, None)


def _find(kind: str, ref: str, table: Mapping[str, T], named: T | None) -> T:
    exact = table.get(ref) or named
    if exact is not None:
        return exact
    matches = [item for id, item in table.items() if ref and id.startswith(ref)]
    if len(matches) > 1:
        raise InvalidArgument(f"{kind} {ref} is ambiguous ({len(matches)} found): give more of the id")
    if not matches:
        raise NotFound(f"{kind} {ref} not found")
    return matches[0]
