"""Placement constraints, and a node's values by their keys, which spread preferences share.

Surprises: an absent label is the empty text, as in Swarm; `amd64` and `x86_64` are one architecture.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address, ip_network

from swarmlite.errors import InvalidArgument
from swarmlite.model import constraint
from swarmlite.model.constraint import Constraint
from swarmlite.model.objects import Node

_NODE_LABEL = "node.labels."
_ENGINE_LABEL = "engine.labels."
_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv8l": "arm64",
    "armv7l": "arm",
    "i686": "386",
    "i386": "386",
}

_VALUES: dict[str, Callable[[Node], str]] = {
    "node.id": lambda node: node.id,
    "node.hostname": lambda node: node.description.hostname,
    "node.ip": lambda node: node.status.addr,
    "node.role": lambda node: node.spec.role.value,
    "node.platform.os": lambda node: node.description.platform.os,
    "node.platform.arch": lambda node: node.description.platform.architecture,
}


@lru_cache(maxsize=4096)
def parsed(constraints: tuple[str, ...]) -> tuple[Constraint, ...]:
    """Raises InvalidArgument where one cannot be read."""
    return tuple(constraint.parse(text) for text in constraints)


def refusal(node: Node, constraints: tuple[str, ...]) -> str | None:
    """Why the node does not meet the constraints; None where it meets them all."""
    try:
        wanted = unmet(node, parsed(constraints))
    except InvalidArgument as error:
        return error.message
    return None if wanted is None else why_unmet(node, wanted)


def unmet(node: Node, constraints: Iterable[Constraint]) -> Constraint | None:
    """The first constraint that the node does not meet."""
    return next((wanted for wanted in constraints if not meets(wanted, value(node, wanted.key))), None)


def why_unmet(node: Node, wanted: Constraint) -> str:
    name = wanted.key.removeprefix("node.").removeprefix("engine.").removeprefix("labels.")
    return f"constraint {written(wanted)}: {name} is {value(node, wanted.key) or 'not set'}"


def written(constraint: Constraint) -> str:
    return f"{constraint.key} {'==' if constraint.equal else '!='} {constraint.value}"


def value(node: Node, key: str) -> str:
    """The node's value for `key`; empty where it has none, or where the key is not known."""
    if key.startswith(_NODE_LABEL):
        return node.spec.labels.get(key[len(_NODE_LABEL) :], "")
    if key.startswith(_ENGINE_LABEL):
        return node.description.engine.labels.get(key[len(_ENGINE_LABEL) :], "")
    read = _VALUES.get(key)
    return "" if read is None else read(node)


def meets(constraint: Constraint, value: str) -> bool:
    return _is(constraint, value) is constraint.equal


def architecture(name: str) -> str:
    """The one name of an architecture that has several."""
    lower = name.lower()
    return _ARCHITECTURES.get(lower, lower)


def fits_platform(platforms: tuple[tuple[str, str], ...], os: str, arch: str) -> bool:
    """Whether an image made for `platforms` runs there; no platforms run anywhere."""
    return not platforms or any(
        (not wanted_os or wanted_os.lower() == os.lower())
        and (not wanted_arch or architecture(wanted_arch) == architecture(arch))
        for wanted_os, wanted_arch in platforms
    )


def _is(constraint: Constraint, value: str) -> bool:
    if constraint.key == "node.ip" and "/" in constraint.value:
        return _is_inside(value, constraint.value)
    if constraint.key == "node.platform.arch":
        return architecture(constraint.value) == architecture(value)
    return constraint.value.lower() == value.lower()


def _is_inside(address: str, subnet: str) -> bool:
    try:
        return ip_address(address) in ip_network(subnet, strict=False)
    except ValueError:
        return False
