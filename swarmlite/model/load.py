"""What tasks take of their nodes, kept up to date task by task, so that the scheduler never counts all of them.

A task takes cpu, memory and host ports from when a node is given it until it has ended, whatever is desired of it;
it is counted for spreading only while it should run.
"""

from collections.abc import Hashable, Mapping
from typing import TypeVar

from swarmlite.model.objects import Task
from swarmlite.model.spec import PortConfig, Reservations
from swarmlite.model.states import ORDER, TaskState

HostPort = tuple[str, int]
"""Protocol and number."""

Key = TypeVar("Key", bound=Hashable)

_FIRST_HELD = ORDER[TaskState.ASSIGNED]
_RUNNING = ORDER[TaskState.RUNNING]
_NOTHING = Reservations()
_NONE: Mapping[str, int] = {}


class NodeLoad:
    """`tasks`: those that should run; the rest: of all that have not ended. CPU in billionths, memory in bytes."""

    __slots__ = ("held", "memory_bytes", "nano_cpus", "ports", "tasks")

    def __init__(self) -> None:
        self.held = 0
        self.tasks = 0
        self.nano_cpus = 0
        self.memory_bytes = 0
        self.ports: dict[HostPort, int] = {}


IDLE = NodeLoad()
"""The load of a node without tasks. Never changed."""


class Loads:
    """All nodes' loads, and how many tasks of each service should run on each node."""

    def __init__(self) -> None:
        self._nodes: dict[str, NodeLoad] = {}
        self._active: dict[str, dict[str, int]] = {}

    def of_node(self, node_id: str) -> NodeLoad:
        return self._nodes.get(node_id, IDLE)

    def active(self, service_id: str) -> Mapping[str, int]:
        """Node id -> tasks of the service that should run there. Nodes without any are absent."""
        return self._active.get(service_id, _NONE)

    def replace(self, old: Task | None, new: Task | None) -> None:
        """Take what `old` took off and put on what `new` takes: either may be None."""
        held_before = old is not None and is_held(old)
        held_after = new is not None and is_held(new)
        if old is not None and new is not None and held_before and held_after and _takes_the_same(old, new):
            return
        if old is not None and held_before:
            self._add(old, -1)
        if new is not None and held_after:
            self._add(new, 1)

    def _add(self, task: Task, sign: int) -> None:
        node_id = task.node_id
        load = self._nodes.get(node_id)
        if load is None:
            load = self._nodes[node_id] = NodeLoad()
        load.held += sign
        wants = reservations(task)
        load.nano_cpus += sign * wants.nano_cpus
        load.memory_bytes += sign * wants.memory_bytes
        for port in host_ports(task.swarmlite.ports):
            _count(load.ports, port, sign)
        if _is_active(task):
            load.tasks += sign
            active = self._active.setdefault(task.service_id, {})
            _count(active, node_id, sign)
            if not active:
                del self._active[task.service_id]
        if not load.held:
            del self._nodes[node_id]


def is_held(task: Task) -> bool:
    """A node has been given it, and it has not ended."""
    return bool(task.node_id) and _FIRST_HELD <= ORDER[task.status.state] <= _RUNNING


def reservations(task: Task) -> Reservations:
    resources = task.spec.resources
    return _NOTHING if resources is None or resources.reservations is None else resources.reservations


def host_ports(ports: tuple[PortConfig, ...]) -> tuple[HostPort, ...]:
    """The ports whose numbers are asked for; the others are chosen by the engine and conflict with none."""
    return tuple((port.protocol, port.published_port) for port in ports if port.published_port) if ports else ()


def _is_active(task: Task) -> bool:
    return ORDER[task.desired_state] <= _RUNNING


def _takes_the_same(old: Task, new: Task) -> bool:
    return (
        old.node_id == new.node_id
        and old.service_id == new.service_id
        and old.spec is new.spec
        and old.swarmlite.ports is new.swarmlite.ports
        and _is_active(old) == _is_active(new)
    )


def _count(counts: dict[Key, int], key: Key, sign: int) -> None:
    left = counts.get(key, 0) + sign
    if left:
        counts[key] = left
    else:
        counts.pop(key, None)
