"""Why a node does not take a task: the filters again, cheap to dear, each *no* a sentence."""

from collections.abc import Callable, Iterator
from enum import Enum

import msgspec

from swarmlite.model.objects import Node, NodeState
from swarmlite.model.spec import Availability
from swarmlite.scheduler.constraints import fits_platform, unmet, why_unmet, written
from swarmlite.scheduler.demand import Demand
from swarmlite.scheduler.fleet import Fleet


class Kind(Enum):
    """In Swarm's own words, which tools and users know, and in its order."""

    NOT_OPEN = "not available for new tasks"
    CONSTRAINT = "scheduling constraints not satisfied"
    PLATFORM = "unsupported platform"
    RESOURCES = "insufficient resources"
    PORT = "host-mode port already in use"
    MAX_REPLICAS = "max replicas per node limit exceed"


class Refusal(msgspec.Struct, frozen=True):
    """`brief`: equal for nodes that refuse for the same reason. `text`: with this node's own figures."""

    kind: Kind
    brief: str
    text: str


def refusal(fleet: Fleet, rank: int, demand: Demand) -> Refusal | None:
    """The first reason why the node takes no such task, None where it takes one."""
    return next((no for check in _CHECKS for no in check(fleet, rank, demand)), None)


def _open(fleet: Fleet, rank: int, _: Demand) -> Iterator[Refusal]:
    reason = _why_closed(fleet.nodes[rank])
    if reason:
        yield Refusal(Kind.NOT_OPEN, reason, reason)


def _why_closed(node: Node) -> str:
    if node.status.state is NodeState.DOWN:
        return "down"
    if node.status.state is not NodeState.READY:
        return "not ready"
    if node.engine_error:
        return "its engine does not answer"
    return {Availability.PAUSE: "paused", Availability.DRAIN: "drained"}.get(node.spec.availability, "")


def _constraints(fleet: Fleet, rank: int, demand: Demand) -> Iterator[Refusal]:
    node = fleet.nodes[rank]
    wanted = unmet(node, demand.constraints)
    if wanted is not None:
        yield Refusal(Kind.CONSTRAINT, f"constraint {written(wanted)} not met", why_unmet(node, wanted))


def _platform(fleet: Fleet, rank: int, demand: Demand) -> Iterator[Refusal]:
    platform = fleet.nodes[rank].description.platform
    if not fits_platform(demand.platforms, platform.os, platform.architecture):
        wanted = " or ".join(f"{os or 'any'}/{arch or 'any'}" for os, arch in demand.platforms)
        text = f"needs platform {wanted}, is {platform.os}/{platform.architecture}"
        yield Refusal(Kind.PLATFORM, f"platform is not {wanted}", text)


def _resources(fleet: Fleet, rank: int, demand: Demand) -> Iterator[Refusal]:
    if demand.nano_cpus > 0 and fleet.free_cpus[rank] < demand.nano_cpus:
        text = f"needs {_cpus(demand.nano_cpus)}, {_number(fleet.free_cpus[rank] / 1e9)} free"
        yield Refusal(Kind.RESOURCES, "insufficient CPU", text)
    if demand.memory_bytes > 0 and fleet.free_memory[rank] < demand.memory_bytes:
        text = f"needs {_size(demand.memory_bytes)} of memory, {_size(fleet.free_memory[rank])} free"
        yield Refusal(Kind.RESOURCES, "insufficient memory", text)


def _ports(fleet: Fleet, rank: int, demand: Demand) -> Iterator[Refusal]:
    for port in demand.ports:
        if not fleet.has_port(rank, port):
            name = f"port {port[1]}/{port[0]}"
            yield Refusal(Kind.PORT, f"{name} taken", f"{name} is taken by another task")


def _replicas(fleet: Fleet, rank: int, demand: Demand) -> Iterator[Refusal]:
    held = fleet.counts(demand.service_id).get(rank, 0)
    if demand.max_replicas and held >= demand.max_replicas:
        text = f"has {held} of at most {demand.max_replicas} tasks of this service"
        yield Refusal(Kind.MAX_REPLICAS, f"at most {demand.max_replicas} tasks of this service, reached", text)


_CHECKS: tuple[Callable[[Fleet, int, Demand], Iterator[Refusal]], ...] = (
    _open,
    _constraints,
    _platform,
    _resources,
    _ports,
    _replicas,
)


def _cpus(nano: int) -> str:
    return "1 CPU" if nano == 10**9 else f"{_number(nano / 1e9)} CPUs"


def _size(size: int) -> str:
    amount = float(max(size, 0))
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{_number(amount)} {unit}"
        amount /= 1024
    return f"{_number(amount)} GiB"


def _number(amount: float) -> str:
    """At most two digits after the point, rounded down: what is free must not look like enough."""
    return f"{int(max(amount, 0.0) * 100 + 1e-6) / 100:g}"
